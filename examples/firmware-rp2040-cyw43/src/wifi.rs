//! Joins the Wi-Fi network at the start, and again whenever the connection is lost.

use cyw43::{Control, JoinOptions, PowerManagementMode};
use embassy_net::Stack;
use embassy_time::{Duration, Timer, with_timeout};
use log::{info, warn};

use crate::board;

/// The name of the network. Like the password, it is never logged.
const NAME: &str = env!(
    "WIFI_NAME",
    "set WIFI_NAME to the name of the Wi-Fi network, and WIFI_PASSWORD to its password (empty if it has none)"
);
/// The password of the network. Anyone who can read the firmware can read the password.
const PASSWORD: &str = env!(
    "WIFI_PASSWORD",
    "set WIFI_PASSWORD to the password of the Wi-Fi network, or to nothing if it has none"
);
/// The maximum number of bytes in the name of a network.
const MAX_NAME: usize = 32;
/// The minimum and the maximum number of bytes in the password of a network.
const PASSWORD_BYTES: (usize, usize) = (8, 63);
/// The time limit for one attempt to join. The driver has no time limit of its own.
const JOIN_TIMEOUT: Duration = Duration::from_secs(20);
/// The maximum time from a join until the link is reported.
const LINK_TIMEOUT: Duration = Duration::from_secs(5);
/// The first and the maximum wait before the next attempt. The wait doubles with each failed attempt.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

// The driver panics if the name or the password is too long.
const _: () = {
    assert!(!NAME.is_empty() && NAME.len() <= MAX_NAME, "WIFI_NAME must have 1 to 32 bytes");
    let (min, max) = PASSWORD_BYTES;
    assert!(
        PASSWORD.is_empty() || (PASSWORD.len() >= min && PASSWORD.len() <= max),
        "WIFI_PASSWORD must have 8 to 63 bytes, or none for an open network"
    );
};

/// The control of the radio, and the network that it joins.
pub(crate) struct Wifi {
    control: Control<'static>,
    name: &'static str,
    options: JoinOptions<'static>,
}

impl Wifi {
    pub(crate) fn from_environment(control: Control<'static>) -> Self {
        let options = match PASSWORD {
            "" => JoinOptions::new_open(),
            password => JoinOptions::new(password.as_bytes()),
        };
        Self { control, name: NAME, options }
    }

    /// Joins the network, waits until the connection is lost, and joins again.
    pub(crate) async fn stay_joined(mut self, stack: Stack<'static>) -> ! {
        board::prepare(&mut self.control).await;
        // Power saving would delay each response by up to 200 ms, and the board has mains power.
        self.control.set_power_management(PowerManagementMode::Performance).await;
        loop {
            self.join().await;
            // The driver reports the link's state to embassy-net, which then requests a new address. The link may already be lost again.
            if with_timeout(LINK_TIMEOUT, stack.wait_link_up()).await.is_ok() {
                info!("joined the Wi-Fi network");
                stack.wait_link_down().await;
            }
            warn!("the Wi-Fi network is lost");
        }
    }

    /// Tries until the network is joined.
    async fn join(&mut self) {
        let (mut wait, longest) = RETRY;
        loop {
            match with_timeout(JOIN_TIMEOUT, self.control.join(self.name, self.options.clone())).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => warn!("the Wi-Fi network was not joined: {error:?}"),
                Err(_) => warn!("the Wi-Fi network was not joined within {} s", JOIN_TIMEOUT.as_secs()),
            }
            self.control.leave().await;
            Timer::after(wait).await;
            wait = longest.min(wait + wait);
        }
    }
}

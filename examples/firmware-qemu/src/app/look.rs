//! Other calls than those that the messenger makes.

use core::time::Duration;

use embassy_time::Timer;
use log::{info, warn};
use sms_gateway_embassy::{
    Error, Ussd, UssdWait,
    core::{
        Port,
        call::{GetPortInfo, InfoSet},
    },
    net::TcpError,
};

use super::{Client, Failure};

/// How long a USSD reply is waited for.
const WAIT: UssdWait = UssdWait { interval: Duration::from_secs(1), limit: Duration::from_secs(10) };
/// How often something is asked at most, and the pause before it is asked again.
const TRIES: u32 = 20;
const PAUSE: embassy_time::Duration = embassy_time::Duration::from_millis(500);

/// What the ports are.
pub(super) async fn at_ports(gateway: &mut Client<'_>) -> Result<(), Failure> {
    persist(gateway, "the ports", async |gateway| {
        let mut ports = gateway.get_port_info(&GetPortInfo::new(InfoSet::DOCUMENTED)?).await?;
        let (mut registered, mut count) = (0, 0);
        while let Some(port) = ports.next().await? {
            registered += u32::from(port.is_registered());
            count += 1;
        }
        info!("ports: {count}, registered: {registered}");
        Ok(true)
    })
    .await
}

/// What is left on the first port's account.
pub(super) async fn at_balance(gateway: &mut Client<'_>) -> Result<(), Failure> {
    persist(gateway, "the balance", async |gateway| {
        let mut reply = [0; 256];
        match gateway.ussd(Port::new(0)?, "*125#", WAIT, &mut reply).await? {
            // That it is unchanged is no wonder when it was asked for before a reset.
            Ussd::Reply(text) | Ussd::Unchanged(text) => {
                info!("USSD: {text}");
                Ok(true)
            }
            // Busy, for example, with the same code whose answer was lost.
            other => {
                warn!("no USSD reply: {other:?}");
                Ok(false)
            }
        }
    })
    .await
}

/// Asks again where that may help: what is asked here may be asked twice. `ask` tells whether it has got what it wanted.
async fn persist(
    gateway: &mut Client<'_>,
    what: &str,
    ask: impl AsyncFn(&mut Client<'_>) -> Result<bool, Error<TcpError>>,
) -> Result<(), Failure> {
    for _ in 0..TRIES {
        match ask(gateway).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) if error.may_pass() => warn!("{error}"),
            Err(error) => return Err(error.into()),
        }
        Timer::after(PAUSE).await;
    }
    warn!("missing: {what}");
    Err(Failure::Missing)
}

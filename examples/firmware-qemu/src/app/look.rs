//! Calls that the messenger does not make by itself.

use core::time::Duration;

use embassy_time::Timer;
use log::{info, warn};
use sms_gateway_embassy::{
    Error, Ussd, UssdWait,
    core::{
        Port,
        call::{GetPortInfo, Info, InfoSet},
    },
    net::TcpError,
};

use super::{Client, Failure};

/// The limits of the wait for a USSD reply.
const WAIT: UssdWait = UssdWait { interval: Duration::from_secs(1), limit: Duration::from_secs(10) };
/// Maximum number of attempts, and the pause between them.
const TRIES: u32 = 20;
const PAUSE: embassy_time::Duration = embassy_time::Duration::from_millis(500);

/// Logs the state of the ports.
pub(super) async fn at_ports(gateway: &mut Client<'_>) -> Result<(), Failure> {
    repeat(gateway, "the ports", async |gateway| {
        let mut ports =
            gateway.get_port_info(&GetPortInfo::new(InfoSet::DOCUMENTED.without(Info::Smsc))?).await?;
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

/// Logs the balance of the first port's account.
pub(super) async fn at_balance(gateway: &mut Client<'_>) -> Result<(), Failure> {
    repeat(gateway, "the balance", async |gateway| {
        let mut reply = [0; 256];
        match gateway.ussd(Port::new(0)?, "*125#", WAIT, &mut reply).await? {
            // A reply may be unchanged because the code was already sent before a reset.
            Ussd::Reply(text) | Ussd::Unchanged(text) => {
                info!("USSD: {text}");
                Ok(true)
            }
            // The port may still be busy with the same code, if an earlier response was lost.
            other => {
                warn!("no USSD reply: {other:?}");
                Ok(false)
            }
        }
    })
    .await
}

/// Makes a call at most [`TRIES`] times, until `ask` returns true or a permanent error. The call must be safe to repeat.
async fn repeat(
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

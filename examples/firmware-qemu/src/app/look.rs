//! Other calls than those that the messenger makes.

use embassy_time::Duration;
use log::{info, warn};
use sms_gateway_embassy::{
    Error, Ussd, UssdWait,
    core::{
        Port,
        call::{GetPortInfo, Infos},
    },
    net::TcpError,
};

use super::Client;

/// How long a USSD reply is waited for.
const WAIT: UssdWait = UssdWait { interval: Duration::from_secs(1), limit: Duration::from_secs(10) };
/// How often a question is asked at most whose answers get lost.
const TRIES: u32 = 10;

/// What the ports are.
pub(super) async fn at_ports(gateway: &mut Client<'_>) -> Result<(), Error<TcpError>> {
    persist(gateway, async |gateway| {
        let mut ports = gateway.get_port_info(&GetPortInfo::new(Infos::DOCUMENTED)?).await?;
        let (mut registered, mut count) = (0, 0);
        while let Some(port) = ports.next().await? {
            registered += u32::from(port.is_registered());
            count += 1;
        }
        info!("ports: {count}, registered: {registered}");
        Ok(())
    })
    .await
}

/// What is left on the first port's account.
pub(super) async fn at_balance(gateway: &mut Client<'_>) -> Result<(), Error<TcpError>> {
    persist(gateway, async |gateway| {
        let mut reply = [0; 256];
        match gateway.ussd(Port::new(0)?, "*125#", WAIT, &mut reply).await? {
            // That it is unchanged is no wonder when it was asked for before a reset.
            Ussd::Reply(text) | Ussd::Unchanged(text) => info!("USSD: {text}"),
            other => warn!("no USSD reply: {other:?}"),
        }
        Ok(())
    })
    .await
}

/// Asks again where the answer may come the next time: what is asked here may be asked twice.
async fn persist(
    gateway: &mut Client<'_>,
    ask: impl AsyncFn(&mut Client<'_>) -> Result<(), Error<TcpError>>,
) -> Result<(), Error<TcpError>> {
    for _ in 1..TRIES {
        match ask(gateway).await {
            Err(error) if error.may_pass() => warn!("{error}"),
            outcome => return outcome,
        }
    }
    ask(gateway).await
}

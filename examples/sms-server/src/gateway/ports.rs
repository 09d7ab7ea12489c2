//! The ports of a gateway, as it shows them.

use sms_gateway::{
    Error, Failure, Gateway,
    core::call::{GetPortInfo, Info, InfoSet, PortInfo, Refusal},
};

/// The maximum signal strength.
const MAX_SIGNAL: u32 = 31;

/// A port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its number.
    pub number: u8,
    /// Whether its SIM card is registered in a network.
    pub is_registered: bool,
    /// The ICCID of its SIM card.
    pub iccid: Option<String>,
    /// The signal strength, 0 to 31; `None` if it is not known, or there is no network.
    pub signal: Option<u8>,
}

/// Queries the ports. Only later versions of the API know the signal strength, and some earlier ones refuse a query for it.
#[derive(Default)]
pub(super) struct Query {
    refuses_signal: bool,
}

impl Query {
    pub(super) async fn ports(&mut self, gateway: &Gateway) -> Result<Vec<Port>, Error> {
        let kinds = InfoSet::NONE.with(Info::Registration).with(Info::Iccid);
        if !self.refuses_signal {
            match query(gateway, kinds.with(Info::Signal)).await {
                Err(error) if is_refused(&error) => self.refuses_signal = true,
                outcome => return outcome,
            }
        }
        query(gateway, kinds).await
    }
}

/// Whether the gateway does not know a requested kind of information.
const fn is_refused(error: &Error) -> bool {
    matches!(
        error.failure,
        Failure::Refused(Refusal { code: Some(400), .. }) | Failure::Http { status: 400, request_sent: true }
    )
}

async fn query(gateway: &Gateway, kinds: InfoSet) -> Result<Vec<Port>, Error> {
    let mut response = gateway.get_port_info(&GetPortInfo::new(kinds)?).await?;
    let mut ports = Vec::new();
    while let Some(info) = response.next().await? {
        ports.extend(port(&info));
    }
    Ok(ports)
}

fn port(info: &PortInfo<'_>) -> Option<Port> {
    let signal = info.signal.get().filter(|signal| *signal <= MAX_SIGNAL);
    Some(Port {
        number: u8::try_from(info.port.get()?).ok()?,
        is_registered: info.is_registered(),
        iccid: Some(info.iccid.as_str()).filter(|iccid| !iccid.is_empty()).map(str::to_owned),
        signal: signal.and_then(|signal| u8::try_from(signal).ok()),
    })
}

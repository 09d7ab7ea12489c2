//! The ports of a gateway, as it shows them.

use sms_gateway::{
    Error, Gateway,
    core::call::{GetPortInfo, Info, InfoSet},
};

/// A port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its number.
    pub number: u8,
    /// Whether its SIM card is registered in a network.
    pub is_registered: bool,
    /// The ICCID of its SIM card.
    pub iccid: Option<String>,
}

/// Queries the ports.
pub(super) async fn query(gateway: &Gateway) -> Result<Vec<Port>, Error> {
    // Only later versions of the API know the signal strength, and earlier ones refuse a query for it.
    let kinds = InfoSet::NONE.with(Info::Registration).with(Info::Iccid);
    let request = GetPortInfo::new(kinds)?;
    let mut response = gateway.get_port_info(&request).await?;
    let mut ports = Vec::new();
    while let Some(info) = response.next().await? {
        let Some(number) = info.port.get().and_then(|port| u8::try_from(port).ok()) else { continue };
        ports.push(Port {
            number,
            is_registered: info.is_registered(),
            iccid: Some(info.iccid.as_str()).filter(|iccid| !iccid.is_empty()).map(str::to_owned),
        });
    }
    Ok(ports)
}

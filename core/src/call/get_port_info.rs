//! get_port_info: what the ports are and hold (document §10).

use super::{
    Call, Method, Query, Refusal,
    macros::{answer, words},
};
use crate::{
    Invalid, Ports,
    json::{Field, Schema, Text, Values, key},
};

words! {
    /// A kind of information about a port (`info_type`).
    pub enum Info {
        /// What network it is for.
        Type = "type",
        /// Its IMEI.
        Imei = "imei",
        /// The IMSI of its SIM card.
        Imsi = "imsi",
        /// The ICCID of its SIM card.
        Iccid = "iccid",
        /// The SMSC's number; in the document's example only.
        Smsc = "smsc",
        /// The MSISDN of its SIM card.
        Number = "number",
        /// Whether it is registered.
        Registration = "reg",
        /// Which of the port's SIM slots is in use (later versions).
        Slot = "slot",
        /// Its call state (later versions).
        CallState = "callstate",
        /// Its signal strength (later versions).
        Signal = "signal",
        /// Its state of packet data (later versions).
        Gprs = "gprs",
    }
}

impl Info {
    /// All kinds, in the order in which they are written.
    pub const ALL: [Self; 11] = [
        Self::Type,
        Self::Imei,
        Self::Imsi,
        Self::Iccid,
        Self::Smsc,
        Self::Number,
        Self::Registration,
        Self::Slot,
        Self::CallState,
        Self::Signal,
        Self::Gprs,
    ];

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of kinds of port information.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct InfoSet(u16);

impl InfoSet {
    /// None.
    pub const NONE: Self = Self(0);
    /// Those that the document's version 0.4 lists, and the smsc of its example.
    pub const DOCUMENTED: Self = Self::NONE
        .with(Info::Type)
        .with(Info::Imei)
        .with(Info::Imsi)
        .with(Info::Iccid)
        .with(Info::Smsc)
        .with(Info::Number)
        .with(Info::Registration);

    /// The set with `info` added.
    #[must_use]
    pub const fn with(self, info: Info) -> Self {
        Self(self.0 | info.bit())
    }

    /// Whether `info` is in the set.
    pub const fn contains(self, info: Info) -> bool {
        self.0 & info.bit() != 0
    }

    fn words(self) -> impl Iterator<Item = &'static str> {
        Info::ALL.into_iter().filter(move |info| self.contains(*info)).map(Info::as_str)
    }
}

/// As the array of its words.
impl serde::Serialize for InfoSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.words())
    }
}

impl FromIterator<Info> for InfoSet {
    fn from_iter<I: IntoIterator<Item = Info>>(infos: I) -> Self {
        infos.into_iter().fold(Self::NONE, Self::with)
    }
}

/// Asks what ports are and hold.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct GetPortInfo {
    #[serde(rename = "port", skip_serializing_if = "Ports::is_empty")]
    ports: Ports,
    #[serde(rename = "info_type")]
    infos: InfoSet,
}

impl GetPortInfo {
    /// Asks for `infos` of all ports.
    ///
    /// # Errors
    /// [`Invalid::NoInfo`].
    pub fn new(infos: InfoSet) -> Result<Self, Invalid> {
        if infos == InfoSet::NONE { Err(Invalid::NoInfo) } else { Ok(Self { ports: Ports::NONE, infos }) }
    }

    /// Only of these ports.
    #[must_use]
    pub const fn ports(self, ports: Ports) -> Self {
        Self { ports, ..self }
    }
}

impl Call for GetPortInfo {
    const NAME: &'static str = "get_port_info";
    const METHOD: Method = Method::Get;
    const SUCCESS: u32 = 200;
    const MEANINGS: &'static [(u32, &'static str)] =
        &[(200, "processed"), (400, "the request's format is not valid"), (500, "other error")];

    type Record<'a> = PortInfo<'a>;
    type Summary<'a> = PortInfoSummary<'a>;

    const SCHEMA: &'static Schema =
        &Schema { head: PortInfoSummary::KEYS, list: Some(key!("info")), record: PortInfo::KEYS };

    fn record(values: Values<'_>) -> Option<PortInfo<'_>> {
        Some(PortInfo::fill(values))
    }

    fn summary(values: Values<'_>) -> PortInfoSummary<'_> {
        PortInfoSummary::fill(values)
    }

    fn check(summary: &PortInfoSummary<'_>) -> Result<(), Refusal> {
        summary.check()
    }

    fn write_query(&self, query: &mut Query<'_, '_>) {
        query.ports(self.ports);
        query.words("info_type", self.infos.words());
    }
}

words! {
    /// The kind of network that a port is for (document §10.3).
    pub enum PortType {
        /// GSM.
        Gsm = "GSM",
        /// CDMA.
        Cdma = "CDMA",
        /// WCDMA.
        Wcdma = "WCDMA",
        /// LTE (later versions).
        Lte = "LTE",
        /// Not recognised.
        Unknown = "UNKNOWN",
    }
}

words! {
    /// How a port stands with its network (document §10.3).
    pub enum Registration {
        /// It is switched off.
        PowerOff = "POWER_OFF",
        /// It has no SIM card.
        NoSim = "NO_SIM",
        /// The SIM card wants its PIN.
        PinRequire = "PIN_REQUIRE",
        /// The SIM card wants its PUK.
        PukRequire = "PUK_REQUIRE",
        /// It is not registered.
        Unregister = "UNREGISTER",
        /// It is looking for a network.
        SearchingNetwork = "SEARCHING_NETWORK",
        /// It is registered.
        RegisterOk = "REGISTER_OK",
        /// The gateway does not know.
        Unknown = "UNKNOWN",
    }
}

answer! {
    record:
    /// What a port is and holds: what was asked for, where the gateway tells it (document §10.3).
    pub struct PortInfo<'a> {
        /// The port.
        pub port: Field<'a, u32> = "port",
        /// What network it is for.
        pub kind: Field<'a, PortType> = "type",
        /// Its IMEI.
        pub imei: Text<'a> = "imei",
        /// The IMSI of its SIM card.
        pub imsi: Text<'a> = "imsi",
        /// The ICCID of its SIM card.
        pub iccid: Text<'a> = "iccid",
        /// The SMSC's number.
        pub smsc: Text<'a> = "smsc",
        /// The MSISDN of its SIM card.
        pub number: Text<'a> = "number",
        /// How it stands with its network.
        pub reg: Field<'a, Registration> = "reg",
        /// The SIM slot in use, 0 to 3; 255: none (later versions).
        pub slot: Field<'a, u32> = "slot",
        /// Its call state (later versions).
        pub callstate: Text<'a> = "callstate",
        /// Its signal strength, 0 to 31 (later versions).
        pub signal: Field<'a, u32> = "signal",
        /// Its state of packet data (later versions).
        pub gprs: Text<'a> = "gprs",
    }
}

impl PortInfo<'_> {
    /// Whether the port is registered, also where the gateway spells that otherwise than the document.
    pub fn is_registered(&self) -> bool {
        match self.reg {
            Field::Known(reg) => reg == Registration::RegisterOk,
            Field::Other(text) => {
                let word = text.as_str();
                word.eq_ignore_ascii_case("registered") || word.eq_ignore_ascii_case("mobile registered")
            }
            Field::Missing => false,
        }
    }
}

answer! {
    head:
    /// What get_port_info answers beside the ports.
    pub struct PortInfoSummary<'a> {
        /// 200 when the request was processed.
        pub error_code: Field<'a, u32> = "error_code",
        /// The gateway's serial number (documents from version 1.0).
        pub sn: Text<'a> = "sn",
    }
}

impl PortInfoSummary<'_> {
    /// Whether the gateway processed the request.
    ///
    /// # Errors
    /// [`Refusal`] with any error_code but 200.
    pub fn check(&self) -> Result<(), Refusal> {
        Refusal::judge(<GetPortInfo as Call>::SPEC, self.error_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{
        CommaEncoding, MAX_TARGET_BYTES,
        tests::{known, printed, target_is},
    };

    #[test]
    fn at_least_one_kind() {
        assert_eq!(GetPortInfo::new(InfoSet::NONE).err(), Some(Invalid::NoInfo));
        assert!(GetPortInfo::new(InfoSet::NONE.with(Info::Registration)).is_ok());
    }

    #[test]
    fn the_longest_target() {
        let request = GetPortInfo::new(Info::ALL.into_iter().collect()).unwrap().ports(Ports::ALL);
        let mut target = [0; MAX_TARGET_BYTES];
        assert_eq!(request.target(CommaEncoding::Encoded, &mut target).map(str::len), Ok(MAX_TARGET_BYTES));
    }

    #[test]
    fn registered_however_it_is_spelt() {
        let registered = |reg| PortInfo { reg, ..PortInfo::default() }.is_registered();
        assert!(registered(Field::Known(Registration::RegisterOk)));
        assert!(registered(Field::Other(Text::Exact("REGISTERED"))));
        assert!(registered(Field::Other(Text::Exact("Mobile Registered"))));
        assert!(!registered(Field::Known(Registration::Unregister)));
        assert!(!registered(Field::Other(Text::Exact("Not Registered"))));
        assert!(!registered(Field::Missing));
    }

    /// As printed in the document, line breaks of the page aside.
    const PRINTED: &str = r#"{"error_code":200, "info":[{"port":1, "type":"WCDMA","imei":"863070017005173","imsi":"","iccid":"","smsc":"","number":"","reg":"NO_SIM",},{"port":2, "type":"GSM","imei":"358967042917201","imsi":"460016529802215","iccid":"89860114840400428150","smsc":"+8613010868500","number":"","reg":"REGISTER_OK",},{"port":3, "type":"GSM","imei":"358967042917201","imsi":"","iccid":"","smsc":"","number":"","reg":"NO_SIM",}]}"#;

    #[test]
    fn the_printed_answer_cut_anywhere() {
        let expected = [
            (1, PortType::Wcdma, "863070017005173", "", "", "", Registration::NoSim),
            (
                2,
                PortType::Gsm,
                "358967042917201",
                "460016529802215",
                "89860114840400428150",
                "+8613010868500",
                Registration::RegisterOk,
            ),
            (3, PortType::Gsm, "358967042917201", "", "", "", Registration::NoSim),
        ]
        .map(|(port, kind, imei, imsi, iccid, smsc, reg)| PortInfo {
            port: known(port),
            kind: known(kind),
            imei: Text::Exact(imei),
            imsi: Text::Exact(imsi),
            iccid: Text::Exact(iccid),
            smsc: Text::Exact(smsc),
            number: Text::Exact(""),
            reg: known(reg),
            ..PortInfo::default()
        });
        let summary = PortInfoSummary { error_code: known(200), sn: Text::Missing };
        printed::<GetPortInfo>(PRINTED, &expected, &summary);
        assert_eq!(summary.check(), Ok(()));
    }

    #[test]
    fn the_printed_request() {
        let request = GetPortInfo::new(InfoSet::DOCUMENTED).unwrap().ports("1,2,3".parse().unwrap());
        // The kinds stand in an order of our own; it means nothing.
        target_is(&request, "/api/get_port_info?port=1,2,3&info_type=type,imei,imsi,iccid,smsc,number,reg");
    }
}

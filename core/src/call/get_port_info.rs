//! get_port_info: the state of ports and their SIM cards (document §10).

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
        /// The port's network type.
        Type = "type",
        /// The port's IMEI.
        Imei = "imei",
        /// The IMSI of the port's SIM card.
        Imsi = "imsi",
        /// The ICCID of the port's SIM card.
        Iccid = "iccid",
        /// The SMSC's number. The word `smsc` appears only in the document's example. Some gateways refuse a request with it.
        Smsc = "smsc",
        /// The MSISDN of the port's SIM card.
        Number = "number",
        /// The state of registration with the network.
        Registration = "reg",
        /// The SIM slot in use (later versions).
        Slot = "slot",
        /// The call state (later versions).
        CallState = "callstate",
        /// The signal strength (later versions).
        Signal = "signal",
        /// The packet data state (later versions).
        Gprs = "gprs",
    }
}

impl Info {
    /// All kinds, in the order in which a request lists them.
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
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// The kinds that version 0.4 of the document lists, and `smsc` from its example. A gateway that does not know one of the
    /// kinds refuses the whole request with code 400. Some gateways do not know `smsc`: ask again [without](Self::without)
    /// `smsc`.
    pub const DOCUMENTED: Self = Self::NONE
        .with(Info::Type)
        .with(Info::Imei)
        .with(Info::Imsi)
        .with(Info::Iccid)
        .with(Info::Smsc)
        .with(Info::Number)
        .with(Info::Registration);

    /// Adds `info` to the set.
    #[must_use]
    pub const fn with(self, info: Info) -> Self {
        Self(self.0 | info.bit())
    }

    /// Removes `info` from the set.
    #[must_use]
    pub const fn without(self, info: Info) -> Self {
        Self(self.0 & !info.bit())
    }

    /// Returns whether `info` is in the set.
    pub const fn contains(self, info: Info) -> bool {
        self.0 & info.bit() != 0
    }

    fn words(self) -> impl Iterator<Item = &'static str> {
        Info::ALL.into_iter().filter(move |info| self.contains(*info)).map(Info::as_str)
    }
}

/// Serializes as an array of the kinds' words.
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

/// A request for the state of ports.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct GetPortInfo {
    #[serde(rename = "port", skip_serializing_if = "Ports::is_empty")]
    ports: Ports,
    #[serde(rename = "info_type")]
    infos: InfoSet,
}

impl GetPortInfo {
    /// Creates a request for `infos` of all ports.
    ///
    /// # Errors
    /// [`Invalid::NoInfo`] if the set is empty.
    pub fn new(infos: InfoSet) -> Result<Self, Invalid> {
        if infos == InfoSet::NONE { Err(Invalid::NoInfo) } else { Ok(Self { ports: Ports::NONE, infos }) }
    }

    /// Restricts the request to these ports.
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
    /// The type of a port's network (document §10.3).
    pub enum PortType {
        /// GSM.
        Gsm = "GSM",
        /// CDMA.
        Cdma = "CDMA",
        /// WCDMA.
        Wcdma = "WCDMA",
        /// LTE (later versions).
        Lte = "LTE",
        /// The gateway does not recognise the type.
        Unknown = "UNKNOWN",
    }
}

words! {
    /// The state of a port's registration with its network (document §10.3).
    pub enum Registration {
        /// The port is switched off.
        PowerOff = "POWER_OFF",
        /// The port has no SIM card.
        NoSim = "NO_SIM",
        /// The SIM card needs its PIN.
        PinRequire = "PIN_REQUIRE",
        /// The SIM card needs its PUK.
        PukRequire = "PUK_REQUIRE",
        /// The port is not registered.
        Unregister = "UNREGISTER",
        /// The port is searching for a network.
        SearchingNetwork = "SEARCHING_NETWORK",
        /// The port is registered.
        RegisterOk = "REGISTER_OK",
        /// The gateway does not know the state.
        Unknown = "UNKNOWN",
    }
}

answer! {
    record:
    /// The state of a port (document §10.3). It contains those of the requested kinds that the gateway returned.
    pub struct PortInfo<'a> {
        /// The port.
        pub port: Field<'a, u32> = "port",
        /// The network type.
        pub kind: Field<'a, PortType> = "type",
        /// The port's IMEI.
        pub imei: Text<'a> = "imei",
        /// The IMSI of the port's SIM card.
        pub imsi: Text<'a> = "imsi",
        /// The ICCID of the port's SIM card.
        pub iccid: Text<'a> = "iccid",
        /// The SMSC's number.
        pub smsc: Text<'a> = "smsc",
        /// The MSISDN of the port's SIM card.
        pub number: Text<'a> = "number",
        /// The state of registration.
        pub reg: Field<'a, Registration> = "reg",
        /// The SIM slot in use, 0 to 3 if the port has several slots, otherwise [`PortInfo::ONE_SIM`] (later versions).
        pub slot: Field<'a, u32> = "slot",
        /// The call state (later versions).
        pub callstate: Text<'a> = "callstate",
        /// The signal strength, 0 to 31, or [`PortInfo::NO_NETWORK`] (later versions).
        pub signal: Field<'a, u32> = "signal",
        /// The packet data state (later versions).
        pub gprs: Text<'a> = "gprs",
    }
}

impl PortInfo<'_> {
    /// The value of [`slot`](Self::slot) for a port that holds only one SIM card.
    pub const ONE_SIM: u32 = 255;
    /// The value of [`signal`](Self::signal) for a port without a network. Records serialize this number unchanged, as in the API.
    pub const NO_NETWORK: u32 = 99;

    /// Returns whether the gateway reports that the port holds only one SIM card.
    pub fn has_one_sim(&self) -> bool {
        self.slot == Field::Known(Self::ONE_SIM)
    }

    /// Returns whether the gateway reports that the port has no network.
    pub fn has_no_network(&self) -> bool {
        self.signal == Field::Known(Self::NO_NETWORK)
    }

    /// Returns whether the port is registered. Also recognises `REGISTERED` and `Mobile Registered`, which some gateways write.
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
    /// The values of a get_port_info response outside its array of ports.
    pub struct PortInfoSummary<'a> {
        /// 200 if the request was processed.
        pub error_code: Field<'a, u32> = "error_code",
        /// The gateway's serial number (documents from version 1.0).
        pub sn: Text<'a> = "sn",
    }
}

impl PortInfoSummary<'_> {
    /// Checks that the gateway processed the request.
    ///
    /// # Errors
    /// [`Refusal`] with any error_code except 200.
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
    fn empty_set_of_kinds_is_rejected() {
        assert_eq!(GetPortInfo::new(InfoSet::NONE).err(), Some(Invalid::NoInfo));
        assert!(GetPortInfo::new(InfoSet::NONE.with(Info::Registration)).is_ok());
    }

    #[test]
    fn longest_target_fits_max_target_bytes() {
        let request = GetPortInfo::new(Info::ALL.into_iter().collect()).unwrap().ports(Ports::ALL);
        let mut target = [0; MAX_TARGET_BYTES];
        assert_eq!(request.target(CommaEncoding::Encoded, &mut target).map(str::len), Ok(MAX_TARGET_BYTES));
    }

    #[test]
    fn registered_ports_are_recognised_in_every_spelling() {
        let registered = |reg| PortInfo { reg, ..PortInfo::default() }.is_registered();
        assert!(registered(Field::Known(Registration::RegisterOk)));
        assert!(registered(Field::Other(Text::Exact("REGISTERED"))));
        assert!(registered(Field::Other(Text::Exact("Mobile Registered"))));
        assert!(!registered(Field::Known(Registration::Unregister)));
        assert!(!registered(Field::Other(Text::Exact("Not Registered"))));
        assert!(!registered(Field::Missing));
    }

    #[test]
    fn one_sim_and_no_network_are_recognised_by_their_numbers() {
        let port = |slot, signal| PortInfo { slot, signal, ..PortInfo::default() };
        let marks = |port: PortInfo<'_>| (port.has_one_sim(), port.has_no_network());
        assert_eq!(marks(port(known(255), known(99))), (true, true));
        assert_eq!(marks(port(known(3), known(31))), (false, false));
        assert_eq!(marks(port(known(99), known(255))), (false, false));
        assert_eq!(marks(port(Field::Other(Text::Exact("255")), Field::Missing)), (false, false));
    }

    #[test]
    fn a_kind_is_removed_from_a_set() {
        let set = InfoSet::DOCUMENTED.without(Info::Smsc);
        assert!(!set.contains(Info::Smsc));
        assert_eq!((set.with(Info::Smsc), set.without(Info::Smsc)), (InfoSet::DOCUMENTED, set));
        assert_eq!(InfoSet::NONE.with(Info::Smsc).without(Info::Smsc), InfoSet::NONE);
    }

    /// The document's example, without the line breaks of its layout.
    const PRINTED: &str = r#"{"error_code":200, "info":[{"port":1, "type":"WCDMA","imei":"863070017005173","imsi":"","iccid":"","smsc":"","number":"","reg":"NO_SIM",},{"port":2, "type":"GSM","imei":"358967042917201","imsi":"460016529802215","iccid":"89860114840400428150","smsc":"+8613010868500","number":"","reg":"REGISTER_OK",},{"port":3, "type":"GSM","imei":"358967042917201","imsi":"","iccid":"","smsc":"","number":"","reg":"NO_SIM",}]}"#;

    #[test]
    fn printed_response_is_read_when_cut_anywhere() {
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
    fn request_equals_the_printed_one() {
        let request = GetPortInfo::new(InfoSet::DOCUMENTED).unwrap().ports("1,2,3".parse().unwrap());
        // The order of the kinds has no meaning, so it may differ from the document's.
        target_is(&request, "/api/get_port_info?port=1,2,3&info_type=type,imei,imsi,iccid,smsc,number,reg");
    }
}

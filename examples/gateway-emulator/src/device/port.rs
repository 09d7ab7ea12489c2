//! A port: a modem and its SIM card.

use clap::ValueEnum;

/// The registration state of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Reg {
    /// `POWER_OFF`
    PowerOff,
    /// `NO_SIM`
    NoSim,
    /// `PIN_REQUIRE`
    PinRequire,
    /// `PUK_REQUIRE`
    PukRequire,
    /// `UNREGISTER`
    Unregister,
    /// `SEARCHING_NETWORK`
    SearchingNetwork,
    /// `REGISTER_OK`; only a port in this state sends.
    RegisterOk,
    /// `UNKNOWN`
    Unknown,
}

impl Reg {
    /// Returns the name in the vendor's document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PowerOff => "POWER_OFF",
            Self::NoSim => "NO_SIM",
            Self::PinRequire => "PIN_REQUIRE",
            Self::PukRequire => "PUK_REQUIRE",
            Self::Unregister => "UNREGISTER",
            Self::SearchingNetwork => "SEARCHING_NETWORK",
            Self::RegisterOk => "REGISTER_OK",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Whether the port has a SIM card that can be read.
    pub(crate) fn has_sim(self) -> bool {
        !matches!(self, Self::PowerOff | Self::NoSim | Self::Unknown)
    }
}

/// The activity of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    Idle,
    /// Sending this message.
    Sms(u64),
    /// Waiting for the reply in this USSD session.
    Ussd(u64),
}

#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) number: u8,
    /// The number of the gateway's set of SIM cards.
    sims: u32,
    pub(crate) reg: Reg,
    pub(crate) activity: Activity,
    /// The last USSD reply, which is kept until the next one arrives.
    pub(crate) ussd_reply: String,
    /// The reference of the next segment. References wrap around (TS 23.040 §9.2.3.6).
    pub(crate) next_ref: u8,
    pub(crate) segments_sent: u64,
}

impl Port {
    pub(crate) fn new(number: u8, sims: u32) -> Self {
        Self {
            number,
            sims,
            reg: Reg::RegisterOk,
            activity: Activity::Idle,
            ussd_reply: String::new(),
            next_ref: 0,
            segments_sent: 0,
        }
    }

    /// Returns a reference for the next segment, and counts the segment as sent.
    pub(crate) fn take_ref(&mut self) -> u8 {
        let reference = self.next_ref;
        self.next_ref = reference.wrapping_add(1);
        self.segments_sent += 1;
        reference
    }

    pub(crate) fn restart(&mut self, ids_restart: bool) {
        self.activity = Activity::Idle;
        self.ussd_reply.clear();
        if ids_restart {
            self.next_ref = 0;
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.reg == Reg::RegisterOk && self.activity == Activity::Idle
    }

    /// Returns the IMEI, with its check digit.
    pub(crate) fn imei(&self) -> String {
        let digits = format!("863070017{:05}", 5170 + u32::from(self.number));
        let check = luhn(&digits);
        format!("{digits}{check}")
    }

    /// Returns the IMSI, or an empty text without a SIM card.
    pub(crate) fn imsi(&self) -> String {
        self.of_sim(format!("4600165298022{:02}", self.number))
    }

    /// Returns the ICCID, or an empty text without a SIM card.
    pub(crate) fn iccid(&self) -> String {
        let set = 4_004_281 + u64::from(self.sims) % 90_000_000;
        self.of_sim(format!("8986011484{set:08}{:02}", self.number))
    }

    /// Returns the number of the SMS centre, or an empty text without a SIM card.
    pub(crate) fn smsc(&self) -> String {
        self.of_sim("+8613010868500".to_owned())
    }

    fn of_sim(&self, text: String) -> String {
        if self.reg.has_sim() { text } else { String::new() }
    }
}

/// Returns the check digit for a number (ISO/IEC 7812-1).
fn luhn(digits: &str) -> u32 {
    let doubled = |digit: u32| digit * 2 / 10 + digit * 2 % 10;
    let weigh = |(place, digit): (usize, u32)| if place % 2 == 0 { doubled(digit) } else { digit };
    let sum: u32 = digits.chars().rev().filter_map(|c| c.to_digit(10)).enumerate().map(weigh).sum();
    (10 - sum % 10) % 10
}

/// A set of ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ports(u32);

impl Ports {
    /// All 32 ports.
    pub(crate) const ALL: Self = Self(u32::MAX);

    pub(crate) fn has(self, port: u8) -> bool {
        self.0.checked_shr(port.into()).is_some_and(|bits| bits & 1 == 1)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn meets(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    /// Returns the ports in rising order.
    pub(crate) fn iter(self) -> impl Iterator<Item = u8> {
        (0..32).filter(move |port| self.has(*port))
    }
}

/// Ports above 31 do not exist and are omitted.
impl FromIterator<u8> for Ports {
    fn from_iter<I: IntoIterator<Item = u8>>(ports: I) -> Self {
        Self(ports.into_iter().filter_map(|port| 1u32.checked_shl(port.into())).fold(0, |set, bit| set | bit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_imei_has_its_check_digit() {
        assert_eq!(luhn("49015420323751"), 8);
        assert_eq!(Port::new(0, 0).imei().len(), 15);
    }

    #[test]
    fn gateways_with_different_sets_of_sim_cards_have_different_cards() {
        let iccids = |sims| [0, 31].map(|number| Port::new(number, sims).iccid());
        let mut all: Vec<_> = [0, 1, 200].into_iter().flat_map(iccids).collect();
        assert!(all.iter().all(|iccid| iccid.len() == 20));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 6);
        assert_eq!(Port::new(0, u32::MAX).iccid().len(), 20);
    }

    #[test]
    fn references_wrap() {
        let mut port = Port::new(0, 0);
        port.next_ref = 255;
        assert_eq!([port.take_ref(), port.take_ref()], [255, 0]);
    }

    #[test]
    fn sets_of_ports() {
        let set: Ports = [0, 31, 3, 3, 32].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 3, 31]);
        assert!(!set.has(32) && !set.is_empty() && set.meets(Ports::ALL));
    }
}

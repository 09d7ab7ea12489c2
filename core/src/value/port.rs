//! Ports of the gateway, each with one active SIM.

use core::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use super::Invalid;

/// A port of the gateway, 0 to 31 (document §2.2). The API counts from 0; the web pages of many gateways count from 1.
///
/// ```
/// use sms_gateway_core::{Invalid, Port};
/// assert_eq!(Port::new(31)?.get(), 31);
/// assert_eq!(Port::new(32), Err(Invalid::Port { port: 32 }));
/// # Ok::<(), Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Port(u8);

impl Port {
    /// The maximum number of ports of a gateway.
    pub const COUNT: u8 = 32;

    /// Creates a port from its index.
    ///
    /// # Errors
    /// [`Invalid::Port`] above 31.
    pub const fn new(port: u8) -> Result<Self, Invalid> {
        // `u32::from` is not const.
        #[allow(clippy::cast_lossless)]
        if port < Self::COUNT { Ok(Self(port)) } else { Err(Invalid::Port { port: port as u32 }) }
    }

    /// Returns the index, 0 to 31.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u32> for Port {
    type Error = Invalid;

    fn try_from(port: u32) -> Result<Self, Invalid> {
        u8::try_from(port).map_err(|_| Invalid::Port { port }).and_then(Self::new)
    }
}

impl FromStr for Port {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.trim().parse::<u32>().map_err(|_| Invalid::PortSyntax)?.try_into()
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A set of ports. If a request accepts an empty set, it omits the parameter, and the gateway uses all ports.
///
/// ```
/// use sms_gateway_core::{Invalid, Port, Ports};
/// let ports: Ports = "2,3,8-10".parse()?;
/// assert_eq!(ports.len(), 5);
/// assert!(ports.contains(Port::new(9)?));
/// # Ok::<(), Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ports(u32);

impl Ports {
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// All 32 ports.
    pub const ALL: Self = Self(u32::MAX);

    /// Adds `port` to the set.
    #[must_use]
    pub const fn with(self, port: Port) -> Self {
        Self(self.0 | 1 << port.0)
    }

    /// Returns whether `port` is in the set.
    pub const fn contains(self, port: Port) -> bool {
        self.0 & (1 << port.0) != 0
    }

    /// Returns the set as a bit mask. Bit `n` is port `n`.
    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Returns the number of ports in the set.
    pub const fn len(&self) -> u32 {
        self.0.count_ones()
    }

    /// Returns whether the set is empty.
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Returns the ports in ascending order.
    pub const fn iter(self) -> PortsIter {
        PortsIter(self.0)
    }
}

impl From<Port> for Ports {
    fn from(port: Port) -> Self {
        Self::NONE.with(port)
    }
}

impl FromIterator<Port> for Ports {
    fn from_iter<I: IntoIterator<Item = Port>>(ports: I) -> Self {
        ports.into_iter().fold(Self::NONE, Self::with)
    }
}

/// Parses ports and ranges separated by commas, such as `1,2,8-15`. A range may also be descending.
impl FromStr for Ports {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut ports = Self::NONE;
        // The pattern is an array, because the code that searches for a single `char` can panic.
        for part in text.split([',']) {
            let (first, last) = part.split_once(['-']).unwrap_or((part, part));
            let (first, last): (Port, Port) = (first.parse()?, last.parse()?);
            // A descending range must not become empty, because an empty set means all ports.
            for port in first.min(last).0..=first.max(last).0 {
                ports = ports.with(Port::new(port)?);
            }
        }
        Ok(ports)
    }
}

/// Serializes as an array of the ports, in ascending order.
impl Serialize for Ports {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl IntoIterator for Ports {
    type Item = Port;
    type IntoIter = PortsIter;

    fn into_iter(self) -> PortsIter {
        self.iter()
    }
}

/// An iterator over the ports of a set in ascending order.
#[derive(Clone, Debug)]
pub struct PortsIter(u32);

impl Iterator for PortsIter {
    type Item = Port;

    fn next(&mut self) -> Option<Port> {
        // 32 bits have at most 32 trailing zeros.
        #[allow(clippy::cast_possible_truncation)]
        let port = Port::new(self.0.trailing_zeros() as u8).ok()?;
        self.0 &= self.0.wrapping_sub(1);
        Some(port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn ports_are_0_to_31() {
        assert!(Port::new(0).is_ok());
        assert!(Port::new(30).is_ok());
        assert!(Port::new(31).is_ok());
        assert_eq!(Port::new(32), Err(Invalid::Port { port: 32 }));
        assert_eq!(Port::try_from(256), Err(Invalid::Port { port: 256 }));
        assert!("-1".parse::<Port>().is_err());
    }

    #[test]
    fn port_set_parses_lists_and_ranges() {
        let numbers = [0, 7, 31];
        let ports: Ports = numbers.into_iter().map(|port| Port::new(port).unwrap()).collect();
        assert_eq!(ports.iter().map(Port::get).collect::<Vec<_>>(), numbers);
        assert_eq!(Ports::ALL.iter().count(), 32);
        assert_eq!(Ports::NONE.iter().next(), None);
        assert_eq!("0,7,31".parse(), Ok(ports));
        assert_eq!("0-31".parse(), Ok(Ports::ALL));
        assert_eq!("31-0".parse(), Ok(Ports::ALL));
        assert_eq!("1-x".parse::<Ports>(), Err(Invalid::PortSyntax));
        assert_eq!("1,,2".parse::<Ports>(), Err(Invalid::PortSyntax));
    }
}

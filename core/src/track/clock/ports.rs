//! The index of a port in arrays with an element for each port.

/// Whether memory is scarce.
pub(super) const IS_SMALL: bool = cfg!(any(target_os = "none", sms_gateway_small));

/// The number of elements. On microcontrollers several ports share an element. A fact in which these ports differ counts as unknown, so
/// fewer reports are assigned.
pub(super) const PORTS: usize = if IS_SMALL { 8 } else { 32 };

/// Returns the index of a port.
pub(super) fn place_of(port: u8) -> usize {
    usize::from(port) % PORTS
}

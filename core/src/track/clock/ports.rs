//! Where what is known of a port is kept.

/// Whether memory is scarce.
pub(super) const IS_SMALL: bool = cfg!(any(target_os = "none", sms_gateway_small));

/// The number of places. On microcontrollers ports share them: what they do not agree on is not known, which assigns fewer reports.
pub(super) const PORTS: usize = if IS_SMALL { 8 } else { 32 };

/// Returns the place of a port.
pub(super) fn place_of(port: u8) -> usize {
    usize::from(port) % PORTS
}

//! Sends messages through a modem with AT commands, as firmware does. This example is a library without std. It does not run, but
//! shows how to combine the parts.
//!
//! On a board, `uart` is a buffered UART of the chip, for example `BufferedUart` of embassy-rp.
#![no_std]
// For the modules below, which are meant to be copied into firmware.
#![allow(missing_docs, unreachable_pub)]

#[path = "../tests/at/commands.rs"]
mod commands;
#[path = "../tests/at/lines.rs"]
mod lines;
#[path = "../tests/at/socket.rs"]
mod socket;

use embedded_io_async::{Read, Write};
use sms_gateway_embassy::{Accepted, Error, Gateway, Memory, Timeouts, core::call::SendSms};

use crate::socket::Socket;

pub use crate::commands::AtError;

/// The gateway's address.
const HOST: &str = "192.168.1.9";

/// Sends messages through a gateway that is reached over the modem.
///
/// # Errors
/// If the modem or the gateway refuses a request, or does not respond in time.
pub async fn send(
    uart: impl Read + Write,
    entropy: &mut dyn FnMut() -> u64,
    messages: &SendSms<'_>,
) -> Result<Accepted, Error<AtError>> {
    let (mut lines, mut outgoing) = ([0; 64], [0; 1024]);
    let lent = commands::Memory { lines: &mut lines, outgoing: &mut outgoing };
    let socket = Socket::new(uart, HOST, 80, lent);
    let mut memory: Memory = Memory::new();
    let gateway = Gateway::new(socket, HOST, memory.buffers(), entropy).credentials("admin", "secret");
    // A modem needs longer than a socket to detect that a gateway does not respond.
    let mut timeouts = Timeouts::default();
    timeouts.connect *= 2;
    gateway.timeouts(timeouts).send_sms(messages).await
}

//! Reads responses of any length in buffers of 4 KiB: all results and the whole inbox. Logs a checksum of the
//! records, each written as a line of JSON. `./run.sh large` runs this, and compares the checksum on the host.

use core::{fmt::Write, net::SocketAddrV4};

use embassy_net::Stack;
use log::info;
use serde::Serialize;
use sms_gateway_embassy::{
    self as gateway, Error, Gateway,
    core::call::{Flag, QueryIncomingSms, QuerySmsResult},
    net::{Tcp, TcpError},
};

use crate::sum::Sum;

/// The buffers for a request, for received bytes, for one record, for the login, and for one record's line of JSON.
type Buffers = (gateway::Memory<512, 1024, 1024, 512>, [u8; 1024]);
/// The buffers of the TCP connection.
type Windows = ([u8; 4096], [u8; 1024]);

const _: () = assert!(size_of::<Buffers>() <= 4096 && size_of::<Windows>() <= 8192);

/// The memory of this task.
pub(crate) struct Memory {
    buffers: Buffers,
    windows: Windows,
    host: heapless::String<24>,
}

impl Memory {
    pub(crate) const fn new() -> Self {
        Self {
            buffers: (gateway::Memory::new(), [0; _]),
            windows: ([0; _], [0; _]),
            host: heapless::String::new(),
        }
    }
}

/// Reads all results and the inbox.
///
/// # Errors
///
/// If a call fails, or a response is incomplete.
pub(crate) async fn run(
    stack: Stack<'_>,
    address: SocketAddrV4,
    (user, password): (&str, &str),
    mut entropy: fn() -> u64,
    memory: &mut Memory,
) -> Result<(), Error<TcpError>> {
    // The string has room for any address and port.
    let _ = write!(memory.host, "{address}");
    let (buffers, line) = &mut memory.buffers;
    info!("buffers: {} bytes, of TCP: {} bytes", size_of::<Buffers>(), size_of::<Windows>());
    let (incoming, outgoing) = &mut memory.windows;
    let tcp = Tcp::new(stack, (*address.ip(), address.port()), incoming, outgoing);
    let mut gateway =
        Gateway::new(tcp, &memory.host, buffers.buffers(), &mut entropy).credentials(user, password);
    let mut sum = Sum::default();
    let mut results = gateway.query_sms_result(&QuerySmsResult::new()).await?;
    while let Some(result) = results.next().await? {
        add(&mut sum, &result, line);
    }
    info!("results: {sum}");
    let mut sum = Sum::default();
    let mut inbox = gateway.query_incoming_sms(&QueryIncomingSms::new(Flag::All)).await?;
    while let Some(sms) = inbox.next().await? {
        add(&mut sum, &sms, line);
    }
    info!("inbox: {sum}");
    gateway.close().await;
    Ok(())
}

/// Adds a record's line to the checksum.
///
/// # Panics
///
/// If the record's line is longer than the buffer.
fn add(sum: &mut Sum, record: &impl Serialize, line: &mut [u8]) {
    let length = serde_json_core::to_slice(record, line).expect("the line has room");
    sum.line(&line[..length]);
}

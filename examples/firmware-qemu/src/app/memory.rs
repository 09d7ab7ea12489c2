//! The memory that the application works in.

use core::{fmt::Write, net::SocketAddrV4};

use sms_gateway_embassy::{
    self as gateway, Buffers, Room,
    core::track::{EarlyReport, Slot},
    store::Key,
};

/// How many messages are under way or remembered at a time.
const SLOTS: usize = 8;
/// The longest text, in bytes.
const TEXT: usize = 640;
/// A text, and the records of as many messages as are stored at once.
const BATCH: usize = TEXT + 850;

/// All of it. In a static, since a task's own memory passes over the stack when it is spawned.
pub(crate) struct Memory {
    host: heapless::String<24>,
    tcp_in: [u8; 2048],
    tcp_out: [u8; 1024],
    gateway: gateway::Memory,
    slots: [Slot; SLOTS],
    early: [EarlyReport; 4],
    texts: [u8; TEXT],
    incoming: [u8; 512],
    table: [Option<Key>; 2 * SLOTS + 2],
    batch: [u8; BATCH],
    work: [u8; BATCH + 8],
}

/// The same, lent to those who work in it.
pub(super) struct Lent<'m> {
    pub(super) host: &'m str,
    pub(super) tcp_in: &'m mut [u8],
    pub(super) tcp_out: &'m mut [u8],
    pub(super) gateway: Buffers<'m>,
    pub(super) room: Room<'m>,
    pub(super) table: &'m mut [Option<Key>],
    pub(super) batch: &'m mut [u8],
    pub(super) work: &'m mut [u8],
}

impl Memory {
    pub(crate) const fn new() -> Self {
        Self {
            host: heapless::String::new(),
            tcp_in: [0; _],
            tcp_out: [0; _],
            gateway: gateway::Memory::new(),
            slots: [Slot::EMPTY; _],
            early: [EarlyReport::EMPTY; _],
            texts: [0; _],
            incoming: [0; _],
            table: [None; _],
            batch: [0; _],
            work: [0; _],
        }
    }

    pub(super) fn lend(&mut self, address: SocketAddrV4) -> Lent<'_> {
        // Another life may have worked in it.
        self.slots.fill(Slot::EMPTY);
        self.early.fill(EarlyReport::EMPTY);
        self.host.clear();
        // It has room for any address and port.
        let _ = write!(self.host, "{address}");
        Lent {
            host: &self.host,
            tcp_in: &mut self.tcp_in,
            tcp_out: &mut self.tcp_out,
            gateway: self.gateway.buffers(),
            room: Room {
                slots: &mut self.slots,
                early: &mut self.early,
                texts: &mut self.texts,
                incoming: &mut self.incoming,
            },
            table: &mut self.table,
            batch: &mut self.batch,
            work: &mut self.work,
        }
    }
}

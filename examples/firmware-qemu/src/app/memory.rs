//! The memory that the application works in.

use core::{fmt::Write, net::SocketAddrV4};

use sms_gateway_embassy::{
    self as gateway, Buffers, MessengerBuffers,
    core::track::{PendingReport, Slot},
    store::{Key, batch_size, work_size},
};

/// How many messages are under way or remembered at a time.
const SLOTS: usize = 8;
/// How many reports can wait for a message to which they belong.
const PENDING_REPORTS: usize = 4;
/// The longest text, in bytes.
const TEXT: usize = 640;
/// How many values are stored: for each message a record and a text, and two more.
const VALUES: usize = 2 * SLOTS + 2;
/// All of it. In a static, since a task's own memory passes over the stack when it is spawned.
///
/// What is not zero at first is empty until it is lent: a static of zeros takes no flash.
pub(crate) struct Memory {
    host: heapless::String<24>,
    tcp_in: [u8; 2048],
    tcp_out: [u8; 1024],
    gateway: gateway::Memory,
    slots: heapless::Vec<Slot, SLOTS>,
    pending_reports: heapless::Vec<PendingReport, PENDING_REPORTS>,
    texts: [u8; TEXT],
    incoming: [u8; 512],
    table: heapless::Vec<Option<Key>, VALUES>,
    batch: [u8; batch_size(TEXT)],
    work: [u8; work_size(TEXT)],
}

/// The same, lent to those who work in it.
pub(super) struct Lent<'m> {
    pub(super) host: &'m str,
    pub(super) tcp_in: &'m mut [u8],
    pub(super) tcp_out: &'m mut [u8],
    pub(super) gateway: Buffers<'m>,
    pub(super) buffers: MessengerBuffers<'m>,
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
            slots: heapless::Vec::new(),
            pending_reports: heapless::Vec::new(),
            texts: [0; _],
            incoming: [0; _],
            table: heapless::Vec::new(),
            batch: [0; _],
            work: [0; _],
        }
    }

    pub(super) fn lend(&mut self, address: SocketAddrV4) -> Lent<'_> {
        // Another life may have worked in it.
        self.slots.clear();
        self.pending_reports.clear();
        self.table.clear();
        // Each has room for so many.
        let _ = self.slots.resize(SLOTS, Slot::EMPTY);
        let _ = self.pending_reports.resize(PENDING_REPORTS, PendingReport::EMPTY);
        let _ = self.table.resize(VALUES, None);
        self.host.clear();
        // It has room for any address and port.
        let _ = write!(self.host, "{address}");
        Lent {
            host: &self.host,
            tcp_in: &mut self.tcp_in,
            tcp_out: &mut self.tcp_out,
            gateway: self.gateway.buffers(),
            buffers: MessengerBuffers {
                slots: &mut self.slots,
                pending_reports: &mut self.pending_reports,
                texts: &mut self.texts,
                incoming: &mut self.incoming,
            },
            table: &mut self.table,
            batch: &mut self.batch,
            work: &mut self.work,
        }
    }
}

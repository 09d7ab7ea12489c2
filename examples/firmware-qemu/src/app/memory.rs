//! The memory of the application.

use core::{fmt::Write, net::SocketAddrV4};

use sms_gateway_embassy::{
    self as gateway, Buffers, MessengerBuffers,
    core::track::{PendingReport, Slot},
    store::{Key, batch_size, work_size},
};

/// Maximum number of messages in progress or kept for late reports.
const SLOTS: usize = 8;
/// Maximum number of reports that are not matched to a message yet.
const PENDING_REPORTS: usize = 4;
/// Maximum length of a text, in bytes.
const TEXT: usize = 640;
/// Number of stored values: a record and a text for each message, and two more.
const VALUES: usize = 2 * SLOTS + 2;
/// All memory of the application. It is in a static, because a task's own memory is copied through the stack when the task is
/// spawned.
///
/// Initial values are zero where possible, because a static of zeros takes no flash. Other values are set when the memory is
/// lent.
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

/// The memory, lent to its users.
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
        // A previous run may have used the slots.
        self.slots.clear();
        self.pending_reports.clear();
        self.table.clear();
        // The capacities are sufficient.
        let _ = self.slots.resize(SLOTS, Slot::EMPTY);
        let _ = self.pending_reports.resize(PENDING_REPORTS, PendingReport::EMPTY);
        let _ = self.table.resize(VALUES, None);
        self.host.clear();
        // The string has room for any address and port.
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

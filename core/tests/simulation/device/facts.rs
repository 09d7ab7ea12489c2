//! The true fates of own messages, for the oracle alone.

/// A fact about an own message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fact {
    Accepted {
        task: i64,
    },
    Begins {
        port: u8,
        time: i64,
    },
    SegmentOut {
        segment: u8,
        reference: u8,
    },
    /// Sending has ended, successfully or not.
    Ends {
        sent: bool,
    },
    /// The network's final outcome of a segment: 0 if it was received, otherwise the status.
    Fate {
        segment: u8,
        status: u8,
    },
    /// A report arrived.
    Reported {
        segment: u8,
        status: u8,
        time: i64,
    },
    /// stop_sms removed the message from the queue.
    Dropped,
    /// A restart removed the message from the queue, or aborted sending.
    Broken,
}

/// A fact, its message, and its time. If the gateway accepted a message more than once, `copy` tells the submissions apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) at: u64,
    pub(crate) owner: u32,
    pub(crate) copy: u32,
    pub(crate) fact: Fact,
}

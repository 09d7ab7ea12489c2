//! What truly happens to our messages, for the oracle alone.

/// One event in the life of a message of ours. `copy` tells apart what the gateway accepted twice.
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
    /// The sending has ended, well or not.
    Ends {
        sent: bool,
    },
    /// The network is done with a segment: 0 when it was received, else the status.
    Fate {
        segment: u8,
        status: u8,
    },
    /// A report came in.
    Reported {
        segment: u8,
        status: u8,
        time: i64,
    },
    /// stop_sms took it out of the queue.
    Dropped,
    /// A restart took it out of the queue, or broke its sending off.
    Broken,
}

/// A fact, about which message, when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) at: u64,
    pub(crate) owner: u32,
    pub(crate) copy: u32,
    pub(crate) fact: Fact,
}

//! A hash over all requests, changes and events of a run.
//!
//! Values are written field by field in an encoding of this file, so that renaming a type or field does not change a hash, but
//! changing a value does.

use sms_gateway_core::{
    call::{Call, CommaEncoding},
    track::{Change, Event, Message, MessageFailure, Report, State, Submission},
};

/// FNV-1a with 64 bits over requests, changes, events and waits.
#[derive(Debug)]
pub(crate) struct Transcript(u64);

impl Transcript {
    pub(crate) const fn new() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.0
    }

    /// Adds an entry: its kind, its length and its bytes.
    fn entry(&mut self, kind: u8, bytes: &[u8]) {
        let length = (bytes.len() as u32).to_le_bytes();
        for byte in [kind].iter().chain(&length).chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    /// Adds the time until which there is nothing to do.
    pub(crate) fn wait(&mut self, until: Option<std::time::Duration>) {
        let until = until.map_or(u128::MAX, |until| until.as_nanos());
        self.entry(b'w', &until.to_le_bytes());
    }

    /// Adds a request as it is sent.
    pub(crate) fn request(&mut self, request: &impl Call) {
        let (mut target, mut body) = ([0; 300], [0; 2048]);
        let target = request.target(CommaEncoding::Encoded, &mut target).expect("the target fits");
        self.entry(b'?', target.as_bytes());
        self.entry(b'b', request.body(&mut body).expect("the body fits"));
    }

    /// Adds the messages of a send_sms.
    pub(crate) fn submission(&mut self, submission: Submission<'_>) {
        let mut bytes = vec![u8::from(submission.status_report)];
        bytes.push(submission.alphabet.map_or(0, |alphabet| 1 + alphabet as u8));
        bytes.extend(submission.ports.iter().map(sms_gateway_core::Port::get));
        self.entry(b's', &bytes);
        for outgoing in submission {
            let mut bytes = outgoing.id.get().to_le_bytes().to_vec();
            bytes.extend(outgoing.number().as_str().bytes());
            self.entry(b'm', &bytes);
        }
    }

    /// Adds a changed record, or a deleted key.
    pub(crate) fn change(&mut self, change: &Change) {
        let mut bytes = change.key().to_le_bytes().to_vec();
        bytes.extend(change.record().unwrap_or_default());
        self.entry(b'c', &bytes);
    }

    /// Adds a report that was evicted before it was handed out.
    pub(crate) fn evicted(&mut self, report: &Report) {
        self.entry(b'd', report_line(report).as_bytes());
    }

    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::Update(message) => self.entry(b'e', message_line(message).as_bytes()),
            Event::Unmatched(report) => self.entry(b'u', report_line(report).as_bytes()),
            Event::Ambiguous(report) => self.entry(b'a', report_line(report).as_bytes()),
            Event::InboxRestarted => self.entry(b'i', &[]),
            Event::Unreadable { id } => self.entry(b'x', &id.to_le_bytes()),
            Event::UnknownStatus { status, .. } => self.entry(b's', status.as_str().as_bytes()),
        }
    }

    /// Adds an incoming message, and whether it was new.
    pub(crate) fn incoming(&mut self, is_new: bool) {
        self.entry(b'n', &[u8::from(is_new)]);
    }
}

/// Returns all fields of a report, in a format of this file.
pub(crate) fn report_line(report: &Report) -> String {
    let time = report.time.map_or("-".into(), |time| time.to_string());
    format!("{} port {} ref {} status {} {time}", report.number, report.port, report.reference, report.status)
}

/// Returns all fields of a message, in a format of this file.
pub(crate) fn message_line(message: &Message) -> String {
    let task = message.task.map_or("-".into(), |task| task.to_string());
    let sent = message.sent.map_or("-".into(), |sent| {
        let time = sent.time.map_or("-".into(), |time| time.to_string());
        format!("{}/{}/{}/{} {time}", sent.port, sent.reference, sent.segments, sent.succeeded)
    });
    let segments = message.segments;
    let failure = match message.failure {
        None => "-".into(),
        Some(MessageFailure::Refused(code)) => format!("refused {code}"),
        Some(MessageFailure::NotSent) => "not sent".into(),
        Some(MessageFailure::Reported { segment, status }) => format!("segment {segment} status {status}"),
    };
    format!(
        "id {} revision {} {} final {} task {task} sent {sent} segments {:x}/{:x}/{:x} failure {failure} ambiguous {}",
        message.id,
        message.revision,
        state_word(message.state),
        message.is_final,
        segments.delivered,
        segments.temporary,
        segments.failed,
        message.ambiguous
    )
}

fn state_word(state: State) -> &'static str {
    match state {
        State::Unsent => "unsent",
        State::Submitted => "submitted",
        State::Uncertain => "uncertain",
        State::Accepted => "accepted",
        State::Sending => "sending",
        State::Sent => "sent",
        State::Delivered => "delivered",
        State::Failed => "failed",
        State::Stopped => "stopped",
        State::Expired => "expired",
        State::Unresolved => "unresolved",
    }
}

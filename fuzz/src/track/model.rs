//! The rules for messages in their simplest form.

use std::collections::{BTreeMap, HashSet};

use sms_gateway_core::{
    UserId,
    track::{Message, State},
};

use super::input::Report;

/// All messages of this life and of the previous ones.
#[derive(Default)]
pub(super) struct Model {
    pub(super) messages: BTreeMap<UserId, Known>,
    /// The reports of this life.
    reports: HashSet<Report>,
}

/// The facts that the model knows about a message.
pub(super) struct Known {
    pub(super) number: &'static str,
    /// The only port through which the message may be sent, if it is restricted to one.
    pub(super) port: Option<u8>,
    /// Whether the gateway may have the message.
    submitted: bool,
    pub(super) now: Kept,
    /// The facts when all changes were last saved.
    saved: Option<Kept>,
    /// Whether an earlier life added the message. Its acknowledged updates may then be repeated, except the final one.
    again: bool,
    /// The revision of the latest update in this life.
    pub(super) returned: Option<u16>,
    /// The final state that was reported.
    end: Option<State>,
}

/// The facts that the next life must restore.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    /// The tracker's view of the message, unless it is deleted.
    pub(super) message: Option<Message>,
    pub(super) acknowledged: u16,
    /// Whether the message may be sent twice.
    pub(super) resend: bool,
}

/// The tracker's view of messages.
pub(super) type Messages = BTreeMap<UserId, Message>;

/// The message to which a report belongs, if that is unambiguous.
pub(super) enum Owner {
    Segment(UserId, u8),
    None,
    Unclear,
}

/// Returns whether a message can change directly from one state to the other.
fn may_follow(before: State, after: State) -> bool {
    use State::{
        Accepted, Delivered, Expired, Failed, Sending, Sent, Stopped, Submitted, Uncertain, Unresolved,
        Unsent,
    };
    let outcomes = matches!(after, Sending | Sent | Delivered | Failed | Stopped | Expired | Unresolved);
    before == after
        || match before {
            Unsent => matches!(after, Submitted | Stopped | Expired),
            Submitted => {
                matches!(after, Unsent | Accepted | Uncertain | Failed | Stopped | Expired | Unresolved)
            }
            Uncertain => outcomes && after != Expired || after == Unsent,
            Accepted | Sending => outcomes,
            Sent => matches!(after, Delivered | Failed | Expired),
            Delivered | Failed | Stopped | Expired | Unresolved => false,
        }
}

/// Returns whether two spellings may mean the same subscriber.
fn is_same(one: &str, other: &str) -> bool {
    let bare = |text: &str| text.trim_start_matches(['+', '0']).to_owned();
    let (one, other) = (bare(one), bare(other));
    one == other || one.len().min(other.len()) >= 7 && (one.ends_with(&other) || other.ends_with(&one))
}

pub(super) fn is_in_flight(message: &Message) -> bool {
    matches!(message.state, State::Submitted | State::Uncertain | State::Accepted | State::Sending)
}

impl Model {
    /// Adds a message. A user_id may be reused only if the previous message with it was not saved.
    pub(super) fn add(&mut self, id: UserId, number: &'static str, port: Option<u8>, resend: bool) {
        let now = Kept { message: None, acknowledged: 0, resend };
        let known = Known {
            number,
            port,
            submitted: false,
            now,
            saved: None,
            again: false,
            returned: None,
            end: None,
        };
        let former = self.messages.insert(id, known);
        assert!(former.is_none(), "user_id {id} is reused");
    }

    /// Compares the messages with their previous states, and stores the new ones.
    pub(super) fn observe(&mut self, find: impl Fn(UserId) -> Option<Message>) {
        for (id, known) in &mut self.messages {
            let after = find(*id);
            match (known.now.message, after) {
                (Some(before), Some(after)) => known.follow(&before, &after),
                (Some(before), None) => {
                    assert!(
                        before.is_final && before.revision == known.now.acknowledged,
                        "{before:?} was deleted"
                    );
                }
                (None, Some(after)) => assert_eq!((after.id, after.state), (*id, State::Unsent)),
                (None, None) => {}
            }
            known.now.message = after;
        }
    }

    pub(super) fn now(&self) -> Messages {
        self.messages.iter().filter_map(|(id, known)| Some((*id, known.now.message?))).collect()
    }

    /// Notes that all changes were saved.
    pub(super) fn save(&mut self) {
        for known in self.messages.values_mut() {
            known.saved = Some(known.now);
        }
    }

    /// Begins another life with the saved records. Messages that were not saved are gone; they cannot have been sent.
    pub(super) fn restart(&mut self) {
        self.reports.clear();
        self.messages.retain(|_, known| known.saved.is_some());
        for known in self.messages.values_mut() {
            known.now = known.saved.expect("unsaved messages were removed");
            known.now.message = known.now.message.map(restored);
            (known.again, known.returned) = (true, None);
        }
    }

    /// Notes that a message is submitted. A second submission is allowed only if the first request certainly did not arrive, or
    /// if the message may be resent.
    pub(super) fn submit(&mut self, id: UserId) {
        let known = self.messages.get_mut(&id).expect("it was added");
        assert!(!known.submitted, "{id} is sent twice");
        let saved = known.saved.and_then(|saved| saved.message).map(|message| message.state);
        assert_eq!(saved, Some(State::Submitted), "the next life would not know that {id} was sent");
        known.submitted = true;
    }

    /// Notes that the request with a message certainly did not arrive.
    pub(super) fn not_sent(&mut self, id: UserId) {
        self.messages.get_mut(&id).expect("it was added").submitted = false;
    }

    /// Checks an update. Within a life, the revisions of a message's updates increase. A reported final state does not change.
    pub(super) fn update(&mut self, message: &Message) {
        let known = self.messages.get_mut(&message.id).expect("it was added");
        let ahead = |from: u16| message.revision.wrapping_sub(from);
        assert!(known.returned.is_none_or(|revision| ahead(revision) > 0), "{message:?} is returned again");
        let again = known.again && known.returned.is_none() && !message.is_final;
        assert!(again || ahead(known.now.acknowledged) > 0, "{message:?} was acknowledged");
        assert_eq!(
            known.saved.and_then(|saved| saved.message),
            Some(*message),
            "returned before it was saved"
        );
        known.returned = Some(message.revision);
        if message.is_final {
            assert_eq!(*known.end.get_or_insert(message.state), message.state);
        }
    }

    /// Checks that all updates were returned.
    pub(super) fn check_all_reported(&self) {
        for known in self.messages.values() {
            let Some(message) = known.now.message else { continue };
            let returned =
                message.revision == known.now.acknowledged || known.returned == Some(message.revision);
            assert!(returned, "{message:?} was not returned");
        }
    }

    /// Checks the limits on messages at the gateway. Returns whether another message could be submitted.
    pub(super) fn within(&self, limit: usize, by_port: usize) -> bool {
        let all = || self.messages.values().filter_map(|known| Some((known.port, known.now.message?)));
        let in_flight = all().filter(|(_, message)| is_in_flight(message)).count();
        let through = |port| all().filter(|(own, message)| *own == port && is_in_flight(message)).count();
        assert!(in_flight <= limit && [0, 1].iter().all(|port| through(Some(*port)) <= by_port));
        let has_room = |port: Option<u8>| in_flight < limit && (port.is_none() || through(port) < by_port);
        all().any(|(port, message)| message.state == State::Unsent && has_room(port))
    }

    /// Notes a report that arrives now, and returns the message to which it belongs, if that is unambiguous.
    pub(super) fn owner(&mut self, report: &Report) -> Owner {
        let is_new = self.reports.insert(*report);
        let fits: Vec<_> = self.fitting(report).collect();
        let unlocated = |known: &&Known| {
            let Some(message) = known.now.message else { return false };
            is_same(known.number, report.number) && message.sent.is_none() && message.state != State::Unsent
        };
        let others = self.messages.values().filter(unlocated).count();
        match fits[..] {
            [] => Owner::None,
            [(message, segment)] if is_new && others == 0 => {
                let noted = message.segments;
                let taken = (noted.delivered | noted.failed | noted.temporary) >> segment & 1 == 1;
                let equal = message.sent.is_some_and(|sent| sent.time == Some(report.time));
                if equal && !taken { Owner::Segment(message.id, segment) } else { Owner::Unclear }
            }
            _ => Owner::Unclear,
        }
    }

    /// Returns the messages to which any report of this life may belong.
    pub(super) fn reported(&self) -> HashSet<UserId> {
        self.reports.iter().flat_map(|report| self.fitting(report)).map(|(message, _)| message.id).collect()
    }

    /// Returns the messages to which a report may belong by port, number and reference, with the segment.
    pub(super) fn fitting<'a>(&'a self, report: &'a Report) -> impl Iterator<Item = (Message, u8)> + 'a {
        self.messages.values().filter_map(|known| {
            let message = known.now.message?;
            let sent = message.sent?;
            let segment = report.reference.wrapping_sub(sent.reference);
            let fits =
                sent.port == report.port && segment < sent.segments && is_same(known.number, report.number);
            fits.then_some((message, segment))
        })
    }
}

impl Known {
    fn follow(&mut self, before: &Message, after: &Message) {
        assert!(may_follow(before.state, after.state), "{before:?} became {after:?}");
        assert!(after.is_final || !before.is_final, "{before:?} became {after:?}");
        let [was, is] = [before.segments, after.segments];
        let place = |message: &Message| message.sent.map(|sent| (sent.port, sent.reference, sent.segments));
        // Delivered segments may be lost only if the gateway reports another port, reference or number of segments.
        let lost = if place(before) == place(after) { was.delivered & !is.delivered } else { 0 };
        assert_eq!(lost, 0, "{before:?} became {after:?}");
        assert_eq!(is.delivered & is.failed | (is.delivered | is.failed) & is.temporary, 0, "{after:?}");
        if before.state == State::Uncertain && after.state == State::Unsent {
            assert!(self.now.resend, "{after:?} is to be sent again");
            self.submitted = false;
        }
        if before.state != after.state && !matches!(after.state, State::Unsent | State::Submitted) {
            assert_ne!(before.revision, after.revision, "{after:?} is not a new update");
        }
    }
}

/// Returns a saved message as the next life sees it: a submitted message becomes uncertain, which is an update.
pub(super) fn restored(mut message: Message) -> Message {
    if message.state == State::Submitted {
        (message.state, message.revision) = (State::Uncertain, message.revision.wrapping_add(1));
    }
    message
}

/// Checks the effect of a report on the message to which it belongs.
pub(super) fn reported(before: &Message, after: &Message, segment: u8, status: u8) {
    let bit = 1 << segment;
    let [delivered, failed] = [status == 0, status >= 64].map(|is| if is { bit } else { 0 });
    assert_eq!(after.segments.delivered, before.segments.delivered | delivered);
    assert_eq!(after.segments.failed, before.segments.failed | failed);
    let temporary = if delivered | failed == 0 { bit } else { 0 };
    assert_eq!(after.segments.temporary, before.segments.temporary | temporary);
    let all =
        before.sent.is_some_and(|sent| after.segments.delivered.count_ones() == u32::from(sent.segments));
    match after.state {
        _ if before.is_final => assert_eq!(after.state, before.state),
        State::Delivered => assert!(all),
        State::Failed => assert!(failed != 0 && !all),
        state => assert!(state == before.state && !all),
    }
}

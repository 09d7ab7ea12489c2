//! Compares the reports of the messenger with the events at the gateway.

use std::collections::{BTreeMap, HashMap};

use gateway_emulator::{MessageSeen, Status};
use sms_gateway::core::track::{Message, MessageFailure, State};

use super::{
    common::proxy::{Kind, Stage},
    outgoing::Outgoing,
    record::Known,
    wire::{Answer, Submission},
    world::World,
};

/// The outcome of a message in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    Delivered,
    Failed,
    /// Sent, and no report was requested.
    Sent,
    /// Sent, but the reports do not show whether it was delivered.
    Undecided,
    Stopped,
    Expired,
    /// The response to its submission was lost, and the gateway never accepted it.
    UnresolvedNotSent,
    /// The response to its submission was lost, and the gateway accepted it after the messenger had looked it up.
    UnresolvedSent,
    /// The gateway forgot it in a restart. If a part of it was sent, it does not expire before the test ends.
    UnresolvedForgotten,
    /// The gateway stopped it, but the response to the request to stop it was lost.
    UnresolvedStopped,
}

/// A judged world.
#[derive(Debug)]
pub struct Verdict {
    pub world: usize,
    pub name: String,
    pub ends: BTreeMap<End, usize>,
    /// The messages that the gateway accepted twice, as their caller allowed.
    pub doubled: usize,
    pub requests: u64,
    pub faults: u64,
    pub lives: usize,
    pub incoming: usize,
    pub incoming_again: u32,
    pub flaws: Vec<String>,
}

/// All that is known about a message.
struct Case<'a> {
    outgoing: &'a Outgoing,
    message: Message,
    /// The gateway's records of the message.
    copies: &'a [MessageSeen],
    /// The submissions that contain the message, and for each whether the client may have been killed before it knew the response.
    submissions: Vec<(&'a Submission, bool)>,
    /// Whether the client may have been killed before it sent a submission.
    was_killed: bool,
    /// Whether a submission may have reached the gateway after the messenger had looked up the messages of that submission.
    may_be_late: bool,
    shows_delivered: bool,
}

pub fn judge(world: &World) -> Verdict {
    let ledger = world.ledger();
    let lives = world.lives.lock().unwrap();
    let submissions: Vec<(Submission, bool)> = lives
        .iter()
        .flat_map(|life| life.wire.submissions().into_iter().map(|one| (one, life.is_killed)))
        .map(|(one, is_killed)| (one.clone(), is_killed && one.is_last))
        .collect();
    let mut by_id: HashMap<u64, Vec<(&Submission, bool)>> = HashMap::new();
    for (submission, is_killed) in &submissions {
        for id in &submission.ids {
            by_id.entry(*id).or_default().push((submission, *is_killed));
        }
    }
    let counts = world.proxy.lock().unwrap().counts();
    let was_killed = lives.iter().any(|life| life.is_killed);
    let may_be_late = was_killed || counts.of(Stage::BeforeRequest, Kind::Late) > 0;
    let reported = world.record.look();
    let (mut flaws, mut ends, mut doubled) = (reported.flaws.clone(), BTreeMap::new(), 0);
    for (index, (known, copies)) in reported.outgoing.iter().zip(&ledger).enumerate() {
        let case = case(world, index, known, copies, &by_id);
        let end = case.and_then(|case| Case { was_killed, may_be_late, ..case }.judge());
        match end {
            Ok(end) => *ends.entry(end).or_default() += 1,
            Err(flaw) => flaws.push(format!("m{index}: {flaw}; {known:?}; {copies:?}")),
        }
        doubled += usize::from(copies.len() > 1);
    }
    flaws.extend(judge_incoming(world, &reported.incoming, lives.len() > 1));
    Verdict {
        world: world.setup.world,
        name: name(world),
        ends,
        doubled,
        requests: world.emulator.counts().requests,
        faults: counts.faults.values().sum(),
        lives: lives.len() - 1,
        incoming: reported.incoming.len(),
        incoming_again: reported.incoming.values().map(|times| times - 1).sum(),
        flaws,
    }
}

fn name(world: &World) -> String {
    let setup = &world.setup;
    let strangers = if setup.has_strangers { ", strangers" } else { "" };
    format!("{:?}{strangers}; {}", setup.policy, setup.quirks.join(","))
}

fn case<'a>(
    world: &'a World,
    index: usize,
    known: &Known,
    copies: &'a [MessageSeen],
    submissions: &HashMap<u64, Vec<(&'a Submission, bool)>>,
) -> Result<Case<'a>, String> {
    let message = known.latest.ok_or("no update")?;
    let id = u64::from(message.id.get());
    if let Some(copy) = copies.iter().find(|copy| copy.user_id != Some(id)) {
        return Err(format!("sent under the user_id {:?}", copy.user_id));
    }
    if let Some(copy) = copies.iter().find(|copy| copy.text != world.setup.outgoing[index].text) {
        return Err(format!("sent with another text: {}", copy.text));
    }
    Ok(Case {
        outgoing: &world.setup.outgoing[index],
        message,
        copies,
        submissions: submissions.get(&id).cloned().unwrap_or_default(),
        was_killed: false,
        may_be_late: false,
        shows_delivered: copies.iter().any(|copy| world.shows_delivered(copy)),
    })
}

impl Case<'_> {
    fn judge(&self) -> Result<End, String> {
        self.judge_copies()?;
        self.judge_segments()?;
        self.judge_sending()?;
        let holds = |holds: bool, end: End, otherwise: &str| {
            if holds { Ok(end) } else { Err(format!("{otherwise}; {:?}", self.submissions)) }
        };
        match self.message.state {
            State::Delivered => holds(self.is_delivered(), End::Delivered, "not delivered"),
            State::Failed => holds(self.is_failed(), End::Failed, "not failed, or for another reason"),
            State::Sent if !self.is_sent() => holds(false, End::Sent, "not sent"),
            State::Sent if self.message.is_final => holds(!self.outgoing.wants_report, End::Sent, "reports"),
            State::Sent => {
                holds(!self.shows_delivered, End::Undecided, "the gateway shows that it is delivered")
            }
            State::Stopped => holds(self.is_stopped(), End::Stopped, "not stopped, or sent all the same"),
            State::Expired => {
                let is_expired = self.outgoing.valid_for.is_some() && self.copies.is_empty();
                holds(is_expired, End::Expired, "expired although it was sent or has no such validity")
            }
            State::Unresolved if self.is_forgotten() => Ok(End::UnresolvedForgotten),
            State::Uncertain | State::Accepted | State::Sending
                if self.is_forgotten() && self.message.sent.is_some() =>
            {
                Ok(End::UnresolvedForgotten)
            }
            // The response to stop_sms was lost.
            State::Unresolved if self.is_stopped_by_gateway() => Ok(End::UnresolvedStopped),
            State::Unresolved => {
                let end = if self.copies.is_empty() { End::UnresolvedNotSent } else { End::UnresolvedSent };
                if !self.copies.is_empty() && !self.may_be_late {
                    return holds(false, end, "unresolved although the gateway shows it");
                }
                // If the messenger was killed, it may have stored the next submission without sending it.
                let was_never_sent = self.was_killed && !self.is_known_to_be_accepted();
                holds(was_never_sent || self.losses() > 0, end, "unresolved although no response was lost")
            }
            _ => holds(false, End::Undecided, "without an end"),
        }
    }

    /// Checks that the message was accepted at most once, or as often as its caller allowed.
    fn judge_copies(&self) -> Result<(), String> {
        let allowed = if self.outgoing.may_be_resent { 1 + self.losses() } else { 1 };
        if self.copies.len() > allowed {
            return Err(format!("accepted {} times: {:?}", self.copies.len(), self.submissions));
        }
        Ok(())
    }

    /// Checks that each outcome of a segment was reported for this very message.
    fn judge_segments(&self) -> Result<(), String> {
        let reported = |is_it: fn(u8) -> bool| {
            let copies = self.copies.iter().flat_map(|copy| (0u32..).zip(&copy.reported));
            let segments = copies.filter(move |(_, code)| code.is_some_and(is_it));
            segments.fold(0, |all, (segment, _)| all | 1 << segment)
        };
        let (delivered, failed) = (reported(|code| code == 0), reported(|code| code >= 64));
        let segments = self.message.segments;
        if segments.delivered & !delivered != 0 || segments.failed & !failed != 0 {
            return Err("a segment has the report of another message".to_owned());
        }
        Ok(())
    }

    /// Checks the port and the message reference.
    fn judge_sending(&self) -> Result<(), String> {
        let Some(sent) = self.message.sent.filter(|_| self.message.state != State::Failed) else {
            return Ok(());
        };
        let is_its = |copy: &MessageSeen| {
            copy.port == Some(sent.port)
                && copy.ref_id == Some(sent.reference)
                && copy.segments == u32::from(sent.segments)
        };
        if self.copies.iter().any(is_its) { Ok(()) } else { Err("sent in another way".to_owned()) }
    }

    fn is_delivered(&self) -> bool {
        self.copies.iter().any(|copy| copy.reported.iter().all(|code| *code == Some(0)))
    }

    fn is_failed(&self) -> bool {
        match self.message.failure {
            Some(MessageFailure::Refused(code)) => {
                let is_refusal = |submission: &Submission| {
                    let answer = submission.answer;
                    submission.ids.len() == 1
                        && [Answer::Code(code), Answer::Unframed(code), Answer::Status(code)]
                            .contains(&answer)
                };
                self.copies.is_empty() && self.submissions.iter().any(|(one, _)| is_refusal(one))
            }
            Some(MessageFailure::NotSent) => self
                .copies
                .iter()
                .any(|copy| copy.status == Status::Failed || copy.before_restart == Some(Status::Failed)),
            Some(MessageFailure::Reported { segment, status }) => {
                let is_it =
                    |copy: &MessageSeen| copy.reported.get(usize::from(segment)) == Some(&Some(status));
                status >= 64 && self.copies.iter().any(is_it)
            }
            None => false,
        }
    }

    fn is_sent(&self) -> bool {
        self.copies.iter().any(|copy| copy.sent == copy.segments)
    }

    fn is_stopped(&self) -> bool {
        self.outgoing.is_stopped && self.copies.iter().all(|copy| copy.sent == 0)
    }

    fn is_stopped_by_gateway(&self) -> bool {
        self.outgoing.is_stopped && self.copies.iter().any(|copy| copy.status == Status::Stopped)
    }

    fn is_known_to_be_accepted(&self) -> bool {
        self.submissions.iter().any(|(submission, _)| submission.answer == Answer::Code(202))
    }

    fn is_forgotten(&self) -> bool {
        self.copies.iter().any(|copy| copy.status == Status::Forgotten)
    }

    /// Returns the number of submissions that the gateway may have accepted although the client cannot know that.
    fn losses(&self) -> usize {
        let is_loss = |(submission, is_killed): &&(&Submission, bool)| {
            *is_killed
                || match submission.answer {
                    Answer::Lost | Answer::Unframed(_) | Answer::Code(500) => true,
                    Answer::Status(status) => status >= 500,
                    Answer::Code(_) => false,
                }
        };
        self.submissions.iter().filter(is_loss).count()
    }
}

/// Checks that each incoming message was received, and only once if the messenger was not restarted. After a restart it may be received
/// again, because an acknowledgement is not saved while the messenger finds out whether the ids have restarted.
fn judge_incoming(world: &World, received: &BTreeMap<String, u32>, was_restarted: bool) -> Vec<String> {
    let mut flaws = Vec::new();
    for arrival in &world.setup.mischief.arrivals {
        let name = arrival.word();
        let times = received.get(name).copied().unwrap_or(0);
        let is_right = match times {
            0 => !arrival.is_readable,
            1 => true,
            _ => was_restarted,
        };
        if !is_right {
            flaws.push(format!("incoming {name} was received {times} times"));
        }
    }
    flaws
}

//! Compares the promises of the server with the messages that the gateways sent, and with the outcomes that the server reports.

use std::collections::{BTreeMap, HashMap, HashSet};

use gateway_emulator::{MessageSeen, Status};

use crate::{
    Failure,
    gateways::{Copies, Gateways},
    killer::Kills,
    messages,
    receiver::Events,
    shown::{Reader, Shown},
    verdict::{Unresolved, Verdict},
};

/// The states that are outcomes.
const FINAL: [&str; 5] = ["delivered", "failed", "expired", "cancelled", "unresolved"];

/// The ids of the messages that the server has promised to send.
pub(crate) type Promises = HashMap<usize, String>;

/// All that is compared.
pub(crate) struct Case<'c> {
    pub(crate) promises: &'c Promises,
    pub(crate) hidden: &'c HashSet<usize>,
    pub(crate) copies: &'c Copies,
    pub(crate) events: &'c Events,
}

/// The reason a message has another state than the gateway's.
pub(crate) enum Mismatch {
    /// It was promised, but neither sent nor reported as unresolved.
    Lost,
    Doubled,
    /// It has another state, which may still change.
    State(String),
}

impl Case<'_> {
    /// Compares a message.
    pub(crate) fn compare(&self, index: usize) -> Result<(), Mismatch> {
        let copies = self.copies.get(&index).map_or(&[][..], Vec::as_slice);
        let reported = self.reported(index);
        let expected = match copies {
            [] if reported == "unresolved" => return Ok(()),
            [] => return Err(Mismatch::Lost),
            [(_, copy)] if self.hidden.contains(&index) && copy.sent > 0 => "unresolved",
            [(_, copy)] => state(copy),
            _ => return Err(Mismatch::Doubled),
        };
        if reported == expected {
            return Ok(());
        }
        Err(Mismatch::State(format!("{reported} is reported, but {expected} is true: {copies:?}")))
    }

    /// Returns the outcome of which an event was received, or the last state.
    pub(crate) fn reported(&self, index: usize) -> &str {
        let id = self.promises.get(&index);
        let states = id.and_then(|id| self.events.outgoing.get(id)).into_iter().flatten();
        let mut states: Vec<_> = states.map(|(_, state)| state.as_str()).collect();
        states.sort_by_key(|state| FINAL.contains(state));
        states.last().copied().unwrap_or("accepted")
    }
}

/// Returns the state that the gateway's record proves.
fn state(copy: &MessageSeen) -> &'static str {
    match copy.status {
        Status::Delivered => "delivered",
        Status::Failed => "failed",
        Status::SentOk if copy.reported.iter().all(|code| code.is_some_and(|code| code >= 64)) => "failed",
        Status::SentOk => "sent",
        _ => "under way",
    }
}

/// Compares everything, after the server and the gateways have become idle.
pub(crate) async fn judge(
    case: &Case<'_>,
    gateways: &Gateways,
    kills: &Kills,
    reader: &mut Reader,
) -> Result<Verdict, Failure> {
    let mut verdict =
        Verdict { messages: case.promises.len(), flaws: case.events.flaws.clone(), ..Verdict::default() };
    for index in 0..case.promises.len() {
        match case.compare(index) {
            Ok(()) => {}
            Err(Mismatch::Lost) => {
                verdict.lost += 1;
                verdict.flaws.push(format!("message {index} is lost: {}", case.reported(index)));
            }
            Err(Mismatch::Doubled) => {
                verdict.doubled += 1;
                verdict.flaws.push(format!("message {index} was sent twice: {:?}", case.copies.get(&index)));
            }
            Err(Mismatch::State(why)) => verdict.flaws.push(format!("message {index}: {why}")),
        }
        *verdict.states.entry(case.reported(index).to_owned()).or_insert(0) += 1;
    }
    judge_unresolved(case, gateways, kills, reader, &mut verdict).await?;
    judge_events(case, &mut verdict);
    judge_list(case, &reader.list("/v1/messages").await?, &mut verdict);
    judge_incoming(case, gateways, &reader.list("/v1/incoming").await?, &mut verdict);
    Ok(verdict)
}

/// Finds out for each unresolved message why the server could not know whether it was sent.
async fn judge_unresolved(
    case: &Case<'_>,
    gateways: &Gateways,
    kills: &Kills,
    reader: &mut Reader,
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    for (index, id) in case.promises {
        if case.reported(*index) != "unresolved" {
            continue;
        }
        let why = if case.copies.contains_key(index) {
            // The comparison above has found out whether the record is hidden.
            Unresolved::Hidden
        } else if gateways.was_unclear(*index) {
            Unresolved::Dropped
        } else {
            let (from, to) = reader.last_attempt(id).await?;
            if !kills.times.iter().any(|kill| (from..=to).contains(kill)) {
                verdict.flaws.push(format!("message {index} is unresolved without a reason"));
            }
            Unresolved::Killed
        };
        *verdict.unresolved.entry(why).or_insert(0) += 1;
    }
    Ok(())
}

/// Checks that each outcome has one event.
fn judge_events(case: &Case<'_>, verdict: &mut Verdict) {
    verdict.events = case.events.count();
    verdict.repeated_events = case.events.repeated();
    let known: HashSet<_> = case.promises.values().collect();
    for (id, states) in &case.events.outgoing {
        let mut times = BTreeMap::new();
        for state in states.values() {
            let kind = if FINAL.contains(&state.as_str()) { "outcome" } else { state };
            *times.entry(kind).or_insert(0) += 1;
        }
        if !known.contains(id) || times.values().any(|times| *times != 1) {
            verdict.flaws.push(format!("the events of {id}: {states:?}"));
        }
    }
}

/// Compares the list of the server's messages with the promises and the events.
fn judge_list(case: &Case<'_>, listed: &HashMap<String, Shown>, verdict: &mut Verdict) {
    if listed.len() != case.promises.len() {
        verdict.flaws.push(format!("{} messages are listed", listed.len()));
    }
    for (index, id) in case.promises {
        match listed.get(id) {
            Some(shown) if shown.text == messages::text(*index) && shown.state == case.reported(*index) => {}
            shown => {
                let shown = shown.map(|shown| (&shown.text, &shown.state));
                verdict.flaws.push(format!("message {index}, {id}, is listed as {shown:?}"));
            }
        }
    }
}

/// Checks that each incoming message was received once.
fn judge_incoming(
    case: &Case<'_>,
    gateways: &Gateways,
    listed: &HashMap<String, Shown>,
    verdict: &mut Verdict,
) {
    let mut times: HashMap<&str, usize> = HashMap::new();
    for shown in listed.values() {
        *times.entry(&shown.text).or_default() += 1;
    }
    for (gateway, count) in gateways.incoming().into_iter().enumerate() {
        for text in (0..count).map(|count| messages::incoming(gateway, count)) {
            verdict.incoming += 1;
            let found = times.get(text.as_str()).copied().unwrap_or_default();
            let events = case.events.incoming.get(&text).map_or(0, Vec::len);
            if (found, events) != (1, 1) {
                verdict.flaws.push(format!("`{text}` is listed {found} times and has {events} events"));
            }
        }
    }
}

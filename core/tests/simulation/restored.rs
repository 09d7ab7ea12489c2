//! Records of earlier builds must restore and show the same messages.
//!
//! Each line of `pinned/records.txt` is a record in hexadecimal, its message after [`Tracker::restore`] and after
//! [`Tracker::start`], and the hash of the transcript that follows. `pinned/stores.txt` contains whole stores, each with the
//! hash of the transcript after the tracker has restored it. `SIM_PIN=1` rewrites messages and hashes, but never the records.

use std::{env, fs, time::Duration};

use sms_gateway_core::{
    Number, UserId,
    track::{Ask, Draft, PendingReport, Settings, Slot, Tracker},
};

use crate::transcript::{Transcript, message_line};

const RECORDS: &str = include_str!("pinned/records.txt");
const RECORDS_PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/simulation/pinned/records.txt");
const STORES: &str = include_str!("pinned/stores.txt");
const STORES_PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/simulation/pinned/stores.txt");

const START: Duration = Duration::from_secs(1000);

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

struct Memory(Vec<Slot>, Vec<PendingReport>);

impl Memory {
    fn of(slots: usize) -> Self {
        Self(vec![Slot::EMPTY; slots], vec![PendingReport::EMPTY; 64])
    }

    fn tracker(&mut self) -> Tracker<'_> {
        let settings = Settings { incoming: true, ..Settings::default() };
        Tracker::new(&mut self.0, &mut self.1, settings, START)
    }
}

/// Returns the user_id of a message's record. It follows version, kind (2 for a message) and sequence number.
fn user_id(record: &[u8]) -> Option<UserId> {
    let id = u32::from_le_bytes(record[6..10].try_into().unwrap());
    (record[1] == 2).then(|| UserId::new(id.into()).unwrap())
}

/// Restores a single record, and returns the rest of its line.
fn restored(record: &[u8]) -> String {
    let mut memory = Memory::of(4);
    let mut tracker = memory.tracker();
    tracker.restore(record).expect("a record of an earlier build restores");
    if let Some(id) = user_id(record) {
        let saved = message_line(&tracker.message(id).expect("it was restored"));
        tracker.start(START);
        return format!("{saved} => {}", after_start(&mut tracker, id));
    }
    tracker.start(START);
    let id = tracker.add(&Draft::new(Number::new("10086").unwrap()), START).unwrap();
    format!("next id {id}, {}", after_start(&mut tracker, id))
}

/// Returns the message after the start, and the hash of the transcript that follows.
fn after_start(tracker: &mut Tracker<'_>, id: UserId) -> String {
    let resumed = tracker.message(id).map_or("deleted".into(), |message| message_line(&message));
    let mut transcript = Transcript::new();
    run_steps(tracker, &mut transcript, 12);
    format!("{resumed} => {:016x}", transcript.hash())
}

/// Runs a number of steps. Every third response is lost, and the others contain no record.
fn run_steps(tracker: &mut Tracker<'_>, transcript: &mut Transcript, steps: u32) {
    let mut now = START;
    for step in 0..steps {
        let ask = tracker.step(now);
        while let Some(change) = tracker.next_change() {
            transcript.change(&change);
        }
        while let Some(event) = tracker.next_event() {
            transcript.event(&event);
        }
        macro_rules! end {
            ($token:expr) => {
                if step % 3 == 0 { tracker.handle_lost($token, now) } else { tracker.handle_end($token, now) }
            };
        }
        match ask {
            Ask::Wait(until) => {
                transcript.wait(until);
                now = until.unwrap_or(now + Duration::from_secs(60)).max(now + Duration::from_millis(10));
            }
            Ask::Submit(token) => {
                transcript.submission(
                    tracker.submission(&token).expect("all is saved").expect("the token is fresh"),
                );
                tracker.handle_accepted(token, None, now);
            }
            Ask::Results(token) => {
                transcript.request(&tracker.results_request(&token).expect("the token is fresh"));
                end!(token);
            }
            Ask::Reports(token) => {
                transcript.request(&tracker.reports_request(&token).expect("the token is fresh"));
                end!(token);
            }
            Ask::Incoming(token) => {
                transcript.request(&tracker.incoming_request(&token).expect("the token is fresh"));
                end!(token);
            }
            Ask::Stop(token) => {
                transcript.request(&tracker.stop_request(&token).expect("the token is fresh"));
                tracker.handle_stopped(token, step % 2 == 0, now);
            }
            Ask::Queue(token) => tracker.handle_queue(token, Some(step % 2), now),
        }
    }
}

#[test]
fn records_of_earlier_builds_restore() {
    let mut lines = Vec::new();
    for line in RECORDS.lines() {
        let hex = line.split_once(' ').map_or(line, |(hex, _)| hex);
        lines.push(format!("{hex} {}", restored(&bytes(hex))));
    }
    if env::var_os("SIM_PIN").is_some() {
        return fs::write(RECORDS_PATH, lines.join("\n") + "\n").unwrap();
    }
    assert!(lines.len() > 100);
    for (now, pinned) in lines.iter().zip(RECORDS.lines()) {
        assert_eq!(now, pinned);
    }
}

#[test]
fn stores_of_earlier_builds_restore_and_continue() {
    let mut written = String::new();
    for store in STORES.split("store ").filter(|store| !store.is_empty()) {
        let (pinned, records) = store.split_once('\n').unwrap();
        let mut memory = Memory::of(64);
        let mut tracker = memory.tracker();
        for hex in records.lines() {
            tracker.restore(&bytes(hex)).expect("a record of an earlier build restores");
        }
        tracker.start(START);
        let mut transcript = Transcript::new();
        run_steps(&mut tracker, &mut transcript, 400);
        let hash = format!("{:016x}", transcript.hash());
        if env::var_os("SIM_PIN").is_none() {
            assert_eq!(hash, pinned);
        }
        written.extend(["store ", &hash, "\n", records]);
    }
    if env::var_os("SIM_PIN").is_some() {
        fs::write(STORES_PATH, written).unwrap();
    }
}

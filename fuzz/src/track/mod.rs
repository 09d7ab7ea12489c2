//! Random events in the lives of a tracker, and the rules that must hold.

mod answers;
mod input;
mod life;
mod model;

use std::{collections::BTreeMap, time::Duration};

use input::Input;
use life::Life;
use model::Model;
use sms_gateway_core::track::{PendingReport, Slot};

/// The number of messages that a tracker holds, and of pending reports.
const SLOTS: usize = 6;
const EARLY: usize = 8;

/// The records of each key, former ones too: the latest one is valid.
type Store = BTreeMap<u32, Vec<Vec<u8>>>;

/// Runs lives of a tracker one after the other, each with the records that the former one saved.
///
/// # Panics
/// If the tracker breaks a rule.
pub fn run(data: &[u8]) {
    let (mut input, mut store, mut model) = (Input(data), Store::new(), Model::default());
    let mut now = Duration::ZERO;
    loop {
        let (mut slots, mut early) = (vec![Slot::EMPTY; SLOTS], vec![PendingReport::EMPTY; EARLY]);
        let mut life = Life::new(&mut slots, &mut early, &mut store, &mut model, now);
        while !input.is_empty() && life.happen(&mut input) {}
        now = life.now;
        if input.is_empty() {
            return life.end();
        }
    }
}

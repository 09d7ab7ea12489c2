//! Random events in the lives of a tracker, and the rules that must hold.

mod input;
mod life;
mod model;
mod outcomes;

use std::{collections::BTreeMap, time::Duration};

use input::Input;
use life::Life;
use model::Model;
use sms_gateway_core::track::{PendingReport, Slot};

/// Number of messages and of pending reports that a tracker can hold.
const SLOTS: usize = 6;
const PENDING_REPORTS: usize = 8;

/// All records of each key. The last one is valid.
type Store = BTreeMap<u32, Vec<Vec<u8>>>;

/// Runs consecutive lives of a tracker, each with the records that the previous one saved.
///
/// # Panics
/// If the tracker breaks a rule.
pub fn run(data: &[u8]) {
    let (mut input, mut store, mut model) = (Input(data), Store::new(), Model::default());
    let mut now = Duration::ZERO;
    loop {
        let (mut slots, mut pending) =
            (vec![Slot::EMPTY; SLOTS], vec![PendingReport::EMPTY; PENDING_REPORTS]);
        let mut life = Life::new(&mut slots, &mut pending, &mut store, &mut model, now);
        while !input.is_empty() && life.carry_out(&mut input) {}
        now = life.now;
        if input.is_empty() {
            return life.end();
        }
    }
}

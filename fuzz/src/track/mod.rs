//! A tracker through everything that can happen, and what is to hold of it.

mod answers;
mod input;
mod life;
mod model;

use std::{collections::BTreeMap, time::Duration};

use input::Input;
use life::Life;
use model::Model;
use sms_gateway_core::track::{PendingReport, Slot};

/// How many messages a tracker holds, and reports without a message.
const SLOTS: usize = 6;
const EARLY: usize = 8;

/// The records of each key, former ones too: the latest counts.
type Store = BTreeMap<u32, Vec<Vec<u8>>>;

/// One life of a tracker after the other, each with what the one before had saved.
///
/// # Panics
/// When the tracker does what it should not.
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

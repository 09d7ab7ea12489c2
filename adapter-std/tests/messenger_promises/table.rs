//! The table of outcomes.

use std::{collections::BTreeMap, fmt};

use super::judge::{End, Verdict};

pub struct Table {
    verdicts: Vec<Verdict>,
}

/// The maximum number of flaws that are printed for each world.
const SHOWN: usize = 5;

const ENDS: [(End, &str); 10] = [
    (End::Delivered, "deliv."),
    (End::Failed, "failed"),
    (End::Sent, "sent"),
    (End::Undecided, "undec."),
    (End::Stopped, "stopp."),
    (End::Expired, "expir."),
    (End::UnresolvedNotSent, "u.lost"),
    (End::UnresolvedSent, "u.late"),
    (End::UnresolvedForgotten, "u.forg"),
    (End::UnresolvedStopped, "u.stop"),
];

impl Table {
    pub fn new(mut verdicts: Vec<Verdict>) -> Self {
        verdicts.sort_by_key(|verdict| verdict.world);
        Self { verdicts }
    }

    /// Fails if there are flaws, and shows them.
    pub fn assert_flawless(&self, seed: u64) {
        let flaws = self.verdicts.iter().flat_map(|verdict| {
            let shown = verdict.flaws.iter().take(SHOWN);
            shown.map(|flaw| format!("SEED={seed} WORLD={} {flaw}", verdict.world))
        });
        let flaws: Vec<_> = flaws.collect();
        assert!(flaws.is_empty(), "broken promises, the first {SHOWN} of each world:\n{}", flaws.join("\n"));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "world ")?;
        for (_, name) in ENDS {
            write!(f, "{name:>7}")?;
        }
        writeln!(f, "  twice requests faults lives  inbox again flaws  quirks")?;
        let mut totals = BTreeMap::new();
        for verdict in &self.verdicts {
            write!(f, "{:>5} ", verdict.world)?;
            for (end, _) in ENDS {
                let count = verdict.ends.get(&end).copied().unwrap_or(0);
                *totals.entry(end).or_insert(0) += count;
                write!(f, "{count:>7}")?;
            }
            let Verdict { doubled, requests, faults, lives, incoming, incoming_again, name, .. } = verdict;
            let flaws = verdict.flaws.len();
            writeln!(
                f,
                "{doubled:>7}{requests:>9}{faults:>7}{lives:>6}{incoming:>7}{incoming_again:>6}{flaws:>6}  {name}"
            )?;
        }
        write!(f, "  all ")?;
        for (end, _) in ENDS {
            write!(f, "{:>7}", totals.get(&end).copied().unwrap_or(0))?;
        }
        Ok(())
    }
}

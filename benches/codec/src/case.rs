//! What is measured: cases, and in each the contestants that do the same work.

use std::hint::black_box;

use measure::Run;

/// A case by its name on the command line.
pub(crate) type Entry = (&'static str, fn() -> Case);

/// One who takes part.
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    /// Gives the checksum of what it read.
    pub(crate) run: Run,
}

impl Contestant {
    pub(crate) fn new(name: &'static str, run: impl FnMut() -> Result<u64, String> + 'static) -> Self {
        Self { name, run: Box::new(run) }
    }

    /// A contestant that is named but can't take part.
    pub(crate) fn absent(name: &'static str, reason: &'static str) -> Self {
        Self::new(name, move || Err(reason.into()))
    }

    /// The floor: a bare scan of the answer for quotes. It has no checksum to compare.
    pub(crate) fn floor(answer: &'static [u8]) -> Self {
        Self::new(FLOOR, move || Ok(black_box(answer).chunks(255).map(quotes).sum()))
    }
}

/// The name of the floor.
const FLOOR: &str = "quote scan";

/// One piece of work, and all who do it.
pub(crate) struct Case {
    pub(crate) title: String,
    /// How many bytes one turn reads or writes.
    pub(crate) bytes: usize,
    /// How many units one turn takes.
    pub(crate) units: usize,
    /// What a unit is.
    pub(crate) unit: &'static str,
    pub(crate) contestants: Vec<Contestant>,
}

impl Case {
    pub(crate) fn runs(&mut self) -> Vec<&mut Run> {
        self.contestants.iter_mut().map(|contestant| &mut contestant.run).collect()
    }

    /// Has every contestant do its work once, and compares what came out.
    ///
    /// # Panics
    /// When two contestants differ, or the first can't do it.
    pub(crate) fn check(&mut self) {
        let mut expected = None;
        for Contestant { name, run } in &mut self.contestants {
            match run() {
                Ok(_) if *name == FLOOR => {}
                Ok(sum) => assert_eq!(sum, *expected.get_or_insert(sum), "{name} read something else"),
                Err(error) => assert!(expected.is_some(), "{name}: {error}"),
            }
        }
    }
}

/// Inputs live as long as the program, so that contestants can share them.
pub(crate) fn keep(json: String) -> &'static [u8] {
    json.leak().as_bytes()
}

/// So few bytes that their count fits into one, which lets the compiler compare many at once.
fn quotes(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u8::from(*byte == b'"')).sum::<u8>().into()
}

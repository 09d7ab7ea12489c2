//! The cases. In each case, all contestants do the same work.

use std::hint::black_box;

use measure::Run;

/// A case with its name on the command line.
pub(crate) type Entry = (&'static str, fn() -> Case);

/// A participant in a case.
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    /// Does the work once, and returns its checksum.
    pub(crate) run: Run,
}

impl Contestant {
    pub(crate) fn new(name: &'static str, run: impl FnMut() -> Result<u64, String> + 'static) -> Self {
        Self { name, run: Box::new(run) }
    }

    /// Creates a contestant that is listed but can't take part.
    pub(crate) fn absent(name: &'static str, reason: &'static str) -> Self {
        Self::new(name, move || Err(reason.into()))
    }

    /// Creates the lower bound: a contestant that only scans the response for quotes. It has no checksum to compare.
    pub(crate) fn floor(response: &'static [u8]) -> Self {
        Self::new(FLOOR, move || Ok(black_box(response).chunks(255).map(quotes).sum()))
    }
}

/// The name of the lower bound.
const FLOOR: &str = "quote scan";

/// A piece of work, and all contestants that do it.
pub(crate) struct Case {
    pub(crate) title: String,
    /// Number of bytes that a turn reads or writes.
    pub(crate) bytes: usize,
    /// Number of units (records, recipients or bytes) in a turn.
    pub(crate) units: usize,
    /// The name of a unit.
    pub(crate) unit: &'static str,
    pub(crate) contestants: Vec<Contestant>,
}

impl Case {
    pub(crate) fn runs(&mut self) -> Vec<&mut Run> {
        self.contestants.iter_mut().map(|contestant| &mut contestant.run).collect()
    }

    /// Lets every contestant do its work once, and compares the checksums.
    ///
    /// # Panics
    /// If the checksums of two contestants differ, or the first contestant fails.
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

/// Leaks the input, so that all contestants can borrow it.
pub(crate) fn keep(json: String) -> &'static [u8] {
    json.leak().as_bytes()
}

/// Counts the quotes in a chunk of at most 255 bytes. The count fits in one byte, so the compiler can compare many bytes at once.
fn quotes(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u8::from(*byte == b'"')).sum::<u8>().into()
}

//! Subscribers, and the spellings of their numbers.

use crate::rng::Rng;

/// A spelling of a number. The caller, the gateway's results and its reports have one habit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    National,
    Plus,
    DoubleZero,
    CountryCode,
    TrunkZero,
}

const SPELLINGS: [Spelling; 5] =
    [Spelling::National, Spelling::Plus, Spelling::DoubleZero, Spelling::CountryCode, Spelling::TrunkZero];

/// A subscriber's number in one of the spellings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spelt {
    pub(crate) line: u32,
    pub(crate) spelling: Spelling,
}

/// A habit of spelling.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Habit {
    AsGiven,
    Always(Spelling),
    Varies,
}

impl Habit {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        match rng.below(4) {
            0 => Self::AsGiven,
            1 => Self::Varies,
            _ => Self::Always(rng.pick(&SPELLINGS)),
        }
    }

    pub(crate) fn apply(self, number: Spelt, rng: &mut Rng) -> Spelt {
        let spelling = match self {
            Self::AsGiven => number.spelling,
            Self::Always(spelling) => spelling,
            Self::Varies => rng.pick(&SPELLINGS),
        };
        Spelt { spelling, ..number }
    }
}

/// All subscribers: first those that the client writes to, then those of other clients only.
#[derive(Debug)]
pub(crate) struct Numbers {
    spelt: Vec<[String; 5]>,
    /// The last seven digits. Only numbers that share them can be confused.
    tails: Vec<u32>,
}

impl Numbers {
    /// Creates subscribers. With `twins`, every tenth own number is the previous one without its first digit, so that some
    /// spellings of the two cannot be distinguished. Every twentieth is a short code.
    pub(crate) fn new(ours: u32, count: u32, twins: bool) -> Self {
        let national = |line: u32| match line % 20 {
            7 => format!("{}", 10_000 + line),
            _ => format!("1{}{:07}", 380 + line % 7, (u64::from(line) * 7_654_321 + 1_234_567) % 9_999_991),
        };
        let text = |line: u32| match line % 10 {
            3 if twins && line < ours => national(line - 1)[1..].to_owned(),
            _ => national(line),
        };
        let spelt: Vec<[String; 5]> = (0..count).map(|line| spellings(&text(line))).collect();
        let tails = spelt.iter().map(|all| tail(&all[0])).collect();
        Self { spelt, tails }
    }

    pub(crate) fn text(&self, number: Spelt) -> &str {
        &self.spelt[number.line as usize][number.spelling as usize]
    }

    pub(crate) fn tail(&self, line: u32) -> u32 {
        self.tails[line as usize]
    }

    /// Draws a spelling for `line`.
    pub(crate) fn spell(line: u32, rng: &mut Rng) -> Spelt {
        Spelt { line, spelling: rng.pick(&SPELLINGS) }
    }

    /// Returns whether two spellings can mean the same subscriber by the documented rule.
    pub(crate) fn same(&self, one: Spelt, other: Spelt) -> bool {
        self.tails[one.line as usize] == self.tails[other.line as usize]
            && same_line(self.text(one), self.text(other))
    }
}

/// Returns the spellings of a number. A short code has only one.
fn spellings(national: &str) -> [String; 5] {
    if national.len() < 7 {
        return [(); 5].map(|()| national.to_owned());
    }
    ["", "+86", "0086", "86", "0"].map(|prefix| format!("{prefix}{national}"))
}

fn tail(text: &str) -> u32 {
    text[text.len().saturating_sub(7)..].parse().unwrap()
}

/// Applies the documented rule to text: without `+` and leading zeros the numbers are equal, or the longer one ends with the
/// shorter one, which has seven digits or more.
fn same_line(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(|text| text.trim_start_matches('+').trim_start_matches('0'));
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    short == long || short.len() >= 7 && long.ends_with(short)
}

#[test]
fn spellings_match_only_within_a_line() {
    let numbers = Numbers::new(400, 400, false);
    let all = |line| SPELLINGS.map(|spelling| Spelt { line, spelling });
    for one in 0..400 {
        for other in 0..400 {
            let same = all(one).iter().all(|a| all(other).iter().all(|b| numbers.same(*a, *b)));
            assert_eq!(same, one == other, "{one} {other}");
        }
    }
}

#[test]
fn twins_can_be_confused() {
    let numbers = Numbers::new(10, 10, true);
    let spelt = |line, spelling| Spelt { line, spelling };
    assert!(numbers.same(spelt(2, Spelling::Plus), spelt(3, Spelling::National)));
    assert!(!numbers.same(spelt(2, Spelling::Plus), spelt(3, Spelling::Plus)));
}

//! Status words of results that the vendor's document does not list.

use crate::{UserId, json::Text};

/// The number of reported words that are remembered.
const REMEMBERED: usize = 4;

/// A status that the vendor's document does not list, as the gateway wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusWord {
    text: [u8; Self::MAX_BYTES],
    /// The length of the whole word in bytes, at most 255. Not all of it may fit `text`.
    length: u8,
}

impl StatusWord {
    /// The maximum length in bytes. A longer word is cut, and `Display` appends `…`.
    pub const MAX_BYTES: usize = 23;

    /// Returns the word, or its beginning if it [is cut](Self::is_cut).
    pub fn as_str(&self) -> &str {
        let text = self.text.get(..self.length.into()).unwrap_or(&self.text);
        match core::str::from_utf8(text) {
            Ok(text) => text,
            // A character was cut in half.
            Err(error) => text
                .get(..error.valid_up_to())
                .and_then(|text| core::str::from_utf8(text).ok())
                .unwrap_or_default(),
        }
    }

    /// Returns whether the word is longer than [`MAX_BYTES`](Self::MAX_BYTES).
    pub fn is_cut(&self) -> bool {
        usize::from(self.length) > Self::MAX_BYTES
    }
}

impl From<&str> for StatusWord {
    fn from(text: &str) -> Self {
        let mut word = Self { text: [0; Self::MAX_BYTES], length: text.len().try_into().unwrap_or(u8::MAX) };
        crate::writer::copy(&mut word.text, text.as_bytes());
        word
    }
}

impl core::fmt::Display for StatusWord {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())?;
        f.write_str(if self.is_cut() { "…" } else { "" })
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for StatusWord {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=str}", self.as_str());
    }
}

impl serde::Serialize for StatusWord {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The words that were reported lately, and the next word to report.
#[derive(Debug)]
pub(super) struct StatusWords {
    /// Hashes of words, the latest first.
    reported: [u32; REMEMBERED],
    due: Option<(UserId, StatusWord)>,
}

impl StatusWords {
    pub(super) const NONE: Self = Self { reported: [0; REMEMBERED], due: None };

    /// Notes the status word of a message's result. While another word waits to be reported, this one is skipped until the gateway
    /// repeats it.
    pub(super) fn note(&mut self, id: UserId, text: Text<'_>) {
        let text = text.as_str().trim_ascii();
        let hash = hash(text);
        if text.is_empty() || self.due.is_some() || self.reported.contains(&hash) {
            return;
        }
        self.due = Some((id, StatusWord::from(text)));
        let mut latest = hash;
        for place in &mut self.reported {
            latest = core::mem::replace(place, latest);
        }
    }

    /// Returns the word to report, and the message whose result contained it.
    pub(super) fn take(&mut self) -> Option<(UserId, StatusWord)> {
        self.due.take()
    }
}

/// Hashes a word with FNV-1a.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn each_word_is_reported_once() {
        let mut words = StatusWords::NONE;
        let id = UserId::new(7).unwrap();
        let mut reported = |text: &str| {
            words.note(id, Text::Exact(text));
            words.take().map(|(_, word)| word.to_string())
        };
        assert_eq!(reported("QUEUED").as_deref(), Some("QUEUED"));
        assert_eq!(reported("QUEUED"), None);
        assert_eq!(reported(" QUEUED "), None);
        for (word, is_reported) in
            [("", false), (" ", false), ("A", true), ("B", true), ("A", false), ("C", true)]
        {
            assert_eq!(reported(word).is_some(), is_reported, "{word}");
        }
        assert_eq!(reported("QUEUED"), None, "four words are remembered");
        assert_eq!(reported("D").as_deref(), Some("D"));
        assert_eq!(reported("QUEUED").as_deref(), Some("QUEUED"));
    }

    #[test]
    fn a_word_that_waits_does_not_hide_another_one() {
        let mut words = StatusWords::NONE;
        let id = UserId::new(7).unwrap();
        words.note(id, Text::Exact("A"));
        words.note(id, Text::Exact("B"));
        assert_eq!(words.take().unwrap().1.as_str(), "A");
        assert_eq!(words.take(), None);
        words.note(id, Text::Exact("B"));
        assert_eq!(words.take().unwrap().1.as_str(), "B");
    }

    #[test]
    fn a_long_word_is_cut_at_a_character_and_says_so() {
        assert_eq!(StatusWord::from("12345678901234567890123").to_string(), "12345678901234567890123");
        assert_eq!(StatusWord::from("1234567890123456789012é").to_string(), "1234567890123456789012…");
        assert_eq!(StatusWord::from("x".repeat(300).as_str()).to_string(), "x".repeat(23) + "…");
    }
}

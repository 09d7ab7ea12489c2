//! Keywords by which recipients opt out of an account's messages, and in again.

use serde::Deserialize;

use crate::storage::Keyword;

/// The keywords of an account. An incoming message is one only if that is its whole text, in upper or lower case. A word in both lists is
/// a [`Keyword::Stop`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Keywords {
    /// The words that opt out. If the list is empty, no incoming message opts out.
    pub stop: Vec<String>,
    /// The words that opt in again.
    pub start: Vec<String>,
}

/// The usual English keywords.
impl Default for Keywords {
    fn default() -> Self {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            stop: owned(&["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"]),
            start: owned(&["START", "UNSTOP"]),
        }
    }
}

impl Keywords {
    /// Returns the meaning of a text that is a keyword.
    pub fn find(&self, text: &str) -> Option<Keyword> {
        let text = text.trim().to_lowercase();
        let is_one_of = |words: &[String]| words.iter().any(|word| word.trim().to_lowercase() == text);
        if text.is_empty() {
            None
        } else if is_one_of(&self.stop) {
            Some(Keyword::Stop)
        } else {
            is_one_of(&self.start).then_some(Keyword::Start)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_text_is_a_keyword_in_upper_or_lower_case() {
        let keywords = Keywords::default();
        for (text, expected) in [
            ("STOP", Some(Keyword::Stop)),
            (" stop\r\n", Some(Keyword::Stop)),
            ("Unsubscribe", Some(Keyword::Stop)),
            ("start", Some(Keyword::Start)),
            ("UNSTOP", Some(Keyword::Start)),
            ("stop it", None),
            ("STOP.", None),
            ("Please STOP", None),
            ("", None),
            (" ", None),
        ] {
            assert_eq!(keywords.find(text), expected, "{text}");
        }
    }

    #[test]
    fn an_empty_list_turns_its_keywords_off_and_a_missing_list_is_the_usual_one() {
        let keywords: Keywords = toml::from_str("stop = []").unwrap();
        assert_eq!(keywords.find("STOP"), None);
        assert_eq!(keywords.find("START"), Some(Keyword::Start));
    }

    #[test]
    fn the_keywords_of_an_account_replace_the_usual_ones() {
        let keywords = Keywords { stop: vec!["Ärger".to_owned(), String::new()], start: Vec::new() };
        assert_eq!(keywords.find("äRGER"), Some(Keyword::Stop));
        assert_eq!(keywords.find("STOP"), None);
        assert_eq!(keywords.find(""), None);
    }
}

//! The findings of the checks.

use serde::Serialize;

use super::advice::advice;

/// The length in bytes at which a text is no longer extended.
const MAX_TEXT: usize = 500;

/// The importance of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Level {
    /// Behaviour that matches the vendor's document, or a neutral fact.
    Fact,
    /// A departure from the vendor's document with which this project's clients cope.
    Quirk,
    /// A problem that somebody has to solve.
    Problem,
}

/// A finding. Except for its `local` part, it can be published: it contains no phone number, message text, credential or serial number of
/// the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// The check that made the finding.
    pub(super) check: &'static str,
    pub(super) level: Level,
    /// A name for scripts. Quirks have the same names as in gateway-emulator.
    #[serde(rename = "finding")]
    pub(super) name: &'static str,
    pub(super) text: String,
    /// The next step for the reader, or the behaviour of this project's clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) advice: Option<&'static str>,
    /// Details that only the owner of the gateway sees; the report omits them. A part after a line feed is shown on its own line.
    #[serde(skip)]
    pub(super) local: Option<String>,
}

/// The findings so far. Each name occurs once.
#[derive(Debug, Default)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Findings {
    pub(super) fn fact(&mut self, check: &'static str, name: &'static str, text: impl Into<String>) {
        self.add(check, Level::Fact, name, text.into());
    }

    pub(super) fn quirk(&mut self, check: &'static str, name: &'static str, text: impl Into<String>) {
        self.add(check, Level::Quirk, name, text.into());
    }

    pub(super) fn problem(&mut self, check: &'static str, name: &'static str, text: impl Into<String>) {
        self.add(check, Level::Problem, name, text.into());
    }

    fn add(&mut self, check: &'static str, level: Level, name: &'static str, text: String) {
        if !self.has(name) {
            let advice = advice(name);
            self.0.push(Finding { check, level, name, text, advice, local: None });
        }
    }

    /// Adds a quirk. If there is a finding with this name, appends the text to that finding. Does nothing if that finding is already
    /// long or contains `detail`.
    pub(super) fn extend(&mut self, check: &'static str, name: &'static str, text: String, detail: &str) {
        let Some(finding) = self.0.iter_mut().find(|known| known.name == name) else {
            return self.quirk(check, name, text);
        };
        if finding.text.len() < MAX_TEXT && !finding.text.contains(detail) {
            finding.text.extend([" ", &text]);
        }
    }

    /// Adds a detail to the `local` part of the finding with this name. The introduction precedes the first detail.
    pub(super) fn add_local(&mut self, name: &str, introduction: &str, text: &str) {
        let Some(finding) = self.0.iter_mut().find(|known| known.name == name) else { return };
        let local = finding.local.get_or_insert_with(|| introduction.to_owned());
        if local.len() < MAX_TEXT && !local.contains(text) {
            local.extend([if text.starts_with('\n') { "" } else { " " }, text]);
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|known| known.name == name)
    }
}

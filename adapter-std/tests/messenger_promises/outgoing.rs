//! The messages that are sent.

use std::time::Duration;

use sms_gateway::Sms;

use super::{chance::Chance, following};

/// The shortest validity, and one that is longer than any test.
const SHORT: Duration = Duration::from_millis(8_500);
const LONG: Duration = Duration::from_secs(3600);

/// A message to be sent. Each message has a different text, by which the gateway's records of it are found.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)]
pub struct Outgoing {
    pub number: String,
    pub text: String,
    pub has_key: bool,
    pub is_urgent: bool,
    pub may_be_resent: bool,
    pub wants_report: bool,
    pub is_stopped: bool,
    pub valid_for: Option<Duration>,
}

/// Draws random messages. `some_expire` is for a gateway that is down at first: some messages then expire before it comes up.
pub fn draw(messages: usize, some_expire: bool, chance: &mut Chance) -> Vec<Outgoing> {
    let lines = chance.pick(&[1, 10, messages]);
    let validity = if some_expire { SHORT } else { LONG };
    let one = |index: usize| {
        let country = if chance.once_in(5) { "+86" } else { "" };
        Outgoing {
            number: format!("{country}1390{:07}", index % lines),
            text: text(index, chance),
            has_key: chance.once_in(5),
            is_urgent: chance.once_in(10),
            may_be_resent: chance.once_in(6),
            wants_report: !chance.once_in(15),
            is_stopped: chance.once_in(25),
            // The first message always has a validity. Some senders send nothing else before it is accepted, and a gateway that is
            // down at first comes up only after a message has expired.
            valid_for: (chance.once_in(6) || index == 0).then_some(validity),
        }
    };
    (0..messages).map(one).collect()
}

fn text(index: usize, chance: &mut Chance) -> String {
    let rest = match chance.below(8) {
        0 => "over several segments ".repeat(8 + usize::try_from(chance.below(12)).unwrap()),
        1 => "über mehrere Segmente 😀 ".repeat(4 + usize::try_from(chance.below(6)).unwrap()),
        2 => "#param# \"quoted\"\n\t\\".to_owned(),
        3 => "你好 😀".to_owned(),
        _ => "in one segment".to_owned(),
    };
    format!("m{index}: {rest}")
}

impl Outgoing {
    /// Returns the message as the messenger sends it.
    pub fn sms(&self, index: usize) -> Sms {
        let name = format!("m{index}");
        let sms = following::sms(&self.number, &self.text).reference(&name);
        let mut sms = sms.urgent(self.is_urgent).resend(self.may_be_resent).status_report(self.wants_report);
        if self.has_key {
            sms = sms.idempotency_key(&name);
        }
        match self.valid_for {
            Some(limit) => sms.valid_for(limit),
            None => sms,
        }
    }
}

/// Returns the index of a message with this reference.
pub fn index(reference: &str) -> usize {
    reference.strip_prefix('m').and_then(|index| index.parse().ok()).expect(reference)
}

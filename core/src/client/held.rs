//! An incoming message, held in lent memory until the caller acknowledges it.

use core::{fmt, ops::Range};

use serde::Serialize;

use crate::{Timestamp, call::IncomingSms, json::Text, track::InboxMark, writer::copy};

/// A message that arrived at the gateway. Until the caller acknowledges it, no other message is fetched. After a restart, an
/// unacknowledged message is returned again.
///
/// A text that did not fit is [`Text::TooLong`]. To fetch it into a larger buffer, use
/// [`QueryIncomingSms::after`](crate::call::QueryIncomingSms::after) with the message's id minus one.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Incoming<'a> {
    /// The mark by which the message is acknowledged, and by which its repetitions are recognised.
    #[serde(rename = "incoming_sms_id", serialize_with = "id")]
    pub mark: InboxMark,
    /// The port that received the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u32>,
    /// The sender: a number or a name.
    #[serde(skip_serializing_if = "Text::is_missing")]
    pub number: Text<'a>,
    /// The number of the SMSC.
    #[serde(skip_serializing_if = "Text::is_missing")]
    pub smsc: Text<'a>,
    /// The time of arrival, by the gateway's clock.
    #[serde(rename = "timestamp", skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// The text.
    #[serde(skip_serializing_if = "Text::is_missing")]
    pub text: Text<'a>,
    /// The IMSI of the SIM card that received the message (later versions of the API).
    #[serde(skip_serializing_if = "Text::is_missing")]
    pub imsi: Text<'a>,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn id<S: serde::Serializer>(mark: &InboxMark, serializer: S) -> Result<S::Ok, S::Error> {
    mark.id.serialize(serializer)
}

/// Shows neither the numbers nor the text, which do not belong in logs.
impl fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("mark", &self.mark)
            .field("port", &self.port)
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

/// Shows what `Debug` shows.
#[cfg(feature = "defmt")]
impl defmt::Format for Incoming<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Incoming {{ mark: {}, port: {}, .. }}", self.mark, self.port);
    }
}

/// The memory for one incoming message.
pub struct HeldSms<'m> {
    bytes: &'m mut [u8],
    held: Option<Held>,
    /// Whether the held message has been handed out.
    is_handed_out: bool,
}

struct Held {
    mark: InboxMark,
    port: Option<u32>,
    time: Option<Timestamp>,
    number: HeldText,
    smsc: HeldText,
    text: HeldText,
    imsi: HeldText,
}

/// The number of bytes that a message's texts occupy, and the number that they would need to fit completely.
#[derive(Default)]
struct Used {
    bytes: usize,
    needed: usize,
}

/// A text in the lent memory.
enum HeldText {
    Missing,
    Exact(Range<usize>),
    Lossy(Range<usize>),
    TooLong { needed: usize },
}

impl HeldText {
    fn text<'b>(&self, bytes: &'b [u8]) -> Text<'b> {
        let text = |range: &Range<usize>| {
            core::str::from_utf8(bytes.get(range.clone()).unwrap_or_default()).unwrap_or_default()
        };
        match self {
            Self::Missing => Text::Missing,
            Self::Exact(range) => Text::Exact(text(range)),
            Self::Lossy(range) => Text::Lossy(text(range)),
            Self::TooLong { needed } => Text::TooLong { needed: *needed },
        }
    }
}

impl<'m> HeldSms<'m> {
    /// Creates an empty memory over `bytes`.
    pub const fn new(bytes: &'m mut [u8]) -> Self {
        Self { bytes, held: None, is_handed_out: false }
    }

    /// Whether no message is held.
    pub const fn is_empty(&self) -> bool {
        self.held.is_none()
    }

    /// Holds a message. If a message is held already, keeps that one and returns `false`.
    pub fn hold(&mut self, sms: &IncomingSms<'_>, mark: InboxMark) -> bool {
        if !self.is_empty() {
            return false;
        }
        let mut used = Used::default();
        let number = self.copy(&mut used, sms.number);
        let smsc = self.copy(&mut used, sms.smsc);
        let text = self.copy(&mut used, sms.text);
        let imsi = self.copy(&mut used, sms.imsi);
        let (port, time) = (sms.port.get(), sms.timestamp.get());
        self.held = Some(Held { mark, port, time, number, smsc, text, imsi });
        self.is_handed_out = false;
        true
    }

    fn copy(&mut self, used: &mut Used, text: Text<'_>) -> HeldText {
        let bytes = text.as_str().as_bytes();
        let range = used.bytes..used.bytes.saturating_add(bytes.len());
        used.needed = used.needed.saturating_add(bytes.len());
        let held = match text {
            Text::Missing => return HeldText::Missing,
            Text::TooLong { needed } => return HeldText::TooLong { needed },
            Text::Exact(_) => HeldText::Exact(range.clone()),
            Text::Lossy(_) => HeldText::Lossy(range.clone()),
        };
        let end = range.end;
        match self.bytes.get_mut(range) {
            Some(space) => {
                copy(space, bytes);
                used.bytes = end;
                held
            }
            None => HeldText::TooLong { needed: used.needed },
        }
    }

    /// Returns whether a message waits to be handed out, and marks it as handed out.
    pub const fn hand_out(&mut self) -> bool {
        self.held.is_some() && !core::mem::replace(&mut self.is_handed_out, true)
    }

    /// Returns the message, if one is held.
    pub fn message(&self) -> Option<Incoming<'_>> {
        let held = self.held.as_ref()?;
        Some(Incoming {
            mark: held.mark,
            port: held.port,
            number: held.number.text(self.bytes),
            smsc: held.smsc.text(self.bytes),
            time: held.time,
            text: held.text.text(self.bytes),
            imsi: held.imsi.text(self.bytes),
        })
    }

    /// Drops the message if it has this mark. Returns whether a message was dropped.
    pub fn release(&mut self, mark: InboxMark) -> bool {
        self.held.take_if(|held| held.mark == mark).is_some()
    }
}

/// Shows nothing of the message.
impl fmt::Debug for HeldSms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldSms").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Field;

    fn sms<'a>(number: Text<'a>, text: Text<'a>) -> IncomingSms<'a> {
        IncomingSms {
            incoming_sms_id: Field::Known(7),
            port: Field::Known(2),
            number,
            smsc: Text::Missing,
            timestamp: Field::Missing,
            text,
            imsi: Text::Missing,
        }
    }

    const MARK: InboxMark = InboxMark { id: 7, hash: 1 };

    #[test]
    fn a_message_is_serialized_with_the_names_of_the_api() {
        let mut bytes = [0; 16];
        let mut held = HeldSms::new(&mut bytes);
        held.hold(&sms(Text::Exact("10086"), Text::Exact("Hello")), MARK);
        assert_eq!(
            serde_json::to_value(held.message()).unwrap(),
            serde_json::json!({ "incoming_sms_id": 7, "port": 2, "number": "10086", "text": "Hello" })
        );
    }

    #[test]
    fn a_message_is_handed_out_once_and_held_until_it_is_released() {
        let mut bytes = [0; 16];
        let mut held = HeldSms::new(&mut bytes);
        assert!(!held.hand_out());
        held.hold(&sms(Text::Exact("10086"), Text::Exact("Hello")), MARK);
        assert!(held.hand_out());
        assert!(!held.hand_out());
        assert!(!held.hold(&sms(Text::Exact("1"), Text::Exact("other")), InboxMark { id: 8, ..MARK }));
        assert_eq!(held.message().unwrap().text, Text::Exact("Hello"));
        assert!(!held.release(InboxMark { id: 8, ..MARK }));
        assert!(!held.is_empty());
        assert!(held.release(MARK));
        assert!(held.is_empty());
    }

    #[test]
    fn a_text_that_does_not_fit_is_marked_and_the_others_stand() {
        let mut bytes = [0; 8];
        let mut held = HeldSms::new(&mut bytes);
        held.hold(&sms(Text::Lossy("10086"), Text::Exact("Hello")), MARK);
        let message = held.message().unwrap();
        assert_eq!(message.number, Text::Lossy("10086"));
        assert_eq!(message.text, Text::TooLong { needed: 10 });
        held.release(MARK);
        held.hold(&sms(Text::Exact("+8613800138000"), Text::Exact("too long")), MARK);
        let message = held.message().unwrap();
        assert_eq!((message.number, message.text), (Text::TooLong { needed: 14 }, Text::Exact("too long")));
        held.release(MARK);
        held.hold(&sms(Text::TooLong { needed: 99 }, Text::Exact("Hello")), MARK);
        let message = held.message().unwrap();
        assert_eq!(message.number, Text::TooLong { needed: 99 });
        assert_eq!(message.text, Text::Exact("Hello"));
    }
}

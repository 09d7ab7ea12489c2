//! The message that came in and is not acknowledged yet: one at a time.

use core::ops::Range;

use sms_gateway_core::{Timestamp, call::IncomingSms, json::Text, track::InboxMark};

use crate::memory::copy;

/// A message that came in. Until it is [acknowledged](crate::Messenger::acknowledge_incoming) no other is fetched, and after a restart it
/// comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Incoming<'a> {
    /// By which it is acknowledged, and a repetition recognised.
    pub mark: InboxMark,
    /// The port that received it.
    pub port: Option<u32>,
    /// The sender: a number or a name; empty if the gateway did not tell, or if [`lacks_room`](Self::lacks_room).
    pub number: &'a str,
    /// The message centre; empty as the sender is.
    pub smsc: &'a str,
    /// When it came, by the gateway's clock.
    pub time: Option<Timestamp>,
    /// The text; [`Text::TooLong`] if it found no room, in [`Buffers::record`](crate::Buffers::record) or in
    /// [`Room::incoming`](crate::Room::incoming). It can be fetched by the id before it with
    /// [`query_incoming_sms`](crate::Gateway::query_incoming_sms).
    pub text: Text<'a>,
    /// The sender or the message centre found no room, in [`Buffers::record`](crate::Buffers::record) or in
    /// [`Room::incoming`](crate::Room::incoming).
    pub lacks_room: bool,
}

/// The desk's side.
pub(super) struct Tray<'m> {
    bytes: &'m mut [u8],
    held: Option<Held>,
    /// It was told in this life.
    is_told: bool,
}

#[derive(Clone)]
struct Held {
    mark: InboxMark,
    port: Option<u32>,
    time: Option<Timestamp>,
    number: Range<usize>,
    smsc: Range<usize>,
    text: Result<Range<usize>, usize>,
    is_lossy: bool,
    lacks_room: bool,
}

impl<'m> Tray<'m> {
    pub(super) fn new(bytes: &'m mut [u8]) -> Self {
        Self { bytes, held: None, is_told: false }
    }

    /// Whether a message can be held.
    pub(super) const fn is_empty(&self) -> bool {
        self.held.is_none()
    }

    /// Holds a message until it is acknowledged.
    pub(super) fn hold(&mut self, sms: &IncomingSms<'_>, mark: InboxMark) {
        let mut used = 0;
        let number = self.copy_whole(&mut used, &sms.number);
        let smsc = self.copy_whole(&mut used, &sms.smsc);
        let lacks_room = number.is_none() || smsc.is_none();
        let (number, smsc) = (number.unwrap_or_default(), smsc.unwrap_or_default());
        let text = match sms.text {
            Text::TooLong { needed } => Err(needed),
            text => self.copy(&mut used, text.as_str()).ok_or(used.saturating_add(text.as_str().len())),
        };
        let is_lossy = matches!(sms.text, Text::Lossy(_));
        let (port, time) = (sms.port.get(), sms.timestamp.get());
        self.held = Some(Held { mark, port, time, number, smsc, text, is_lossy, lacks_room });
        self.is_told = false;
    }

    /// `None` also for what has lost something already.
    fn copy_whole(&mut self, used: &mut usize, text: &Text<'_>) -> Option<Range<usize>> {
        if matches!(text, Text::TooLong { .. }) { None } else { self.copy(used, text.as_str()) }
    }

    fn copy(&mut self, used: &mut usize, text: &str) -> Option<Range<usize>> {
        let range = *used..used.checked_add(text.len())?;
        copy(self.bytes.get_mut(range.clone())?, text.as_bytes());
        *used = range.end;
        Some(range)
    }

    /// Whether there is something to tell; it then counts as told.
    pub(super) fn tell(&mut self) -> bool {
        self.held.is_some() && !core::mem::replace(&mut self.is_told, true)
    }

    pub(super) fn message(&self) -> Option<Incoming<'_>> {
        let held = self.held.as_ref()?;
        let text = |range: &Range<usize>| {
            core::str::from_utf8(self.bytes.get(range.clone()).unwrap_or_default()).unwrap_or_default()
        };
        Some(Incoming {
            mark: held.mark,
            port: held.port,
            number: text(&held.number),
            smsc: text(&held.smsc),
            time: held.time,
            text: match &held.text {
                Ok(range) if held.is_lossy => Text::Lossy(text(range)),
                Ok(range) => Text::Exact(text(range)),
                Err(needed) => Text::TooLong { needed: *needed },
            },
            lacks_room: held.lacks_room,
        })
    }

    /// Whether that is what is held; then no more.
    pub(super) fn release(&mut self, mark: InboxMark) -> bool {
        let is_held = self.held.as_ref().is_some_and(|held| held.mark == mark);
        if is_held {
            self.held = None;
        }
        is_held
    }
}

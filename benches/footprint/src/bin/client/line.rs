//! A connection, and the answer that it brings.

use core::ops::Range;

use footprint::Wire;
use sms_gateway_core::http::{Answer, Part};

use crate::exchange::Failed;

/// A connection, and the answer that it brings.
pub(crate) struct Line<'m> {
    pub(crate) wire: Wire,
    pub(crate) answer: Answer<&'m mut [u8]>,
    pub(crate) bytes: &'m mut [u8],
    /// What of the bytes is not read by `answer` yet.
    pub(crate) unread: Range<usize>,
}

impl Line<'_> {
    /// Sends a request and reads the head of its answer: its status.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> Result<u16, Failed> {
        let values = core::mem::replace(&mut self.answer, Answer::new(&mut [])).into_buffer();
        (self.answer, self.unread) = (Answer::new(values), 0..0);
        self.wire.write(request);
        while self.answer.status().is_none() {
            self.piece()?;
        }
        Ok(self.answer.status().unwrap_or_default())
    }

    /// The next piece of the body, as a range of the bytes; an empty one behind the head; `None` at the end.
    pub(crate) fn piece(&mut self) -> Result<Option<Range<usize>>, Failed> {
        loop {
            let mut input = self.bytes.get(self.unread.clone()).unwrap_or_default();
            let part = self.answer.next(&mut input)?;
            self.unread.start = self.unread.end.saturating_sub(input.len());
            match part {
                Some(Part::Head { .. }) => return Ok(Some(0..0)),
                // It ends where reading has come to.
                Some(Part::Body(piece)) => {
                    return Ok(Some(self.unread.start.saturating_sub(piece.len())..self.unread.start));
                }
                Some(Part::End) => return Ok(None),
                None if self.answer.is_complete() => return Ok(None),
                None => {}
            }
            self.unread = 0..self.wire.read(self.bytes);
            if self.unread.is_empty() {
                self.answer.closed()?;
            }
        }
    }
}

//! The response to a call: its records, its end, and whether the gateway carried out the request.

use super::{Failure, excerpt::MAX_KEPT_BYTES};
use crate::{
    call::{Call, QueryIncomingSms, Refusal, Spec},
    json::{Field, Malformed, ReadError, Reader, Text},
    track::PageBreak,
    writer::copy,
};

/// The result of a step of reading a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Read {
    /// A record is complete.
    Record,
    /// All input is consumed, and more is needed.
    More,
    /// The document is complete. The rest of the body is not needed: read and discard it if that is cheaper than a new
    /// connection. Then call `read` again for the result.
    Drain,
    /// The response is complete, and the gateway carried out the request.
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Records may follow.
    Document,
    /// The document is complete.
    Complete,
    /// An error has been returned.
    Failed,
}

/// The maximum number of consecutive bytes without a record. It also applies to responses of unlimited length. Without it, a peer
/// could keep a reader busy for ever with white space or unknown values.
const MAX_GAP_BYTES: u32 = 16 * 1024 * 1024;

/// Reads the body of one response after the other.
pub(super) struct Reading<B> {
    spec: &'static Spec,
    reader: Reader,
    buffer: B,
    stage: Stage,
    /// Whether the last `read` returned a record.
    is_at_record: bool,
    /// The limit on the length of the body, in bytes. `left` is the unused part of it.
    limit: Option<u32>,
    left: u32,
    /// The number of bytes since the last record.
    gap: u32,
    /// The number of bytes that the buffer holds from the body of an HTTP error response. Such a body has no records.
    kept: Option<usize>,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Reading<B> {
    pub(super) const fn new(buffer: B) -> Self {
        let spec = <crate::call::QuerySmsInQueue as Call>::SPEC;
        Self {
            spec,
            reader: Reader::new(spec.schema),
            buffer,
            stage: Stage::Failed,
            is_at_record: false,
            limit: None,
            left: 0,
            gap: 0,
            kept: None,
        }
    }

    pub(super) fn begin(&mut self, spec: &'static Spec) {
        self.spec = spec;
        self.reader = Reader::new(spec.schema);
        (self.stage, self.is_at_record, self.limit, self.gap) = (Stage::Document, false, None, 0);
        self.kept = None;
    }

    /// Ends an HTTP error response without reading records. From now on, `keep` keeps the beginning of its body.
    pub(super) const fn refuse(&mut self) {
        (self.stage, self.kept) = (Stage::Failed, Some(0));
    }

    /// Keeps as much of the body of an HTTP error response as there is room for. After the end of a query_incoming_sms document, checks
    /// for further JSON.
    pub(super) fn keep(&mut self, piece: &[u8]) {
        if self.stage == Stage::Complete && self.spec.name() == QueryIncomingSms::NAME {
            self.reader.surplus(piece);
        }
        let Some(kept) = self.kept else { return };
        let end = self.buffer.as_ref().len().min(MAX_KEPT_BYTES);
        let space = self.buffer.as_mut().get_mut(kept..end).unwrap_or_default();
        self.kept = Some(kept.saturating_add(space.len().min(piece.len())));
        copy(space, piece);
    }

    /// Drops the kept part of the body of an HTTP error response.
    pub(super) const fn drop_kept(&mut self) {
        self.kept = None;
    }

    /// Returns the kept bytes of the body of an HTTP error response, and whether they fill the room for them.
    pub(super) fn kept(&self) -> (&[u8], bool) {
        let (buffer, kept) = (self.buffer.as_ref(), self.kept.unwrap_or_default());
        (buffer.get(..kept).unwrap_or_default(), kept == buffer.len().min(MAX_KEPT_BYTES))
    }

    pub(super) const fn limit_bytes(&mut self, limit: u32) {
        (self.limit, self.left) = (Some(limit), limit);
    }

    /// Whether the caller reads the body itself.
    pub(super) const fn is_raw(&self) -> bool {
        self.spec.is_raw
    }

    pub(super) const fn buffer(&self) -> &B {
        &self.buffer
    }

    pub(super) fn read(&mut self, input: &mut &[u8]) -> Result<Read, Failure> {
        self.is_at_record = false;
        match self.stage {
            Stage::Failed => return Err(Failure::Ended),
            Stage::Complete => return self.complete().map(|()| Read::End),
            Stage::Document => {}
        }
        let length = input.len();
        let read = self.reader.next(self.buffer.as_mut(), input);
        self.count(length.saturating_sub(input.len()))?;
        self.is_at_record = read.map_err(|error| self.fail(error.into()))?;
        if self.is_at_record {
            self.gap = 0;
            return Ok(Read::Record);
        }
        if !self.reader.is_complete() {
            return Ok(Read::More);
        }
        self.stage = Stage::Complete;
        self.keep(input);
        Ok(Read::Drain)
    }

    /// Checks a response that was read to its end.
    fn complete(&mut self) -> Result<(), Failure> {
        self.body_ended()?;
        self.check()
    }

    /// Counts a piece of a body that the caller reads itself.
    pub(super) fn piece(&mut self, bytes: usize) -> Result<(), Failure> {
        if self.stage == Stage::Failed {
            return Err(Failure::Ended);
        }
        self.gap = 0;
        self.count(bytes)
    }

    /// Counts bytes of the body against the limits.
    fn count(&mut self, bytes: usize) -> Result<(), Failure> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.gap = self.gap.saturating_add(bytes);
        if self.gap > MAX_GAP_BYTES {
            return Err(self.fail(Failure::TooLarge { limit: MAX_GAP_BYTES }));
        }
        let Some(limit) = self.limit else { return Ok(()) };
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(self.fail(Failure::TooLarge { limit })),
        }
    }

    pub(super) fn body_ended(&mut self) -> Result<(), Failure> {
        match self.stage {
            Stage::Document | Stage::Complete => {
                self.reader.finish().map_err(|error: ReadError| self.fail(error.into()))
            }
            Stage::Failed => Err(Failure::Ended),
        }
    }

    /// Ends the response with an error.
    pub(super) const fn fail(&mut self, failure: Failure) -> Failure {
        self.stage = Stage::Failed;
        failure
    }

    /// Checks by the error_code whether the gateway carried out the request. Every schema lists the error_code as the first of the values
    /// outside the records.
    fn check(&self) -> Result<(), Failure> {
        let code: Field<'_, u32> = self.reader.head(self.buffer.as_ref()).take();
        Refusal::judge(self.spec, code).map_err(Failure::Refused)
    }

    pub(super) fn record<C: Call>(&self) -> Option<C::Record<'_>> {
        if self.is_at_record { C::record(self.reader.record(self.buffer.as_ref())) } else { None }
    }

    pub(super) fn page_break(&self) -> Option<PageBreak> {
        let is_incoming = self.spec.name() == QueryIncomingSms::NAME;
        let Err(error) = self.reader.finish() else { return None };
        if !is_incoming || self.stage != Stage::Failed || !self.reader.has_list() {
            return None;
        }
        let record = self.reader.is_in_record().then(|| self.reader.record(self.buffer.as_ref()));
        Some(PageBreak {
            id: record.and_then(QueryIncomingSms::record).and_then(|sms| sms.incoming_sms_id.get()),
            offset: u32::try_from(error.offset.saturating_sub(self.reader.record_offset()))
                .unwrap_or(u32::MAX),
            is_cut: error.kind == Malformed::CutOff,
        })
    }

    pub(super) fn serial_number(&self) -> Text<'_> {
        let keys = self.spec.schema.head;
        let mut values = self.reader.head(self.buffer.as_ref());
        for key in keys {
            let value = values.take::<Text<'_>>();
            if key.name() == b"sn" {
                return value;
            }
        }
        Text::Missing
    }

    pub(super) fn summary<C: Call>(&self) -> C::Summary<'_> {
        C::summary(self.reader.head(self.buffer.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::QuerySmsResult;

    fn reading() -> Reading<[u8; 64]> {
        let mut reading = Reading::new([0; 64]);
        reading.begin(<QuerySmsResult<'static> as Call>::SPEC);
        reading
    }

    #[test]
    fn the_serial_number_is_read_wherever_it_stands() {
        for (document, before) in [
            (r#"{"error_code":200,"sn":"da00-1","result":[{"port":1}]}"#, Text::Exact("da00-1")),
            (r#"{"result":[{"port":1}],"sn":"da00-1"}"#, Text::Missing),
            (r#"{"result":[{"port":1}],"snr":"da00-1"}"#, Text::Missing),
        ] {
            let mut reading = reading();
            let mut input = document.as_bytes();
            assert_eq!(reading.read(&mut input), Ok(Read::Record));
            assert_eq!(reading.serial_number(), before, "{document}");
            while reading.read(&mut input) == Ok(Read::Record) {}
            let expected = if document.contains("\"sn\"") { "da00-1" } else { "" };
            assert_eq!(reading.serial_number().as_str(), expected, "{document}");
        }
    }

    #[test]
    fn blanks_without_an_end_are_refused_and_records_without_an_end_are_not() {
        let blanks = std::vec![b' '; 1 << 16];
        let mut blank = reading();
        assert_eq!(blank.read(&mut &b"{\"result\":["[..]), Ok(Read::More));
        let refused = (0..300).find_map(|_| blank.read(&mut &blanks[..]).err());
        assert_eq!(refused, Some(Failure::TooLarge { limit: MAX_GAP_BYTES }));
        let mut records = reading();
        assert_eq!(records.read(&mut &b"{\"result\":["[..]), Ok(Read::More));
        for _ in 0..300 {
            assert_eq!(records.read(&mut &blanks[..]), Ok(Read::More));
            assert_eq!(records.read(&mut &b"{\"port\":1}"[..]), Ok(Read::Record));
        }
    }
}

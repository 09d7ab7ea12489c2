//! The tolerant, resumable reader, which splits bytes into records and their values.

use super::{
    FAST, Malformed, ReadError, Schema, Values,
    order::Order,
    store::{Places, Store},
    text::TextReader,
};

/// Maximum nesting depth of an unknown value. The reader only counts the depth, so it needs no memory per level.
pub const MAX_DEPTH: u32 = u32::MAX;

const NULL: &[u8] = b"null";

/// The element that is expected next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The document's opening brace.
    Start,
    /// A key, a comma or the object's end.
    Key,
    /// The rest of a key.
    KeyText,
    /// The colon after a key. `had` is whether the key itself ended with a colon.
    Colon { had: bool },
    /// A value.
    Value,
    /// The rest of a known string.
    Text,
    /// The rest of a known number or word. `left` is the unread rest of `null`, if the value may still be `null`.
    Bare { left: Option<&'static [u8]> },
    /// The rest of an unknown number or word.
    SkipBare,
    /// The rest of an unknown string. `slash` is whether the last byte was a backslash that escapes the next byte.
    SkipText { slash: bool },
    /// The rest of an unknown object or array.
    SkipNested,
    /// A record, a comma or the array's end.
    Record,
    /// Nothing: the document is complete.
    End,
}

/// The key that the value being read belongs to.
#[derive(Clone, Copy)]
enum Target {
    Unknown,
    List,
    Known(usize),
}

/// A reader of one response.
pub(crate) struct Reader {
    machine: Machine,
    places: Places,
    /// Number of bytes read.
    offset: u64,
    /// The offset after the opening brace of the latest record.
    record_offset: u64,
    failed: Option<ReadError>,
}

impl Reader {
    pub(crate) const fn new(schema: &'static Schema) -> Self {
        // `Places` is built as a constant. Otherwise it would be built on the stack and copied.
        Self {
            machine: Machine::new(schema),
            places: const { Places::new() },
            offset: 0,
            record_offset: 0,
            failed: None,
        }
    }

    /// Continues reading. Returns `true` if a record is complete, and `false` if the input is consumed or the document is complete.
    ///
    /// Each call must get the same `buffer`, and only the reader may write to it.
    pub(crate) fn next(&mut self, buffer: &mut [u8], input: &mut &[u8]) -> Result<bool, ReadError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let length = input.len();
        let result = self.machine.run(input, &mut Store { buffer, places: &mut self.places });
        if let Some(left) = self.places.left_at_record.take() {
            self.record_offset = self.offset.saturating_add(length.saturating_sub(left) as u64);
        }
        self.offset = self.offset.saturating_add(length.saturating_sub(input.len()) as u64);
        result.map_err(|kind| *self.failed.insert(ReadError { offset: self.offset, kind }))
    }

    /// Checks that the document is complete.
    ///
    /// # Errors
    /// The error at which reading stopped, or `CutOff` if the document is incomplete.
    // `finish`, `head` and `record` are called from code that is compiled for each of the nine calls. Inlining them there would
    // take much flash.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) fn finish(&self) -> Result<(), ReadError> {
        match self.failed {
            Some(error) => Err(error),
            None if self.is_complete() => Ok(()),
            None => Err(ReadError { offset: self.offset, kind: Malformed::CutOff }),
        }
    }

    /// Checks the bytes after the document. If a text with an unescaped quote ended the document early, quotes and braces of the
    /// gateway still follow. They make the response malformed. Other bytes are ignored, because some gateways append them.
    pub(crate) fn surplus(&mut self, rest: &[u8]) {
        let own = rest.iter().find(|byte| matches!(byte, b'"' | b'}'));
        if let (Some(found), None) = (own, self.failed) {
            let kind = Malformed::EndExpected { found: *found };
            self.failed = Some(ReadError { offset: self.offset, kind });
        }
    }

    /// Returns the offset after the opening brace of the latest record.
    pub(crate) const fn record_offset(&self) -> u64 {
        self.record_offset
    }

    /// Returns whether a record has begun but not ended.
    pub(crate) fn is_in_record(&self) -> bool {
        self.places.in_record
    }

    /// Returns whether the array of records has begun. It may also have ended.
    pub(crate) const fn has_list(&self) -> bool {
        self.machine.has_list
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.machine.state == State::End
    }

    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) fn head<'a>(&'a self, buffer: &'a [u8]) -> Values<'a> {
        Values::new(self.places.head(), buffer, self.machine.schema.head.len(), self.places.head_needs())
    }

    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) fn record<'a>(&'a self, buffer: &'a [u8]) -> Values<'a> {
        let count = self.machine.schema.record.len();
        Values::new(self.places.record(), buffer, count, self.places.record_needs())
    }
}

/// The state machine of the grammar.
struct Machine {
    schema: &'static Schema,
    text: TextReader,
    state: State,
    target: Target,
    /// Number of open brackets of an unknown value.
    depth: u32,
    /// Whether the array of records has begun.
    has_list: bool,
    order: Order,
}

impl Machine {
    const fn new(schema: &'static Schema) -> Self {
        Self {
            schema,
            text: TextReader::new(),
            state: State::Start,
            target: Target::Unknown,
            depth: 0,
            has_list: false,
            order: Order::new(),
        }
    }

    fn run(&mut self, input: &mut &[u8], store: &mut Store<'_>) -> Result<bool, Malformed> {
        while !input.is_empty() {
            match self.state {
                State::Start => self.start(input)?,
                State::Key => {
                    if self.key(input, store)? {
                        return Ok(true);
                    }
                }
                State::KeyText => self.key_text(input, store),
                State::Colon { had } => self.colon(input, had)?,
                State::Value => self.value(input, store)?,
                State::Text => self.known_text(input, store),
                State::Bare { left } => self.known_bare(input, store, left),
                State::SkipBare => self.skip_bare(input),
                State::SkipText { slash } => self.skip_text(input, slash),
                State::SkipNested => self.skip_nested(input)?,
                State::Record => self.record_start(input, store)?,
                State::End => {
                    skip_space(input);
                    break;
                }
            }
        }
        Ok(false)
    }

    fn start(&mut self, input: &mut &[u8]) -> Result<(), Malformed> {
        // White space, and the three bytes of a byte order mark.
        while let [b' ' | b'\t' | b'\r' | b'\n' | 0xEF | 0xBB | 0xBF, rest @ ..] = *input {
            *input = rest;
        }
        match *input {
            [b'{', rest @ ..] => {
                *input = rest;
                self.state = State::Key;
                Ok(())
            }
            [found, ..] => Err(Malformed::NotAnObject { found: *found }),
            [] => Ok(()),
        }
    }

    /// Reads up to the start of a key or the end of the object. Returns `true` if the object was a record and has ended.
    fn key(&mut self, input: &mut &[u8], store: &mut Store<'_>) -> Result<bool, Malformed> {
        if FAST && store.places.in_record {
            store.plain_fields(input, self.schema.record, &mut self.order);
        }
        skip_separators(input);
        match *input {
            [b'"', rest @ ..] => {
                *input = rest;
                store.begin_key();
                self.state = State::KeyText;
                Ok(false)
            }
            [b'}', rest @ ..] => {
                *input = rest;
                let record = core::mem::take(&mut store.places.in_record);
                self.state = if record { State::Record } else { State::End };
                Ok(record)
            }
            [found, ..] => Err(Malformed::KeyExpected { found: *found }),
            [] => Ok(false),
        }
    }

    fn key_text(&mut self, input: &mut &[u8], store: &mut Store<'_>) {
        if !self.text.read(input, store) {
            return;
        }
        let in_record = store.places.in_record;
        let schema = self.schema;
        let keys = if in_record { schema.record } else { schema.head };
        let (name, had) = store.end_key();
        self.state = State::Colon { had };
        let is_list = !in_record && schema.list.is_some_and(|list| list.name() == name);
        // The first value of a key counts. The sender of a text with an unescaped quote could forge a later value.
        self.target = match keys.iter().position(|key| key.name() == name) {
            Some(index) if !store.has_value(index) => Target::Known(index),
            None if is_list && !self.has_list => Target::List,
            _ => Target::Unknown,
        };
        if FAST
            && in_record
            && let Target::Known(index) = self.target
        {
            self.order.learn(index);
        }
    }

    fn colon(&mut self, input: &mut &[u8], had: bool) -> Result<(), Malformed> {
        skip_space(input);
        match *input {
            [b':', rest @ ..] => *input = rest,
            [_, ..] if had => {}
            [found, ..] => return Err(Malformed::ColonExpected { found: *found }),
            [] => return Ok(()),
        }
        self.state = State::Value;
        Ok(())
    }

    fn value(&mut self, input: &mut &[u8], store: &mut Store<'_>) -> Result<(), Malformed> {
        skip_space(input);
        let [first, rest @ ..] = *input else { return Ok(()) };
        match *first {
            b'"' => {
                *input = rest;
                if let Target::Known(_) = self.target {
                    store.begin_value();
                    self.state = State::Text;
                    self.known_text(input, store);
                } else {
                    self.state = State::SkipText { slash: false };
                }
            }
            b'[' if matches!(self.target, Target::List) => {
                *input = rest;
                (self.state, self.has_list) = (State::Record, true);
            }
            b'{' if matches!(self.target, Target::List) => {
                return Err(Malformed::RecordExpected { found: b'{' });
            }
            b'[' | b'{' => {
                *input = rest;
                self.depth = 1;
                self.state = State::SkipNested;
            }
            byte if is_bare(byte) => {
                if let Target::Known(_) = self.target {
                    store.begin_value();
                    self.known_bare(input, store, Some(NULL));
                } else {
                    self.state = State::SkipBare;
                }
            }
            found => return Err(Malformed::ValueExpected { found }),
        }
        Ok(())
    }

    fn known_text(&mut self, input: &mut &[u8], store: &mut Store<'_>) {
        if self.text.read(input, store) {
            self.end_value(store);
        }
    }

    /// Reads a known number or word. While the value may still become `null`, nothing is stored, and `left` is the rest of
    /// `null`. A `null` takes no space and counts as missing.
    fn known_bare(&mut self, input: &mut &[u8], store: &mut Store<'_>, left: Option<&'static [u8]>) {
        let bare = take_bare(input);
        let ended = !input.is_empty();
        match left.and_then(|left| left.strip_prefix(bare)) {
            Some([]) if ended => return self.state = State::Key,
            Some(left) if !ended => return self.state = State::Bare { left: Some(left) },
            _ => {}
        }
        let held = left.map_or(0, |left| NULL.len().saturating_sub(left.len()));
        store.push(NULL.get(..held).unwrap_or_default());
        store.push(bare);
        if ended {
            self.end_value(store);
        } else {
            self.state = State::Bare { left: None };
        }
    }

    fn end_value(&mut self, store: &mut Store<'_>) {
        if let Target::Known(index) = self.target {
            store.end_value(index);
        }
        self.state = State::Key;
    }

    fn skip_bare(&mut self, input: &mut &[u8]) {
        take_bare(input);
        if !input.is_empty() {
            self.state = State::Key;
        }
    }

    fn skip_text(&mut self, input: &mut &[u8], slash: bool) {
        self.state = match end_text(input, slash) {
            Some(slash) => State::SkipText { slash },
            None if self.depth > 0 => State::SkipNested,
            None => State::Key,
        };
    }

    fn skip_nested(&mut self, input: &mut &[u8]) -> Result<(), Malformed> {
        // A local variable counts the depth. In memory, each update would have to wait for the previous store.
        let mut depth = self.depth;
        let mut bytes = input.iter();
        while let rest = bytes.as_slice()
            && let Some(byte) = bytes.next()
        {
            match byte {
                b'[' | b'{' => {
                    let Some(deeper) = depth.checked_add(1) else {
                        *input = rest;
                        return Err(Malformed::TooDeep);
                    };
                    depth = deeper;
                }
                b']' | b'}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        self.state = State::Key;
                        break;
                    }
                }
                b'"' => {
                    let mut text = bytes.as_slice();
                    if let Some(slash) = end_text(&mut text, false) {
                        self.state = State::SkipText { slash };
                    }
                    bytes = text.iter();
                }
                _ => {}
            }
        }
        self.depth = depth;
        *input = bytes.as_slice();
        Ok(())
    }

    fn record_start(&mut self, input: &mut &[u8], store: &mut Store<'_>) -> Result<(), Malformed> {
        skip_separators(input);
        match *input {
            [b'{', rest @ ..] => {
                *input = rest;
                store.begin_record(self.schema);
                store.places.left_at_record = Some(input.len());
                self.order.begin_record();
                self.state = State::Key;
            }
            [b']', rest @ ..] => {
                *input = rest;
                self.state = State::Key;
            }
            [found, ..] => return Err(Malformed::RecordExpected { found: *found }),
            [] => {}
        }
        Ok(())
    }
}

fn skip_space(input: &mut &[u8]) {
    while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = *input {
        *input = rest;
    }
}

fn skip_separators(input: &mut &[u8]) {
    while let [b',' | b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = *input {
        *input = rest;
    }
}

/// Skips past the closing quote of a text and returns `None`. If the input ends first, returns whether its last byte is a
/// backslash that escapes the next byte.
fn end_text(input: &mut &[u8], mut slash: bool) -> Option<bool> {
    let mut rest = *input;
    while let [byte, after @ ..] = rest {
        rest = after;
        if slash {
            slash = false;
        } else if *byte == b'\\' {
            slash = true;
        } else if *byte == b'"' {
            *input = rest;
            return None;
        }
    }
    *input = rest;
    Some(slash)
}

/// Returns whether the byte can be part of a number or of a word such as `true` or `null`.
const fn is_bare(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'+' | b'.' | b'_')
}

fn take_bare<'i>(input: &mut &'i [u8]) -> &'i [u8] {
    let whole = *input;
    let length = whole.iter().position(|byte| !is_bare(*byte)).unwrap_or(whole.len());
    let (bare, rest) = whole.split_at_checked(length).unwrap_or((whole, &[]));
    *input = rest;
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_too_deep_is_an_error_with_its_offset() {
        const SCHEMA: Schema = Schema { head: &[], list: None, record: &[] };
        let mut reader = Reader::new(&SCHEMA);
        assert_eq!(reader.next(&mut [], &mut &b"{\"x\":["[..]), Ok(false));
        reader.machine.depth = MAX_DEPTH - 1;
        assert_eq!(reader.next(&mut [], &mut &b"1,[2],[3,[[]]]"[..]).map_err(|error| error.offset), Err(15));
        let error = ReadError { offset: 15, kind: Malformed::TooDeep };
        assert_eq!((reader.next(&mut [], &mut &b"]"[..]), reader.finish()), (Err(error), Err(error)));
    }
}

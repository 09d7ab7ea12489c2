//! The trait of all calls, and the parts that several requests share.

use core::fmt;

use crate::{
    Invalid, Number, Ports, Timestamp, TooSmall,
    call::{Method, Refusal, Spec},
    json::{JsonWriter, Schema, Values},
    writer::Writer,
};

/// Maximum number of phone numbers in a query (document §3.2, §4.2).
pub const MAX_QUERY_NUMBERS: usize = 32;

/// Length in bytes of the longest target of the nine calls: get_port_info with all kinds of information about all ports.
pub const MAX_TARGET_BYTES: usize = 265;

/// The encoding of the commas between the elements of an array in a query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommaEncoding {
    /// As `%2C`, which every gateway accepts.
    #[default]
    Encoded,
    /// As `,`, like in the document's examples. One firmware rejects the login of a request with raw commas.
    Raw,
}

/// One of the nine calls: a request and the types of its response. Only this crate implements this trait.
pub trait Call: Sync {
    /// The call's name, the last part of its path.
    const NAME: &'static str;
    /// The HTTP method.
    const METHOD: Method;
    /// The error_code of a request that was processed or accepted.
    const SUCCESS: u32;
    /// The meaning of each error_code that the document lists for the call.
    const MEANINGS: &'static [(u32, &'static str)];

    /// One element of the response's array.
    type Record<'a>;
    /// The values of the response outside its array.
    type Summary<'a>;

    #[doc(hidden)]
    const SCHEMA: &'static Schema;
    #[doc(hidden)]
    const SPEC: &'static Spec =
        &Spec::new(Self::NAME, Self::METHOD, Self::SUCCESS, Self::MEANINGS, Self::SCHEMA);
    #[doc(hidden)]
    fn record(values: Values<'_>) -> Option<Self::Record<'_>>;
    #[doc(hidden)]
    fn summary(values: Values<'_>) -> Self::Summary<'_>;
    #[doc(hidden)]
    fn write_query(&self, _query: &mut Query<'_, '_>) {}
    #[doc(hidden)]
    fn write_json(&self, _json: &mut JsonWriter<'_, '_>) {}
    /// Checks by the error_code that the gateway processed or accepted the request.
    ///
    /// # Errors
    /// [`Refusal`] with any error_code except [`SUCCESS`](Self::SUCCESS).
    fn check(summary: &Self::Summary<'_>) -> Result<(), Refusal>;

    /// Returns whether the request may be repeated after its response was lost. A request that sends or stops messages, or marks
    /// them as read, may not be repeated.
    fn is_repeatable(&self) -> bool {
        true
    }

    /// Writes the path with its query, as it appears in the request line and in Digest credentials.
    ///
    /// # Errors
    /// [`TooSmall`].
    fn target<'b>(&self, commas: CommaEncoding, buffer: &'b mut [u8]) -> Result<&'b str, TooSmall>
    where
        Self: Sized,
    {
        AnyCall::from(self).target(commas, buffer)
    }

    /// Writes the body. The body of a GET request is empty.
    ///
    /// # Errors
    /// [`TooSmall`].
    fn body<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], TooSmall>
    where
        Self: Sized,
    {
        AnyCall::from(self).body(buffer)
    }

    /// Returns the length of the body in bytes.
    fn body_length(&self) -> usize
    where
        Self: Sized,
    {
        AnyCall::from(self).body_length()
    }
}

/// The content of a request. Unlike [`Call`], this trait has no associated types, so it can be a trait object.
pub(super) trait Content {
    fn query(&self, query: &mut Query<'_, '_>);
    fn json(&self, json: &mut JsonWriter<'_, '_>);
}

impl<C: Call> Content for C {
    fn query(&self, query: &mut Query<'_, '_>) {
        self.write_query(query);
    }

    fn json(&self, json: &mut JsonWriter<'_, '_>) {
        self.write_json(json);
    }
}

/// The request of a call, with the call's type erased. Code that sends requests is thus compiled once and not for each call.
///
/// ```
/// use sms_gateway_core::{TaskId, call::{AnyCall, QuerySmsInQueue, StopSms}, http::{Head, request}};
/// let stop = StopSms::new(TaskId::new(7));
/// let mut buffer = [0; 128];
/// for call in [AnyCall::from(&QuerySmsInQueue), AnyCall::from(&stop)] {
///     assert!(request(call, &Head::default(), &mut buffer)?.starts_with(b"GET /api/"));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct AnyCall<'c> {
    spec: &'static Spec,
    repeatable: bool,
    content: &'c (dyn Content + Sync),
}

impl<'c, C: Call> From<&'c C> for AnyCall<'c> {
    fn from(call: &'c C) -> Self {
        Self { spec: C::SPEC, repeatable: call.is_repeatable(), content: call }
    }
}

impl<'c> AnyCall<'c> {
    pub(super) fn new(spec: &'static Spec, repeatable: bool, content: &'c (dyn Content + Sync)) -> Self {
        Self { spec, repeatable, content }
    }
}

impl AnyCall<'_> {
    /// Returns [`Call::NAME`].
    pub const fn name(&self) -> &'static str {
        self.spec.name
    }

    /// Returns [`Call::METHOD`].
    pub const fn method(&self) -> Method {
        self.spec.method
    }

    /// Returns the call's data.
    pub const fn spec(&self) -> &'static Spec {
        self.spec
    }

    /// Returns [`Call::is_repeatable`].
    pub const fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    /// Writes the target: see [`Call::target`].
    ///
    /// # Errors
    /// [`TooSmall`].
    pub fn target<'b>(&self, commas: CommaEncoding, buffer: &'b mut [u8]) -> Result<&'b str, TooSmall> {
        let mut out = Writer::new(buffer);
        self.write_target(commas, &mut out);
        out.finish().map(|target| core::str::from_utf8(target).unwrap_or_default())
    }

    /// Writes the body: see [`Call::body`].
    ///
    /// # Errors
    /// [`TooSmall`].
    pub fn body<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], TooSmall> {
        let mut out = Writer::new(buffer);
        self.write_body(&mut out);
        out.finish()
    }

    /// Returns [`Call::body_length`].
    pub fn body_length(&self) -> usize {
        let mut out = Writer::counting();
        self.write_body(&mut out);
        out.length()
    }

    pub(crate) fn write_target(&self, commas: CommaEncoding, out: &mut Writer<'_>) {
        if !self.spec.is_raw {
            out.str("/api/");
            out.str(self.spec.name);
        }
        self.content.query(&mut Query { out, commas, first: true });
    }

    pub(crate) fn write_body(&self, out: &mut Writer<'_>) {
        let mut json = JsonWriter::new(out);
        if self.spec.is_raw {
            self.content.json(&mut json);
        } else if self.spec.method == Method::Post {
            json.open(b'{');
            self.content.json(&mut json);
            json.close(b'}');
        }
    }
}

/// Shows only the call's name, because the parameters are private.
impl fmt::Debug for AnyCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyCall").field("name", &self.spec.name).finish_non_exhaustive()
    }
}

/// A writer of the query of a GET request. The values are numbers and words of letters and underscores, so nothing needs escaping.
pub struct Query<'w, 'b> {
    out: &'w mut Writer<'b>,
    commas: CommaEncoding,
    first: bool,
}

impl Query<'_, '_> {
    /// Writes the whole target of a raw call.
    pub(super) fn raw(&mut self, target: &str) {
        self.out.str(target);
    }

    fn name(&mut self, name: &str) {
        self.out.byte(if self.first { b'?' } else { b'&' });
        self.first = false;
        self.out.str(name);
        self.out.byte(b'=');
    }

    pub(super) fn number(&mut self, name: &str, value: i64) {
        self.name(name);
        if value < 0 {
            self.out.byte(b'-');
        }
        self.out.number(value.unsigned_abs());
    }

    // Passing `Writer::str` directly does not compile, because the method is bound to the lifetime of one writer.
    #[allow(clippy::redundant_closure_for_method_calls)]
    pub(super) fn words(&mut self, name: &str, words: impl IntoIterator<Item = &'static str>) {
        self.list(name, words, |out: &mut Writer<'_>, word| out.str(word));
    }

    pub(super) fn ports(&mut self, ports: Ports) {
        if !ports.is_empty() {
            self.list("port", ports, |out, port| out.number(port.get().into()));
        }
    }

    fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Writer<'_>, T),
    ) {
        self.name(name);
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.out.str(match self.commas {
                    CommaEncoding::Encoded => "%2C",
                    CommaEncoding::Raw => ",",
                });
            }
            write(self.out, item);
        }
    }
}

pub(super) fn check_numbers(numbers: &[Number<'_>]) -> Result<(), Invalid> {
    match numbers.len() {
        0..=MAX_QUERY_NUMBERS => Ok(()),
        count => Err(Invalid::Numbers { count }),
    }
}

pub(super) fn write_numbers(json: &mut JsonWriter<'_, '_>, numbers: &[Number<'_>]) {
    if !numbers.is_empty() {
        json.key("\"number\":");
        json.open(b'[');
        for number in numbers {
            json.plain(number.as_str());
        }
        json.close(b']');
    }
}

pub(super) fn write_ports(json: &mut JsonWriter<'_, '_>, ports: Ports) {
    if !ports.is_empty() {
        json.key("\"port\":");
        json.open(b'[');
        for port in ports {
            json.number(port.get().into());
        }
        json.close(b']');
    }
}

pub(super) fn write_times(
    json: &mut JsonWriter<'_, '_>,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
) {
    for (key, time) in [("\"time_after\":", after), ("\"time_before\":", before)] {
        if let Some(time) = time {
            json.key(key);
            json.time(time);
        }
    }
}

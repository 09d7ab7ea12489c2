//! Refusals of requests, mostly submissions, that are valid by the document. Each kind of refusal has a switch.

use serde_json::Value;

/// The number of bytes in a kilobyte.
const KILOBYTE: usize = 1024;
/// The call that submits messages.
const SUBMISSION: &str = "send_sms";

/// The refusals of a gateway. If a request is refused, none of its messages is accepted. The `first_…` counts are used up one after
/// the other. [`Emulator::set_quirks`](crate::Emulator::set_quirks) sets these counts anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// A `send_sms` to a number that ends in these digits is refused with error code 400 (`bad-number=N`).
    pub bad_number: Option<String>,
    /// A `send_sms` whose text or parameters contain this word gets HTTP status 400 (`bad-text=WORD`).
    pub bad_text: Option<String>,
    /// A `send_sms` with more recipients than this is refused with error code 413. 0 means no limit (`max-recipients=N`).
    pub max_recipients: usize,
    /// A `send_sms` whose body has more kilobytes (1024 bytes) than this gets HTTP status 413, and its connection closes. 0 means no
    /// limit (`max-kilobytes=N`).
    pub max_kilobytes: usize,
    /// The number of initial requests, of any call, that get HTTP status 503. Requests whose login is refused do not count
    /// (`first-http-503=N`).
    pub first_http_503: u32,
    /// The number of initial `send_sms` requests that get HTTP status 500 (`first-http-500=N`).
    pub first_http_500: u32,
    /// The number of initial `send_sms` requests that are refused with error code 550, no port available (`first-550=N`).
    pub first_550: u32,
    /// The number of initial `send_sms` requests that are refused with error code 500 (`first-500=N`).
    pub first_500: u32,
}

/// The form of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A regular response with this error code.
    Code(u16),
    /// A page of the web server with this HTTP status.
    Http(u16),
}

impl Refusals {
    /// The names on the command line.
    pub(crate) const NAMES: [&str; 8] = [
        "bad-number=N",
        "bad-text=WORD",
        "max-recipients=N",
        "max-kilobytes=N",
        "first-http-503=N",
        "first-http-500=N",
        "first-550=N",
        "first-500=N",
    ];
    /// The explanation of the names on the command line.
    pub const HELP: &str = "Refused submissions: bad-number=N refuses a send_sms with a number that ends in these digits \
        (error_code 400), bad-text=WORD one with this word in a text (HTTP status 400), max-recipients=N one with more recipients \
        (error_code 413), max-kilobytes=N a longer one (HTTP status 413). first-550=N (no port available), first-500=N and \
        first-http-500=N refuse the first N send_sms, first-http-503=N the first N requests of any call.";

    /// Turns a refusal on. Returns false if the name or its value is unknown.
    pub(crate) fn turn_on(&mut self, name: &str, value: &str) -> bool {
        let limit = || value.parse().ok();
        let count = || value.parse().ok();
        match name {
            "bad-number" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.bad_number = Some(value.to_owned());
                true
            }
            "bad-text" if !value.is_empty() => {
                self.bad_text = Some(value.to_owned());
                true
            }
            "max-recipients" => set(&mut self.max_recipients, limit()),
            "max-kilobytes" => set(&mut self.max_kilobytes, limit()),
            "first-http-503" => set(&mut self.first_http_503, count()),
            "first-http-500" => set(&mut self.first_http_500, count()),
            "first-550" => set(&mut self.first_550, count()),
            "first-500" => set(&mut self.first_500, count()),
            _ => false,
        }
    }

    /// Decides whether a request is refused. A refusal uses up the count that caused it.
    pub(crate) fn judge(&mut self, call: &str, body: &[u8]) -> Option<Refused> {
        let is_submission = call == SUBMISSION;
        for (left, is_concerned, refused) in [
            (&mut self.first_http_503, true, Refused::Http(503)),
            (&mut self.first_http_500, is_submission, Refused::Http(500)),
            (&mut self.first_550, is_submission, Refused::Code(550)),
            (&mut self.first_500, is_submission, Refused::Code(500)),
        ] {
            if is_concerned && *left > 0 {
                *left -= 1;
                return Some(refused);
            }
        }
        if is_submission { self.judge_content(body) } else { None }
    }

    fn judge_content(&self, body: &[u8]) -> Option<Refused> {
        if self.max_kilobytes > 0 && body.len() > self.max_kilobytes.saturating_mul(KILOBYTE) {
            return Some(Refused::Http(413));
        }
        // `None` if the body is not JSON: the call, which runs next, refuses such a body.
        let request: Value = serde_json::from_slice(body).ok()?;
        let recipients = request.get("param").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if self.bad_text.as_ref().is_some_and(|word| has_word(&request, recipients, word)) {
            return Some(Refused::Http(400));
        }
        if self.max_recipients > 0 && recipients.len() > self.max_recipients {
            return Some(Refused::Code(413));
        }
        let is_bad = |recipient: &Value, end: &str| {
            recipient.get("number").and_then(Value::as_str).is_some_and(|number| number.ends_with(end))
        };
        let bad = self.bad_number.as_ref().filter(|end| recipients.iter().any(|one| is_bad(one, end)));
        bad.map(|_| Refused::Code(400))
    }
}

fn set<T>(place: &mut T, value: Option<T>) -> bool {
    value.map(|value| *place = value).is_some()
}

/// Whether the text or a parameter contains a word.
fn has_word(request: &Value, recipients: &[Value], word: &str) -> bool {
    let params = recipients.iter().filter_map(|recipient| recipient.get("text_param")?.as_array()).flatten();
    let mut texts = request.get("text").into_iter().chain(params).filter_map(Value::as_str);
    texts.any(|text| text.contains(word))
}

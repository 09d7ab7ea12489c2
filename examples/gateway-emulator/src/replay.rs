//! Replays the responses of another gateway from a report that `sms-client doctor --report` has written.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::Value;

use crate::{
    clock,
    reply::{End, LAST_CHUNK, Outcome, Reply, Step, chunk},
    request::Request,
};

/// The version of the report's format.
const FORMAT: u64 = 1;
/// The number of blanks that are added to a body of which the report contains only the beginning.
const REST_BYTES: usize = 64 * 1024;
/// A byte that never occurs in UTF-8.
const NOT_UTF_8: &[u8] = b"\xff";

/// The response to a request that the report does not contain.
const UNKNOWN: &str = "The replayed report has no response to this request.";

/// The recorded exchanges of a report.
#[derive(Clone, Debug, Default)]
pub struct Replay(Vec<Recorded>);

#[derive(Clone, Debug)]
struct Recorded {
    method: String,
    target: String,
    body: String,
    login: bool,
    /// The time of the request, in seconds since 1970.
    at: i64,
    response: Option<Response>,
    closed: bool,
    /// Whether the exchange has been replayed.
    played: bool,
}

#[derive(Clone, Debug)]
struct Response {
    line: String,
    headers: Vec<(String, String)>,
    framing: String,
    body: Vec<u8>,
    whole: bool,
}

impl Replay {
    /// Reads a report.
    ///
    /// # Errors
    /// If the text is not a report, or is a report in another format version.
    pub fn read(text: &str) -> Result<Self, String> {
        let report: Value = serde_json::from_str(text)
            .map_err(|error| format!("not a report as sms-client doctor --report writes it: {error}"))?;
        if report["format"].as_u64() != Some(FORMAT) {
            return Err(format!("not a report of format {FORMAT} as sms-client doctor --report writes it"));
        }
        let exchanges = report["exchanges"].as_array().ok_or("the report has no exchanges")?;
        let recorded: Option<Vec<_>> = exchanges.iter().map(recorded).collect();
        recorded.map(Self).ok_or_else(|| "an exchange of the report is incomplete".to_owned())
    }

    /// Returns the next recorded response to this request, and its status. After the last such response, returns it again.
    pub(crate) fn answer(&mut self, request: &Request) -> (Option<u16>, Outcome) {
        let login = request.authorization.is_some();
        let body = String::from_utf8_lossy(&request.body);
        let is_same =
            |one: &Recorded| one.login == login && one.method == request.method && one.target == request.uri;
        let found = self
            .find(|one| is_same(one) && one.body == body)
            .or_else(|| self.find(is_same))
            // A client may fetch a challenge with any request, so any recorded challenge will do.
            .or_else(|| self.find(|one| !login && one.status() == Some(401)));
        let Some(recorded) = found.and_then(|index| self.0.get_mut(index)) else {
            return (Some(404), Reply::new(404, "text/plain", UNKNOWN).outcome());
        };
        recorded.played = true;
        (recorded.status(), recorded.outcome(request.last, now()))
    }

    /// Returns the index of the first matching exchange that has not been replayed. If all have been replayed, returns the index of
    /// the last matching exchange.
    fn find(&self, is_meant: impl Fn(&Recorded) -> bool) -> Option<usize> {
        let next = self.0.iter().position(|one| is_meant(one) && !one.played);
        next.or_else(|| self.0.iter().rposition(is_meant))
    }
}

impl Recorded {
    fn status(&self) -> Option<u16> {
        self.response.as_ref()?.line.split(' ').nth(1)?.parse().ok()
    }

    /// Returns the response. `is_last` means that the client wants the connection to close after it.
    fn outcome(&self, is_last: bool, now: i64) -> Outcome {
        let Some(response) = &self.response else {
            return Outcome::Exact(Vec::new(), if self.closed { End::Close } else { End::Stall });
        };
        let is_closing = is_last || self.closed || response.framing == "until-close";
        let end = match (is_closing, response.whole) {
            (true, _) => End::Close,
            (false, true) => End::KeepAlive,
            (false, false) => End::Stall,
        };
        Outcome::Exact(vec![Step::Write(response.bytes(now - self.at))], end)
    }
}

impl Response {
    /// Returns the bytes of the response. Its `Date` is moved forward by `later` seconds.
    fn bytes(&self, later: i64) -> Bytes {
        let mut out = format!("{}\r\n", self.line).into_bytes();
        for (name, value) in &self.headers {
            let value = match &*name.to_ascii_lowercase() {
                "transfer-encoding" => continue,
                // A complete body gets its actual length below. An incomplete body keeps its header, which states more than arrived.
                "content-length" if self.whole => continue,
                "date" => clock::http_date(value).map(|date| clock::format_http_date(date + later)),
                _ => None,
            }
            .unwrap_or_else(|| value.clone());
            out.extend(format!("{name}: {value}\r\n").bytes());
        }
        match &*self.framing {
            "chunked" => {
                out.extend(b"Transfer-Encoding: chunked\r\n\r\n");
                chunk(&self.body, &mut out);
                if !self.whole {
                    out.truncate(out.len() - LAST_CHUNK.len());
                }
            }
            "length" if self.whole => {
                out.extend(format!("Content-Length: {}\r\n\r\n", self.body.len()).bytes());
                out.extend(&self.body);
            }
            _ => {
                out.extend(b"\r\n");
                out.extend(&self.body);
            }
        }
        out.into()
    }
}

fn recorded(exchange: &Value) -> Option<Recorded> {
    let text = |key: &str| exchange[key].as_str().map(str::to_owned);
    Some(Recorded {
        method: text("method")?,
        target: text("target")?,
        body: text("body")?,
        login: exchange["login"].as_bool()?,
        at: exchange["at"].as_i64()?,
        response: match &exchange["response"] {
            Value::Null => None,
            response => Some(read_response(response)?),
        },
        closed: exchange["closed"].as_bool()?,
        played: false,
    })
}

fn read_response(response: &Value) -> Option<Response> {
    let text = |key: &str| response[key].as_str().map(str::to_owned);
    let header = |line: &Value| {
        let (name, value) = line.as_str()?.split_once(": ")?;
        Some((name.to_owned(), value.to_owned()))
    };
    Some(Response {
        line: text("line")?,
        headers: response["headers"].as_array()?.iter().map(header).collect::<Option<_>>()?,
        framing: text("framing")?,
        body: body(response)?,
        whole: response["whole"].as_bool()?,
    })
}

/// Returns the bytes of a body. Substitutes stand for bytes that are not in the report.
fn body(response: &Value) -> Option<Vec<u8>> {
    let text = response["body"].as_str()?;
    let is_utf8 = response["utf8"].as_bool().unwrap_or(true);
    let mut bytes = if is_utf8 {
        text.as_bytes().to_vec()
    } else {
        text.split('\u{fffd}').map(str::as_bytes).collect::<Vec<_>>().join(NOT_UTF_8)
    };
    if response["cut"].as_bool() == Some(true) {
        bytes.resize(bytes.len() + REST_BYTES, b' ');
    }
    Some(bytes)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::{Options, test_client::Client};

    use super::*;

    const REPORT: &str = r#"{"format":1,"findings":[],"exchanges":[
        {"method":"GET","target":"/a","body":"","login":false,"at":0,"closed":true,"response":
            {"line":"HTTP/1.0 401 Who","headers":["WWW-Authenticate: Digest realm=\"r\", nonce=\"n\""],"framing":"until-close","body":"x","whole":true}},
        {"method":"GET","target":"/a","body":"","login":true,"at":0,"closed":false,"response":
            {"line":"HTTP/1.1 200 Data follows","headers":["A: 1","Content-Length: 99"],"framing":"length","body":"first","whole":true}},
        {"method":"GET","target":"/a","body":"","login":true,"at":0,"closed":false,"response":
            {"line":"HTTP/1.1 200 OK","headers":[],"framing":"chunked","body":"second","whole":true}},
        {"method":"POST","target":"/b","body":"{}","login":true,"at":0,"closed":true,"response":null}]}"#;

    fn play(replay: &mut Replay, method: &str, uri: &str, login: bool) -> (Option<u16>, Vec<u8>, End) {
        let request = Request {
            connection: 1,
            answered: 0,
            address: [127, 0, 0, 1].into(),
            method: method.to_owned(),
            uri: uri.to_owned(),
            authorization: login.then(String::new),
            host: String::new(),
            last: false,
            body: Bytes::from_static(b"{}"),
        };
        match replay.answer(&request) {
            (status, Outcome::Exact(steps, end)) => {
                let bytes = steps.iter().filter_map(|step| match step {
                    Step::Write(bytes) => Some(&bytes[..]),
                    Step::Pause(_) => None,
                });
                (status, bytes.collect::<Vec<_>>().concat(), end)
            }
            (status, Outcome::Ordinary(page)) => (status, page.bytes().to_vec(), page.end()),
        }
    }

    #[test]
    fn responses_are_played_in_order_and_the_last_one_again() {
        let mut replay = Replay::read(REPORT).unwrap();
        let first = b"HTTP/1.1 200 Data follows\r\nA: 1\r\nContent-Length: 5\r\n\r\nfirst";
        assert_eq!(play(&mut replay, "GET", "/a", true), (Some(200), first.to_vec(), End::KeepAlive));
        for _ in 0..2 {
            let (status, bytes, end) = play(&mut replay, "GET", "/a", true);
            assert_eq!((status, end), (Some(200), End::KeepAlive));
            assert!(bytes.starts_with(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;"));
        }
        assert_eq!(play(&mut replay, "POST", "/b", true), (None, Vec::new(), End::Close));
        let (status, bytes, end) = play(&mut replay, "GET", "/other", false);
        assert_eq!((status, end), (Some(401), End::Close));
        assert!(bytes.ends_with(b"nonce=\"n\"\r\n\r\nx"));
        let (status, bytes, _) = play(&mut replay, "GET", "/other", true);
        assert_eq!(status, Some(404));
        assert!(String::from_utf8_lossy(&bytes).contains(UNKNOWN));
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for text in [
            "",
            "{}",
            r#"{"format":2,"exchanges":[]}"#,
            r#"{"format":1}"#,
            r#"{"format":1,"exchanges":[{}]}"#,
        ] {
            assert!(Replay::read(text).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn the_date_is_as_far_from_the_true_time_as_it_was() {
        let date = "Thu, 01 Jan 1970 01:00:00 GMT";
        let report = format!(
            r#"{{"format":1,"exchanges":[{{"method":"GET","target":"/a","body":"","login":false,"at":0,"closed":false,
            "response":{{"line":"HTTP/1.1 200 OK","headers":["Date: {date}"],"framing":"length","body":"","whole":true}}}}]}}"#
        );
        let replay = Some(Replay::read(&report).unwrap());
        let gateway = crate::Emulator::start(Options { replay, ..Options::default() }).await.unwrap();
        let mut client = Client::connect(&gateway).await;
        let raw = client.request("GET", "/a", "", "").await.unwrap();
        let (_, date) = raw.head.split_once("Date: ").unwrap();
        let date = clock::http_date(date.lines().next().unwrap()).unwrap();
        assert!((now() - date + 3600).abs() < 60, "{date}");
    }
}

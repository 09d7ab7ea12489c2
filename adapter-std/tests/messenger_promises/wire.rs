//! The bytes that the client sent and received.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use sms_gateway::WireEvent;

const SUBMISSION: &[u8] = b"POST /api/send_sms ";

/// The traffic of one life of a messenger.
#[derive(Debug, Default)]
pub struct Wire(Mutex<Traffic>);

#[derive(Debug, Default)]
struct Traffic {
    /// The exchanges, in order. Only submissions keep their bytes.
    exchanges: Vec<Exchange>,
    is_new: bool,
}

#[derive(Clone, Debug, Default)]
struct Exchange {
    request: Vec<u8>,
    response: Vec<u8>,
}

/// The outcome of a submission, according to the bytes that the client received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// No response, or an incomplete or unreadable one.
    Lost,
    /// The error_code of a complete document in a response that has no length and no chunks, and ends when the connection closes. The client
    /// may stop reading at the end of the document.
    Unframed(u32),
    /// The error_code of a complete response.
    Code(u32),
    /// An HTTP status other than 200.
    Status(u32),
}

/// A send_sms request.
#[derive(Clone, Debug)]
pub struct Submission {
    pub ids: Vec<u64>,
    pub answer: Answer,
    /// Whether it is the last request of this life.
    pub is_last: bool,
}

impl Wire {
    fn lock(&self) -> MutexGuard<'_, Traffic> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn note(&self, event: WireEvent<'_>) {
        self.lock().note(event);
    }

    pub fn submissions(&self) -> Vec<Submission> {
        let traffic = self.lock();
        let count = traffic.exchanges.len();
        let exchanges = traffic.exchanges.iter().zip(1..);
        exchanges
            .filter(|(exchange, _)| exchange.request.starts_with(SUBMISSION))
            .map(|(exchange, place)| Submission {
                ids: exchange.ids(),
                answer: exchange.answer(),
                is_last: place == count,
            })
            .collect()
    }
}

impl Traffic {
    fn note(&mut self, event: WireEvent<'_>) {
        match event {
            WireEvent::Opened => self.is_new = true,
            WireEvent::Sent(bytes) => {
                let continues = self.exchanges.last().is_some_and(|last| last.response.is_empty());
                if self.is_new || !continues {
                    self.begin();
                }
                self.current().request.extend(bytes);
            }
            WireEvent::Received(bytes) => self.current().response.extend(bytes),
            _ => {}
        }
    }

    fn begin(&mut self) {
        self.is_new = false;
        let kept = self
            .exchanges
            .pop()
            .map(|last| if last.request.starts_with(SUBMISSION) { last } else { Exchange::default() });
        self.exchanges.extend(kept);
        self.exchanges.push(Exchange::default());
    }

    /// Returns the current exchange, which is created if there is none yet.
    fn current(&mut self) -> &mut Exchange {
        if self.exchanges.is_empty() {
            self.exchanges.push(Exchange::default());
        }
        self.exchanges.last_mut().unwrap()
    }
}

impl Exchange {
    /// Returns the user_ids in the request; none if it was not sent completely.
    fn ids(&self) -> Vec<u64> {
        let Some((_, body)) = head_and_body(&self.request) else { return Vec::new() };
        let Ok(request) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
        let recipients = request["param"].as_array().into_iter().flatten();
        recipients.filter_map(|recipient| recipient["user_id"].as_u64()).collect()
    }

    fn answer(&self) -> Answer {
        self.read().unwrap_or(Answer::Lost)
    }

    fn read(&self) -> Option<Answer> {
        let (head, body) = head_and_body(&self.response)?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let is_framed = length.is_some() || head.contains("transfer-encoding: chunked");
        let body = match length {
            Some(length) => body.get(..length.trim().parse().ok()?)?.to_vec(),
            None if is_framed => whole_chunks(body)?,
            None => body.to_vec(),
        };
        if status != 200 {
            return Some(Answer::Status(status));
        }
        let code = error_code(&String::from_utf8_lossy(&body))?;
        Some(if is_framed { Answer::Code(code) } else { Answer::Unframed(code) })
    }
}

fn head_and_body(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((String::from_utf8_lossy(&bytes[..end]).into_owned(), &bytes[end + 4..]))
}

/// Returns the content of a chunked body; `None` if the last chunk is missing.
fn whole_chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..line]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        rest = &rest[line + 2..];
        if size == 0 {
            return rest.ends_with(b"\r\n\r\n").then_some(body);
        }
        body.extend(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

/// Returns the error_code of a response to send_sms, in any spelling; `None` if the response is truncated.
fn error_code(body: &str) -> Option<u32> {
    let count = |bracket| body.matches(bracket).count();
    if !body.trim_end().ends_with('}') || count('{') != count('}') {
        return None;
    }
    let (_, value) = body.split_once("\"error_code\":")?;
    let value = value.trim_start_matches([' ', '"']);
    let end = value.find(|character: char| !character.is_ascii_digit() && !".e".contains(character))?;
    let number: f64 = value[..end].parse().ok()?;
    // The conversion is exact below 2^53.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Some(number as u32)
}

#[test]
fn answers_are_read_in_every_spelling() {
    let answer = |response: &str| Exchange { request: Vec::new(), response: response.into() }.answer();
    let framed =
        |body: &str| answer(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    for body in [
        r#"{"error_code":202,"task_id":1}"#,
        r#"{"error_code":202"task_id":1}"#,
        r#"{"error_code":" 202 "}"#,
        r#"{"task_id":1,"error_code":202.0}"#,
        r#"{"error_code":"202.0","vendor":{"a":{}}}"#,
    ] {
        assert_eq!(framed(body), Answer::Code(202), "{body}");
    }
    assert_eq!(framed(r#"{"error_code":5e2}"#), Answer::Code(500));
    assert_eq!(framed(r#"{"error_code":202,"vendor":{"a":1}"#), Answer::Lost);
    assert_eq!(framed("<html>busy</html>"), Answer::Lost);
    let open = "HTTP/1.0 200 OK\r\n\r\n{\"error_code\":202}";
    assert_eq!((answer(open), answer(&open[..open.len() - 1])), (Answer::Unframed(202), Answer::Lost));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"1\"\r\n{\r\n11\r\n\"error_code\":202}\r\n0\r\nX: y\r\n\r\n";
    assert_eq!(answer(chunked), Answer::Code(202));
    assert_eq!(answer(&chunked[..chunked.len() - 2]), Answer::Lost);
    assert_eq!(answer("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), Answer::Status(503));
    assert_eq!(answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), Answer::Lost);
}

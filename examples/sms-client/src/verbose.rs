//! `--verbose`: a line on standard error for each request and each response.

use std::{
    io::{self, Write},
    sync::{Mutex, PoisonError},
    time::Instant,
};

use sms_client::text::escape;
use sms_gateway::{Builder, WireEvent};

/// The maximum number of bytes that are searched for the first line of a message.
const LONGEST: usize = 4096;

/// Shows the first line of each request and response. These lines contain no credentials.
pub(crate) fn observe(builder: Builder) -> Builder {
    let traffic = Mutex::new(Traffic::default());
    builder.observe(move |event| {
        let line = traffic.lock().unwrap_or_else(PoisonError::into_inner).take(event);
        if let Some(line) = line {
            // A failure means that stderr has no reader.
            let _ = writeln!(io::stderr(), "{}", escape(&line));
        }
    })
}

#[derive(Default)]
struct Traffic {
    /// The beginning of the current message, until its first line is shown.
    first: Vec<u8>,
    is_request: bool,
    is_shown: bool,
    since: Option<Instant>,
}

impl Traffic {
    /// Returns the line to show for an event, if there is one.
    fn take(&mut self, event: WireEvent<'_>) -> Option<String> {
        match event {
            WireEvent::Opened => {
                *self = Self::default();
                Some("* connected".to_owned())
            }
            WireEvent::Closed => Some("* the gateway closed the connection".to_owned()),
            WireEvent::Sent(bytes) => {
                // A response may arrive before the rest of a long request is sent. The rest is not taken for a new request, because it
                // does not begin with a method.
                let is_start = bytes.starts_with(b"GET ") || bytes.starts_with(b"POST ");
                if !self.is_request && is_start {
                    *self = Self { is_request: true, since: Some(Instant::now()), ..Self::default() };
                }
                Some(format!("> {}", self.first_line(bytes)?))
            }
            WireEvent::Received(bytes) => {
                if self.is_request {
                    (self.is_request, self.is_shown) = (false, false);
                    self.first.clear();
                }
                let line = self.first_line(bytes)?;
                let time = self.since.map_or(0, |since| since.elapsed().as_millis());
                Some(format!("< {line}, after {time} ms"))
            }
            _ => None,
        }
    }

    /// Returns the first line of a message as soon as the line is complete. Later calls for the same message return `None`.
    fn first_line(&mut self, bytes: &[u8]) -> Option<String> {
        if self.is_shown {
            return None;
        }
        let room = LONGEST.saturating_sub(self.first.len());
        self.first.extend(bytes.iter().take(room));
        let end = self.first.iter().position(|byte| *byte == b'\n').or((room == 0).then_some(LONGEST))?;
        self.is_shown = true;
        Some(String::from_utf8_lossy(self.first.get(..end)?).trim_end().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_first_lines_are_shown_however_they_are_cut() {
        let sent = b"GET /api/get_port_info HTTP/1.1\r\nAuthorization: Basic YTpi\r\n\r\n";
        let received = b"HTTP/1.1 200 OK\r\n\r\n{}";
        for cut in 1..received.len() {
            let mut traffic = Traffic::default();
            let pieces = [&received[..cut], &received[cut..]];
            let events = sent.chunks(7).map(WireEvent::Sent).chain(pieces.map(WireEvent::Received));
            let events = [WireEvent::Opened].into_iter().chain(events).collect::<Vec<_>>();
            // A second exchange on the same connection.
            let lines: Vec<_> =
                events.iter().chain(&events[1..]).filter_map(|event| traffic.take(*event)).collect();
            let exchange = ["> GET /api/get_port_info HTTP/1.1", "< HTTP/1.1 200 OK, after "];
            let expected = ["* connected"].into_iter().chain(exchange).chain(exchange);
            assert!(
                lines.len() == 5 && lines.iter().zip(expected).all(|(line, start)| line.starts_with(start)),
                "{lines:?}"
            );
        }
    }
}

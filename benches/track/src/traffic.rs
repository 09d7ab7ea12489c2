//! The HTTP bytes for following messages, including the login.

use std::time::Duration;

use sms_gateway_core::{
    Ports,
    call::{AnyCall, Call, CommaEncoding, Recipient},
    client::{Next, ResponseHead, Session, Site, send_sms},
    http::Credentials,
    text::Alphabet,
    track::Outgoing,
};

const CREDENTIALS: Credentials<'static> = Credentials::new("admin", "secret");
const CHALLENGE: &str = r#"Digest realm="Web Server", domain="",qop="auth", nonce="3f4a9be2c1d05e773f4a9be2c1d05e77", opaque="5ccc069c403ebaf9f0171e9517f40e41",algorithm="MD5", stale="FALSE""#;
/// The text of each message, of 100 characters.
const TEXT: &str =
    "The pump in basement 2 was switched on at 14:35. Its pressure is 3.2 bar, its temperature 9 degrees.";

/// Bytes and connections so far.
pub(crate) struct Traffic {
    session: Session<Vec<u8>>,
    /// The time of the last response.
    heard: Option<Duration>,
    /// Number of bytes of requests and responses.
    pub(crate) bytes: u32,
    /// Number of connections that were opened.
    pub(crate) connections: u32,
}

impl Default for Traffic {
    fn default() -> Self {
        let session = Session::new(vec![0; 512], vec![0; 512]);
        Self { session, heard: None, bytes: 0, connections: 0 }
    }
}

impl Traffic {
    /// Counts the submission of messages.
    pub(crate) fn submit(&mut self, messages: &[Outgoing], now: Duration) {
        let text = [TEXT];
        let recipients = messages.iter();
        let recipients: Vec<_> = recipients
            .map(|message| Recipient::new(message.number()).params(&text).user_id(message.id))
            .collect();
        let request =
            send_sms(&recipients, Ports::NONE, Some(Alphabet::Gsm7Bit), true).expect("within the limits");
        let summary = format!(r#"{{"error_code":202,"sms_in_queue":{},"task_id":1}}"#, messages.len());
        self.count((&request).into(), summary.len(), now);
    }

    /// Counts a query and its response, which has this value besides its error_code.
    pub(crate) fn exchange<C: Call>(&mut self, query: &C, key: &str, value: &str, now: Duration) {
        let body = format!(r#"{{"error_code":200,"{key}":{value}}}"#);
        self.count(query.into(), body.len(), now);
    }

    fn count(&mut self, call: AnyCall<'_>, body: usize, now: Duration) {
        let site =
            Site { host: "192.168.1.9", commas: CommaEncoding::Encoded, credentials: Some(CREDENTIALS) };
        let (mut scratch, mut request) = (vec![0; 4096], vec![0; 256 * 1024]);
        self.session.begin(call.spec(), call.is_repeatable());
        loop {
            let written = self.session.write(call, &site, now, &mut scratch, &mut request).expect("it fits");
            let is_open = self.heard.is_some_and(|heard| self.session.may_reuse(now.saturating_sub(heard)));
            self.connections += u32::from(!is_open);
            self.heard = Some(now);
            let is_authorized = request[..written].windows(15).any(|bytes| bytes == b"Authorization: ");
            let (status, head) = if is_authorized { (200, response(body)) } else { (401, challenge()) };
            self.bytes += u32::try_from(written + head.len()).expect("not too many");
            let head = ResponseHead { status, has_location: false };
            let challenges = Ok([CHALLENGE].into_iter().take(usize::from(!is_authorized)));
            match self.session.responded(head, challenges, Some(&CREDENTIALS), || 7, now) {
                Ok(Next::Send) => {}
                next => {
                    assert_eq!(next, Ok(Next::Read));
                    self.bytes += u32::try_from(body).expect("not too many");
                    return;
                }
            }
        }
    }
}

fn response(body: usize) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {body}\r\n\r\n")
}

fn challenge() -> String {
    format!("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {CHALLENGE}\r\nContent-Length: 0\r\n\r\n")
}

//! Checks the logins of requests, because a random client nonce can't be compared with a recording.

use sms_gateway::core::http::{Credentials, Scheme, challenge, digest};

use crate::reply::Reply;

/// The passwords of the user `admin` in the scenarios.
const PASSWORDS: [&str; 2] = ["admin", "other"];

/// The challenges that were sent so far.
#[derive(Default)]
pub struct Logins {
    challenges: Vec<String>,
    /// The client nonces in the order of their first use.
    cnonces: Vec<String>,
}

impl Logins {
    /// Records the challenges of a reply.
    pub fn sent(&mut self, reply: &Reply) {
        let bytes = reply.bytes();
        let text = String::from_utf8_lossy(&bytes);
        let values = text.lines().filter_map(|line| line.strip_prefix("WWW-Authenticate: "));
        self.challenges.extend(values.map(str::to_owned));
    }

    /// Returns a line of a request as it is recorded. A Digest login is checked: it must answer a challenge that was sent.
    pub fn checked(&mut self, request: &str, line: &str, is_masked: bool) -> String {
        let Some((name, value)) = line.split_once(": ") else { return line.to_owned() };
        if !name.eq_ignore_ascii_case("authorization") || !value.starts_with("Digest ") {
            return line.to_owned();
        }
        let mut words = request.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let Some(password) =
            PASSWORDS.into_iter().find(|password| self.answers(method, target, value, password))
        else {
            // A login that is cut off also has random parts.
            let begin = line.split(" response=").next().unwrap_or_default();
            return format!("{begin} ({} bytes, not an answer to a challenge)", line.len());
        };
        let mut shown = value.to_owned();
        if is_masked {
            if let Some(cnonce) = parameter(value, "cnonce") {
                let number = self.number(cnonce);
                shown = shown.replace(cnonce, &format!("<{number}>"));
            }
            if let Some(response) = parameter(value, "response") {
                shown = shown.replace(response, "<response>");
            }
        }
        format!("{name}: {shown} (password {password})")
    }

    /// Returns the number of a client nonce, from 1.
    fn number(&mut self, cnonce: &str) -> usize {
        assert_eq!(cnonce.len(), 16, "{cnonce}");
        let known = self.cnonces.iter().position(|known| known == cnonce);
        let index = known.unwrap_or_else(|| {
            self.cnonces.push(cnonce.to_owned());
            self.cnonces.len() - 1
        });
        index + 1
    }

    fn answers(&self, method: &str, target: &str, value: &str, password: &str) -> bool {
        let credentials = Credentials::new("admin", password);
        let cnonce = parameter(value, "cnonce").unwrap_or_default();
        // A request that is cut off may end within the count.
        let count = parameter(value, "nc").map_or(1, |count| u32::from_str_radix(count, 16).unwrap_or(0));
        self.challenges.iter().any(|sent| {
            let Ok(Scheme::Digest(sent)) = challenge::best([sent.as_str()]) else { return false };
            let mut out = [0; 1024];
            digest::authorization(&sent, &credentials, method, target, count, cnonce, &mut out) == Ok(value)
        })
    }
}

/// Returns the value of a parameter, without quotes.
fn parameter<'v>(value: &'v str, name: &str) -> Option<&'v str> {
    value.trim_start_matches("Digest ").split(", ").find_map(|part| {
        let (key, value) = part.split_once('=')?;
        (key == name).then(|| value.trim_matches('"'))
    })
}

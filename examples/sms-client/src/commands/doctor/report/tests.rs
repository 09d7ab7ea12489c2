//! Secrets in many spellings, in many parts of a response. The report must not contain any of them.

use std::{fmt::Write as _, hash::BuildHasherDefault};

use super::{
    super::{ask::Answer, finding::Findings, schema},
    *,
};

type Fixed = BuildHasherDefault<std::hash::DefaultHasher>;

/// Responses with placeholders for a secret: `%` for the secret itself, `~` for one of its spellings.
const PLACES: &[&str] = &[
    "{\"error_code\":200,\"result\":[{\"number\":\"~\",\"text\":\"a ~ b\",\"smsc\":\"+~\",\"imsi\":\"~\"}]}",
    "{\"error_code\":200,\"~\":1}",
    "{\"error_code\":200,\"sms_~\":{\"~\":[\"~\",{\"port\":\"~\"}]}}",
    "{\"error_code\":\"~\",\"port\":\"~\",\"status\":\"~\",\"status_code\":\"~\",\"reg\":\"~\",\"type\":\"~\"}",
    "{\"time\":\"~\",\"timestamp\":\"2026-01-01 ~\",\"incoming_sms_id\":\"~\",\"user_id\":\"~\",\"unread\":\"~\",\"slot\":\"~\"}",
    "{\"sn\":\"~\",\"callstate\":\"SENT_OK ~\",\"gprs\":\"~_OK\",\"signal\":\"~\",\"count\":\"-~\"}",
    "{\"port\":%,\"user_id\":%,\"number\":%,\"incoming_sms_id\":%,\"text\":%,\"status\":[%,%],\"x\":-%.5e3}",
    "{\"error_code\":200\"result\":[{\"text\":\"~",
    "{\"error_code\":200,~}",
    "{'number':'~','text':~,~:~}",
    "[\"~\",\"~\":\"~\"]",
    "{\"text\":\"\\\"~\\\"\",\"\\\"~\":\"~\\\\\",\"~",
    "<html><head><title>~</title></head><body id=\"~\" ~><!-- ~ --><~>~</~><a href=\"http://~/~?~\">~</a></body></html>",
    "forbid to try again ~",
    "~",
    "  ~: ~",
    "\u{feff}{\"~\":\"~\"}",
    "GIF89a~",
];

/// Heads with placeholders for a secret, without their last lines.
const HEADS: &[&str] = &[
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n",
    "HTTP/1.0 401 ~\r\nWWW-Authenticate: Digest realm=\"~\", nonce=\"~\", opaque=~, qop=\"~\", algorithm=~, stale=\"~\", domain=\"~\", ~=\"~\"\r\n",
    "HTTP/1.1 403 ~ x\r\nServer: ~/1.0 (~)\r\nSet-Cookie: ~=~; Path=/~\r\nX-~: ~\r\n",
    "HTTP/1.1 302 Found\r\nLocation: http://~:~@~/~/login.htm?~#~\r\nDate: ~\r\nExpires: ~\r\nETag: ~\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: ~/~; charset=~\r\nConnection: ~\r\nCache-Control: ~\r\nKeep-Alive: ~\r\nAllow: ~\r\n ~\r\n~: ~\r\n",
    "HTTP/1.1 100 ~\r\nX: ~\r\n\r\nHTTP/1.1 500 ~\nWWW-Authenticate: ~\nWWW-Authenticate: Basic ~=~\nLocation: //~/~\nLocation: ~\n",
];

/// A pseudo-random sequence that is the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, count: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % count
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    /// Returns a phone number, an identity, a word, a word with digits, a host name, or a serial number.
    fn secret(&mut self) -> String {
        let letters: Vec<char> = "ghjkqwvzGHJKQWVZ".chars().collect();
        let mut some = |length: u64, of: &[char]| (0..length).map(|_| self.pick(of)).collect::<String>();
        let digits: Vec<char> = "123456789".chars().collect();
        let (word, number) = (some(9, &letters), some(15, &digits));
        match self.below(6) {
            0 => number,
            1 => number[..9].to_owned(),
            2 => word,
            3 => format!("{word}{}", &number[..4]),
            4 => format!("{word}.example"),
            _ => format!("{}-{word}-{}", &number[..8], &number[8..]),
        }
    }
}

/// Returns the spellings of a secret.
fn spellings(secret: &str) -> Vec<String> {
    let each = |letter: &dyn Fn(char) -> String| secret.chars().map(letter).collect::<String>();
    let hex = each(&|letter| format!("{:04X}", u32::from(letter)));
    vec![
        secret.to_owned(),
        each(&|letter| format!("\\u{:04x}", u32::from(letter))),
        each(&|letter| format!("\\u00{:02X}", u32::from(letter))),
        hex.to_ascii_lowercase(),
        hex,
        each(&|letter| format!("%{:02X}", u32::from(letter))),
        each(&|letter| format!("&#{};", u32::from(letter))),
        each(&|letter| format!("{letter}\0")),
        each(&|letter| format!("{letter} ")),
        secret.to_ascii_uppercase(),
        secret.chars().rev().collect(),
        base64(secret),
    ]
}

fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in text.as_bytes().chunks(3) {
        let bits = three.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for index in 0..=three.len() {
            out.push(char::from(LETTERS[(bits >> (18 - 6 * index) & 63) as usize]));
        }
    }
    out
}

/// Returns the report of a single exchange with this response.
fn report(response: &[u8], findings: &[Finding]) -> String {
    let request = b"GET /api/query_incoming_sms?incoming_sms_id=0&flag=read HTTP/1.1\r\nHost: x\r\n\r\n";
    let exchange = Exchange {
        connection: 1,
        at: SystemTime::now(),
        request: request.to_vec(),
        response: response.to_vec(),
        is_cut: false,
        is_closed: false,
    };
    render::<Fixed>(findings, &[exchange]).unwrap()
}

/// Returns only the letters and digits of the text, with its escapes decoded.
fn bare(text: &str) -> String {
    let decoded: serde_json::Value = serde_json::from_str(text).unwrap();
    let mut texts = String::new();
    write!(texts, "{decoded}").unwrap();
    texts.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

#[test]
fn no_secret_is_in_a_report_in_any_spelling_at_any_place() {
    let mut random = Random(7);
    let mut reports = 0;
    for round in 0..2 {
        for head in HEADS {
            for place in PLACES {
                let secret = random.secret();
                for spelling in spellings(&secret) {
                    let (head, body) =
                        (head.replace('~', &spelling), place.replace('%', &secret).replace('~', &spelling));
                    let framing = match round % 2 {
                        0 => format!("Content-Length: {}\r\n\r\n{body}", body.len()),
                        _ => format!("Transfer-Encoding: chunked\r\n\r\n{}", in_chunks(&body)),
                    };
                    let report = report((head + &framing).as_bytes(), &[]);
                    assert!(report.contains("\"framing\""), "the response is missing: {report}");
                    let (shown, bare) = (report.to_ascii_lowercase(), bare(&report));
                    for leak in leaks(&secret, &spelling) {
                        assert!(
                            !shown.contains(&leak) && !bare.contains(&leak),
                            "{leak} of {secret} in {report}"
                        );
                    }
                    reports += 1;
                }
            }
        }
    }
    assert!(reports > 2500, "{reports}");
}

/// Returns the texts that a report must not contain: the spelling, the secret, its beginning and its end.
fn leaks(secret: &str, spelling: &str) -> Vec<String> {
    let plain: String =
        secret.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let (first, last) = (&plain[..8.min(plain.len())], &plain[plain.len() - 8..]);
    let mut leaks = vec![spelling.to_ascii_lowercase(), plain.clone(), first.to_owned()];
    // The end of a host name is not checked: all host names here end in `example`, which is not secret.
    leaks.extend((!plain.ends_with("example")).then(|| last.to_owned()));
    leaks
}

/// Splits a body into chunks of three bytes.
fn in_chunks(body: &str) -> String {
    let chunks = body.as_bytes().chunks(3);
    let chunk = |chunk: &[u8]| format!("{:x}\r\n{}\r\n", chunk.len(), String::from_utf8_lossy(chunk));
    chunks.map(chunk).collect::<String>() + "0\r\n\r\n"
}

#[test]
fn what_a_report_needs_stays_in_it() {
    let body = r#"{"error_code":200,"sms":[{"incoming_sms_id":4,"port":2,"timestamp":"2026-01-01 10:00:00"}],"unread":12}"#;
    let length = body.len();
    let response = format!(
        "HTTP/1.0 200 Data follows\r\nContent-Length: {length}\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n{body}"
    );
    let report = report(response.as_bytes(), &[]);
    for text in [
        "HTTP/1.0 200 Data follows",
        &format!("Content-Length: {length}"),
        "Date: Sun, 06 Nov 1994 08:49:37 GMT",
        r#"\"port\":2,\"timestamp\":\"2026-01-01 10:00:00\""#,
        r#"\"unread\":12"#,
        "\"whole\": true",
    ] {
        assert!(report.contains(text), "{text}: {report}");
    }
}

#[test]
fn altered_responses_have_reports_and_findings_too() {
    let mut random = Random(11);
    let schemas = [schema::QUEUE, schema::RESULTS, schema::REPORTS, schema::INBOX, schema::PORTS];
    for _ in 0..3000 {
        let body = random.pick(PLACES).replace(['~', '%'], &random.secret());
        let head = random.pick(HEADS).replace('~', "1");
        let head = format!("{head}Content-Length: {}\r\n\r\n", body.len());
        let mut response = (head.clone() + &body).into_bytes();
        for _ in 0..=random.below(8) {
            let at = usize::try_from(random.below(response.len() as u64)).unwrap();
            match random.below(3) {
                0 => response.truncate(at + 1),
                1 if response.len() > 1 => drop(response.remove(at)),
                _ => response[at] = random.pick(b"\"\\{}[]:,<>\r\n \xff\xc3\0u0+-"),
            }
        }
        let mut findings = Findings::default();
        let mut answer = Answer::default();
        answer.status = Some(200);
        answer.body = response.get(head.len()..).unwrap_or_default().to_vec();
        schema::examine(&schemas[usize::try_from(random.below(5)).unwrap()], &answer, &mut findings);
        let report = report(&response, &findings.0);
        assert!(serde_json::from_str::<serde_json::Value>(&report).is_ok(), "{report}");
    }
}

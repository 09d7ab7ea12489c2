//! Responses like those of a gateway, with spaces after some commas. They are well-formed, so that every contestant can read them.

use std::fmt::Write;

use measure::Random;

/// The encoding of message texts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Texts {
    /// UTF-8.
    Utf8,
    /// `\uXXXX` for all characters outside ASCII, including surrogate pairs.
    Escapes,
    /// As [`Escapes`](Self::Escapes), but texts have no emoji, and so no surrogate pairs.
    BmpEscapes,
}

/// Parts of messages. The last three need surrogate pairs in UTF-16.
const PHRASES: [&str; 15] = [
    "Your verification code is 482913. It expires in 10 minutes.",
    "Hi, are we still meeting at half past six?",
    "Dear customer, your balance is 12.40 EUR.\nThank you!",
    "He said \"call me back\"",
    "ok",
    "Grüße aus Köln, bis später!",
    "Merci, à bientôt.",
    "您的验证码是482913，请在十分钟内使用。",
    "今天下午三点在公司门口见",
    "你好",
    "رمز التحقق الخاص بك هو 482913",
    "مرحبا، كيف حالك اليوم؟",
    "see you 😀",
    "👍🏽👍🏽",
    "🎉 生日快乐 🎂",
];

/// Generates a query_sms_result response with the spacing of the document's examples.
pub(crate) fn results(records: u32) -> String {
    let mut random = Random::default();
    let mut json = String::from(r#"{"error_code":200,"sn":"db00-1234-5678-9012","result":["#);
    for index in 0..records {
        separate(&mut json, index);
        let count = 1 + random.below(100).saturating_sub(70) / 10;
        let (status, sent) = match random.below(20) {
            0 => ("FAILED", random.below(count)),
            1 => ("SENDING", random.below(count)),
            2..=9 => ("SENT_OK", count),
            _ => ("DELIVERED", count),
        };
        let (port, id, reference) = (random.below(32), 1_000 + index, random.below(256));
        let (number, time) = (number(&mut random), time(index));
        write!(
            json,
            r#"{{"port":{port},"user_id":{id},"number":"{number}","time":"{time}","status":"{status}","count":{count}, "succ_count":{sent}, "ref_id":{reference}}}"#
        )
        .expect("writing to a string succeeds");
    }
    json + "]}"
}

/// Generates the same response as [`results`], with a space after every colon and comma, like other JSON writers.
pub(crate) fn spaced_results(records: u32) -> String {
    results(records).replace("\":", "\": ").replace(", ", ",").replace(',', ", ")
}

/// Generates a query_incoming_sms response.
pub(crate) fn incoming(records: u32, texts: Texts) -> String {
    let mut random = Random::default();
    let mut json = String::from(r#"{"error_code":200,"sn":"db00-1234-5678-9012", "sms":["#);
    let phrases = if texts == Texts::BmpEscapes { &PHRASES[..12] } else { &PHRASES[..] };
    for index in 0..records {
        separate(&mut json, index);
        let (port, number, time) = (random.below(32), number(&mut random), time(index));
        write!(
            json,
            r#"{{"incoming_sms_id":{index}, "port":{port}, "number": "{number}","smsc":"+8613800123456","timestamp":"{time}","text":""#
        )
        .expect("writing to a string succeeds");
        for part in 0..=random.below(4) {
            if part > 0 {
                json.push(' ');
            }
            push_escaped(&mut json, pick(&mut random, phrases), texts);
        }
        json.push_str("\"}");
    }
    json + r#"],"read":0, "unread":1000}"#
}

/// Generates a response with an unknown key before its empty array.
pub(crate) fn unknown(value: &str) -> String {
    format!(r#"{{"error_code":200,"extra":{value},"result":[]}}"#)
}

fn separate(json: &mut String, index: u32) {
    if index > 0 {
        json.push(',');
    }
}

fn push_escaped(json: &mut String, text: &str, texts: Texts) {
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\n' => json.push_str("\\n"),
            _ if character.is_ascii() || texts == Texts::Utf8 => json.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(json, "\\u{unit:04x}").expect("writing to a string succeeds");
                }
            }
        }
    }
}

/// Returns the time of a record, 7 s after that of the previous one. Months have 28 days.
fn time(index: u32) -> String {
    let seconds = index * 7;
    let (minutes, days) = (seconds / 60, seconds / 86_400);
    let (month, day) = (1 + days / 28 % 12, 1 + days % 28);
    format!("2026-{month:02}-{day:02} {:02}:{:02}:{:02}", minutes / 60 % 24, minutes % 60, seconds % 60)
}

fn pick(random: &mut Random, phrases: &[&'static str]) -> &'static str {
    let count = u32::try_from(phrases.len()).expect("there are few phrases");
    phrases[random.below(count) as usize]
}

/// Generates a phone number of 11 to 13 digits.
fn number(random: &mut Random) -> String {
    let digits = 11 + random.below(3);
    let least = 10_u64.pow(digits - 1);
    (least + random.any() % (9 * least)).to_string()
}

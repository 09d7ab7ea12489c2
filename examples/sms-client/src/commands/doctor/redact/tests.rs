use std::hash::BuildHasherDefault;

use super::*;

/// A redactor with the same keys in each run.
pub(super) type Fixed = Redactor<BuildHasherDefault<std::hash::DefaultHasher>>;

#[test]
fn harmless_values_stay_and_the_others_keep_their_shape() {
    let redactor = Fixed::default();
    let text = r#"{"error_code":200"result":[{"port":"2","number":"+8613800138000","time":"2026-01-01 10:00:00","status":"SENT_OK","text":"Code 4711\nGr\u00fc\u00dfe ü字😀 \ud83d\ude00","imsi":460016529802202,"x99999":true},]}"#;
    let shown = redactor.body(text.as_bytes());
    assert_eq!(shown.len(), text.len());
    let (before, behind) = shown.split_once("\"number\":\"+").unwrap();
    assert_eq!(before, r#"{"error_code":200"result":[{"port":"2","#);
    let (number, behind) = behind.split_once('"').unwrap();
    assert!(is_digits(number) && number.len() == 13 && number != "8613800138000", "{number}");
    let (behind, imsi) = behind.split_once("\"imsi\":").unwrap();
    assert_eq!(
        behind,
        r#","time":"2026-01-01 10:00:00","status":"SENT_OK","text":"Xxxx 0000\nXx\u00e9\u00e9x é字😀 \ud83d\ude00","#
    );
    let imsi = imsi.strip_suffix(",\"x00000\":true},]}").unwrap();
    assert!(is_digits(imsi) && imsi.len() == 15 && imsi != "460016529802202", "{imsi}");
}

#[test]
fn equal_numbers_stay_equal_and_spellings_of_one_recognizable() {
    let redactor = Redactor::<RandomState>::default();
    let number = |redactor: &Redactor, number| replace::number(&redactor.keys, number);
    let [sent, reported, other] =
        ["13800138000", "8613800138000", "13800138001"].map(|digits| number(&redactor, digits));
    assert_eq!(sent, number(&redactor, "13800138000"));
    assert_eq!(sent[3..], reported[5..]);
    assert_ne!(sent, other);
    assert_ne!(sent, number(&Redactor::default(), "13800138000"));
}

#[test]
fn no_digit_of_a_number_and_no_letter_of_a_token_stays() {
    let keys = RandomState::new();
    for text in ["0", "7", "10086", "00000", "89860114840400428102", "9876543210"] {
        let (number, token) = (replace::number(&keys, text), replace::token(&keys, text));
        for shown in [number, token] {
            assert_eq!(shown.len(), text.len());
            assert!(shown.bytes().zip(text.bytes()).all(|(shown, digit)| shown != digit), "{text} {shown}");
        }
    }
    let token = replace::token(&keys, "aZ09+/é \"=");
    assert!(token.chars().zip("aZ09".chars()).all(|(shown, letter)| shown != letter), "{token}");
    assert!(token.ends_with("+/x \"="), "{token}");
}

#[test]
fn words_and_integers_stay_only_where_they_are_expected() {
    let redactor = Fixed::default();
    for (key, value, is_kept) in [
        ("status", "SENT_OK", true),
        ("status", "Code 4711", false),
        ("status", "Smith", false),
        ("text", "DELIVERED", false),
        ("port", "31", true),
        ("port", "310", false),
        ("port", "13800138000", false),
        ("unread", "13800", true),
        ("unread", "138001", false),
        ("number", "31", false),
        ("user_id", "31", false),
        ("time", "2026-01-01 10:00:00", true),
        ("time", "1380-01-01 10:00:00", false),
        ("time", "460016529802202", false),
        ("sn", "da00-0089-1020-0015", false),
    ] {
        assert_eq!(redactor.value(key, value) == value, is_kept, "{key} {value}");
    }
    assert_eq!(redactor.body(br#"{"port":[13,80,01,38]}"#).matches("13").count(), 1);
    assert!(!redactor.body(br#"{"port":[13,80,01,38]}"#).contains("80"));
}

#[test]
fn ids_of_messages_are_renumbered_in_their_order_with_the_targets() {
    let inbox = br#"{"sms":[{"incoming_sms_id":13800138000},{"incoming_sms_id":"7"},{"incoming_sms_id":13800138007},{"incoming_sms_id":3}]}"#;
    let target = |id: &str| format!("/api/query_incoming_sms?incoming_sms_id={id}&flag=read");
    let redactor = Fixed::new([(&*target("0"), &inbox[..])]);
    assert_eq!(
        redactor.body(inbox),
        r#"{"sms":[{"incoming_sms_id":10000000000},{"incoming_sms_id":"2"},{"incoming_sms_id":10000000001},{"incoming_sms_id":1}]}"#
    );
    for (id, shown) in [("0", "0"), ("3", "1"), ("7", "2"), ("13800138007", "10000000001")] {
        assert_eq!(redactor.target(&target(id)), target(shown));
    }
    // An id that no response contained is replaced too.
    assert!(!redactor.target(&target("460016529802202")).contains("460016"));
    assert_eq!(redactor.target("/api/query_sms_in_queue"), "/api/query_sms_in_queue");
}

#[test]
fn broken_json_leaks_nothing() {
    let redactor = Fixed::default();
    let text = r#"{"text":"secret","number":"13800138000","imsi":"460016529802202"}"#;
    for end in 1..text.len() {
        for gap in [0, 1] {
            let broken = [&text[..end], &text[end + gap..]].concat();
            for part in [&broken[..], &text[..end]] {
                let shown = redactor.body(part.as_bytes());
                for secret in ["secret", "13800138000", "460016529802202"] {
                    assert!(!shown.contains(secret), "{part}: {shown}");
                }
            }
        }
    }
}

fn header(name: &str, value: &str) -> String {
    Fixed::default().header(name, value).1
}

#[test]
fn challenges_keep_their_form() {
    let value = r#"Digest realm="Web Server", domain="",qop="auth", nonce="0123abcd", opaque="77",algorithm=" MD5", stale="FALSE""#;
    let shown = header("WWW-Authenticate", value);
    assert_eq!(shown.len(), value.len());
    let (before, behind) = shown.split_at(shown.find("nonce=\"").unwrap() + 7);
    assert_eq!(before, r#"Digest realm="Web Server", domain="",qop="auth", nonce=""#);
    assert!(behind.ends_with(r#"",algorithm=" MD5", stale="FALSE""#), "{shown}");
    assert!(!shown.contains("0123abcd"), "{shown}");
    assert_eq!(shown, header("www-authenticate", value));
    let bare = header(
        "WWW-Authenticate",
        "Digest realm=\"box 4711\", nonce = abc, algorithm=MD5, stale=true, Basic realm=x",
    );
    assert!(bare.contains(", algorithm=MD5, stale=true, Basic realm=") && !bare.contains("4711"), "{bare}");
    assert!(!bare.contains("abc"), "{bare}");
}

#[test]
fn no_part_of_a_challenge_leaks() {
    for place in [
        "Bearer %",
        "% realm=\"x\"",
        "Digest realm=\"%\", nonce=\"%\"",
        "Digest %=\"x\", nonce=\"x\"",
        "Digest realm=\"a\\\"%\", nonce=\"x\\\" %\"",
        "Digest realm=\"a\" % nonce=\"x\"",
        "Digest qop=\"auth,%\", algorithm=%, stale=\"%\", opaque=%, charset=%",
        "Digest domain=\"/% http://%/%/login.htm?%\"",
        "Digest nonce=\"%",
        "Digest nonce=%\"%\"%",
        "Digest realm=\"Web Server\"%, %, \"%\"",
    ] {
        for secret in ["Geheim77", "13800138000", "box.smith.example", "192.168.77.9"] {
            let shown = header("WWW-Authenticate", &place.replace('%', secret));
            assert!(
                !shown.contains(secret) && !shown.contains(&secret[secret.len() - 5..]),
                "{place}: {shown}"
            );
        }
    }
}

#[test]
fn headers_and_pages() {
    for (name, value, shown) in [
        ("Server", "box/1.2.3 20240101", "box/1.2.3 00000000"),
        ("Server", "GoAhead-Webs/2.5 Smith/1.2", "GoAhead-Webs/2.5 Xxxxx/0.0"),
        ("Server", "box/192.168.1.9", "box/000.000.0.0"),
        ("Location", "https://192.168.1.9/login.htm?user=x", "https://gateway/login.htm"),
        ("Location", "HTTP://admin:pw@smith.example", "http://gateway"),
        ("Location", "//smith.example/web/13/80/01", "//gateway/web/00/00/00"),
        ("Location", "/smith/login.htm", "/xxxxx/login.htm"),
        ("Set-Cookie", "id=Secret77", "xx=Xxxxxx00"),
        ("Date", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("Date", "Sun, 06 Nov 1380 01:38:00 GMT", "Xxx, 00 Xxx 0000 00:00:00 XXX"),
        ("Content-Type", "text/html; charset=gb2312", "text/html; charset=gb2312"),
        ("Content-Type", "text/html; boundary=13800138000", "text/html; xxxxxxxx=00000000000"),
        ("Connection", "Keep-Alive, Smith", "Keep-Alive, Xxxxx"),
        ("Keep-Alive", "timeout=13, max=80", "timeout=00, xxx=00"),
    ] {
        assert_eq!(header(name, value), shown, "{name}: {value}");
    }
    let name = |name| Fixed::default().header(name, "").0;
    assert_eq!(name("content-Type"), "content-Type");
    assert_eq!(name("X-Smith-13800138000"), "X-Xxxxx-00000000000");
    assert_eq!(page("forbid to try again"), "forbid to try again");
    assert_eq!(page("<html><a href=\"Secret\">n 4711</a>"), "<html><a xxxx=\"Xxxxxx\">x 0000</a>");
    assert_eq!(page("<Smith></Smith>< a><!--b-->"), "<Xxxxx></Xxxxx>< x><!--x-->");
}

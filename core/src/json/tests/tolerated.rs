//! Malformed responses that have a clear meaning, generated with faults from responses of known meaning.

use std::{format, string::String, vec::Vec};

use proptest::prelude::*;

use super::{
    CallResponse, LARGE, cases,
    document::Json,
    generate::any_response,
    means, of_call,
    pen::{Faults, Pen},
    whole_and_split,
};
use crate::call::{QueryIncomingSms, QuerySmsResult, QueryUssdReply, SendUssd, tests::read};

fn agree<C: CallResponse>(json: &Json, mark: &str, faults: Faults, tape: &[u8], sizes: &[usize])
where
    for<'a> C::Record<'a>: std::fmt::Debug,
    for<'a> C::Summary<'a>: std::fmt::Debug,
{
    let document = [mark.as_bytes(), &Pen::write(tape, faults, json)].concat();
    means::<C>(&document, sizes, &json.meant::<C>());
}

fn faults() -> impl Strategy<Value = Faults> {
    any::<[bool; 3]>().prop_map(|[commas, colons, controls]| Faults { commas, colons, controls })
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn malformed_responses_are_read_as_intended(
        (call, json) in any_response(true),
        mark in prop_oneof!["\u{FEFF}", Just(String::new())],
        faults in faults(),
        tape in prop::collection::vec(any::<u8>(), 0..50),
        sizes in prop::collection::vec(1..40_usize, 1..6),
    ) {
        of_call!(call, agree(&json, &mark, faults, &tape, &sizes));
    }

    #[test]
    fn invalid_utf8_is_replaced_as_by_the_standard_library(
        bytes in prop::collection::vec(prop_oneof![0x80..=0xFF_u8, Just(0xED), Just(0xF0), 0x20..0x7F_u8], 0..24),
        sizes in prop::collection::vec(1..6_usize, 1..6),
    ) {
        let bytes: Vec<u8> = bytes.into_iter().filter(|byte| !matches!(byte, b'"' | b'\\')).collect();
        let document = [br#"{"reply":[{"text":""#, &bytes[..], br#"","port":1}]}"#].concat();
        let found = whole_and_split::<QueryUssdReply>(&document, &sizes, LARGE);
        let text = String::from_utf8_lossy(&bytes);
        let kind = if std::str::from_utf8(&bytes).is_ok() { "Exact" } else { "Lossy" };
        let expected = format!("UssdReply {{ port: Known(1), text: {kind}({text:?}) }}");
        prop_assert_eq!(found.records, [expected]);
    }
}

/// Asserts that both documents read the same, at once and cut anywhere.
fn same<C: CallResponse>(odd: &[u8], tidy: &str)
where
    for<'a> C::Record<'a>: std::fmt::Debug,
    for<'a> C::Summary<'a>: std::fmt::Debug,
{
    let tidy = read::<C>([tidy.as_bytes()], LARGE);
    assert_eq!(tidy.end, Ok(()));
    for at in 0..odd.len() {
        let (first, second) = odd.split_at(at);
        assert_eq!(read::<C>([first, second], LARGE), tidy, "{} at {at}", odd.escape_ascii());
    }
}

#[test]
fn colons_at_the_end_of_keys_are_ignored() {
    let tidy = r#"{"error_code":202,"result":[{"port":1}]}"#;
    for odd in [
        r#"{"error_code":202,"result:":[{"port":1}]}"#,
        r#"{"error_code":202,"result:"[{"port":1}]}"#,
        r#"{"error_code:"202"result:::" [{"port:"1}]}"#,
        r#"{"an unknown key of more than 32 bytes, that is:"{},"error_code":202,"result":[{"port":1}]}"#,
        r#"{"error_code":202,"result":[{"port":1,"an unknown key of more than 32 bytes, that is:"5}]}"#,
    ] {
        same::<SendUssd>(odd.as_bytes(), tidy);
    }
}

#[test]
fn invalid_escape_at_the_end_of_a_string_is_kept() {
    let tidy = r#"{"sms":[{"number":"\uFFFD","port":1}]}"#;
    let tidy = read::<QueryIncomingSms>([tidy.as_bytes()], LARGE);
    for broken in [&b"\xE2"[..], b"\xE2\x82", b"\xF0\x9F\x98", b"\\ud83d", b"\\u", b"\\u12"] {
        let odd = [br#"{"sms":[{"number":""#, broken, br#"","port":1}]}"#].concat();
        for at in 0..odd.len() {
            let (first, second) = odd.split_at(at);
            let found = read::<QueryIncomingSms>([first, second], LARGE);
            assert_eq!(found.records, [tidy.records[0].replace("Exact", "Lossy")], "{}", odd.escape_ascii());
        }
        let key = [br#"{"sms":[{"numbe"#, broken, br#"":5,"port":1}]}"#].concat();
        same::<QueryIncomingSms>(&key, r#"{"sms":[{"port":1}]}"#);
    }
}

#[test]
fn first_value_of_a_repeated_key_is_used() {
    for (odd, tidy) in [
        (r#""time":"a","time":"b""#, r#""time":"a""#),
        (r#""time":"a","time":null"#, r#""time":"a""#),
        (r#""time":"a","time":{"time":"b"}"#, r#""time":"a""#),
        (r#""time":"a","time":["b"]"#, r#""time":"a""#),
        (r#""time":null,"time":"b""#, r#""time":"b""#),
        (r#""time":["b"],"time":"b""#, r#""time":"b""#),
    ] {
        let [odd, tidy] =
            [odd, tidy].map(|members| format!(r#"{{"result":[{{"port":1,{members}}}],{members}}}"#));
        same::<QuerySmsResult>(odd.as_bytes(), &tidy);
        let [odd, tidy] = [odd, tidy].map(|document| document.replace("time", "sn"));
        same::<QuerySmsResult>(odd.as_bytes(), &tidy);
    }
}

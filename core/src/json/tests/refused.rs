//! Malformed documents. Each is refused at the right offset, and the records before the error are returned.

use std::{format, string::ToString, vec::Vec};

use proptest::prelude::*;

use super::{
    CallResponse, LARGE, cases,
    document::Json,
    generate::any_response,
    of_call,
    pen::{Faults, Pen},
    whole_and_split,
};
use crate::{
    call::{QueryIncomingSms, SendUssd, tests::read},
    json::{
        Malformed::{self, ColonExpected, CutOff, KeyExpected, NotAnObject, RecordExpected, ValueExpected},
        ReadError,
    },
};

/// Asserts that the document is refused at the mark `^`, after this number of records. The mark is removed before reading.
fn refused(marked: &str, kind: Malformed, records: usize) {
    let offset = marked.find('^').unwrap();
    let document = marked.replacen('^', "", 1);
    let bytes = document.as_bytes();
    let whole = read::<SendUssd>([bytes], LARGE);
    assert_eq!(whole.end, Err(ReadError { offset: offset as u64, kind }), "{marked}");
    let stands = (0..records).map(|port| format!("UssdStatus {{ port: Known({port}), status: Missing }}"));
    assert_eq!(whole.records, stands.collect::<Vec<_>>(), "{marked}");
    for at in 0..=bytes.len() {
        let (first, second) = bytes.split_at(at);
        assert_eq!(read::<SendUssd>([first, second], LARGE), whole, "{marked} split at {at}");
    }
    assert_eq!(read::<SendUssd>(bytes.chunks(1), LARGE), whole, "{marked}");
}

#[test]
fn documents_that_are_not_objects_are_refused() {
    refused("^<!DOCTYPE html><html></html>", NotAnObject { found: b'<' }, 0);
    refused("\r\n ^<html>", NotAnObject { found: b'<' }, 0);
    refused("\u{FEFF}^[{\"port\":1}]", NotAnObject { found: b'[' }, 0);
    refused("^\"error_code\":200", NotAnObject { found: b'"' }, 0);
    refused("^null", NotAnObject { found: b'n' }, 0);
    refused("^}", NotAnObject { found: b'}' }, 0);
    refused("^\0", NotAnObject { found: 0 }, 0);
    let page = read::<SendUssd>([&b"<html>"[..]], LARGE).end.unwrap_err().to_string();
    assert!(
        page.contains("at byte 0") && page.contains("New Version API") && page.contains("1102"),
        "{page}"
    );
}

#[test]
fn garbage_in_the_object_is_refused() {
    refused("{^error_code:200}", KeyExpected { found: b'e' }, 0);
    refused("{\"error_code\":200^]", KeyExpected { found: b']' }, 0);
    refused("{\"error_code\":200;^}".replace(";^", "^;").as_str(), KeyExpected { found: b';' }, 0);
    refused("{\"error_code\":200 ^400}", KeyExpected { found: b'4' }, 0);
    refused("{\"error_code\":{}^}}".replace("^}}", "^:}").as_str(), KeyExpected { found: b':' }, 0);
    refused("{\"x\":\"a\"^\\\"}", KeyExpected { found: b'\\' }, 0);
    refused("{\"error_code\" ^200}", ColonExpected { found: b'2' }, 0);
    refused("{\"error_code\"^}", ColonExpected { found: b'}' }, 0);
    refused("{\"error_code\"^,\"sn\":1}", ColonExpected { found: b',' }, 0);
    refused("{\"error_code\":^}", ValueExpected { found: b'}' }, 0);
    refused("{\"error_code\":^,\"sn\":1}", ValueExpected { found: b',' }, 0);
    refused("{\"error_code\":^:200}", ValueExpected { found: b':' }, 0);
    refused("{\"unknown\": ^]}", ValueExpected { found: b']' }, 0);
    refused("{\"unknown\":^'a'}", ValueExpected { found: b'\'' }, 0);
    refused("{\"unknown:\"^}", ValueExpected { found: b'}' }, 0);
}

#[test]
fn garbage_between_records_is_refused() {
    refused("{\"result\":^{\"port\":0}}", RecordExpected { found: b'{' }, 0);
    refused("{\"result\":[^0]}", RecordExpected { found: b'0' }, 0);
    refused("{\"result\":[{\"port\":0},^null]}", RecordExpected { found: b'n' }, 1);
    refused("{\"result\":[{\"port\":0} {\"port\":1},^}", RecordExpected { found: b'}' }, 2);
    refused("{\"result\":[{\"port\":0},^[]]}", RecordExpected { found: b'[' }, 1);
    refused("{\"result\":[{\"port\":0},^\"port\":1]}", RecordExpected { found: b'"' }, 1);
    refused("{\"result\":[{\"port\":0},{\"port\"^1}]}", ColonExpected { found: b'1' }, 1);
    refused("{\"result\":[{\"port\":0},{\"port\":^}]}", ValueExpected { found: b'}' }, 1);
    refused("{\"result\":[{\"port\":0},{^port:1}]}", KeyExpected { found: b'p' }, 1);
    refused("{\"result\":[{\"port\":0},{\"port\":1^]}", KeyExpected { found: b']' }, 1);
    refused("{\"result\":[{\"port\":0}]^]}", KeyExpected { found: b']' }, 1);
}

#[test]
fn incomplete_documents_are_refused() {
    refused("^", CutOff, 0);
    refused(" ^", CutOff, 0);
    refused("\u{FEFF}^", CutOff, 0);
    refused("{\"result\":[{\"port\":0},{\"port\":1^", CutOff, 1);
    refused("{\"result\":[{\"port\":0}]^", CutOff, 1);
    refused("{\"unknown\":[[[]]^", CutOff, 0);
}

#[test]
fn bytes_after_the_document_are_not_consumed() {
    let mut buffer = [0; 64];
    let mut decoder = crate::call::Decoder::<SendUssd, _>::new(&mut buffer[..]);
    let mut input = &b"{\"error_code\":202}\r\n HTTP/1.1 200"[..];
    assert_eq!(decoder.next(&mut input), Ok(None));
    assert!(decoder.is_complete());
    assert_eq!(input, b"HTTP/1.1 200");
    assert_eq!(decoder.next(&mut input), Ok(None));
    assert_eq!(input, b"HTTP/1.1 200");
    assert!(decoder.finish().is_ok());
}

fn cut_anywhere<C: CallResponse>(json: &Json, tape: &[u8])
where
    for<'a> C::Record<'a>: std::fmt::Debug,
    for<'a> C::Summary<'a>: std::fmt::Debug,
{
    let document = Pen::write(tape, Faults::default(), json);
    let end = document.iter().rposition(|byte| *byte == b'}').unwrap();
    let whole = read::<C>([&document[..]], LARGE);
    for at in 0..=end {
        let cut = read::<C>([&document[..at]], LARGE);
        assert_eq!(cut.end, Err(ReadError { offset: at as u64, kind: CutOff }));
        assert!(whole.records.starts_with(&cut.records), "cut at {at}");
    }
}

/// Asserts that a document reads the same however it is split.
fn split_alike<C: CallResponse>(document: &[u8], sizes: &[usize], buffer: usize)
where
    for<'a> C::Record<'a>: std::fmt::Debug,
    for<'a> C::Summary<'a>: std::fmt::Debug,
{
    let found = whole_and_split::<C>(document, sizes, buffer);
    assert!(
        found.end.is_ok_and(|()| true) || found.end.is_err_and(|error| error.offset <= document.len() as u64)
    );
}

proptest! {
    #![proptest_config(cases(30))]

    #[test]
    fn incomplete_responses_are_refused_at_every_cut((call, json) in any_response(true), tape in prop::collection::vec(any::<u8>(), 0..20)) {
        of_call!(call, cut_anywhere(&json, &tape));
    }
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn damaged_responses_read_the_same_however_they_are_split(
        (call, json) in any_response(true),
        tape in prop::collection::vec(any::<u8>(), 0..20),
        damage in prop::collection::vec((any::<prop::sample::Index>(), "[\"\\\\{}\\[\\],:nu0D\u{e9}]{0,2}", 0..3_usize), 1..4),
        sizes in prop::collection::vec(1..20_usize, 1..5),
        buffer in 0..200_usize,
    ) {
        let mut document = Pen::write(&tape, Faults::default(), &json);
        for (at, new, old) in damage {
            let at = at.index(document.len() + 1);
            let end = (at + old).min(document.len());
            document.splice(at..end, new.bytes());
        }
        of_call!(call, split_alike(&document, &sizes, buffer));
    }

    #[test]
    fn random_tokens_read_the_same_however_they_are_split(
        tokens in prop::collection::vec(prop::sample::select(&[
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "D83D", "\"port\":", "\"sms\":", "\"text", "null", "1", " ", "é", "{\"sms\":[{",
        ][..]), 0..30),
        sizes in prop::collection::vec(1..9_usize, 1..5),
        buffer in 0..40_usize,
    ) {
        let document = format!("{{\"sms\":[{{{}", tokens.concat());
        split_alike::<QueryIncomingSms>(document.as_bytes(), &sizes, buffer);
    }
}

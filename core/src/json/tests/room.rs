//! Records and responses that are larger than the lent buffer.

use std::{format, string::String, vec, vec::Vec};

use proptest::prelude::*;

use super::{
    CallResponse, LARGE, cases,
    generate::{any_response, response},
    of_call,
    pen::{Faults, Pen},
    whole_and_split,
};
use crate::{
    call::{Decoder, QueryIncomingSms, tests::read},
    json::{Field, Text},
};

/// Returns the sizes that a record or summary reports as needed, given its `Debug` output.
fn needed(shown: &str) -> Vec<usize> {
    let parts = shown.split("TooLong { needed: ").skip(1);
    parts.map(|part| part.split(' ').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn overlong_text_displaces_nothing_else() {
    let text = "x".repeat(1000);
    let document = format!(
        r#"{{"error_code":200,"sms":[{{"incoming_sms_id":7,"port":3,"number":"+4917012345678","smsc":"+491710760000","timestamp":"2026-01-02 03:04:05","text":"{text}","imsi":"262011234567890"}},{{"text":"{text}","incoming_sms_id":8}},{{"incoming_sms_id":9,"text":"short"}}],"unread":1}}"#
    );
    let mut buffer = [0; 128];
    let mut decoder = Decoder::<QueryIncomingSms, _>::new(&mut buffer[..]);
    let mut input = document.as_bytes();

    let first = decoder.next(&mut input).unwrap().unwrap();
    let held = 3 + 1 + 1 + 14 + 13 + 19 + 1000 + 15;
    assert_eq!(first.text, Text::TooLong { needed: held });
    assert_eq!((first.incoming_sms_id.get(), first.port.get()), (Some(7), Some(3)));
    assert_eq!((first.number.as_str(), first.smsc.as_str()), ("+4917012345678", "+491710760000"));
    assert_eq!(first.timestamp.get(), Some("2026-01-02 03:04:05".parse().unwrap()));
    assert_eq!(first.imsi, Text::Exact("262011234567890"));

    let second = decoder.next(&mut input).unwrap().unwrap();
    assert_eq!(second.text, Text::TooLong { needed: 3 + 1000 + 1 });
    assert_eq!(second.incoming_sms_id, Field::Known(8));

    let third = decoder.next(&mut input).unwrap().unwrap();
    assert_eq!((third.incoming_sms_id.get(), third.text.as_str()), (Some(9), "short"));

    assert!(decoder.next(&mut input).unwrap().is_none());
    let summary = decoder.finish().unwrap();
    assert_eq!((summary.error_code.get(), summary.unread.get()), (Some(200), Some(1)));
}

#[test]
fn null_takes_no_space() {
    let document =
        br#"{"sn":null,"sms":[{"number":"+491701234567","imsi":null,"text":null}],"error_code":200}"#;
    let found = whole_and_split::<QueryIncomingSms>(document, &[1], 13);
    assert_eq!(found, read::<QueryIncomingSms>([&document[..]], LARGE));
    let found = whole_and_split::<QueryIncomingSms>(document, &[1], 0);
    assert_eq!(found.records[0].matches("TooLong").count(), 1, "{}", found.records[0]);
    let almost = br#"{"sms":[{"number":nul,"smsc":nulll,"text":"null"}]}"#;
    let found = whole_and_split::<QueryIncomingSms>(almost, &[1], LARGE);
    for text in [r#"number: Exact("nul")"#, r#"smsc: Exact("nulll")"#, r#" text: Exact("null")"#] {
        assert!(found.records[0].contains(text), "{}", found.records[0]);
    }
}

#[test]
fn size_needed_includes_overlong_values_of_the_head() {
    let document = format!(
        r#"{{"error_code":200,"sn":"{}","sms":[{{"incoming_sms_id":1,"text":"{}"}}]}}"#,
        "s".repeat(90),
        "t".repeat(60)
    );
    let found = read::<QueryIncomingSms>([document.as_bytes()], 40);
    assert_eq!(needed(&found.summary), [93]);
    assert_eq!(needed(&found.records[0]), [154]);
}

#[test]
fn later_values_of_a_repeated_key_need_no_space() {
    let document =
        br#"{"sms":[{"text":"01234567890123456789","number":"1","number":"0123456789012345678901234"}]}"#;
    let found = read::<QueryIncomingSms>([&document[..]], 21);
    assert_eq!(needed(&found.records[0]), [0; 0]);
    assert!(found.records[0].contains(r#"number: Exact("1")"#));
    let document =
        br#"{"sn":"x","sn":"01234567890123456789","sms":[{"text":"012345678901234567890123456789"}]}"#;
    assert_eq!(needed(&read::<QueryIncomingSms>([&document[..]], 31).records[0]), [0; 0]);
}

#[test]
fn only_the_longest_value_is_removed_and_only_for_a_shorter_one() {
    let document = br#"{"sms":[{"number":"0123","text":"abcdef"},{"number":"01234","text":"abcdef"},{"smsc":"012","number":"01234","text":"abcd"}]}"#;
    let found = whole_and_split::<QueryIncomingSms>(document, &[1, 5], 8);
    assert!(found.records[0].contains(r#"number: Exact("0123")"#), "{}", found.records[0]);
    assert_eq!(needed(&found.records[0]), [10]);
    assert!(found.records[1].contains(r#" text: Exact("abcdef")"#), "{}", found.records[1]);
    assert_eq!(needed(&found.records[1]), [11]);
    for text in [r#" smsc: Exact("012")"#, r#" text: Exact("abcd")"#, "number: TooLong { needed: 12 }"] {
        assert!(found.records[2].contains(text), "{}", found.records[2]);
    }
}

/// Asserts that each size reported as needed suffices, and that one byte less does not.
fn reports_a_sufficient_size<C: CallResponse>(document: &[u8], sizes: &[usize], buffer: usize)
where
    for<'a> C::Record<'a>: std::fmt::Debug,
    for<'a> C::Summary<'a>: std::fmt::Debug,
{
    let full = read::<C>([document], LARGE);
    let small = whole_and_split::<C>(document, sizes, buffer);
    assert_eq!((small.end, small.records.len()), (full.end, full.records.len()));
    let shown = |buffer: usize, record: Option<usize>| {
        let found = read::<C>([document], buffer);
        record.map_or(found.summary, |index| found.records[index].clone())
    };
    let records = small.records.iter().zip(&full.records).enumerate().map(|(i, (s, f))| (Some(i), s, f));
    for (record, small, full) in records.chain([(None, &small.summary, &full.summary)]) {
        let Some(size) = needed(small).first().copied() else {
            assert_eq!(small, full);
            continue;
        };
        assert!(size > buffer, "{small} in {buffer}");
        assert!(needed(small).iter().all(|other| *other == size), "{small}");
        assert_eq!(shown(size, record), *full, "{size} hold it");
        assert_ne!(shown(size - 1, record), *full, "one less than {size} do not");
    }
}

/// Returns the keys and values of all records. An overlong value is `null`.
fn serialized(document: &[u8], buffer: usize) -> Vec<serde_json::Map<String, serde_json::Value>> {
    let mut buffer = vec![0; buffer];
    let mut decoder = Decoder::<QueryIncomingSms, _>::new(&mut buffer[..]);
    let mut input = document;
    let mut records = Vec::new();
    while let Some(record) = decoder.next(&mut input).unwrap() {
        let value = serde_json::to_value(record).unwrap();
        records.push(value.as_object().unwrap().clone());
    }
    records
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn size_needed_is_exact(
        (call, json) in any_response(true),
        tape in prop::collection::vec(any::<u8>(), 0..20),
        sizes in prop::collection::vec(1..40_usize, 1..6),
        buffer in 0..300_usize,
    ) {
        let document = Pen::write(&tape, Faults::default(), &json);
        of_call!(call, reports_a_sufficient_size(&document, &sizes, buffer));
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn values_are_complete_or_marked_as_too_long(
        json in response::<QueryIncomingSms>(true),
        buffer in 0..120_usize,
    ) {
        let document = Pen::write(&[], Faults::default(), &json);
        let (small, full) = (serialized(&document, buffer), serialized(&document, LARGE));
        prop_assert_eq!(small.len(), full.len());
        for (small, full) in small.into_iter().zip(full) {
            prop_assert!(small.keys().eq(full.keys()));
            for (key, value) in small {
                prop_assert!(value.is_null() || value == full[&key], "{}: {}", key, value);
            }
        }
    }
}

#[test]
fn every_buffer_size_is_usable() {
    let document = br#"{"error_code":200,"sn":"db01","sms":[{"incoming_sms_id":1,"port":2,"number":"10086","text":"\u4f60\u597d \ud83d\ude00"},{"text":"a"}],"read":3}"#;
    let full = read::<QueryIncomingSms>([&document[..]], LARGE);
    let mut complete = 0;
    for buffer in 0..64 {
        let found = whole_and_split::<QueryIncomingSms>(document, &[3, 1, 7], buffer);
        assert_eq!((found.end, found.records.len()), (Ok(()), 2));
        complete += usize::from(found == full);
    }
    // The smallest sufficient buffer holds error_code, sn and the values of the first record.
    assert_eq!(complete, 64 - (3 + 4 + 1 + 1 + 5 + 11));
}

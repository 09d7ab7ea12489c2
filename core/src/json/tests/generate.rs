//! Random documents.

use std::{format, iter::once, string::String, vec, vec::Vec};

use proptest::{prelude::*, strategy::Union};

use super::{
    CALLS,
    document::{Json, Piece, Text, text_meant},
    of_call,
    oracle::CallResponse,
};

fn plain() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => proptest::char::range(' ', '~'),
        1 => any::<char>(),
        1 => prop::sample::select(&['"', '\\', '/', '\n', '\0', '\u{1F}', '\u{7F}', 'é', '你', '😀', '\u{FFFD}'][..]),
    ];
    (prop::collection::vec(character, 1..9), prop_oneof![9 => Just(1), 1 => Just(30)])
        .prop_map(|(characters, times)| String::from_iter(characters).repeat(times))
}

fn text(odd: bool) -> impl Strategy<Value = Text> {
    let byte = prop_oneof![2 => 0x80..=0xFF_u8, 1 => Just(b'a')];
    let edge = prop::sample::select(
        &["é", "你", "😀", "\u{7FF}", "\u{800}", "\u{FFFF}", "\u{10000}", "\u{10FFFF}"][..],
    );
    let cut = (edge, 1..4_usize).prop_map(|(text, length)| text.bytes().take(length).collect::<Vec<u8>>());
    let odd_piece = prop_oneof![
        plain().prop_map(Piece::Plain),
        prop::collection::vec(byte, 1..5).prop_map(Piece::Raw),
        cut.prop_map(Piece::Raw),
        (0xD7FF..=0xE000_u16).prop_map(Piece::Unit),
        prop::sample::select(&['a', ' ', 'U', '0', '\'', '\n', 'é', '😀'][..]).prop_map(Piece::Stray),
        "[0-9a-fA-F]{0,3}".prop_map(Piece::Broken),
    ];
    let pieces = prop::collection::vec(odd_piece, 0..5);
    let plain =
        prop::option::of(plain()).prop_map(|text| text.map(Piece::Plain).into_iter().collect::<Text>());
    if odd { prop_oneof![1 => plain, 2 => pieces].boxed() } else { plain.boxed() }
}

fn scalar(odd: bool) -> impl Strategy<Value = Json> {
    let number =
        || prop_oneof![0..300_i128, any::<i64>().prop_map(i128::from), any::<u64>().prop_map(i128::from)];
    let time = "(20[0-9]{2}|19[0-9]{2})-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]";
    let word = "FAILED|SENT_OK|DELIVERED|GSM|LTE|NO_SIM|REGISTER_OK|SENDING|null|true|\\+?[0-9]{3,12}|-[0-9]";
    let odd_number = " ?[+-]?[0-9]{1,4}(\\.[0-9]{0,2}0{0,3})?([eE][+-]?[0-9]{1,2})? ?";
    let odd_word = " ?([Ff]ailed|sent_ok|Delivered|gsm|No_Sim|register_ok|Sending) ?";
    let plain = |text: String| Json::Text(vec![Piece::Plain(text)]);
    prop_oneof![
        1 => odd_number.prop_map(plain),
        1 => odd_word.prop_map(plain),
        3 => number().prop_map(|number| Json::Bare(format!("{number}"))),
        1 => number().prop_map(move |number| plain(format!("{number}"))),
        1 => prop::sample::select(&["null", "true", "false"][..]).prop_map(|word| Json::Bare(word.into())),
        1 => time.prop_map(plain),
        1 => word.prop_map(plain),
        3 => text(odd).prop_map(Json::Text),
    ]
}

fn nested(odd: bool) -> impl Strategy<Value = Json> {
    let float = (-1e9..1e9).prop_map(|number: f64| Json::Bare(format!("{number:e}")));
    let leaf = prop_oneof![3 => scalar(odd), 1 => float];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            prop::collection::vec((text(odd), inner), 0..4).prop_map(Json::Object),
        ]
    })
}

fn members(keys: Vec<&'static str>, odd: bool, most: usize) -> impl Strategy<Value = Vec<(Text, Json)>> {
    let plain = |key: &str| vec![Piece::Plain(key.into())];
    let strange = prop::sample::select(
        &["por", "ports", "Port", "number\0", "a key that is longer than all known ones"][..],
    );
    let unknown = prop_oneof![text(odd), strange.prop_map(plain)];
    // By the standard, `"port:"` and `"port"` are different keys. The reader ignores the colon.
    let unknown = unknown.prop_filter("a colon", |key| !text_meant(key).text.ends_with(':'));
    let member = if keys.is_empty() {
        (unknown, nested(odd)).boxed()
    } else {
        let nested_once = nested(odd).prop_filter("a float", |json| !matches!(json, Json::Bare(_)));
        prop_oneof![
            8 => (prop::sample::select(keys).prop_map(plain), prop_oneof![9 => scalar(odd), 1 => nested_once]),
            2 => (unknown, nested(odd)),
        ]
        .boxed()
    };
    prop::collection::vec(member, 0..most)
}

/// Generates responses to the call with arbitrary values.
pub(super) fn response<C: CallResponse>(odd: bool) -> BoxedStrategy<Json> {
    let names = |keys: &'static [crate::json::Key]| {
        keys.iter().map(|key| std::str::from_utf8(key.name()).unwrap()).collect::<Vec<_>>()
    };
    let head = members(names(C::SCHEMA.head), odd, 6);
    let Some(list) = C::LIST else { return head.prop_map(Json::Object).boxed() };
    let records =
        prop::collection::vec(members(names(C::SCHEMA.record), odd, 14).prop_map(Json::Object), 0..5);
    let list_value = prop_oneof![
        9 => records.prop_map(Json::Array),
        1 => scalar(odd),
    ];
    (head, list_value, any::<prop::sample::Index>())
        .prop_map(move |(mut head, records, at)| {
            head.retain(|(key, _)| text_meant(key).text != list);
            let rest = head.split_off(at.index(head.len() + 1));
            let list = (vec![Piece::Plain(list.into())], records);
            Json::Object(head.into_iter().chain(once(list)).chain(rest).collect())
        })
        .boxed()
}

/// Generates the number of a call (see `of_call!`) and a response to that call.
pub(super) fn any_response(odd: bool) -> impl Strategy<Value = (usize, Json)> {
    let responses =
        (0..CALLS).map(|call| of_call!(call, response(odd)).prop_map(move |json| (call, json)).boxed());
    Union::new(responses)
}

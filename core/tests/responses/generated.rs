//! Random responses with known contents.

use proptest::prelude::*;
use sms_gateway_core::http::{CloseReason, Verdict};

use crate::reading::{cut, read};

/// The framing of a body.
#[derive(Clone, Debug)]
enum Sent {
    Length,
    /// In chunks of these sizes, each with an extension.
    Chunks(Vec<(usize, &'static str)>),
    ToEnd,
}

fn body(body: &[u8], sent: &Sent, line_end: &str) -> Vec<u8> {
    let Sent::Chunks(sizes) = sent else { return body.to_vec() };
    let mut bytes = Vec::new();
    let lengths: Vec<usize> = sizes.iter().map(|size| size.0).collect();
    let extensions = sizes.iter().map(|size| size.1).chain([" ;z"]);
    for (piece, extension) in cut(body, &lengths).into_iter().zip(extensions) {
        if !piece.is_empty() {
            bytes.extend_from_slice(format!("{:x}{extension}{line_end}", piece.len()).as_bytes());
            bytes.extend_from_slice(piece);
            bytes.extend_from_slice(line_end.as_bytes());
        }
    }
    bytes.extend_from_slice(format!("00{line_end}X: y{line_end}{line_end}").as_bytes());
    bytes
}

fn sent() -> impl Strategy<Value = Sent> {
    let extension = prop::sample::select(&["", ";", " ; a=b", ";a=\"\t\""][..]);
    prop_oneof![
        Just(Sent::Length),
        prop::collection::vec((1..9_usize, extension), 0..6).prop_map(Sent::Chunks),
        Just(Sent::ToEnd),
    ]
}

/// Generates fields that do not affect the body, in any spelling.
fn fields() -> impl Strategy<Value = Vec<String>> {
    let name = "[A-Za-z0-9!#$%&'*+.^_`|~-]{1,20}x";
    prop::collection::vec(
        (name, "[ \t]{0,2}[!-~é \t]{0,40}").prop_map(|(name, value)| format!("{name}:{value}")),
        0..5,
    )
}

proptest! {
    #[test]
    fn random_responses_are_read_in_any_pieces(
        status in prop_oneof![Just(200), Just(401), (400..=999_u16)],
        fields in fields(),
        challenges in prop::collection::vec("[!-~]([!-~é \t]{0,20}[!-~])?", 0..3),
        content in prop::collection::vec(any::<u8>(), 0..40),
        sent in sent(),
        close in any::<bool>(),
        line_end in prop::sample::select(&["\r\n", "\n"][..]),
        sizes in prop::collection::vec(0..30_usize, 0..60),
    ) {
        let mut lines = fields;
        lines.insert(lines.len() / 2, match &sent {
            Sent::Length => format!("Content-Length: {}", content.len()),
            Sent::Chunks(_) => "Transfer-Encoding: chunked".to_owned(),
            Sent::ToEnd => "X:".to_owned(),
        });
        lines.extend(challenges.iter().map(|value| format!("WWW-Authenticate: {value}")));
        lines.extend(close.then(|| "Connection: close".to_owned()));
        let mut bytes = format!("HTTP/1.1 {status} ok{line_end}{}{line_end}{line_end}", lines.join(line_end)).into_bytes();
        bytes.extend_from_slice(&body(&content, &sent, line_end));

        let got = read(cut(&bytes, &sizes));
        prop_assert_eq!((got.error, got.status), (None, Some(status)));
        prop_assert_eq!(&got.body, &content);
        prop_assert_eq!(&got.challenges, if status == 401 { &challenges[..] } else { &[] });
        prop_assert_eq!(got.verdict, match sent {
            Sent::ToEnd => Verdict::Close(CloseReason::BodyToEnd),
            _ if close => Verdict::Close(CloseReason::Asked),
            _ => Verdict::Keep,
        });
        for end in 0..bytes.len() {
            let short = read([&bytes[..end]]);
            prop_assert!(short.error.is_some() || matches!(sent, Sent::ToEnd));
        }
    }

    #[test]
    fn random_bytes_read_the_same_in_any_pieces(
        begin in prop::sample::select(&["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n"][..]),
        words in prop::collection::vec(prop::sample::select(&[
            "HTTP/1.1 200 OK", "HTTP/1.0 401", "\r\n", "\n", "\r", " ", "\t", ":", ",", ";", "0", "5", "Content-Length",
            "Transfer-Encoding: ", "chunked", "Connection: ", "close", "WWW-Authenticate", "\u{0}", "é", "x",
        ][..]), 0..60),
        sizes in prop::collection::vec(0..10_usize, 0..60),
    ) {
        let bytes = (begin.to_owned() + &words.concat()).into_bytes();
        prop_assert_eq!(read(cut(&bytes, &sizes)), read([&bytes[..]]));
    }
}

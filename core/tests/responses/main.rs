//! Reading responses in pieces: the pieces do not affect the result, and a truncated response is never taken for a complete
//! one.

mod generated;
mod limits;
mod reading;
mod scripts;
mod verdicts;

use proptest::prelude::*;
use reading::{Read, cut, read};
use scripts::{End, SCRIPTS, Script};
use sms_gateway_core::http::{
    CloseReason,
    ResponseErrorKind::{BodyCutOff, HeadCutOff, NoAnswer},
    Verdict,
};

fn expected(script: &Script) -> Read {
    let (verdict, error) = match script.end {
        End::Whole(verdict) => (verdict, None),
        End::WithConnection => (Verdict::Close(CloseReason::BodyToEnd), None),
        End::Broken(kind, offset) => (Verdict::Close(CloseReason::Unreadable), Some((kind, offset))),
    };
    Read {
        status: script.status,
        body: script.body.to_vec(),
        challenges: script.challenges.iter().map(|challenge| (*challenge).to_owned()).collect(),
        location: script.location.map(str::to_owned),
        verdict,
        whole_early: matches!(script.end, End::Whole(_)),
        error,
    }
}

#[test]
fn scripts_read_the_same_split_at_every_byte() {
    for script in SCRIPTS {
        for cut in 0..=script.bytes.len() {
            let (first, second) = script.bytes.split_at(cut);
            assert_eq!(read([first, second]), expected(script), "{}, cut at {cut}", script.name);
        }
    }
}

#[test]
fn scripts_read_the_same_byte_by_byte() {
    for script in SCRIPTS {
        assert_eq!(read(script.bytes.chunks(1)), expected(script), "{}", script.name);
    }
}

#[test]
fn truncated_scripts_are_not_complete() {
    for script in SCRIPTS {
        let whole = read([script.bytes]);
        for end in 0..script.bytes.len() {
            let sent = &script.bytes[..end];
            let got = read([sent]);
            let name = script.name;
            assert!(script.body.starts_with(&got.body), "{name}, truncated at {end}");
            match (script.end, got.error) {
                (End::Whole(_), None) => {
                    assert_eq!((&got.body, got.status), (&whole.body, whole.status), "{name} at {end}");
                }
                (End::WithConnection, None) => assert!(got.status.is_some(), "{name} at {end}"),
                (End::Broken(..), None) => panic!("{name} passes for complete at {end}"),
                (End::Broken(kind, offset), Some(error)) if error == (kind, offset) => {}
                (_, Some((kind, offset))) => {
                    assert_eq!(offset, end as u64, "{name} at {end}");
                    let expected = if end == 0 {
                        NoAnswer
                    } else if got.status.is_none() {
                        HeadCutOff
                    } else {
                        BodyCutOff
                    };
                    assert_eq!(kind, expected, "{name} at {end}");
                }
            }
        }
    }
}

/// A response is complete after its last byte and not before.
#[test]
fn scripts_are_complete_after_their_last_byte() {
    for script in SCRIPTS {
        let End::Whole(verdict) = script.end else { continue };
        let surplus = verdict == Verdict::Close(CloseReason::Surplus);
        let shortest = (0..=script.bytes.len()).find(|end| read([&script.bytes[..*end]]).error.is_none());
        assert_eq!(shortest < Some(script.bytes.len()), surplus, "{}", script.name);
    }
}

#[test]
fn names_of_scripts_are_unique() {
    let names: std::collections::BTreeSet<_> = SCRIPTS.iter().map(|script| script.name).collect();
    assert_eq!(names.len(), SCRIPTS.len());
}

proptest! {
    #[test]
    fn scripts_read_the_same_in_random_pieces(script in prop::sample::select(SCRIPTS), sizes in prop::collection::vec(0..20_usize, 0..60)) {
        prop_assert_eq!(read(cut(script.bytes, &sizes)), expected(&script), "{}", script.name);
    }
}

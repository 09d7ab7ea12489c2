//! The output for people and for scripts.

use gateway_emulator::Options;

use super::{busy, common::people, examine, names};

#[tokio::test]
async fn people_read_first_what_is_asked() {
    let gateway = busy("observed", Options::default()).await;
    let out = people(&gateway, &["doctor"]).await;
    let (plan, findings) = out.split_once("\n\n").unwrap();
    assert!(plan.starts_with("This only queries the gateway at 127.0.0.1:"), "{out}");
    for words in [
        "marks no message as read",
        "flag=read only",
        "POST query_sms_result",
        "At most one",
        "ends after 180 s",
    ] {
        assert!(plan.replace('\n', " ").contains(words), "{words}: {out}");
    }
    assert!(findings.contains("quirk http") && findings.contains("(data-follows)"), "{out}");
}

#[tokio::test]
async fn people_read_what_to_do_and_what_the_marks_mean() {
    for (quirks, words) in [
        ("none", &["Nothing that was examined departs from the vendor's document"][..]),
        (
            "raw-comma-refused",
            &["Commas are encoded as %2C", "The line with `quirk` departs", "cope with it"],
        ),
        ("raw-comma-refused,chunked", &["The 2 lines with `quirk` depart"]),
    ] {
        let gateway = busy(quirks, Options::default()).await;
        let out = people(&gateway, &["doctor"]).await.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in words {
            assert!(out.contains(words), "{words}: {out}");
        }
        assert!(!out.contains("`!!`"), "{out}");
    }
}

#[tokio::test]
async fn scripts_read_one_finding_a_line_with_the_same_fields() {
    let gateway = busy("observed", Options::default()).await;
    let (findings, _) = examine(&gateway, &[]).await;
    for finding in &findings {
        let has_text = |key: &str| finding[key].as_str().is_some_and(|text| !text.is_empty());
        assert!(["check", "level", "finding", "text"].into_iter().all(has_text), "{finding}");
        assert!(["fact", "quirk", "problem"].contains(&finding["level"].as_str().unwrap()), "{finding}");
    }
    assert_eq!(names(&findings).len(), findings.len(), "a finding occurs twice: {findings:?}");
}

use std::{fs, path::PathBuf, time::Duration};

use gateway_emulator::{Canned, Emulator, NonceLife, Options, Replay};
use serde_json::Value;

use super::{PASSWORD, busy, common::gateway_with, examine};

/// A file of this test's own, which is removed at its end.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("sms-client-doctor-{}-{name}.json", std::process::id())))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Examines a gateway; returns the findings and the report.
async fn report(gateway: &Emulator, name: &str) -> (Vec<Value>, String) {
    let file = File::new(name);
    let (findings, _) = examine(gateway, &["--report", file.path(), "--allow-basic"]).await;
    (findings, fs::read_to_string(&file.0).unwrap())
}

#[tokio::test]
async fn the_report_has_no_numbers_texts_or_credentials() {
    for quirks in ["none", "observed,printed", "later-version,chunked,raw-control,escape-non-ascii"] {
        let gateway = busy(quirks, Options::default()).await;
        let planted = r#"{"error_code":200,"result":[{"port":460016529802202,"number":"Secret Sender","user_id":13612345678,
            "time":"secret time","status":"460016529802299","ref_id":"89860114840400428102","13512345678":1,"x":["deep secret",["4609"]],
            "note":"Pässwort: geheim"}],"sn":"da00-0089-1020-0015"}"#;
        let head = "HTTP/1.1 200 Data follows\r\nServer: box/1.0 00112233445566\r\nSet-Cookie: id=cookie77\r\nX-Imei: 863070017051706\r\n";
        let planted = format!("{head}Content-Length: {}\r\n\r\n{planted}", planted.len());
        gateway.answer_next("query_sms_deliver_status", Canned::bytes(planted));
        let (_, report) = report(&gateway, &format!("secrets-{}", quirks.len())).await;
        for secret in [
            PASSWORD,
            "admin",
            "13800138000",
            "13900139000",
            "13700137000",
            "Grüße",
            "Gr\\u",
            "4711",
            "你好",
            "46001652980220",
            "8986011484040042810",
            "863070017051",
            "8613010868500",
            "Secret",
            "secret time",
            "geheim",
            "deep",
            "13612345678",
            "13512345678",
            "da00-0089",
            "cookie77",
            "00112233445566",
            "response=",
        ] {
            assert!(!report.contains(secret), "{quirks}: {secret} in {report}");
        }
        assert!(report.contains("SENT_OK") || report.contains("DELIVERED"), "{report}");
        assert!(report.contains("Digest realm=\\\"Web Server\\\""), "{report}");
    }
}

#[tokio::test]
async fn a_replay_gives_the_same_findings() {
    for (index, quirks) in [
        "none",
        "observed,printed",
        "later-version,chunked,raw-control,escape-non-ascii",
        "until-close,report-number-national,strict-times",
        "http-1-0,lone-surrogate,byte-order-mark",
        "redirect-https",
        "redirect-login-page",
        "close-after=2,close-unannounced,error-code-last",
        "empty-post-closes,post-queries,smsc-refused,raw-comma-refused",
    ]
    .into_iter()
    .enumerate()
    {
        let gateway = busy(quirks, Options::default()).await;
        check_replay(&gateway, &format!("quirks-{index}"), quirks).await;
    }
}

#[tokio::test]
async fn a_replay_has_the_same_nonces() {
    for nonce in [NonceLife::OneRequest, NonceLife::Lasting(Duration::from_secs(1))] {
        let gateway = busy("none", Options { nonce, ..Options::default() }).await;
        check_replay(&gateway, &format!("nonce-{}", nonce == NonceLife::OneRequest), "nonces").await;
    }
}

async fn check_replay(gateway: &Emulator, name: &str, what: &str) {
    let (findings, report) = report(gateway, name).await;
    let replay = Some(Replay::read(&report).unwrap());
    let replayed = gateway_with(Options { replay, ..Options::default() }).await;
    let (again, _) = examine(&replayed, &["--allow-basic"]).await;
    assert_eq!(again, findings, "{what}");
}

#[tokio::test]
async fn a_report_that_cannot_be_written_is_an_error_of_its_own() {
    let gateway = busy("none", Options::default()).await;
    let (_, code) = examine(&gateway, &["--report", "/no/such/folder/report.json"]).await;
    assert_eq!(code, Some(1));
}

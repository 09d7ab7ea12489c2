//! Reports of gateways whose responses contain secrets in unexpected places.

use gateway_emulator::{Auth, Canned, Https, Options, Replay};
use serde_json::Value;
use tokio::io::AsyncWriteExt;

use super::{
    File, PASSWORD, busy, command,
    common::{objects, run_command},
    report,
    socket::{Stream, USER, examine, request, start},
};

/// Numbers, identities, texts, names and credentials of a gateway.
const SECRETS: [&str; 22] = [
    "13612345678",
    "460016529802299",
    "89860114840400428102",
    "863070017051706",
    "8613010868599",
    "471182",
    "Geheimtext",
    "Grüße",
    "你好",
    "da00-0089-1020-0077",
    "smithbox.smith.example",
    "192.168.177.193",
    "00:1A:2B:3C:4D:5E",
    "Kennwort77",
    "Zauberwort",
    "c2VjcmV0OktlbnV3b3J0",
    "Sitzung99",
    "Nonce0815abc",
    "Opaque4711xyz",
    "0047006500680065",
    "\\u0047\\u0065\\u0068",
    "Smith",
];

/// Returns all secrets, and the last digits of numeric secrets.
fn leaks() -> impl Iterator<Item = String> {
    let last = |secret: &str| secret.get(secret.len().saturating_sub(6)..).unwrap_or(secret).to_owned();
    let digits = |secret: &&&str| secret.bytes().all(|byte| byte.is_ascii_digit());
    let escaped = |secret: &&str| secret.replace('\\', "\\\\");
    SECRETS.iter().map(escaped).chain(SECRETS.iter().filter(digits).map(move |secret| last(secret)))
}

const BODY: &str = r#"{"error_code":200,"sn":"da00-0089-1020-0077","host":"smithbox.smith.example","Smith":{"Kennwort77":[1]},
    "13612345678":{"ip":"192.168.177.193","mac":"00:1A:2B:3C:4D:5E","login":"c2VjcmV0OktlbnV3b3J0"},
    "result":[{"port":"460016529802299","number":"13612345678","user_id":13612345678,"time":"471182","status":"Geheimtext","count":471182,
    "succ_count":1,"ref_id":"89860114840400428102","imsi":460016529802299,"status_code":863070017051706}],
    "sms":[{"incoming_sms_id":13612345678,"port":1,"number":"Zauberwort","smsc":"+8613010868599","timestamp":"2026-01-01 10:00:00",
    "text":"Geheimtext 471182 Grüße 你好 \u0047\u0065\u0068 0047006500680065"}],"read":13612345678,"unread":460016529802299,
    "info":[{"port":0,"type":"Zauberwort","imei":"863070017051706","imsi":"460016529802299","iccid":"89860114840400428102",
    "smsc":"+8613010868599","number":"13612345678","reg":"Smith","slot":471182,"callstate":"Geheimtext","signal":471182,"gprs":"Smith"}],
    "in_queue":"471182"}"#;

/// The heads of responses, which vary between exchanges.
const HEADS: [&str; 4] = [
    "HTTP/1.1 200 Smith Geheimtext\r\nServer: smithbox/192.168.177.193 Smith\r\nSet-Cookie: sid=Sitzung99\r\n",
    "HTTP/1.1 200 OK\r\nX-Smith: Zauberwort\r\nX-13612345678: 471182\r\nDate: 13612345678\r\nETag: \"Sitzung99\"\r\nKeep-Alive: 13612345678\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: Smith/Geheimtext; charset=Zauberwort\r\nConnection: keep-alive, Smith\r\nVia: smithbox.smith.example\r\n",
    "HTTP/1.1 100 Smith\r\nX: Geheimtext\r\n\r\nHTTP/1.1 200 13612345678\r\nLocation: http://Smith:Kennwort77@192.168.177.193/Smith?471182\r\n",
];
const CHALLENGE: &str = "HTTP/1.1 401 Smith\r\nWWW-Authenticate: Digest realm=\"Smith smithbox.smith.example\", nonce=\"Nonce0815abc\", \
    opaque=\"Opaque4711xyz\", qop=\"auth\", domain=\"/Smith/Geheimtext\", Smith=\"Kennwort77\"\r\nContent-Length: 64\r\n\r\n\
    <html><Smith>Smith 13612345678 smithbox.smith.example</Smith>   ";

async fn serve(mut stream: Stream, is_chunked: bool) {
    let mut served = 0;
    while let Some(request) = request(&mut stream).await {
        served += 1;
        let head = HEADS[(request.len() + served) % HEADS.len()];
        let response = if !request.to_ascii_lowercase().contains("\r\nauthorization:") {
            CHALLENGE.to_owned()
        } else if is_chunked {
            // No chunk contains a whole secret.
            let chunks = BODY.as_bytes().chunks(3);
            let mut bytes = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
            for chunk in chunks {
                bytes.extend(
                    format!("{:x};Smith=Geheimtext\r\n", chunk.len()).bytes().chain(chunk.iter().copied()),
                );
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\nX-Smith: Geheimtext\r\n\r\n");
            let _ = stream.write_all(&bytes).await;
            continue;
        } else {
            format!("{head}Content-Length: {}\r\n\r\n{BODY}", BODY.len())
        };
        let _ = stream.write_all(response.as_bytes()).await;
    }
}

#[tokio::test]
async fn no_secret_of_a_gateway_is_in_its_report() {
    for (is_https, is_chunked) in [(false, false), (false, true), (true, false)] {
        let url = start(is_https, move |stream| serve(stream, is_chunked)).await;
        let file = File::new(&format!("secret-{is_https}-{is_chunked}"));
        let run = examine(&url, &["--json", "--report", file.path()]).await;
        assert!(matches!(run.code, Some(0 | 4)), "{run:?}");
        let report = file.read();
        assert!(report.contains("query_incoming_sms") && report.contains("\"login\": true"), "{report}");
        let decoded = format!("{:?}", serde_json::from_str::<Value>(&report).unwrap());
        let address = url.rsplit('/').next().unwrap().to_owned();
        for secret in leaks().chain([PASSWORD.to_owned(), USER.to_owned(), "response=".to_owned(), address]) {
            assert!(!report.contains(&secret) && !decoded.contains(&secret), "{secret} in {report}");
        }
        // The output on this computer shows the name that the report hides.
        let local = objects(&run.out)
            .iter()
            .any(|finding| finding["local"].as_str().is_some_and(|text| text.contains("\"Smith\"")));
        assert!(local, "{}", run.out);
        Replay::read(&report).unwrap();
    }
}

#[tokio::test]
async fn a_busy_gateway_has_no_numbers_texts_or_credentials_in_its_report() {
    for (index, quirks) in ["none", "observed,printed", "later-version,chunked,raw-control,escape-non-ascii"]
        .into_iter()
        .enumerate()
    {
        let auth = if index == 2 { Auth::Basic } else { Auth::Digest };
        let gateway = busy(quirks, Options { auth, ..Options::default() }).await;
        gateway.answer_next("query_sms_deliver_status", Canned::json(403, "Smith 13612345678"));
        let (_, report) = report(&gateway, &format!("busy-{index}")).await;
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
            "15012345678",
            "da00-0089",
            "Smith",
            "response=",
            "127.0.0.1",
            // Basic logins: admin:s3cret
            "YWRtaW46czNj",
            "Basic YW",
        ] {
            assert!(!report.contains(secret), "{quirks}: {secret} in {report}");
        }
        assert!(report.contains("SENT_OK") || report.contains("DELIVERED"), "{report}");
        assert!(report.contains("realm=\\\"Web Server\\\""), "{report}");
    }
}

#[tokio::test]
async fn the_certificate_is_not_in_the_report() {
    let https = Some(Https::default());
    let gateway = busy_https(https).await;
    let pin = gateway.certificate().unwrap().fingerprint();
    for more in [&["--pin", &pin][..], &[]] {
        let file = File::new(&format!("certificate-{}", more.len()));
        let run =
            run_command(command(&gateway, &[&["doctor", "--report", file.path()], more].concat())).await;
        let report = file.read();
        let hex = pin.trim_start_matches("sha256:");
        assert!(!report.contains(hex) && !report.contains(&hex[..16]), "{report}");
        assert!(report.contains("certificate-self-signed"), "{report} {run:?}");
    }
}

async fn busy_https(https: Option<Https>) -> gateway_emulator::Emulator {
    super::gateway_with(Options { https, ..Options::default() }).await
}

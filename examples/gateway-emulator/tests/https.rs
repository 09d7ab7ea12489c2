//! HTTPS to peers that share no code with the emulator: OpenSSL and curl. If a program is not installed, its test prints a
//! note and is skipped. With the environment variable `REQUIRE_OPENSSL` the test fails instead.

use std::{
    io::{ErrorKind, Write},
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use gateway_emulator::{Auth, Canned, Emulator, Https, Options, TlsVersions};

const REQUEST: &str = "GET /api/query_sms_in_queue HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n";
const BODY: &str = r#"{"error_code":200,"in_queue":0}"#;

/// Makes OpenSSL accept 1024-bit keys, SHA-1 and versions before TLS 1.2.
const ALL_CIPHERS: [&str; 2] = ["-cipher", "ALL:@SECLEVEL=0"];

/// The kinds of certificates. Each has words that `openssl x509 -text` must print, and words that it must not print.
const KINDS: [(&str, &[&str], &[&str]); 11] = [
    (
        "ordinary",
        &[
            "Version: 3",
            "Public-Key: (2048 bit)",
            "sha256WithRSAEncryption",
            "DNS:localhost, IP Address:127.0.0.1",
            "CA:FALSE",
        ],
        &["sha1"],
    ),
    ("rsa-1024", &["Version: 3", "Public-Key: (1024 bit)", "sha256WithRSAEncryption"], &["sha1"]),
    ("ec", &["Version: 3", "prime256v1", "ecdsa-with-SHA256", "DNS:localhost"], &["RSA"]),
    ("ec-p384", &["Version: 3", "secp384r1", "ecdsa-with-SHA384", "DNS:localhost"], &["RSA"]),
    ("v1", &["Version: 1 ", "Public-Key: (2048 bit)"], &["X509v3", "DNS:"]),
    ("sha1", &["Version: 3", "sha1WithRSAEncryption"], &["sha256With"]),
    ("no-san", &["Version: 3", "CA:FALSE"], &["DNS:", "Alternative"]),
    ("expired", &["Not Before: Jan  1 00:00:00 2015 GMT", "Not After : Dec 31 23:59:59 2019 GMT"], &[]),
    ("not-yet-valid", &["Not Before: Jan  1 00:00:00 2098 GMT", "Not After : Dec 31 23:59:59 2098 GMT"], &[]),
    ("wrong-name,ca", &["DNS:other.example", "CA:TRUE"], &["localhost"]),
    (
        "v1,rsa-1024,sha1,expired",
        &["Version: 1 ", "(1024 bit)", "sha1WithRSAEncryption", "2019"],
        &["X509v3"],
    ),
];

async fn start(certificate: &str, versions: TlsVersions) -> Emulator {
    let https = Https { certificate: certificate.parse().unwrap(), versions };
    Emulator::start(Options { https: Some(https), auth: Auth::None, ..Options::default() }).await.unwrap()
}

/// Runs a program to its end. Returns `None` if it is not installed.
async fn run(program: &'static str, args: &[&str], input: &str) -> Option<Output> {
    let args: Vec<_> = args.iter().map(ToString::to_string).collect();
    let input = input.to_owned();
    let run = move || {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                assert!(std::env::var_os("REQUIRE_OPENSSL").is_none(), "{program} is not installed");
                // Written to stderr directly, so that the test harness does not capture it.
                let line = format!("SKIPPED, {program} is not installed: {}\n", module_path!());
                std::io::stderr().write_all(line.as_bytes()).unwrap();
                return None;
            }
            child => child.unwrap(),
        };
        // The program may end before it has read all input.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Some(child.wait_with_output().unwrap())
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// Connects with OpenSSL and sends `input`. Returns whether OpenSSL succeeded, and its standard output and error.
async fn s_client(gateway: &Emulator, args: &[&str], input: &str) -> Option<(bool, String)> {
    let address = gateway.addr().to_string();
    let args = [&["s_client", "-ign_eof", "-connect", &address], args].concat();
    let Output { status, stdout, stderr } = run("openssl", &args, input).await?;
    let text = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Some((status.success(), text))
}

/// Runs an OpenSSL command that must succeed.
async fn openssl(args: &[&str], input: &str) -> Option<String> {
    let Output { status, stdout, stderr } = run("openssl", args, input).await?;
    assert!(status.success(), "{args:?}: {}", String::from_utf8_lossy(&stderr));
    Some(String::from_utf8(stdout).unwrap())
}

/// Writes the gateway's certificate to a file, named after the test.
fn file(gateway: &Emulator, test: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.pem"));
    std::fs::write(&path, gateway.certificate().unwrap().pem()).unwrap();
    path.into_os_string().into_string().unwrap()
}

#[tokio::test]
async fn openssl_completes_a_request_with_each_kind_and_version() {
    for (kind, ..) in KINDS {
        let gateway = start(kind, TlsVersions::Both).await;
        for (flag, shows) in [("-tls1_2", "New, TLSv1.2, "), ("-tls1_3", "New, TLSv1.3, ")] {
            let args = [&[flag], &ALL_CIPHERS[..]].concat();
            let Some((_, text)) = s_client(&gateway, &args, REQUEST).await else { return };
            assert!(text.contains(shows) && text.contains("HTTP/1.1 200 OK"), "{kind} {flag}: {text}");
            assert!(text.contains(BODY), "{kind} {flag}: {text}");
        }
        let counts = gateway.counts();
        assert_eq!((counts.handshakes, counts.failed_handshakes, counts.requests), (2, 0, 2), "{kind}");
    }
}

#[tokio::test]
async fn openssl_describes_each_kind_as_what_it_is() {
    for (kind, shows, hides) in KINDS {
        let gateway = start(kind, TlsVersions::Both).await;
        let pem = gateway.certificate().unwrap().pem();
        let Some(text) = openssl(&["x509", "-noout", "-text"], &pem).await else { return };
        for word in shows {
            assert!(text.contains(word), "{kind}, {word}: {text}");
        }
        for word in hides {
            assert!(!text.contains(word), "{kind}, {word}: {text}");
        }
        let path = file(&gateway, "description");
        let flags =
            ["verify", "-auth_level", "0", "-no_check_time", "-check_ss_sig", "-CAfile", &path, &path];
        openssl(&flags, "").await;
    }
}

#[tokio::test]
async fn fingerprints_are_those_of_openssl() {
    for kind in ["ordinary", "rsa-1024", "ec"] {
        let gateway = start(kind, TlsVersions::Both).await;
        let certificate = gateway.certificate().unwrap();
        let args = ["x509", "-noout", "-fingerprint", "-sha256"];
        let Some(text) = openssl(&args, &certificate.pem()).await else { return };
        let digits = text.trim().rsplit('=').next().unwrap().replace(':', "").to_lowercase();
        assert_eq!(certificate.fingerprint(), format!("sha256:{digits}"));

        let path = file(&gateway, "fingerprint");
        let key = format!("{path}.key");
        let public = openssl(&["x509", "-noout", "-pubkey"], &certificate.pem()).await.unwrap();
        openssl(&["pkey", "-pubin", "-outform", "DER", "-out", &key], &public).await;
        let text = openssl(&["dgst", "-sha256", &key], "").await.unwrap();
        let digits = text.trim().rsplit(' ').next().unwrap();
        assert_eq!(certificate.key_fingerprint(), format!("key-sha256:{digits}"));
    }
}

#[tokio::test]
async fn only_the_chosen_versions_are_spoken() {
    for (versions, accepted) in [
        (TlsVersions::Both, ["-tls1_2", "-tls1_3"].as_slice()),
        (TlsVersions::Only12, &["-tls1_2"]),
        (TlsVersions::Only13, &["-tls1_3"]),
    ] {
        let gateway = start("ordinary", versions).await;
        let mut refused = 0;
        for flag in ["-tls1", "-tls1_1", "-tls1_2", "-tls1_3"] {
            let args = [&[flag], &ALL_CIPHERS[..]].concat();
            let Some((_, text)) = s_client(&gateway, &args, REQUEST).await else { return };
            assert_eq!(text.contains(BODY), accepted.contains(&flag), "{versions:?} {flag}: {text}");
            refused += u64::from(!accepted.contains(&flag));
        }
        let counts = gateway.counts_when(|counts| counts.failed_handshakes == refused).await;
        assert_eq!(counts.requests, 4 - refused);
    }
}

#[tokio::test]
async fn openssl_sends_nothing_if_it_does_not_trust_the_certificate() {
    let other = start("ec", TlsVersions::Both).await;
    let trusted = file(&other, "other");
    for kind in ["ordinary", "v1", "ec"] {
        let gateway = start(kind, TlsVersions::Both).await;
        let args = ["-verify_return_error", "-CAfile", &trusted];
        let Some((success, text)) = s_client(&gateway, &args, REQUEST).await else { return };
        assert!(!success && text.contains("certificate verify failed"), "{kind}: {text}");
        let counts = gateway.counts_when(|counts| counts.failed_handshakes == 1).await;
        assert_eq!((counts.handshakes, counts.requests), (0, 0), "{kind}");
    }
}

#[tokio::test]
async fn openssl_reads_responses_of_every_framing_to_a_proper_end() {
    for quirks in ["none", "chunked", "until-close", "http-1-0", "close-after=1,close-unannounced"] {
        let gateway = start("ordinary", TlsVersions::Both).await;
        gateway.set_quirks(quirks.parse().unwrap());
        gateway.answer_next("query_sms_in_queue", Canned::truth().in_pieces(1, std::time::Duration::ZERO));
        let args = ["-tls1_3", "-quiet"];
        let Some((success, text)) = s_client(&gateway, &args, REQUEST).await else { return };
        // If the connection ended without a close_notify, s_client would report an error, `unexpected eof`.
        assert!(success && !text.contains("unexpected eof"), "{quirks}: {text}");
        assert!(text.contains("200 OK") && (quirks == "chunked" || text.contains(BODY)), "{quirks}: {text}");
    }
}

#[tokio::test]
async fn curl_trusts_an_ordinary_certificate_and_refuses_the_others() {
    for (kind, expected) in [
        ("ordinary", Ok(BODY)),
        ("ec", Ok(BODY)),
        ("ordinary,ca", Ok(BODY)),
        ("expired", Err("expired")),
        ("not-yet-valid", Err("not yet valid")),
        ("wrong-name", Err("name")),
        ("no-san", Err("name")),
    ] {
        let gateway = start(kind, TlsVersions::Both).await;
        let (path, url) = (file(&gateway, "curl"), format!("{}/api/query_sms_in_queue", gateway.url()));
        let args = ["--silent", "--show-error", "--noproxy", "*", "--cacert", &path, &url];
        let Some(output) = run("curl", &args, "").await else { return };
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        match expected {
            Ok(body) => assert_eq!(out, body, "{kind}: {error}"),
            Err(reason) => {
                assert!(error.contains(reason) && out.is_empty(), "{kind}: {error}");
                assert_eq!((output.status.code(), gateway.counts().requests), (Some(60), 0), "{kind}");
            }
        }
    }
}

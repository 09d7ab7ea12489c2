//! Compares what the program prints for each kind of peer with the table in `recorded.md`.
//!
//! `RECORD=1 cargo test -p sms-client --test https` writes `recorded.md`. Each run writes the unmasked texts, including
//! fingerprints, to `target/tmp/https-texts.md`, even if the test fails.

mod emulator;
mod openssl;
mod peers;

use std::{fmt::Write as _, fs, path::Path};

use sms_gateway::tls::Certificate;

use crate::{
    command,
    common::run_talking,
    needs_openssl,
    peer::{Identity, Kind},
};

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/https/texts/recorded.md");
const HEAD: &str = "| case | against | command | exit | text |\n|---|---|---|---:|---|\n";

/// The certificates that the program trusts.
#[derive(Clone, Copy)]
enum Trust<'a> {
    /// The system's authorities. They have not issued any certificate in these tests.
    System,
    /// No authority at all.
    Nobody,
    /// A pin, and its name in the table.
    Pin(&'a str, &'a str),
    /// A file of authorities, and its name in the table.
    Authority(&'a str, &'a str),
}

/// The peer of a row in the table.
#[derive(Clone, Copy)]
struct Case<'a> {
    name: &'a str,
    against: &'a str,
    url: &'a str,
    /// The certificate of the peer. Its fingerprints and dates differ from run to run.
    certificate: Option<&'a Certificate>,
}

/// The table of texts.
struct Texts {
    /// The only authority of the system. It has not issued any certificate.
    system: Identity,
    /// The unmasked texts.
    shown: String,
    /// The texts in which everything that differs from run to run is masked.
    recorded: String,
}

impl Texts {
    /// Runs the program, and adds a row.
    async fn run(&mut self, case: Case<'_>, args: &[&str], trust: Trust<'_>) {
        let system = self.system.path("cert.pem");
        let mut command = command(case.url, args);
        command.env("SSL_CERT_FILE", system).env_remove("SSL_CERT_DIR");
        let suffix = match trust {
            Trust::System => String::new(),
            Trust::Nobody => {
                command.env("SSL_CERT_FILE", "/dev/null");
                ", without authorities".to_owned()
            }
            Trust::Pin(pin, name) => {
                command.args(["--pin", pin]);
                format!(" `--pin` {name}")
            }
            Trust::Authority(file, name) => {
                command.args(["--ca", file]);
                format!(" `--ca` {name}")
            }
        };
        let run = run_talking(command).await;
        let text = format!("{}{}", run.out, run.err).trim_end().replace('|', r"\|").replace('\n', "<br>");
        let code = run.code.unwrap();
        let args = args.join(" ");
        for (table, text) in [(&mut self.recorded, case.masked(&text)), (&mut self.shown, text)] {
            let _ =
                writeln!(table, "| {} | {} | `{args}`{suffix} | {code} | {text} |", case.name, case.against);
        }
    }

    /// Adds rows for a query without a pin, with a wrong pin, and with each right pin.
    async fn with_each_pin(&mut self, case: Case<'_>) {
        let certificate = case.certificate.unwrap();
        let (pin, key_pin) = (certificate.pin().to_string(), certificate.key_pin().unwrap().to_string());
        self.run(case, &["queue"], Trust::System).await;
        self.run(case, &["queue"], Trust::Pin(WRONG_PIN, "of another")).await;
        self.run(case, &["queue"], Trust::Pin(&pin, "of it")).await;
        self.run(case, &["queue"], Trust::Pin(&key_pin, "of its key")).await;
    }
}

const WRONG_PIN: &str = "sha256:0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";

impl Case<'_> {
    /// Masks everything that differs from run to run.
    fn masked(&self, text: &str) -> String {
        let address = self.url.rsplit('/').next().unwrap();
        let mut masked = text.replace(address, "HOST:PORT");
        let Some(certificate) = self.certificate else { return masked };
        // Key pins are masked first, because their text `key-sha256:…` contains `sha256:…`, the form of a certificate pin.
        if let Some(pin) = certificate.key_pin() {
            masked = masked.replace(&pin.to_string(), "key-sha256:…");
        }
        masked = masked.replace(&certificate.pin().to_string(), "sha256:…");
        let (from, to) = certificate.validity().unwrap();
        let is_fixed = ["2015", "2020", "2098"].contains(&&from[..4]);
        if is_fixed { masked } else { masked.replace(from, "YESTERDAY").replace(to, "LATER") }
    }
}

#[tokio::test]
async fn the_texts_are_the_recorded_ones() {
    needs_openssl!();
    let system = Identity::new(Kind::PLAIN);
    let mut texts = Texts { system, shown: HEAD.to_owned(), recorded: HEAD.to_owned() };
    emulator::rows(&mut texts).await;
    openssl::rows(&mut texts).await;
    peers::rows(&mut texts).await;
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("https-texts.md"), &texts.shown).unwrap();
    if std::env::var_os("RECORD").is_some() {
        fs::write(RECORDED, &texts.recorded).unwrap();
    }
    let recorded = fs::read_to_string(RECORDED).unwrap();
    for (expected, row) in recorded.lines().zip(texts.recorded.lines()) {
        assert_eq!(expected, row);
    }
    assert_eq!(recorded, texts.recorded);
}

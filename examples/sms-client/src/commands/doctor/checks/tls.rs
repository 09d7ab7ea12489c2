//! The security of the connection.

use crate::commands::doctor::{ask::Asker, finding::Findings};

pub(super) fn check(asker: &Asker, findings: &mut Findings) {
    let _ = asker;
    // HTTPS has its place here: the version of TLS, the cipher, and the kind of certificate.
    let text =
        "Plain HTTP: everyone on the network can read the messages. A Digest login hides the password.";
    findings.fact("tls", "plain-http", text);
}

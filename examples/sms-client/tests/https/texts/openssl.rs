//! What the program prints against `openssl s_server`.

use sms_gateway::tls::Certificate;

use super::{Case, Texts, Trust};
use crate::peer::{Form, Identity, Kind, P256, RSA, THIS_HOST};

const AGAINST: &str = "s_server";
const RSA_512: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:512"];
const RSA_1024: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"];
const RSA_PSS: &[&str] = &["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"];
const P384: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"];
const P521: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"];
const ALL: [&str; 2] = ["-cipher", "ALL:@SECLEVEL=0"];

/// Adds rows for each kind of certificate, for authorities, and for servers that are not supported.
pub(super) async fn rows(texts: &mut Texts) {
    let of = |key| Kind { key, ..Kind::PLAIN };
    let version_1 = Kind { key: RSA_1024, hash: "-sha1", form: Form::Version1 };
    for (name, kind, args) in [
        ("self-signed, RSA 2048", of(RSA), &[][..]),
        ("TLS 1.2 only", of(RSA), &["-tls1_2"]),
        ("TLS 1.3 only", of(RSA), &["-tls1_3"]),
        ("X.509 version 1", Kind::form(Form::Version1), &[]),
        ("RSA 1024", of(RSA_1024), &[]),
        ("SHA-1", Kind { hash: "-sha1", ..of(RSA) }, &[]),
        ("X.509 version 1, RSA 1024, SHA-1, TLS 1.2 only", version_1, &["-tls1_2"]),
        ("with SAN", Kind::form(Form::Valid(Some(THIS_HOST))), &[]),
        ("without SAN", Kind::PLAIN, &[]),
        ("expired", Kind::form(Form::Expired), &[]),
        ("P-256", of(P256), &[]),
        ("P-384", of(P384), &[]),
    ] {
        serve(texts, name, kind, args, true).await;
    }
    let cipher = |list| ["-tls1_2", "-cipher", list];
    for (name, kind, args) in [
        ("TLS 1.0 only", of(RSA), &[&["-tls1"][..], &ALL].concat()[..]),
        ("TLS 1.1 only", of(RSA), &[&["-tls1_1"][..], &ALL].concat()),
        ("RSA key exchange only", of(RSA), &cipher("AES128-GCM-SHA256:@SECLEVEL=0")),
        ("CBC only", of(RSA), &cipher("ECDHE-RSA-AES128-SHA256:@SECLEVEL=0")),
        ("RSA key exchange with CBC only", of(RSA), &cipher("AES128-SHA:@SECLEVEL=0")),
        ("DHE only", of(RSA), &cipher("DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0")),
        ("P-521", of(P521), &[]),
        ("RSA-PSS key", of(RSA_PSS), &[]),
        ("RSA 512", of(RSA_512), &cipher("ALL:@SECLEVEL=0")),
        (
            "RSA 512, with a signature of PKCS#1 v1.5",
            of(RSA_512),
            &[&cipher("ALL:@SECLEVEL=0")[..], &["-sigalgs", "RSA+SHA256"]].concat(),
        ),
    ] {
        serve(texts, name, kind, args, false).await;
    }
    authorities(texts).await;
}

async fn serve(texts: &mut Texts, name: &str, kind: Kind, args: &[&str], is_supported: bool) {
    let identity = Identity::new(kind);
    let levels: &[&str] = if args.contains(&"-cipher") { &[] } else { &ALL };
    let peer = identity.serve(&[args, levels].concat()).await;
    let certificate = Certificate::from_der(&identity.der());
    let url = peer.url();
    let case = Case { name, against: AGAINST, url: &url, certificate: Some(&certificate) };
    if is_supported {
        return texts.with_each_pin(case).await;
    }
    let pin = certificate.pin().to_string();
    texts.run(case, &["queue"], Trust::Pin(&pin, "of it")).await;
}

/// Adds rows for certificates that a user's own authority has issued. `--ca` names that authority, another authority, or the gateway's
/// certificate itself.
async fn authorities(texts: &mut Texts) {
    let (authority, other) = (Identity::new(Kind::PLAIN), Identity::new(Kind::PLAIN));
    let past = ["-startdate", "20200101000000Z", "-enddate", "20201231000000Z"];
    let future = ["-startdate", "20980101000000Z", "-enddate", "20981231000000Z"];
    for (name, host, dates) in [
        ("issued", THIS_HOST, &[][..]),
        ("issued, expired", THIS_HOST, &past),
        ("issued, not yet valid", THIS_HOST, &future),
        ("issued, wrong host", "subjectAltName=DNS:other.example", &[]),
        ("issued, without SAN", "basicConstraints=CA:FALSE", &[]),
        ("issued, X.509 version 1", "", &[]),
        ("issued, RSA 1024", THIS_HOST, &[]),
    ] {
        let key = if name.ends_with("RSA 1024") { RSA_1024 } else { P256 };
        let issued = authority.issue_to(Identity::new(Kind { key, ..Kind::PLAIN }), host, dates);
        let peer = issued.serve(&ALL).await;
        let certificate = Certificate::from_der(&issued.der());
        let url = peer.url();
        let case = Case { name, against: AGAINST, url: &url, certificate: Some(&certificate) };
        let pin = certificate.pin().to_string();
        let files = [(&authority, "of its authority"), (&other, "of another authority"), (&issued, "of it")];
        for (file, name) in files {
            texts.run(case, &["queue"], Trust::Authority(&file.path("cert.pem"), name)).await;
        }
        texts.run(case, &["queue"], Trust::Pin(&pin, "of it")).await;
    }
}

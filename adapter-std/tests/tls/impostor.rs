//! Peers that show the gateway's certificate but do not have its private key, or that show it after another certificate.

use rustls::{
    HandshakeKind,
    version::{TLS12, TLS13},
};
use sms_gateway::{
    Error, Failure,
    tls::{Pin, Reason, rustls},
};

use crate::{
    front::{BOTH, Front, config},
    needs_openssl,
    peer::{Form, IN_QUEUE, Identity, Kind, RSA, THIS_HOST, call},
};

const RSA_1024: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"];

/// The kinds of certificates, including those with signatures that no provider verifies.
const KINDS: [Kind; 4] = [
    Kind::PLAIN,
    Kind { key: RSA, ..Kind::PLAIN },
    Kind { key: RSA_1024, ..Kind::PLAIN },
    Kind { key: RSA_1024, hash: "-sha1", form: Form::Version1 },
];

/// Calls a server with a pin that must not match, and checks that the server has decrypted nothing.
async fn is_sent_nothing(front: &Front, pin: Pin) -> Error {
    let error = call(front.builder().pin(pin)).await.unwrap_err();
    assert_eq!(error.failure, Failure::Untrusted, "{error:?}");
    assert!(!error.may_have_arrived());
    let seen = front.seen();
    assert_eq!((seen.connections, &*seen.decrypted), (1, &b""[..]));
    error
}

#[tokio::test]
async fn an_impostor_without_the_private_key_receives_nothing() {
    needs_openssl!();
    for kind in KINDS {
        let (gateway, impostor) = (Identity::new(kind), Identity::new(kind));
        for versions in [[&TLS12], [&TLS13]] {
            for pin in [gateway.pin(), gateway.key_pin()] {
                let front = Front::start(config(vec![gateway.der()], &impostor, &versions), None).await;
                let text = is_sent_nothing(&front, pin).await.explain();
                assert!(text.contains("has not proved that it has the private key"), "{text}");
            }
            // The same server works for a client that has pinned the impostor's own certificate.
            let front = Front::start(config(vec![impostor.der()], &impostor, &versions), None).await;
            assert_eq!(call(front.builder().pin(impostor.pin())).await.unwrap(), IN_QUEUE, "{kind:?}");
            assert!(front.seen().decrypted.starts_with(b"GET /api/"));
        }
    }
}

#[tokio::test]
async fn a_pinned_certificate_beside_that_of_the_peer_does_not_count() {
    needs_openssl!();
    let (gateway, impostor) = (Identity::new(Kind::PLAIN), Identity::new(Kind::PLAIN));
    let issued = gateway.issue(THIS_HOST, &[]);
    for versions in [[&TLS12], [&TLS13]] {
        for (leaf, chain) in [
            (&impostor, vec![impostor.der(), gateway.der()]),
            (&impostor, vec![impostor.der(), impostor.der(), gateway.der()]),
            (&issued, vec![issued.der(), gateway.der()]),
        ] {
            for pin in [gateway.pin(), gateway.key_pin()] {
                let front = Front::start(config(chain.clone(), leaf, &versions), None).await;
                let error = is_sent_nothing(&front, pin).await;
                let untrusted = error.untrusted().unwrap();
                assert_eq!(
                    (untrusted.certificate.pin(), &untrusted.reason),
                    (leaf.pin(), &Reason::NotPinned)
                );
            }
            // A pin of the peer's own certificate matches, whatever else the chain contains.
            let front = Front::start(config(chain, leaf, &versions), None).await;
            assert_eq!(call(front.builder().pin(leaf.pin())).await.unwrap(), IN_QUEUE);
        }
    }
}

#[tokio::test]
async fn a_short_key_is_not_trusted_for_its_authority() {
    needs_openssl!();
    let authority = Identity::new(Kind::PLAIN);
    let issued = authority.issue_to(Identity::new(KINDS[2]), THIS_HOST, &[]);
    let front = Front::start(config(vec![issued.der()], &issued, BOTH), None).await;
    let error = call(front.builder().root_certificates(authority.roots())).await.unwrap_err();
    assert_eq!(error.untrusted().unwrap().reason, Reason::ShortKey);
    assert_eq!(front.seen().decrypted, b"");
    let pinned = front.builder().root_certificates(authority.roots()).pin(issued.pin());
    assert_eq!(call(pinned).await.unwrap(), IN_QUEUE);
}

#[tokio::test]
async fn sessions_are_resumed_without_early_data_and_not_with_another_pin() {
    needs_openssl!();
    let (gateway, other) = (Identity::new(Kind::PLAIN), Identity::new(Kind::PLAIN));
    for versions in [[&TLS12], [&TLS13]] {
        let mut config = config(vec![gateway.der()], &gateway, &versions);
        config.max_early_data_size = 16 * 1024;
        let front = Front::start(config, None).await;
        let pinned = front.builder().pin(gateway.pin()).build().unwrap();
        for _ in 0..3 {
            assert_eq!(pinned.query_sms_in_queue().await.unwrap(), IN_QUEUE);
        }
        let handshakes = front.seen().handshakes;
        assert_eq!(handshakes[0], HandshakeKind::Full);
        assert!(handshakes[1..].iter().all(|kind| *kind == HandshakeKind::Resumed), "{handshakes:?}");
        assert!(!front.seen().has_early_data);
        let decrypted = front.seen().decrypted;
        let error = call(front.builder().pin(other.pin())).await.unwrap_err();
        assert_eq!(error.untrusted().unwrap().reason, Reason::NotPinned);
        assert_eq!(front.seen().decrypted, decrypted);
    }
}

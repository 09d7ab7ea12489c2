//! Logins that are accepted, and logins that are not.

use crate::{
    harness::Harness,
    list,
    reply::Reply,
    subject::{ApiCall, GatewaySetup},
};

use super::calls::printed;

list![
    basic_is_used_if_it_is_allowed,
    basic_is_not_used_unless_it_is_allowed,
    digest_is_preferred_to_basic,
    digest_with_sha_256,
    digest_without_qop,
    the_challenge_is_unknown,
    there_are_no_credentials,
    the_password_is_wrong,
    the_password_is_wrong_for_an_unrepeatable_call,
    a_locked_out_client,
    other_credentials_are_wrong_too,
    the_password_changes_at_the_gateway,
];

const BASIC: &str = r#"Basic realm="box""#;
const SHA_256: &str = r#"Digest realm="box", nonce="n1", qop="auth", algorithm=SHA-256"#;
const PLAIN_DIGEST: &str = r#"Digest realm="box", nonce="n1""#;

async fn some_calls(harness: &mut Harness) {
    for call in [ApiCall::SendSms, ApiCall::Queue, ApiCall::StopSms] {
        harness.call(call).await;
    }
}

async fn basic_is_used_if_it_is_allowed(harness: &mut Harness) {
    harness.set_up(&GatewaySetup { is_basic_allowed: true, ..GatewaySetup::default() });
    harness.peer.script(|request| match request.authorization() {
        Some("Basic YWRtaW46YWRtaW4=") => printed(request),
        _ => Reply::challenge(BASIC),
    });
    some_calls(harness).await;
}

async fn basic_is_not_used_unless_it_is_allowed(harness: &mut Harness) {
    harness.peer.script(|_| Reply::challenge(BASIC));
    some_calls(harness).await;
}

async fn digest_is_preferred_to_basic(harness: &mut Harness) {
    harness.set_up(&GatewaySetup { is_basic_allowed: true, ..GatewaySetup::default() });
    harness.peer.script(|request| {
        if request.has_nonce("n1") {
            return printed(request);
        }
        let headers = format!("WWW-Authenticate: {BASIC}\r\nWWW-Authenticate: {PLAIN_DIGEST}\r\n");
        Reply::with(401, &headers, "Nope")
    });
    some_calls(harness).await;
}

async fn behind(harness: &mut Harness, challenge: &'static str) {
    harness.peer.script(
        move |request| {
            if request.has_nonce("n1") { printed(request) } else { Reply::challenge(challenge) }
        },
    );
    some_calls(harness).await;
}

async fn digest_with_sha_256(harness: &mut Harness) {
    behind(harness, SHA_256).await;
}

async fn digest_without_qop(harness: &mut Harness) {
    behind(harness, PLAIN_DIGEST).await;
}

async fn the_challenge_is_unknown(harness: &mut Harness) {
    behind(harness, r"Negotiate abc").await;
    harness.peer.script(|_| Reply::status(401, "no challenge at all"));
    some_calls(harness).await;
}

async fn there_are_no_credentials(harness: &mut Harness) {
    harness.set_up_open();
    harness.peer.script(|_| Reply::digest("n1"));
    some_calls(harness).await;
    some_calls(harness).await;
}

/// Refuses all logins. Each challenge has its own nonce.
fn refuse(harness: &Harness) {
    harness.peer.script(|request| Reply::digest(&format!("n{}", request.index)));
}

async fn the_password_is_wrong(harness: &mut Harness) {
    refuse(harness);
    harness.call(ApiCall::Queue).await;
    harness.note("no further request follows");
    some_calls(harness).await;
    harness
        .peer
        .script(|request| if request.has_nonce("n9") { printed(request) } else { Reply::digest("n9") });
    harness.set_password("other");
    some_calls(harness).await;
}

async fn the_password_is_wrong_for_an_unrepeatable_call(harness: &mut Harness) {
    refuse(harness);
    harness.call(ApiCall::SendSms).await;
    some_calls(harness).await;
}

async fn a_locked_out_client(harness: &mut Harness) {
    harness.peer.script(|_| Reply::status(403, "locked"));
    some_calls(harness).await;
    harness
        .peer
        .script(|request| if request.has_nonce("n1") { printed(request) } else { Reply::digest("n1") });
    harness.call(ApiCall::Queue).await;
    harness.peer.script(|_| Reply::status(403, "locked"));
    some_calls(harness).await;
}

async fn other_credentials_are_wrong_too(harness: &mut Harness) {
    refuse(harness);
    harness.call(ApiCall::Queue).await;
    harness.set_password("other");
    some_calls(harness).await;
    harness.set_password("admin");
    some_calls(harness).await;
}

async fn the_password_changes_at_the_gateway(harness: &mut Harness) {
    harness
        .peer
        .script(|request| if request.has_nonce("n1") { printed(request) } else { Reply::digest("n1") });
    some_calls(harness).await;
    refuse(harness);
    some_calls(harness).await;
}

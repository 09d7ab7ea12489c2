//! Logins that are accepted, and logins that are not.

use crate::{
    list,
    reply::Reply,
    stage::Stage,
    subject::{Ask, Setup},
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

async fn some_calls(stage: &mut Stage) {
    for ask in [Ask::SendSms, Ask::Queue, Ask::StopSms] {
        stage.call(ask).await;
    }
}

async fn basic_is_used_if_it_is_allowed(stage: &mut Stage) {
    stage.set_up(&Setup { is_basic_allowed: true, ..Setup::default() });
    stage.peer.script(|request| match request.authorization() {
        Some("Basic YWRtaW46YWRtaW4=") => printed(request),
        _ => Reply::challenge(BASIC),
    });
    some_calls(stage).await;
}

async fn basic_is_not_used_unless_it_is_allowed(stage: &mut Stage) {
    stage.peer.script(|_| Reply::challenge(BASIC));
    some_calls(stage).await;
}

async fn digest_is_preferred_to_basic(stage: &mut Stage) {
    stage.set_up(&Setup { is_basic_allowed: true, ..Setup::default() });
    stage.peer.script(|request| {
        if request.has_nonce("n1") {
            return printed(request);
        }
        let headers = format!("WWW-Authenticate: {BASIC}\r\nWWW-Authenticate: {PLAIN_DIGEST}\r\n");
        Reply::with(401, &headers, "Nope")
    });
    some_calls(stage).await;
}

async fn behind(stage: &mut Stage, challenge: &'static str) {
    stage.peer.script(
        move |request| {
            if request.has_nonce("n1") { printed(request) } else { Reply::challenge(challenge) }
        },
    );
    some_calls(stage).await;
}

async fn digest_with_sha_256(stage: &mut Stage) {
    behind(stage, SHA_256).await;
}

async fn digest_without_qop(stage: &mut Stage) {
    behind(stage, PLAIN_DIGEST).await;
}

async fn the_challenge_is_unknown(stage: &mut Stage) {
    behind(stage, r#"Negotiate abc"#).await;
    stage.peer.script(|_| Reply::status(401, "no challenge at all"));
    some_calls(stage).await;
}

async fn there_are_no_credentials(stage: &mut Stage) {
    stage.set_up_open();
    stage.peer.script(|_| Reply::digest("n1"));
    some_calls(stage).await;
    some_calls(stage).await;
}

/// Refuses all logins until there is this password; each challenge has a nonce of its own.
fn refuse(stage: &Stage) {
    stage.peer.script(|request| Reply::digest(&format!("n{}", request.index)));
}

async fn the_password_is_wrong(stage: &mut Stage) {
    refuse(stage);
    stage.call(Ask::Queue).await;
    stage.note("no further request follows");
    some_calls(stage).await;
    stage.peer.script(|request| if request.has_nonce("n9") { printed(request) } else { Reply::digest("n9") });
    stage.set_password("other").await;
    some_calls(stage).await;
}

async fn the_password_is_wrong_for_an_unrepeatable_call(stage: &mut Stage) {
    refuse(stage);
    stage.call(Ask::SendSms).await;
    some_calls(stage).await;
}

async fn a_locked_out_client(stage: &mut Stage) {
    stage.peer.script(|_| Reply::status(403, "locked"));
    some_calls(stage).await;
    stage.peer.script(|request| if request.has_nonce("n1") { printed(request) } else { Reply::digest("n1") });
    stage.call(Ask::Queue).await;
    stage.peer.script(|_| Reply::status(403, "locked"));
    some_calls(stage).await;
}

async fn other_credentials_are_wrong_too(stage: &mut Stage) {
    refuse(stage);
    stage.call(Ask::Queue).await;
    stage.set_password("other").await;
    some_calls(stage).await;
    stage.set_password("admin").await;
    some_calls(stage).await;
}

async fn the_password_changes_at_the_gateway(stage: &mut Stage) {
    stage.peer.script(|request| if request.has_nonce("n1") { printed(request) } else { Reply::digest("n1") });
    some_calls(stage).await;
    refuse(stage);
    some_calls(stage).await;
}

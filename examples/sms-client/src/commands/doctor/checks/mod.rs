//! The checks, one file for each part of the gateway.

mod inbox;
mod login;
mod ports;
mod reach;
mod records;
mod tls;
mod verbs;
mod wire;

use super::{ask::Asker, finding::Findings};
use crate::{failure::Failure, progress::Progress};

/// The call that only counts waiting messages.
const QUEUE: &str = "/api/query_sms_in_queue";

/// The queries in order, for the announcement: the name of the check, its requests, and its purpose.
pub(super) const PLAN: &[(&str, &str, &str)] = &[
    ("tls", "handshakes", "for https:// only: which versions of TLS, and which certificate?"),
    ("reach", "GET query_sms_in_queue", "without a login: is it there, and which login does it want?"),
    ("login", "GET query_sms_in_queue", "does it accept the login?"),
    ("verbs", "POST query_sms_in_queue", "does a query accept POST?"),
    ("verbs", "GET, POST query_sms_result", "does it accept GET, or an empty body?"),
    ("records", "POST query_sms_result", "all results, those of one second, and those after 2037"),
    ("records", "POST query_sms_deliver_status", "all status reports"),
    ("inbox", "GET query_incoming_sms", "flag=read only, so that no message is marked as read; two pages"),
    ("ports", "GET get_port_info", "the documented fields, smsc, and those of later versions"),
    ("login", "GET query_sms_in_queue", "after a pause of 1.2 s: is the nonce still valid?"),
    (
        "comma",
        "GET get_port_info",
        "with a comma that is not encoded: one firmware refuses the login of that request",
    ),
];

/// Makes all checks. Returns early if the gateway prevents further checks.
pub(super) async fn run(
    asker: &mut Asker,
    findings: &mut Findings,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let mut show = |what: &str| progress.show(|| format!("querying {what}"));
    show("TLS");
    tls::check(asker, findings).await;
    show("the login");
    if reach::check(asker, findings).await? && login::check(asker, findings).await? {
        show("verbs");
        verbs::check(asker, findings).await?;
        show("results and status reports");
        records::check(asker, findings).await?;
        show("the inbox");
        inbox::check(asker, findings).await?;
        show("ports");
        ports::check(asker, findings).await?;
        show("nonces");
        login::check_pause(asker).await?;
        show("commas");
        ports::check_comma(asker, findings).await?;
        let text = "send_sms, send_ussd, query_ussd_reply and stop_sms were not tried, since they change something. So these remain \
                    unknown: the spelling of the key result in send_ussd, the error code for an unknown task, the limit on texts with \
                    parameters, which numbers, texts and sizes of requests send_sms refuses, and whether queries for USSD replies are refused.";
        findings.fact("scope", "not-tried", text);
    }
    login::check_nonces(asker, findings);
    wire::check(asker, findings);
    asker.note_end(findings);
    Ok(())
}

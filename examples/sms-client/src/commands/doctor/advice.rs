//! Advice on findings: the next step for a person, or the behaviour of this project's clients.

/// The names of findings, each with its advice.
const ADVICE: &[(&str, &str)] = &[
    ("plain-http", "If the gateway has HTTPS, switch it on and use https:// in its URL."),
    (
        "untrusted",
        "No request and no password was sent. If that is the gateway's own fingerprint, repeat the command with --pin and this fingerprint; otherwise something else answers in its place.",
    ),
    ("certificate-expired", "--pin trusts it all the same."),
    (
        "certificate-not-yet-valid",
        "Check the clocks of the gateway and of this computer; --pin trusts it all the same.",
    ),
    ("certificate-v1", "Trust it by --pin."),
    (
        "certificate-short-key",
        "Such a key can be broken at some cost. Trust it by --pin, or install a longer one.",
    ),
    ("certificate-sha1", "Trust it by --pin."),
    ("certificate-no-names", "Trust it by --pin."),
    ("certificate-unreadable", "Trust it by --pin."),
    (
        "tls-obsolete",
        "Update its firmware. Otherwise examples/openssl shows how to connect, and what that no longer protects.",
    ),
    (
        "tls-nothing-in-common",
        "Update its firmware. Otherwise examples/openssl shows how to connect, and what that no longer protects.",
    ),
    ("unreachable", "Check the address, the port and the network."),
    ("redirect-https", "Use https:// in the URL, and `sms-client pin` for its certificate."),
    ("redirect-login-page", "Enable the New Version API in the gateway's web pages."),
    (
        "web-page",
        "Check the address and the port, and enable the New Version API in the gateway's web pages.",
    ),
    (
        "forbidden",
        "Wait for five minutes without any request. Then check whether the API is enabled for this user.",
    ),
    (
        "login-refused",
        "Check both before you repeat the command: after a few refusals gateways lock this computer out for minutes.",
    ),
    (
        "raw-comma-refused",
        "Commas are encoded as %2C here. Programs that do not do that seem to have a wrong password.",
    ),
    ("nonce-one-request", "Each call costs two requests: one fetches a nonce."),
    ("nonce-expires", "A new nonce is fetched when that happens."),
    ("stale-missing", "The clients try the new nonce once before they report the password as refused."),
    (
        "smsc-refused",
        "`sms-client ports` repeats the query without smsc; other programs should not request it.",
    ),
    ("close-unannounced", "A request that gets no response then is repeated only if that is harmless."),
    ("close-after", "A new connection is opened when that happens."),
    ("empty-post-closes", "No request of this kind is sent otherwise."),
    (
        "server-error",
        "The gateway may be busy, or still starting. Queries are repeated later, and a message is sent again only if the gateway does not have it.",
    ),
    ("strict-times", "The clients widen the filter by one second."),
    ("time-filter-ignored", "Each response has all results. Please report it."),
    ("report-time-arrival", "Reports are matched to messages without relying on that time."),
    ("report-clock", "Reports are matched to messages without relying on that time."),
    ("report-number-international", "Numbers are compared by their last digits."),
    ("report-number-national", "Numbers are compared by their last digits."),
    (
        "result-number-separated",
        "Results are matched by their user_id, and numbers are compared without separators.",
    ),
    ("failed-before", "A message has failed only if no better result is in the complete response."),
    ("failed-after", "A message has failed only if no better result is in the complete response."),
    ("status-lower-case", "Words are compared without regard to case."),
    ("integers-as-decimals", "They are read as whole numbers."),
    ("integers-as-exponents", "They are read as whole numbers."),
    ("integers-padded", "The white space is ignored."),
    ("later-version", "Fields that are not known here are ignored."),
    ("unknown-keys", "They are ignored. Please report them, so that they can be supported."),
    ("unknown-words", "Please report it, so that it can be supported."),
    (
        "clock-offset",
        "Correct its clock, or set an NTP server in its web pages: times in records are from that clock.",
    ),
    (
        "error-code",
        "The gateway may still be starting: repeat the command. If the code persists, please report it, with --report.",
    ),
    ("malformed", "The clients cannot read this response. Please report it, with --report."),
    ("compressed", "The clients cannot read this response. Switch compression off, also in a proxy."),
    ("basic-not-allowed", "Allow it only on a network that you trust, or over HTTPS."),
    ("basic-login", "Prefer HTTPS, or firmware with Digest login."),
    ("gave-up", "Check the network and the load of the gateway, and repeat the command."),
];

/// Returns the advice for a finding.
pub(super) fn advice(name: &str) -> Option<&'static str> {
    ADVICE.iter().find(|(known, _)| *known == name).map(|(_, advice)| *advice)
}

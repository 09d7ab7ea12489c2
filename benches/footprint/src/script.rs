//! The gateway's responses.

/// The response with a login challenge.
pub(crate) const UNAUTHORIZED: &[u8] =
    b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Digest \
    realm=\"Web Server\", domain=\"\",qop=\"auth\", nonce=\"5b1c4e3f7b2a4d0e9c8f7a6b5c4d3e2f\", \
    opaque=\"5ccc069c403ebaf9f0171e9517f40e41\",algorithm=\"MD5\", stale=\"FALSE\"\r\n\r\n";
/// The head of each other response.
pub(crate) const OK: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
/// The last chunk.
pub(crate) const END: &[u8] = b"0\r\n\r\n";

/// The response to a call: the text before its records, a record, and the text after them.
pub(crate) struct Script {
    pub(crate) path: &'static [u8],
    pub(crate) before: &'static [u8],
    /// A record, in which `@` stands for the message's user_id and `#` for its reference.
    pub(crate) record: &'static [u8],
    /// Whether the response has a record for each message, instead of a single record.
    pub(crate) many: bool,
    pub(crate) after: &'static [u8],
}

pub(crate) const SCRIPTS: &[Script] = &[
    Script {
        path: b"query_sms_in_queue",
        before: br#"{"error_code":200,"in_queue":0"#,
        record: b"",
        many: false,
        after: b"}",
    },
    Script {
        path: b"send_sms",
        before: br#"{"error_code":202,"sms_in_queue":16,"task_id":7"#,
        record: b"",
        many: false,
        after: b"}",
    },
    Script {
        path: b"query_sms_result",
        before: br#"{"error_code":200,"result":["#,
        record: br#"{"port":2,"user_id":@,"number":"13800138000","time":"2026-01-01 10:00:00","status":"SENT_OK","count":1,"succ_count":1,"ref_id":#}"#,
        many: true,
        after: b"]}",
    },
    Script {
        path: b"query_sms_deliver_status",
        before: br#"{"error_code":200,"result":["#,
        record: br#"{"port":2,"number":"13800138000","time":"2026-01-01 10:00:05","ref_id":#,"status_code":0}"#,
        many: true,
        after: b"]}",
    },
    Script {
        path: b"query_incoming_sms",
        before: br#"{"error_code":200,"sms":["#,
        record: br#"{"incoming_sms_id":@,"port":2,"number":"13800138000","smsc":"13800100500","timestamp":"2026-01-01 10:00:00","text":"It is."}"#,
        many: false,
        after: br#"],"read":1,"unread":0}"#,
    },
    Script {
        path: b"send_ussd",
        before: br#"{"error_code":202,"result":["#,
        record: br#"{"port":2,"status":202}"#,
        many: false,
        after: b"]}",
    },
    Script {
        path: b"query_ussd_reply",
        before: br#"{"error_code":200,"reply":["#,
        record: br#"{"port":2,"text":"Balance 12 EUR"}"#,
        many: false,
        after: b"]}",
    },
    Script { path: b"stop_sms", before: br#"{"error_code":200"#, record: b"", many: false, after: b"}" },
    Script {
        path: b"get_port_info",
        before: br#"{"error_code":200,"info":["#,
        record: br#"{"port":2,"type":"LTE","imei":"123456789012345","imsi":"460001234567890","iccid":"89860000000000000000","smsc":"13800100500","number":"13800138001","reg":"REGISTER_OK"}"#,
        many: false,
        after: b"]}",
    },
];

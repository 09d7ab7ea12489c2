//! The lengths of requests, for callers that write them into a buffer of a fixed size.

use super::{Session, Site, Sms};
use crate::{
    call::{AnyCall, CommaEncoding},
    http::{Head, LoginError, basic, request},
    track::Limits,
};

/// The maximum length of a request's head without its target, host and `Authorization`, in bytes.
const HEAD: usize = 98;
/// The maximum length of a Digest `Authorization` without the target and the values of the challenge, in bytes.
const DIGEST: usize = 86;
/// The number of bytes that an `Authorization` field adds to a request, without the field's value.
const AUTHORIZATION: usize = "\r\nAuthorization: ".len();
const SEND_SMS: &str = "/api/send_sms";
/// The longest body of a send_sms, without its recipients.
const SEND_SMS_BODY: &str = r##"{"text":"#param#","port":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31],"encoding":"gsm-7bit","request_status_report":false,"param":[]}"##;
const QUERY_SMS_RESULT: &str = "/api/query_sms_result";
/// The body of a query_sms_result by user_id, without the ids.
const QUERY_SMS_RESULT_BODY: &str = r#"{"user_id":[]}"#;
const LONGEST_ID: &str = "2147483647,";

impl<B: AsRef<[u8]> + AsMut<[u8]>> Session<B> {
    /// Lowers the limits of a messenger so that its requests fit into a buffer of `request` bytes, whatever challenge the
    /// gateway sends. The limits also ensure that the texts of one request fit into `texts` bytes.
    pub fn fit_limits(&self, limits: &mut Limits, site: &Site<'_>, request: usize, texts: usize) {
        let rest = |target: &str, body: &str| {
            let used = self.max_head_bytes(site, target.len()).saturating_add(body.len());
            request.saturating_sub(used)
        };
        let bytes = rest(SEND_SMS, SEND_SMS_BODY).min(texts);
        limits.request_bytes = limits.request_bytes.min(u32::try_from(bytes).unwrap_or(u32::MAX));
        let ids = rest(QUERY_SMS_RESULT, QUERY_SMS_RESULT_BODY) / LONGEST_ID.len();
        limits.ids = limits.ids.min(u8::try_from(ids).unwrap_or(u8::MAX));
    }

    /// Returns the length in bytes of a request that submits only this message, with an `Authorization` as long as the last one. Before
    /// the first login, that length is unknown and not included.
    pub fn submission_bytes(&self, sms: &Sms<'_>, site: &Site<'_>) -> usize {
        // This cannot fail, because an `Sms` is valid.
        sms.with_request(|request| self.request_bytes(AnyCall::from(request), site)).unwrap_or(0)
    }

    /// Returns the maximum length of a request's head with the present credentials, in bytes, whatever challenge the gateway sends.
    fn max_head_bytes(&self, site: &Site<'_>, target: usize) -> usize {
        let digest = self.challenge_len().saturating_add(DIGEST).saturating_add(target);
        let basic = match site.credentials.as_ref().map(|known| basic::authorization(known, &mut [])) {
            Some(Err(LoginError::TooSmall(error))) => error.needed,
            _ => 0,
        };
        HEAD.saturating_add(target).saturating_add(site.host.len()).saturating_add(digest.max(basic))
    }

    fn request_bytes(&self, call: AnyCall<'_>, site: &Site<'_>) -> usize {
        let Site { host, commas, .. } = *site;
        let head = Head { host, commas, ..Head::default() };
        let plain = request(call, &head, &mut []).map_or_else(|error| error.needed, <[u8]>::len);
        let login = match self.authorization_bytes() {
            0 => 0,
            login => AUTHORIZATION.saturating_add(login).saturating_add(target_bytes(call, commas)),
        };
        plain.saturating_add(login)
    }
}

fn target_bytes(call: AnyCall<'_>, commas: CommaEncoding) -> usize {
    call.target(commas, &mut []).map_or_else(|error| error.needed, str::len)
}

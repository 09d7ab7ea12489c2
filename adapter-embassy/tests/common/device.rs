//! A device for [`Mock`](super::mock::Mock). It requires a Digest login, and has one response to each call.

use super::mock::{Device, MockResponse};

/// Requires a Digest login, and responds to each call as printed in the vendor's document.
#[derive(Default)]
pub struct DigestGateway {
    /// The number of the current nonce. A request with another nonce is refused.
    pub nonce: u32,
    /// The number of requests for which a nonce is valid; `None` for any number.
    pub nonce_uses: Option<u32>,
    /// Whether every login is refused.
    pub refuses_logins: bool,
    /// The number of requests with the current nonce.
    pub used: u32,
}

impl DigestGateway {
    fn challenge(&self) -> MockResponse {
        let nonce = self.nonce;
        MockResponse::new(
            format!(
                "HTTP/1.1 401 Unauthorized\r\nContent-Type: text/html\r\nWWW-Authenticate: Digest realm=\"Web Server\", \
                domain=\"\",qop=\"auth\", nonce=\"n{nonce}\", opaque=\"77\",algorithm=\"MD5\", stale=\"FALSE\"\r\n\
                Content-Length: 4\r\n\r\nNope"
            ),
            super::mock::Then::Listen,
        )
    }
}

impl Device for DigestGateway {
    fn respond(&mut self, request: &str) -> MockResponse {
        let is_logged_in = request.contains(&format!("nonce=\"n{}\"", self.nonce)) && !self.refuses_logins;
        if !is_logged_in {
            return self.challenge();
        }
        self.used += 1;
        if self.nonce_uses.is_some_and(|uses| self.used >= uses) {
            (self.nonce, self.used) = (self.nonce + 1, 0);
        }
        documented_response(request)
    }
}

/// The response to a call, without a login.
pub fn documented_response(request: &str) -> MockResponse {
    let call = request.split(['/', '?', ' ']).nth(3).unwrap();
    MockResponse::json(
        200,
        match call {
            "send_sms" => r#"{"error_code":202,"sms_in_queue":2,"task_id":2}"#,
            "send_ussd" => r#"{"error_code":202,"result":[{"port":0,"status":200}]}"#,
            "query_sms_in_queue" => r#"{"error_code":200,"in_queue":3}"#,
            "query_sms_result" => {
                r#"{"error_code":200"result":[{"port":2,"number":"1","user_id":1,"status":"DELIVERED"},{"port":3,"number":"2","user_id":2,"status":"FAILED"},]}"#
            }
            "query_ussd_reply" => r#"{"error_code":200,"reply":[{"port":0,"text":"Balance"}]}"#,
            "query_incoming_sms" => {
                r#"{"error_code":200,"sms":[{"incoming_sms_id":7,"port":1,"number":"10086","smsc":"1","timestamp":"2026-01-01 10:00:00","text":"\ud83d\ude00"}],"read":0,"unread":1}"#
            }
            "stop_sms" => r#"{"error_code":404}"#,
            _ => r#"{"error_code":200,"result":[],"info":[]}"#,
        },
    )
}

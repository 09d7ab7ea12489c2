//! A device for [`Mock`](super::mock::Mock): Digest login, and one answer to each call.

use super::mock::{Device, Reply};

/// Answers each call as the document prints it, to those who log in.
#[derive(Default)]
pub struct Gateway {
    /// The nonce's number. A request with another one is refused.
    pub nonce: u32,
    /// A nonce lives for so many requests.
    pub life: Option<u32>,
    /// No login is good.
    pub refuses: bool,
    pub used: u32,
}

impl Gateway {
    fn challenge(&self) -> Reply {
        let nonce = self.nonce;
        Reply::new(
            format!(
                "HTTP/1.1 401 Unauthorized\r\nContent-Type: text/html\r\nWWW-Authenticate: Digest realm=\"Web Server\", \
                domain=\"\",qop=\"auth\", nonce=\"n{nonce}\", opaque=\"77\",algorithm=\"MD5\", stale=\"FALSE\"\r\n\
                Content-Length: 4\r\n\r\nNope"
            ),
            super::mock::Then::Listen,
        )
    }
}

impl Device for Gateway {
    fn answer(&mut self, request: &str) -> Reply {
        let logged_in = request.contains(&format!("nonce=\"n{}\"", self.nonce)) && !self.refuses;
        if !logged_in {
            return self.challenge();
        }
        self.used += 1;
        if self.life.is_some_and(|life| self.used >= life) {
            (self.nonce, self.used) = (self.nonce + 1, 0);
        }
        truth(request)
    }
}

/// The answer to a call.
pub fn truth(request: &str) -> Reply {
    let call = request.split(['/', '?', ' ']).nth(3).unwrap();
    Reply::json(
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

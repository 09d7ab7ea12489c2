//! A device for [`Mock`](super::mock::Mock) that sends all messages and records them.

use std::{cell::RefCell, fmt::Write as _, rc::Rc};

use super::{
    device::{self, documented_response},
    mock::{Device, MockResponse},
};

/// Requires a Digest login. As soon as a request arrives, its messages are sent and their reports are available.
#[derive(Clone, Default)]
pub struct SendingGateway(pub Rc<RefCell<SendingState>>);

#[derive(Default)]
pub struct SendingState {
    login: device::DigestGateway,
    pub sent: Vec<SentMessage>,
    /// The texts of incoming messages, whose ids begin with 1.
    pub incoming: Vec<String>,
}

#[derive(Debug)]
pub struct SentMessage {
    pub id: u32,
    pub number: String,
    pub text: String,
}

impl Device for SendingGateway {
    fn respond(&mut self, request: &str) -> MockResponse {
        let mut state = self.0.borrow_mut();
        let response = state.login.respond(request);
        if response.bytes.starts_with(b"HTTP/1.1 200") { state.serve(request) } else { response }
    }
}

impl SendingState {
    /// Responds without checking the login.
    pub fn serve(&mut self, request: &str) -> MockResponse {
        let call = request.split(['/', '?', ' ']).nth(3).unwrap();
        match call {
            "send_sms" => self.accept(request),
            "query_sms_in_queue" => MockResponse::json(200, r#"{"error_code":200,"in_queue":0}"#),
            "query_sms_result" => self.list(|SentMessage { id, .. }| {
                format!(r#""user_id":{id},"status":"SENT_OK","count":1,"succ_count":1"#)
            }),
            "query_sms_deliver_status" => self.list(|_| r#""status_code":"0""#.to_owned()),
            "query_incoming_sms" => self.inbox(request),
            _ => documented_response(request),
        }
    }

    fn accept(&mut self, request: &str) -> MockResponse {
        for recipient in request.split(r#"{"number":""#).skip(1) {
            let value = |key: &str| {
                let (_, value) = recipient.split_once(key).unwrap();
                value.split(['"', ',', '}']).next().unwrap().to_owned()
            };
            let number = recipient.split('"').next().unwrap().to_owned();
            let id = value(r#""user_id":"#).parse().unwrap();
            self.sent.push(SentMessage { id, number, text: value(r#""text_param":[""#) });
        }
        let task = self.sent.len();
        MockResponse::json(200, &format!(r#"{{"error_code":202,"sms_in_queue":0,"task_id":{task}}}"#))
    }

    /// Lists all messages. `fields` returns the fields in which results and reports differ.
    fn list(&self, fields: impl Fn(&SentMessage) -> String) -> MockResponse {
        let mut body = r#"{"error_code":200,"result":["#.to_owned();
        for (reference, message) in (10..).zip(&self.sent) {
            let (number, fields) = (&message.number, fields(message));
            let _ = write!(
                body,
                r#"{{"port":0,"number":"{number}","time":"2026-01-01 10:00:00","ref_id":{reference},{fields}}},"#
            );
        }
        MockResponse::json(200, &(body + "]}"))
    }

    fn inbox(&self, request: &str) -> MockResponse {
        let after = request
            .split_once("incoming_sms_id=")
            .map_or(0, |(_, id)| id.split(['&', ' ']).next().unwrap().parse::<usize>().unwrap());
        let mut body = r#"{"error_code":200,"sms":["#.to_owned();
        for (id, text) in (1..).zip(&self.incoming).skip(after) {
            let _ = write!(
                body,
                r#"{{"incoming_sms_id":{id},"port":1,"number":"10000","timestamp":"2026-01-01 10:00:00","text":"{text}"}},"#
            );
        }
        MockResponse::json(200, &(body + r#"],"read":0,"unread":0}"#))
    }
}

//! A device for [`Mock`](super::mock::Mock) that sends what it is given, and remembers it.

use std::{cell::RefCell, fmt::Write as _, rc::Rc};

use super::{
    device::{self, truth},
    mock::{Device, Reply},
};

/// Behind a login. It has sent a message, and has the report for it, as soon as it has the request.
#[derive(Clone, Default)]
pub struct SendingGateway(pub Rc<RefCell<Content>>);

#[derive(Default)]
pub struct Content {
    login: device::Gateway,
    pub sent: Vec<Message>,
    /// Texts that came in, with ids from 1.
    pub incoming: Vec<String>,
}

#[derive(Debug)]
pub struct Message {
    pub id: u32,
    pub number: String,
    pub text: String,
}

impl Device for SendingGateway {
    fn answer(&mut self, request: &str) -> Reply {
        let mut content = self.0.borrow_mut();
        let reply = content.login.answer(request);
        if reply.bytes.starts_with(b"HTTP/1.1 200") { content.serve(request) } else { reply }
    }
}

impl Content {
    /// Answers without a look at the login.
    pub fn serve(&mut self, request: &str) -> Reply {
        let call = request.split(['/', '?', ' ']).nth(3).unwrap();
        match call {
            "send_sms" => self.take(request),
            "query_sms_in_queue" => Reply::json(200, r#"{"error_code":200,"in_queue":0}"#),
            "query_sms_result" => self.list(|Message { id, .. }| {
                format!(r#""user_id":{id},"status":"SENT_OK","count":1,"succ_count":1"#)
            }),
            "query_sms_deliver_status" => self.list(|_| r#""status_code":"0""#.to_owned()),
            "query_incoming_sms" => self.inbox(request),
            _ => truth(request),
        }
    }

    fn take(&mut self, request: &str) -> Reply {
        for recipient in request.split(r#"{"number":""#).skip(1) {
            let value = |key: &str| {
                let (_, value) = recipient.split_once(key).unwrap();
                value.split(['"', ',', '}']).next().unwrap().to_owned()
            };
            let number = recipient.split('"').next().unwrap().to_owned();
            let id = value(r#""user_id":"#).parse().unwrap();
            self.sent.push(Message { id, number, text: value(r#""text_param":[""#) });
        }
        let task = self.sent.len();
        Reply::json(200, &format!(r#"{{"error_code":202,"sms_in_queue":0,"task_id":{task}}}"#))
    }

    /// Something about each message, with what results and reports have in common.
    fn list(&self, about: impl Fn(&Message) -> String) -> Reply {
        let mut body = r#"{"error_code":200,"result":["#.to_owned();
        for (reference, message) in (10..).zip(&self.sent) {
            let (number, about) = (&message.number, about(message));
            let _ = write!(
                body,
                r#"{{"port":0,"number":"{number}","time":"2026-01-01 10:00:00","ref_id":{reference},{about}}},"#
            );
        }
        Reply::json(200, &(body + "]}"))
    }

    fn inbox(&self, request: &str) -> Reply {
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
        Reply::json(200, &(body + r#"],"read":0,"unread":0}"#))
    }
}

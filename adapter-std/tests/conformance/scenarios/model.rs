//! A model of a gateway that sends messages, for the scenarios of messengers.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use crate::{harness::Harness, peer::Request, reply::Reply};

/// The state of the gateway. Scenarios change it while they run.
#[derive(Default)]
pub struct Content {
    messages: Vec<Message>,
    /// The incoming messages, with ids from 1.
    pub inbox: Vec<String>,
    /// The maximum number of messages in one page of the inbox.
    pub page: usize,
    pub in_queue: u32,
    /// Whether messages stay in the queue.
    pub holds: bool,
    /// The TP-Status of status reports. If it is `None`, no reports arrive.
    pub report: Option<u8>,
    /// Whether the gateway fails to send the last segment of each message.
    pub fails: bool,
    /// The number of segments of each message.
    pub segments: usize,
    /// Whether the gateway returns no results, as if it had no messages.
    pub hides: bool,
}

struct Message {
    id: String,
    number: String,
}

const LATENCY: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub struct GatewayModel(Arc<Mutex<Content>>);

impl GatewayModel {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Content { page: 100, report: Some(0), segments: 1, ..Content::default() })))
    }

    pub fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap()
    }

    /// Replaces the incoming messages.
    pub fn fill_inbox(&self, texts: &[&str]) {
        self.content().inbox = texts.iter().map(|text| (*text).to_owned()).collect();
    }

    /// Returns the user_ids and numbers of the messages that the gateway has.
    pub fn messages(&self) -> Vec<(String, String)> {
        let content = self.content();
        content.messages.iter().map(|message| (message.id.clone(), message.number.clone())).collect()
    }

    /// Adds a message, as if the gateway had accepted it.
    pub fn add(&self, id: String, number: String) {
        self.content().messages.push(Message { id, number });
    }

    /// Checks the login of a request, and then answers the request. This takes a moment, so that no two updates happen at the same time.
    pub fn answer(&self, request: &Request) -> Reply {
        let reply = if request.has_nonce("n1") { self.serve(request) } else { Reply::digest("n1") };
        reply.after(LATENCY)
    }

    /// Answers a request whose login is accepted.
    pub fn serve(&self, request: &Request) -> Reply {
        let mut content = self.content();
        match request.call() {
            "send_sms" => content.take(&request.body),
            "query_sms_in_queue" => {
                Reply::json(&format!(r#"{{"error_code":200,"in_queue":{}}}"#, content.in_queue))
            }
            "query_sms_result" => content.results(),
            "query_sms_deliver_status" => content.reports(),
            "query_incoming_sms" => content.inbox(&request.target),
            "stop_sms" => Reply::json(r#"{"error_code":200}"#),
            other => panic!("{other}"),
        }
    }

    /// Answers the requests of a scenario.
    pub fn serve_all(&self, harness: &Harness) {
        let this = self.clone();
        harness.peer.script(move |request| this.answer(request));
    }

    /// Answers the requests of a scenario, except those that `reply` answers.
    pub fn serve_but(
        &self,
        harness: &Harness,
        mut reply: impl FnMut(&Request) -> Option<Reply> + Send + 'static,
    ) {
        let this = self.clone();
        harness.peer.script(move |request| {
            let answer = this.answer(request);
            let is_login = request.authorization().is_none();
            if is_login { answer } else { reply(request).unwrap_or(answer) }
        });
    }
}

impl Content {
    fn take(&mut self, body: &str) -> Reply {
        for recipient in body.split(r#"{"number":""#).skip(1) {
            let number = recipient.split('"').next().unwrap().to_owned();
            let (_, id) = recipient.split_once(r#""user_id":"#).unwrap();
            let id = id.split('}').next().unwrap().to_owned();
            self.messages.push(Message { id, number });
        }
        let task = self.messages.len();
        Reply::json(&format!(r#"{{"error_code":202,"sms_in_queue":1,"task_id":{task}}}"#))
    }

    fn results(&self) -> Reply {
        if self.hides {
            return Reply::json(r#"{"error_code":200,"result":[]}"#);
        }
        let segments = self.segments;
        self.list(1, |Message { id, .. }| {
            let (status, count) = match (self.holds, self.fails) {
                (true, _) => ("SENDING", 0),
                (_, true) => ("FAILED", segments - 1),
                _ => ("SENT_OK", segments),
            };
            format!(r#""user_id":{id},"status":"{status}","count":{segments},"succ_count":{count}"#)
        })
    }

    /// Returns the reports of all segments.
    fn reports(&self) -> Reply {
        match self.report.filter(|_| !self.holds && !self.fails) {
            Some(status) => self.list(self.segments, |_| format!(r#""status_code":{status}"#)),
            None => Reply::json(r#"{"error_code":200,"result":[]}"#),
        }
    }

    /// Returns records about the first `segments` segments of each message.
    fn list(&self, segments: usize, about: impl Fn(&Message) -> String) -> Reply {
        let mut records = Vec::new();
        for (index, message) in self.messages.iter().enumerate() {
            for segment in 0..segments {
                let reference = (10 + index * self.segments + segment) % 256;
                let (number, about) = (&message.number, about(message));
                records.push(format!(
                    r#"{{"port":0,"number":"{number}","time":"2026-01-01 10:00:00","ref_id":{reference},{about}}}"#
                ));
            }
        }
        Reply::json(&format!(r#"{{"error_code":200,"result":[{}]}}"#, records.join(",")))
    }

    fn inbox(&self, target: &str) -> Reply {
        let after = target
            .split_once("incoming_sms_id=")
            .map_or(0, |(_, id)| id.split('&').next().unwrap().parse::<usize>().unwrap());
        let mut records = String::new();
        let shown = (1..).zip(&self.inbox).skip(after).take(self.page);
        for (id, text) in shown {
            let _ = write!(
                records,
                r#"{{"incoming_sms_id":{id},"port":1,"number":"10000","timestamp":"2026-01-01 10:00:00","text":"{text}"}},"#
            );
        }
        Reply::json(&format!(r#"{{"error_code":200,"sms":[{records}],"read":0,"unread":0}}"#))
    }
}

//! The nine calls, one file each.

mod get_port_info;
mod query_incoming_sms;
mod query_sms_deliver_status;
mod query_sms_in_queue;
mod query_sms_result;
mod query_ussd_reply;
mod send_sms;
mod send_ussd;
mod stop_sms;

use crate::{
    device::Device,
    json::Answer,
    params::{Asked, Body, Query},
    quirks::Quirks,
};

/// The method of a call, and the function that carries out the call. The method determines where the parameters are.
#[derive(Clone, Copy)]
enum Kind {
    /// A call that only reads. Some gateways accept it as a POST too.
    Query(fn(&mut Device, &Query) -> Asked<Answer>),
    Get(fn(&mut Device, &Query) -> Asked<Answer>),
    Post(fn(&mut Device, &Body) -> Asked<Answer>),
}

/// A call of the API.
pub(crate) struct Call {
    pub(crate) name: &'static str,
    kind: Kind,
}

const CALLS: [Call; 9] = [
    Call { name: "send_sms", kind: Kind::Post(send_sms::run) },
    Call { name: "query_sms_result", kind: Kind::Post(query_sms_result::run) },
    Call { name: "query_sms_deliver_status", kind: Kind::Post(query_sms_deliver_status::run) },
    Call { name: "query_sms_in_queue", kind: Kind::Query(query_sms_in_queue::run) },
    Call { name: "query_incoming_sms", kind: Kind::Query(query_incoming_sms::run) },
    Call { name: "send_ussd", kind: Kind::Post(send_ussd::run) },
    Call { name: "query_ussd_reply", kind: Kind::Query(query_ussd_reply::run) },
    Call { name: "stop_sms", kind: Kind::Get(stop_sms::run) },
    Call { name: "get_port_info", kind: Kind::Query(get_port_info::run) },
];

impl Call {
    /// Returns the call with this path.
    pub(crate) fn find(path: &str) -> Option<&'static Self> {
        let name = path.strip_prefix("/api/")?;
        CALLS.iter().find(|call| call.name == name)
    }

    pub(crate) fn method(&self) -> &'static str {
        match self.kind {
            Kind::Query(_) | Kind::Get(_) => "GET",
            Kind::Post(_) => "POST",
        }
    }

    /// Whether the gateway accepts this method for the call.
    pub(crate) fn accepts(&self, method: &str, quirks: &Quirks) -> bool {
        let posted = quirks.post_queries && method == "POST" && matches!(self.kind, Kind::Query(_));
        posted || method == self.method()
    }

    /// Carries out the call. If the call is refused, the response contains only an error code.
    pub(crate) fn run(&self, device: &mut Device, query: &str, body: &[u8]) -> Answer {
        let answer = match self.kind {
            Kind::Query(run) => Query::parse_with(query, body).and_then(|query| run(device, &query)),
            Kind::Get(run) => Query::parse(query).and_then(|query| run(device, &query)),
            Kind::Post(run) => Body::parse(body).and_then(|body| run(device, &body)),
        };
        answer.unwrap_or_else(Answer::code)
    }
}

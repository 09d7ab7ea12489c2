//! The requests and responses of each case.

use std::fmt::Write;

use sms_gateway::core::Timestamp;

/// The cases, with their names on the command line.
pub(crate) const CASES: [(&str, Case); 3] =
    [("results-1", Case::Results(1)), ("results-10", Case::Results(10)), ("send-sms", Case::SendSms)];

/// A call with its response.
#[derive(Clone, Copy)]
pub(crate) enum Case {
    /// query_sms_result for this number of user_ids. The response has a record for each of them.
    Results(i64),
    /// send_sms to one recipient.
    SendSms,
}

/// Returns the case with this name.
///
/// # Errors
/// If there is no such case.
pub(crate) fn named(name: &str) -> Result<Case, String> {
    let found = CASES.iter().find(|case| case.0 == name);
    found.map(|case| case.1).ok_or_else(|| format!("no case {name}"))
}

impl Case {
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Results(_) => "/api/query_sms_result",
            Self::SendSms => "/api/send_sms",
        }
    }

    /// Returns the response's body.
    pub(crate) fn response(self) -> String {
        let Self::Results(count) = self else {
            return r#"{"error_code":202,"sms_in_queue":2,"task_id":2}"#.into();
        };
        let mut json = String::from(r#"{"error_code":200,"sn":"dbd2-0100-1b00-01a7","result":["#);
        for id in 1..=count {
            let comma = if id > 1 { "," } else { "" };
            let _ = write!(
                json,
                r#"{comma}{{"port":{},"user_id":{id},"number":"138001380{id:02}","time":"2014-12-21 12:06:{id:02}","status":"SENT_OK","count":1,"succ_count":1,"ref_id":{id},"imsi":"4600012345678{id:02}"}}"#,
                id % 8
            );
        }
        json.push_str("]}");
        json
    }
}

/// Combines all values of a record. Every contestant that decodes uses this function, so each of them reads all values.
pub(crate) fn sum(numbers: [u64; 5], texts: [&str; 2], time: Timestamp, sent: bool) -> u64 {
    let lengths = texts.map(|text| text.len() as u64);
    let time = u64::from(time.year()) * 60 + u64::from(time.second());
    numbers.iter().chain(&lengths).sum::<u64>() + time + u64::from(sent)
}

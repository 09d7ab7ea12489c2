//! What is asked and answered.

use std::fmt::Write;

use sms_gateway::core::Timestamp;

/// The cases, by the names that the command line takes.
pub(crate) const CASES: [(&str, Case); 3] =
    [("results-1", Case::Results(1)), ("results-10", Case::Results(10)), ("send-sms", Case::SendSms)];

/// One call, and its answer.
#[derive(Clone, Copy)]
pub(crate) enum Case {
    /// query_sms_result for so many user_ids, each of which has a record in the answer.
    Results(i64),
    /// send_sms to one recipient.
    SendSms,
}

/// The case with this name.
///
/// # Errors
/// When there is none.
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

    /// The answer's body.
    pub(crate) fn answer(self) -> String {
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

/// What is made of a record, so that all of it is read: the same by everyone.
pub(crate) fn sum(numbers: [u64; 5], texts: [&str; 2], time: Timestamp, sent: bool) -> u64 {
    let lengths = texts.map(|text| text.len() as u64);
    let time = u64::from(time.year()) * 60 + u64::from(time.second());
    numbers.iter().chain(&lengths).sum::<u64>() + time + u64::from(sent)
}

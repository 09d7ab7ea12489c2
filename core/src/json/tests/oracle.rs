//! The expected result of decoding a response of known meaning, computed without the reader.

use std::{collections::BTreeMap, format, string::String, vec::Vec};

use crate::{
    Timestamp,
    call::{
        Call, GetPortInfo, IncomingSms, IncomingSmsSummary, PortInfo, PortInfoSummary, PortType,
        QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsInQueue, QuerySmsResult, QueryUssdReply,
        QueueSummary, Registration, SendSms, SendSmsSummary, SendUssd, SmsResult, SmsResultSummary, Status,
        StatusReport, StatusReportSummary, StopSms, StopSummary, UssdOutcome, UssdReply, UssdReplySummary,
        UssdStatus, UssdSummary,
    },
    json::{Field, Text},
};

use super::whole::whole;

/// An intended value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Meant {
    pub(super) text: String,
    pub(super) lossy: bool,
}

/// Values by key. `None` stands for `null`, an array or an object.
pub(super) type Values = BTreeMap<String, Option<Meant>>;

/// The meaning of a whole response.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Meaning {
    pub(super) head: Values,
    pub(super) records: Vec<Values>,
}

/// A call whose decoded responses can be predicted.
pub(super) trait CallResponse: Call {
    const LIST: Option<&'static str>;
    /// Returns the expected record as `Debug` shows it.
    fn expected_record(values: &Values) -> Option<String>;
    /// Returns the expected summary as `Debug` shows it.
    fn expected_summary(values: &Values) -> String;
}

fn text<'a>(values: &'a Values, key: &str) -> Text<'a> {
    match values.get(key) {
        Some(Some(Meant { text, lossy: false })) => Text::Exact(text),
        Some(Some(Meant { text, lossy: true })) => Text::Lossy(text),
        Some(None) | None => Text::Missing,
    }
}

fn field<'a, T>(values: &'a Values, key: &str, read: impl Fn(&str) -> Option<T>) -> Field<'a, T> {
    match text(values, key) {
        Text::Missing => Field::Missing,
        Text::Exact(raw) => read(raw).map_or(Field::Other(Text::Exact(raw)), Field::Known),
        other => Field::Other(other),
    }
}

fn number<'a, T: TryFrom<i64>>(values: &'a Values, key: &str) -> Field<'a, T> {
    field(values, key, |raw| whole(raw)?.try_into().ok())
}

fn time<'a>(values: &'a Values, key: &str) -> Field<'a, Timestamp> {
    field(values, key, |raw| raw.trim_ascii().parse().ok())
}

/// Returns whether the value is this word, in any case and with or without white space around it.
fn is_word(raw: &str, word: &str) -> bool {
    raw.trim_ascii().eq_ignore_ascii_case(word)
}

fn status<'a>(values: &'a Values, key: &str) -> Field<'a, Status> {
    let all = [Status::Failed, Status::Sending, Status::SentOk, Status::Delivered];
    field(values, key, |raw| all.into_iter().find(|status| is_word(raw, status.as_str())))
}

fn outcome<'a>(values: &'a Values, key: &str) -> Field<'a, UssdOutcome> {
    field(values, key, |raw| {
        Some(match whole(raw)? {
            200 => UssdOutcome::Sent,
            486 => UssdOutcome::Busy,
            503 => UssdOutcome::Unavailable,
            code => UssdOutcome::Unlisted(code.try_into().ok()?),
        })
    })
}

fn kind<'a>(values: &'a Values, key: &str) -> Field<'a, PortType> {
    let all = [PortType::Gsm, PortType::Cdma, PortType::Wcdma, PortType::Lte, PortType::Unknown];
    field(values, key, |raw| all.into_iter().find(|kind| is_word(raw, kind.as_str())))
}

fn reg<'a>(values: &'a Values, key: &str) -> Field<'a, Registration> {
    field(values, key, |raw| {
        Some(match raw.trim_ascii().to_ascii_uppercase().as_str() {
            "POWER_OFF" => Registration::PowerOff,
            "NO_SIM" => Registration::NoSim,
            "PIN_REQUIRE" => Registration::PinRequire,
            "PUK_REQUIRE" => Registration::PukRequire,
            "UNREGISTER" => Registration::Unregister,
            "SEARCHING_NETWORK" => Registration::SearchingNetwork,
            "REGISTER_OK" => Registration::RegisterOk,
            "UNKNOWN" => Registration::Unknown,
            _ => return None,
        })
    })
}

/// Declares the values of the response to each call. The key of a field is the field's name, or the literal in parentheses.
macro_rules! responses {
    ($($call:ty: $summary:ident { $($head:ident = $head_kind:ident,)* }
        $(, $list:literal: $record:ident { $($field:ident = $kind:ident $(($key:literal))?,)* })?;)*) => {
        $(impl CallResponse for $call {
            const LIST: Option<&'static str> = [$(Some($list),)? None][0];

            fn expected_record(_values: &Values) -> Option<String> {
                [$(Some(format!("{:?}", $record {
                    $($field: $kind(_values, [$($key,)? stringify!($field)][0]),)*
                })),)? None].into_iter().next().flatten()
            }

            fn expected_summary(values: &Values) -> String {
                format!("{:?}", $summary { $($head: $head_kind(values, stringify!($head)),)* })
            }
        })*
    };
}

responses! {
    SendSms<'_>: SendSmsSummary { error_code = number, sms_in_queue = number, task_id = number, sn = text, };
    QuerySmsInQueue: QueueSummary { error_code = number, in_queue = number, sn = text, };
    StopSms: StopSummary { error_code = number, sn = text, };
    QuerySmsResult<'_>: SmsResultSummary { error_code = number, sn = text, },
        "result": SmsResult {
            port = number, user_id = number, number = text, time = time, status = status, count = number,
            succ_count = number, ref_id = number, imsi = text,
        };
    QuerySmsDeliverStatus<'_>: StatusReportSummary { error_code = number, sn = text, },
        "result": StatusReport {
            port = number, number = text, time = time, ref_id = number, status_code = number, imsi = text,
        };
    QueryIncomingSms: IncomingSmsSummary { error_code = number, read = number, unread = number, sn = text, },
        "sms": IncomingSms {
            incoming_sms_id = number, port = number, number = text, smsc = text, timestamp = time, text = text,
            imsi = text,
        };
    SendUssd<'_>: UssdSummary { request_id = number, error_code = number, sn = text, },
        "result": UssdStatus { port = number, status = outcome, };
    QueryUssdReply: UssdReplySummary { error_code = number, sn = text, },
        "reply": UssdReply { port = number, text = text, };
    GetPortInfo: PortInfoSummary { error_code = number, sn = text, },
        "info": PortInfo {
            port = number, kind = kind("type"), imei = text, imsi = text, iccid = text, smsc = text, number = text,
            reg = reg, slot = number, callstate = text, signal = number, gprs = text,
        };
}

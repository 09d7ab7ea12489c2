//! The nine calls of the gateway's API. Each has a type for the request, and types for the records and the summary of the response.
//!
//! Building a request checks it against the API's limits. The request is written into a lent buffer, and a [`Decoder`] reads the
//! response:
//!
//! ```
//! use sms_gateway_core::call::{Call, Decoder, QuerySmsResult, Status};
//! use sms_gateway_core::UserId;
//!
//! let ids = [UserId::new(1)?];
//! let request = QuerySmsResult::new().user_ids(&ids);
//! let mut body = [0; 64];
//! assert_eq!(request.body(&mut body)?, br#"{"user_id":[1]}"#);
//!
//! // The response arrives in pieces and lacks a comma.
//! let pieces = [r#"{"error_code":200"result":[{"port":0,"user_"#, r#"id":1,"number":"12351","status":"SENT_OK"}]}"#];
//! let mut buffer = [0; 256];
//! let mut decoder = Decoder::<QuerySmsResult, _>::new(&mut buffer[..]);
//! let mut sent = 0;
//! for piece in pieces {
//!     let mut input = piece.as_bytes();
//!     while let Some(record) = decoder.next(&mut input)? {
//!         assert_eq!((record.user_id.get(), record.number.as_str()), (Some(1), "12351"));
//!         sent += u32::from(record.status.get() == Some(Status::SentOk));
//!     }
//! }
//! decoder.finish()?.check()?;
//! assert_eq!(sent, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod decoder;
mod get_port_info;
mod macros;
mod query_incoming_sms;
mod query_sms_deliver_status;
mod query_sms_in_queue;
mod query_sms_result;
mod query_ussd_reply;
mod raw;
mod refusal;
mod request;
mod send_sms;
mod send_ussd;
mod spec;
mod stop_sms;
#[cfg(test)]
pub(crate) mod tests;

pub use decoder::Decoder;
pub use get_port_info::{GetPortInfo, Info, InfoSet, PortInfo, PortInfoSummary, PortType, Registration};
pub use query_incoming_sms::{Flag, IncomingSms, IncomingSmsSummary, QueryIncomingSms};
pub use query_sms_deliver_status::{Delivery, QuerySmsDeliverStatus, StatusReport, StatusReportSummary};
pub use query_sms_in_queue::{QuerySmsInQueue, QueueSummary};
pub use query_sms_result::{QuerySmsResult, SmsResult, SmsResultSummary, Status};
pub use query_ussd_reply::{QueryUssdReply, UssdReply, UssdReplySummary};
pub use raw::RawCall;
pub use refusal::{Never, Refusal};
pub use request::{AnyCall, Call, CommaEncoding, MAX_QUERY_NUMBERS, MAX_TARGET_BYTES};
use request::{Query, check_numbers, write_numbers, write_ports, write_times};
pub use send_sms::{Recipient, SendSms, SendSmsSummary};
pub use send_ussd::{Command, SendUssd, UssdOutcome, UssdStatus, UssdSummary};
pub use spec::{Method, Spec};
pub use stop_sms::{StopSms, StopSummary};

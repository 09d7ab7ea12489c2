//! send_sms: submits messages to the gateway (document §2).

use serde::Serialize;

use super::{Call, Method, Never, Refusal, macros::answer, write_ports};
use crate::{
    Invalid, Number, Ports, TaskId, UserId,
    json::{Field, JsonWriter, Schema, Text, Values},
    text::{Alphabet, Encoding, Template},
};

/// One recipient of a [`SendSms`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Recipient<'a> {
    /// The number.
    pub number: Number<'a>,
    /// The values of the text's `#param#` placeholders, in order.
    #[serde(rename = "text_param", skip_serializing_if = "<[_]>::is_empty")]
    pub params: &'a [&'a str],
    /// The caller's id for the message, with which its result can be queried. Recommended (document §11).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
}

impl<'a> Recipient<'a> {
    /// Creates a recipient without parameters or user_id.
    pub const fn new(number: Number<'a>) -> Self {
        Self { number, params: &[], user_id: None }
    }

    /// Sets the parameters.
    #[must_use]
    pub const fn params(self, params: &'a [&'a str]) -> Self {
        Self { params, ..self }
    }

    /// Sets the user_id.
    #[must_use]
    pub const fn user_id(self, user_id: UserId) -> Self {
        Self { user_id: Some(user_id), ..self }
    }

    fn write_json(&self, json: &mut JsonWriter<'_, '_>) {
        json.open(b'{');
        json.key("\"number\":");
        json.plain(self.number.as_str());
        if !self.params.is_empty() {
            json.key("\"text_param\":");
            json.open(b'[');
            for param in self.params {
                json.string(param);
            }
            json.close(b']');
        }
        if let Some(user_id) = self.user_id {
            json.key("\"user_id\":");
            json.number(user_id.get().into());
        }
        json.close(b'}');
    }
}

/// A request to send a text to up to 128 recipients. Each recipient may have its own parameters.
///
/// ```
/// use sms_gateway_core::call::{Call, Recipient, SendSms};
/// use sms_gateway_core::{Number, UserId, text::Encoding};
///
/// let recipients = [Recipient::new(Number::new("10086")?).params(&["bj"]).user_id(UserId::new(1)?)];
/// let request = SendSms::new("Hello #param#", &recipients)?.encoding(Encoding::Auto)?.ports("2,3".parse()?);
/// let mut body = [0; 256];
/// assert_eq!(
///     core::str::from_utf8(request.body(&mut body)?)?,
///     r#"{"text":"Hello #param#","port":[2,3],"encoding":"gsm-7bit","param":[{"number":"10086","text_param":["bj"],"user_id":1}]}"#
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SendSms<'a> {
    text: &'a str,
    #[serde(rename = "param")]
    recipients: &'a [Recipient<'a>],
    #[serde(rename = "port", skip_serializing_if = "Ports::is_empty")]
    ports: Ports,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<Alphabet>,
    #[serde(rename = "request_status_report", skip_serializing_if = "Option::is_none")]
    status_report: Option<bool>,
}

impl<'a> SendSms<'a> {
    /// Maximum number of recipients (document §2.3, error_code 413).
    pub const MAX_RECIPIENTS: usize = 128;
    /// Maximum length of the text in bytes of UTF-8 (document §2.3, error_code 413).
    ///
    /// The limit applies to the text as written, and to the expanded text of each recipient, so that it also limits parameters.
    pub const MAX_TEXT_BYTES: usize = 1500;

    /// Creates a request to send `text` to `recipients`.
    ///
    /// # Errors
    /// [`Invalid::Recipients`], [`Invalid::Text`] or [`Invalid::TextParams`].
    pub fn new(text: &'a str, recipients: &'a [Recipient<'a>]) -> Result<Self, Invalid> {
        if recipients.is_empty() || recipients.len() > Self::MAX_RECIPIENTS {
            return Err(Invalid::Recipients { count: recipients.len() });
        }
        if text.len() > Self::MAX_TEXT_BYTES {
            return Err(Invalid::Text { bytes: text.len(), recipient: None });
        }
        let template = Template::new(text);
        for (recipient, to) in recipients.iter().enumerate() {
            let expansion = template.expand(to.params).map_err(|error| Invalid::TextParams {
                recipient,
                placeholders: error.placeholders,
                params: error.parameters,
            })?;
            if expansion.len() > Self::MAX_TEXT_BYTES {
                return Err(Invalid::Text { bytes: expansion.len(), recipient: Some(recipient) });
            }
        }
        Ok(Self { text, recipients, ports: Ports::NONE, encoding: None, status_report: None })
    }

    /// Sets the ports to send through. If the set is empty, the gateway chooses.
    #[must_use]
    pub const fn ports(self, ports: Ports) -> Self {
        Self { ports, ..self }
    }

    /// Sets the encoding of the messages. [`Encoding::Auto`] becomes `gsm-7bit` if every recipient's text can be encoded in GSM
    /// 7-bit, otherwise `unicode`.
    ///
    /// If this method is not called, the request omits the parameter, and the document's default applies: `unicode`.
    ///
    /// # Errors
    /// [`Invalid::Alphabet`] if the text has a character that [`Encoding::Gsm7Bit`] cannot encode.
    pub fn encoding(self, encoding: Encoding) -> Result<Self, Invalid> {
        let encoding = match encoding {
            Encoding::Unicode => Alphabet::Unicode,
            Encoding::Gsm7Bit => self.check_gsm7().map(|()| Alphabet::Gsm7Bit)?,
            Encoding::Auto => self.check_gsm7().map_or(Alphabet::Unicode, |()| Alphabet::Gsm7Bit),
        };
        Ok(Self { encoding: Some(encoding), ..self })
    }

    /// Sets whether to request status reports (`request_status_report`, documents from version 1.0; the default is yes).
    #[must_use]
    pub const fn status_report(self, request: bool) -> Self {
        Self { status_report: Some(request), ..self }
    }

    fn check_gsm7(&self) -> Result<(), Invalid> {
        let template = Template::new(self.text);
        for (recipient, to) in self.recipients.iter().enumerate() {
            let Ok(expansion) = template.expand(to.params) else { continue };
            let shape = expansion.shape(Encoding::Gsm7Bit);
            shape.map_err(|error| Invalid::Alphabet { recipient, character: error.character })?;
        }
        Ok(())
    }
}

impl Call for SendSms<'_> {
    const NAME: &'static str = "send_sms";
    const METHOD: Method = Method::Post;
    const SUCCESS: u32 = 202;
    const MEANINGS: &'static [(u32, &'static str)] = &[
        (202, "accepted, will be processed later"),
        (400, "the request's format is not valid"),
        (413, "more than 128 numbers or more than 1500 bytes of text"),
        (500, "other error"),
        (550, "no port available"),
    ];

    type Record<'a> = Never;
    type Summary<'a> = SendSmsSummary<'a>;

    const SCHEMA: &'static Schema = &Schema { head: SendSmsSummary::KEYS, list: None, record: &[] };

    fn record(_: Values<'_>) -> Option<Never> {
        None
    }

    fn summary(values: Values<'_>) -> SendSmsSummary<'_> {
        SendSmsSummary::fill(values)
    }

    fn check(summary: &SendSmsSummary<'_>) -> Result<(), Refusal> {
        summary.check().map(|_| ())
    }

    fn is_repeatable(&self) -> bool {
        false
    }

    fn write_json(&self, json: &mut JsonWriter<'_, '_>) {
        json.key("\"text\":");
        json.string(self.text);
        write_ports(json, self.ports);
        if let Some(encoding) = self.encoding {
            json.key("\"encoding\":");
            json.plain(encoding.as_str());
        }
        if let Some(request) = self.status_report {
            json.key("\"request_status_report\":");
            json.literal(if request { "true" } else { "false" });
        }
        json.key("\"param\":");
        json.open(b'[');
        for recipient in self.recipients {
            recipient.write_json(json);
        }
        json.close(b']');
    }
}

answer! {
    head:
    /// The send_sms response (document §2.3).
    pub struct SendSmsSummary<'a> {
        /// 202 if the request was accepted.
        pub error_code: Field<'a, u32> = "error_code",
        /// Number of messages waiting to be sent.
        pub sms_in_queue: Field<'a, u32> = "sms_in_queue",
        /// The id by which the request can be stopped.
        pub task_id: Field<'a, i64> = "task_id",
        /// The gateway's serial number (documents from version 1.0).
        pub sn: Text<'a> = "sn",
    }
}

impl SendSmsSummary<'_> {
    /// Checks that the gateway accepted the request, and returns the task's id if the response has one.
    ///
    /// # Errors
    /// [`Refusal`] with any error_code except 202.
    pub fn check(&self) -> Result<Option<TaskId>, Refusal> {
        Refusal::judge(<SendSms as Call>::SPEC, self.error_code)?;
        Ok(self.task_id.get().map(TaskId::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::tests::{body_is, known, printed};
    use std::{string::String, vec, vec::Vec};

    fn recipients(count: usize) -> Vec<Recipient<'static>> {
        vec![Recipient::new(Number::new("10086").unwrap()); count]
    }

    #[test]
    fn requests_have_1_to_128_recipients() {
        assert_eq!(SendSms::new("x", &[]).err(), Some(Invalid::Recipients { count: 0 }));
        assert!(SendSms::new("x", &recipients(1)).is_ok());
        assert!(SendSms::new("x", &recipients(127)).is_ok());
        assert!(SendSms::new("x", &recipients(128)).is_ok());
        assert_eq!(SendSms::new("x", &recipients(129)).err(), Some(Invalid::Recipients { count: 129 }));
    }

    #[test]
    fn text_over_1500_bytes_is_rejected_as_written_and_as_expanded() {
        let text = |bytes: usize| "x".repeat(bytes - 2) + "é";
        let one = recipients(1);
        assert!(SendSms::new(&text(1499), &one).is_ok());
        assert!(SendSms::new(&text(1500), &one).is_ok());
        assert_eq!(
            SendSms::new(&text(1501), &one).err(),
            Some(Invalid::Text { bytes: 1501, recipient: None })
        );
        let expanded = |bytes: usize| {
            let param = text(bytes - 1);
            let params = [param.as_str()];
            SendSms::new("!#param#", &[recipients(1)[0].params(&params)]).map(|_| ())
        };
        assert_eq!(expanded(1499), Ok(()));
        assert_eq!(expanded(1500), Ok(()));
        assert_eq!(expanded(1501), Err(Invalid::Text { bytes: 1501, recipient: Some(0) }));
    }

    #[test]
    fn number_of_parameters_must_match_the_placeholders() {
        let with = |params: &[&str]| {
            let all = [recipients(1)[0].params(&["a", "b"]), recipients(1)[0].params(params)];
            SendSms::new("#param# #param#", &all).map(|_| ())
        };
        let wrong = |params| Err(Invalid::TextParams { recipient: 1, placeholders: 2, params });
        assert_eq!(with(&["a"]), wrong(1));
        assert_eq!(with(&["a", "b"]), Ok(()));
        assert_eq!(with(&["a", "b", "c"]), wrong(3));
    }

    #[test]
    fn auto_chooses_the_encoding_and_gsm_7bit_is_checked() {
        let encoding = |text: &str, encoding| {
            let mut body = [0; 200];
            let one = recipients(1);
            let request = SendSms::new(text, &one).unwrap().encoding(encoding)?;
            Ok(String::from_utf8(request.body(&mut body).unwrap().to_vec()).unwrap())
        };
        assert!(encoding("10 €", Encoding::Auto).unwrap().contains(r#""encoding":"gsm-7bit""#));
        assert!(encoding("你好", Encoding::Auto).unwrap().contains(r#""encoding":"unicode""#));
        assert!(encoding("hi", Encoding::Unicode).unwrap().contains(r#""encoding":"unicode""#));
        assert_eq!(
            encoding("hi 你", Encoding::Gsm7Bit),
            Err(Invalid::Alphabet { recipient: 0, character: '你' })
        );
    }

    /// The document's example, without the line breaks of its layout.
    const PRINTED: &str = r#"{"error_code":202,"sms_in_queue":2,"task_id":2}"#;

    #[test]
    fn printed_response_is_read_when_cut_anywhere() {
        let summary = SendSmsSummary {
            error_code: known(202),
            sms_in_queue: known(2),
            task_id: known(2),
            sn: Text::Missing,
        };
        printed::<SendSms>(PRINTED, &[], &summary);
        assert_eq!(summary.check(), Ok(Some(TaskId::new(2))));
    }

    #[test]
    fn request_equals_the_printed_one() {
        let number = Number::new("10086").unwrap();
        let to = |params, id| Recipient::new(number).params(params).user_id(UserId::new(id).unwrap());
        let recipients = [to(&["bj"], 1), to(&["ye"], 2)];
        let request = SendSms::new("#param#", &recipients).unwrap().ports("2,3".parse().unwrap());
        body_is(
            &request,
            r##"{"text":"#param#","port":[2,3],"param":[{"number":"10086","text_param":["bj"],"user_id":1},{"number":"10086", "text_param":["ye"],"user_id":2}]}"##,
        );
    }

    #[test]
    fn refusals_explain_their_code() {
        let check = |code| SendSmsSummary { error_code: known(code), ..SendSmsSummary::default() }.check();
        for (code, meaning) in
            [(400, "format"), (413, "128 numbers"), (500, "other"), (550, "no port"), (600, "does not list")]
        {
            let refusal = check(code).unwrap_err();
            assert_eq!((refusal.code, refusal.call), (Some(code), "send_sms"));
            assert!(refusal.meaning.contains(meaning), "{refusal}");
        }
        assert_eq!(SendSmsSummary::default().check().unwrap_err().code, None);
    }
}

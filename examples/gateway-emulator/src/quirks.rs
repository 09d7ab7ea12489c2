//! Departures of real gateways from the vendor's document, each with a switch.

use std::str::FromStr;

use crate::refusals::Refusals;

/// The target to which every request is redirected, before any login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirect {
    /// No redirect.
    #[default]
    None,
    /// The same address under `https:`.
    Https,
    /// A login page.
    LoginPage,
}

/// The word for a registered port in `get_port_info`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RegSpelling {
    /// `REGISTER_OK`, as documented.
    #[default]
    RegisterOk,
    /// `REGISTERED`.
    Registered,
    /// `Mobile Registered`.
    MobileRegistered,
}

/// The spelling of the number in a status report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NumberSpelling {
    /// As in the request.
    #[default]
    AsSent,
    /// With the country code: `+8613800138000`.
    International,
    /// Without the country code: `13800138000`.
    National,
}

/// The spelling of the number in a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResultNumber {
    /// As in the request.
    #[default]
    AsSent,
    /// With the country code: `+8613800138000`.
    International,
    /// With separators: `138-0013-8000`.
    Separated,
    /// There is no number.
    Missing,
}

/// The spelling of integers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntegerSpelling {
    /// `200`.
    #[default]
    Plain,
    /// `200.0`.
    Decimal,
    /// `2e2`, for multiples of 100.
    Exponent,
    /// `" 200 "`.
    Padded,
}

/// The time in a status report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReportTime {
    /// The time of sending, as documented.
    #[default]
    Sending,
    /// The time of the report's arrival.
    Arrival,
}

/// Declares each switch once. Generates its field, its name on the command line, and the code that turns it on by name.
macro_rules! quirks {
    ($($(#[doc = $doc:literal])* $switch:ident = $name:literal,)*) => {
        /// The departures of a gateway from the vendor's document. All are off by default, and they are independent of one
        /// another.
        // Each switch is on or off, in any combination.
        #[allow(clippy::struct_excessive_bools)]
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Quirks {
            $($(#[doc = $doc])* pub $switch: bool,)*
            /// Every request is redirected (`redirect-https`, `redirect-login-page`).
            pub redirect: Redirect,
            /// The word for a registered port (`reg-registered`, `reg-mobile-registered`).
            pub reg: RegSpelling,
            /// The spelling of the number in a status report (`report-number-international`, `report-number-national`).
            pub report_number: NumberSpelling,
            /// The spelling of the number in a result (`result-number-international`, `result-number-separated`,
            /// `result-number-missing`).
            pub result_number: ResultNumber,
            /// The spelling of integers (`integers-as-decimals`, `integers-as-exponents`, `integers-padded`).
            pub integers: IntegerSpelling,
            /// The time in a status report (`report-time-arrival`).
            pub report_time: ReportTime,
            /// The number of seconds that the SMS centre's clock is ahead of the gateway's clock, negative if it is behind. The
            /// time in status reports is that of the SMS centre's clock (`report-clock=N`).
            pub report_clock: i32,
            /// The number of responses after which a connection closes; 0 means never (`close-after=N`).
            pub close_after: u32,
            /// Refused submissions (`bad-number=N`, `bad-text=WORD`, `max-recipients=N`, `max-kilobytes=N`, `first-http-503=N`,
            /// `first-http-500=N`, `first-550=N`, `first-500=N`).
            pub refusals: Refusals,
        }

        impl Quirks {
            /// The names of the switches.
            const SWITCHES: &[&str] = &[$($name),*];

            fn turn_on(&mut self, name: &str) -> bool {
                match name {
                    $($name => self.$switch = true,)*
                    _ => return false,
                }
                true
            }
        }
    };
}

quirks! {
    /// The comma after `error_code` is missing: `{"error_code":200"result":[…`.
    missing_comma = "missing-comma",
    /// A comma follows the last record of an array: `},]`.
    trailing_comma_in_arrays = "trailing-comma-in-arrays",
    /// A comma follows the last field of a record: `"reg":"NO_SIM",}`.
    trailing_comma_in_records = "trailing-comma-in-records",
    /// Integers are written as strings: `"port":"2"`.
    integers_as_strings = "integers-as-strings",
    /// Strings of digits are written as integers: `"number":10086`.
    strings_as_integers = "strings-as-integers",
    /// The response and each record contain undocumented keys with nested values.
    unknown_keys = "unknown-keys",
    /// Keys that a client does not need are missing: `smsc`, `succ_count`, `sms_in_queue`, `read`, `unread`.
    missing_keys = "missing-keys",
    /// `error_code` is the last key.
    error_code_last = "error-code-last",
    /// A byte order mark precedes the response.
    byte_order_mark = "byte-order-mark",
    /// Characters outside ASCII are written as `\u` escapes.
    escape_non_ascii = "escape-non-ascii",
    /// Control characters in strings are not escaped.
    raw_control = "raw-control",
    /// If the last character of a string has two UTF-16 units, only the escape of the first unit is written.
    lone_surrogate = "lone-surrogate",
    /// A FAILED result of another port precedes the result of each message.
    failed_before = "failed-before",
    /// A FAILED result of another port follows the result of each message.
    failed_after = "failed-after",
    /// The status of a result is in lower case: `sent_ok`.
    status_lower_case = "status-lower-case",
    /// The status of a result is `QUEUED` instead of SENDING, and `RECEIVED` instead of DELIVERED.
    status_unknown = "status-unknown",
    /// The array of `send_ussd` has the key `result:`.
    result_colon = "result-colon",
    /// The reason phrase is `Data follows`.
    data_follows = "data-follows",
    /// There is no `Content-Type`.
    no_content_type = "no-content-type",
    /// The version in the status line is HTTP/1.0, and the connection closes after the response.
    http_1_0 = "http-1-0",
    /// Responses are chunked, with an extension and a trailer.
    chunked = "chunked",
    /// A response has neither `Content-Length` nor chunks. The end of the connection ends it.
    until_close = "until-close",
    /// With `close_after`, the connection closes without `Connection: close`.
    close_unannounced = "close-unannounced",
    /// A POST with an empty body gets no response, and its connection closes.
    empty_post_closes = "empty-post-closes",
    /// All GET calls except `stop_sms` also accept POST, with the parameters in the query string or in a JSON body.
    post_queries = "post-queries",
    /// The 401 response has no length, and closes the connection. Its challenge quotes algorithm and stale, and has uneven spacing.
    ragged_challenge = "ragged-challenge",
    /// A query string with a comma that is not percent-encoded is refused with 401.
    raw_comma_refused = "raw-comma-refused",
    /// `get_port_info` omits empty fields, and `smsc` even if it is not empty.
    port_fields_missing = "port-fields-missing",
    /// The error code for an unknown task in `stop_sms` is 486 instead of 404.
    unknown_task_486 = "unknown-task-486",
    /// The limit of 1500 bytes also applies to the text with its parameters filled in.
    expanded_text_limit = "expanded-text-limit",
    /// `time_after` and `time_before` exclude the second that they state.
    strict_times = "strict-times",
    /// `query_ussd_reply` is refused if any port that it names has not received a reply yet.
    ussd_replies_refused = "ussd-replies-refused",
    /// `get_port_info` refuses `smsc`, which no version of the document lists.
    smsc_refused = "smsc-refused",
    /// `query_incoming_sms` lists the newest messages first.
    newest_first = "newest-first",
    /// `query_incoming_sms` lists messages in an arbitrary order.
    shuffled_inbox = "shuffled-inbox",
    /// Every third incoming message has the same id as the previous message.
    equal_ids = "equal-ids",
    /// Quotes in strings are not escaped. An incoming message that contains a quote makes the response malformed.
    raw_quotes = "raw-quotes",
    /// A long response to `query_incoming_sms` ends within a record.
    cut_records = "cut-records",
    /// The gateway follows the versions of the document after 0.5. Every response has `sn`, and records have `imsi`.
    /// `get_port_info` knows `slot`, `callstate`, `signal`, `gprs`, `remain_…` and `CallForward`, and the type of ports is LTE.
    /// The parameters `port` of `query_incoming_sms` and `request_status_report` of `send_sms` have an effect. The error code is
    /// 550 if no port is available.
    later_version = "later-version",
}

impl Quirks {
    /// Returns the setting without quirks: the gateway follows the vendor's document to the letter.
    pub fn none() -> Self {
        Self::default()
    }

    /// Returns all quirks that were observed on real devices and can occur together. Redirects and `http_1_0` are excluded, because
    /// they would hide the others. The JSON is well-formed.
    pub fn observed() -> Self {
        let mut quirks = Self::none();
        quirks.add_observed();
        quirks
    }

    /// Returns the misprints in the document's examples: missing and trailing commas. No real device has been seen to send them.
    pub fn printed() -> Self {
        let mut quirks = Self::none();
        quirks.add_printed();
        quirks
    }

    fn add_observed(&mut self) {
        *self = Self {
            integers_as_strings: true,
            strings_as_integers: true,
            unknown_keys: true,
            missing_keys: true,
            result_colon: true,
            data_follows: true,
            no_content_type: true,
            empty_post_closes: true,
            ragged_challenge: true,
            raw_comma_refused: true,
            port_fields_missing: true,
            unknown_task_486: true,
            reg: RegSpelling::MobileRegistered,
            report_number: NumberSpelling::International,
            report_time: ReportTime::Arrival,
            close_after: 3,
            ..self.clone()
        };
    }

    fn add_printed(&mut self) {
        self.missing_comma = true;
        self.trailing_comma_in_arrays = true;
        self.trailing_comma_in_records = true;
    }

    /// Returns the names of all single quirks that [`Quirks::from_str`] accepts.
    pub fn names() -> Vec<&'static str> {
        let choices = ["redirect-https", "redirect-login-page", "reg-registered", "reg-mobile-registered"];
        let more = [
            "report-number-international",
            "report-number-national",
            "result-number-international",
            "result-number-separated",
            "result-number-missing",
            "integers-as-decimals",
            "integers-as-exponents",
            "integers-padded",
            "report-time-arrival",
            "report-clock=N",
            "close-after=N",
        ];
        [Self::SWITCHES, &choices, &more, &Refusals::NAMES].concat()
    }

    fn choose(&mut self, name: &str) -> bool {
        match name {
            "none" => *self = Self::none(),
            "observed" => self.add_observed(),
            "printed" => self.add_printed(),
            "redirect-https" => self.redirect = Redirect::Https,
            "redirect-login-page" => self.redirect = Redirect::LoginPage,
            "reg-registered" => self.reg = RegSpelling::Registered,
            "reg-mobile-registered" => self.reg = RegSpelling::MobileRegistered,
            "report-number-international" => self.report_number = NumberSpelling::International,
            "report-number-national" => self.report_number = NumberSpelling::National,
            "result-number-international" => self.result_number = ResultNumber::International,
            "result-number-separated" => self.result_number = ResultNumber::Separated,
            "result-number-missing" => self.result_number = ResultNumber::Missing,
            "integers-as-decimals" => self.integers = IntegerSpelling::Decimal,
            "integers-as-exponents" => self.integers = IntegerSpelling::Exponent,
            "integers-padded" => self.integers = IntegerSpelling::Padded,
            "report-time-arrival" => self.report_time = ReportTime::Arrival,
            _ => return self.set(name),
        }
        true
    }

    fn set(&mut self, name: &str) -> bool {
        let Some((name, value)) = name.split_once('=') else { return false };
        match name {
            "close-after" => value.parse().map(|number| self.close_after = number).is_ok(),
            "report-clock" => value.parse().map(|number| self.report_clock = number).is_ok(),
            _ => self.refusals.turn_on(name, value),
        }
    }
}

/// Reads a comma-separated list of names. Besides single quirks, `observed` and `printed` each turn on a set of quirks, and
/// `none` turns off all quirks listed before it.
impl FromStr for Quirks {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, String> {
        let mut quirks = Self::none();
        for name in list.split(',').map(str::trim) {
            if !quirks.turn_on(name) && !quirks.choose(name) {
                return Err(format!(
                    "`{name}` is not a quirk; available are none, observed, printed, {}",
                    Self::names().join(", ")
                ));
            }
        }
        Ok(quirks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_turns_on_a_quirk() {
        for name in Quirks::names() {
            let name = name.replace('N', "3");
            assert_ne!(name.parse::<Quirks>(), Ok(Quirks::none()), "{name}");
        }
    }

    #[test]
    fn lists_add_up() {
        let both: Quirks = "close-after=7,printed,observed".parse().unwrap();
        let printed = Quirks::printed();
        assert_eq!(
            both,
            Quirks {
                missing_comma: printed.missing_comma,
                trailing_comma_in_arrays: printed.trailing_comma_in_arrays,
                trailing_comma_in_records: printed.trailing_comma_in_records,
                ..Quirks::observed()
            }
        );
        assert_eq!("observed,none,printed".parse(), Ok(printed));
        let quirks: Quirks = "observed, chunked,close-after=7".parse().unwrap();
        assert_eq!(quirks, Quirks { chunked: true, close_after: 7, ..Quirks::observed() });
        assert!("chunked,,".parse::<Quirks>().is_err());
        assert!(
            [
                "close-after=x",
                "report-clock=1h",
                "chunked=1",
                "first-550=x",
                "bad-number=x",
                "bad-number=",
                "bad-text="
            ]
            .iter()
            .all(|list| list.parse::<Quirks>().is_err())
        );
        assert_eq!("report-clock=-25200".parse(), Ok(Quirks { report_clock: -25_200, ..Quirks::none() }));
    }
}

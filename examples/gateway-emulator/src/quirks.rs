//! How real gateways depart from the vendor's document, one switch each.

use std::str::FromStr;

/// Where a request is sent away to, before any login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirect {
    /// Nowhere.
    #[default]
    None,
    /// To the same address under `https:`.
    Https,
    /// To a login page.
    LoginPage,
}

/// How a registered port is spelt in `get_port_info`.
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

/// How a status report spells the number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NumberSpelling {
    /// As it was sent.
    #[default]
    AsSent,
    /// With the country's code: `+8613800138000`.
    International,
    /// Without it: `13800138000`.
    National,
}

/// Which time a status report shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReportTime {
    /// That of sending, as documented.
    #[default]
    Sending,
    /// That of the report's arrival.
    Arrival,
}

/// Declares the switches once: the struct, the names they have on a command line, and how a name sets one.
macro_rules! quirks {
    ($($(#[doc = $doc:literal])* $switch:ident = $name:literal,)*) => {
        /// How the gateway departs from the vendor's document; all off by default. Each is independent of the others.
        // They are switches: each is on or off, and any of them goes with any other.
        #[allow(clippy::struct_excessive_bools)]
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Quirks {
            $($(#[doc = $doc])* pub $switch: bool,)*
            /// Every request is sent away (`redirect-https`, `redirect-login-page`).
            pub redirect: Redirect,
            /// How a registered port is spelt (`reg-registered`, `reg-mobile-registered`).
            pub reg: RegSpelling,
            /// How a status report spells the number (`report-number-international`, `report-number-national`).
            pub report_number: NumberSpelling,
            /// Which time a status report shows (`report-time-arrival`).
            pub report_time: ReportTime,
            /// After how many answers a connection closes, 0 for never (`close-after=N`).
            pub close_after: u32,
        }

        impl Quirks {
            /// The names of the quirks that are on or off.
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
    /// No comma behind `error_code`: `{"error_code":200"result":[…`.
    missing_comma = "missing-comma",
    /// A comma behind the last record of an array: `},]`.
    trailing_comma_in_arrays = "trailing-comma-in-arrays",
    /// A comma behind the last field of a record: `"reg":"NO_SIM",}`.
    trailing_comma_in_records = "trailing-comma-in-records",
    /// Integers are written as strings: `"port":"2"`.
    integers_as_strings = "integers-as-strings",
    /// Strings of digits are written as integers: `"number":10086`.
    strings_as_integers = "strings-as-integers",
    /// Keys nobody asked for, with nested values, in the answer and in each record.
    unknown_keys = "unknown-keys",
    /// Keys that a client can do without are left out: `smsc`, `succ_count`, `sms_in_queue`, `read`, `unread`.
    missing_keys = "missing-keys",
    /// `error_code` comes last.
    error_code_last = "error-code-last",
    /// A byte order mark precedes the answer.
    byte_order_mark = "byte-order-mark",
    /// What is not ASCII is written as `\u` escapes.
    escape_non_ascii = "escape-non-ascii",
    /// Control characters stand in strings as they are.
    raw_control = "raw-control",
    /// A string that ends in a character of two UTF-16 units ends in an escape of its first unit only.
    lone_surrogate = "lone-surrogate",
    /// The array of `send_ussd` has the key `result:`.
    result_colon = "result-colon",
    /// The reason phrase is `Data follows`.
    data_follows = "data-follows",
    /// No `Content-Type`.
    no_content_type = "no-content-type",
    /// The status line says HTTP/1.0, and the connection closes behind the answer.
    http_1_0 = "http-1-0",
    /// Answers are chunked, with an extension and a trailer.
    chunked = "chunked",
    /// Neither `Content-Length` nor chunks: the end of the connection is the end of the answer.
    until_close = "until-close",
    /// With `close_after`: the connection closes without having said so.
    close_unannounced = "close-unannounced",
    /// A POST with an empty body is closed unanswered.
    empty_post_closes = "empty-post-closes",
    /// The 401 is text/html without a length, quotes algorithm and stale, spaces unevenly, and closes.
    ragged_challenge = "ragged-challenge",
    /// A comma that is not escaped in a query gives 401.
    raw_comma_refused = "raw-comma-refused",
    /// `get_port_info` leaves out what is empty, and `smsc` altogether.
    port_fields_missing = "port-fields-missing",
    /// `stop_sms` of an unknown task gives 486 instead of 404.
    unknown_task_486 = "unknown-task-486",
    /// The limit of 1500 bytes holds for the text with its parameters filled in, too.
    expanded_text_limit = "expanded-text-limit",
    /// `time_after` and `time_before` leave out the very second they name.
    strict_times = "strict-times",
    /// As the versions after 0.5: `sn` in every answer, `imsi` in records; `slot`, `callstate`, `signal` and `gprs` in
    /// `get_port_info`; `port` in `query_incoming_sms` and `request_status_report` are heeded; 550 when no port is
    /// available; LTE.
    later_version = "later-version",
}

impl Quirks {
    /// The vendor's document to the letter.
    pub fn none() -> Self {
        Self::default()
    }

    /// All that was observed on real devices and can hold together. Left out: a redirect and `http_1_0`, behind which the
    /// others could not be seen, and what no device was seen to do.
    pub fn observed() -> Self {
        Self {
            missing_comma: true,
            trailing_comma_in_arrays: true,
            trailing_comma_in_records: true,
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
            ..Self::none()
        }
    }

    /// Every name that [`Quirks::from_str`] takes, in a comma-separated list.
    pub fn names() -> Vec<&'static str> {
        let choices = ["redirect-https", "redirect-login-page", "reg-registered", "reg-mobile-registered"];
        let more =
            ["report-number-international", "report-number-national", "report-time-arrival", "close-after=N"];
        [Self::SWITCHES, &choices, &more].concat()
    }

    fn choose(&mut self, name: &str) -> bool {
        match name {
            "none" => *self = Self::none(),
            "observed" => *self = Self::observed(),
            "redirect-https" => self.redirect = Redirect::Https,
            "redirect-login-page" => self.redirect = Redirect::LoginPage,
            "reg-registered" => self.reg = RegSpelling::Registered,
            "reg-mobile-registered" => self.reg = RegSpelling::MobileRegistered,
            "report-number-international" => self.report_number = NumberSpelling::International,
            "report-number-national" => self.report_number = NumberSpelling::National,
            "report-time-arrival" => self.report_time = ReportTime::Arrival,
            _ => return self.count(name),
        }
        true
    }

    fn count(&mut self, name: &str) -> bool {
        let answers = name.strip_prefix("close-after=").and_then(|n| n.parse().ok());
        self.close_after = answers.unwrap_or(self.close_after);
        answers.is_some()
    }
}

/// Reads `none`, `observed`, or names in a comma-separated list, which may begin with `observed`.
impl FromStr for Quirks {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, String> {
        let mut quirks = Self::none();
        for name in list.split(',').map(str::trim) {
            if !quirks.turn_on(name) && !quirks.choose(name) {
                return Err(format!(
                    "`{name}` is no quirk; there are none, observed, {}",
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
    fn every_name_turns_something_on() {
        for name in Quirks::names() {
            let name = name.replace('N', "3");
            assert_ne!(name.parse::<Quirks>(), Ok(Quirks::none()), "{name}");
        }
    }

    #[test]
    fn lists_add_up() {
        let quirks: Quirks = "observed, chunked,close-after=7".parse().unwrap();
        assert_eq!(quirks, Quirks { chunked: true, close_after: 7, ..Quirks::observed() });
        assert!("chunked,,".parse::<Quirks>().is_err());
        assert!("close-after=x".parse::<Quirks>().is_err());
    }
}

//! The words that are known to be harmless: words of the API, of HTTP, and of mobile telephony.

use super::replace::scramble;

/// The maximum length of a text that is examined word by word.
const MAX_TEXT: usize = 64;
/// The maximum number of digits of a number within a name, such as `slot2`.
const MAX_DIGITS: usize = 2;

/// Words in lower case. Do not add names of people, places, hosts or accounts.
const WORDS: &str = "
    access account active address after age alarm alerting alive algorithm all allow allowed answer apache api app appweb array attached attempt auth
    authenticate authentication authorization available
    bad bands band basic battery bcch bearer before begin boa body box bridge buffers busy busybox byte bytes
    cache cached calendar call callback callforward callforwarding calling callstate calltime called cancel cause cdma cdr cell center cgi
    channel charset chunked class clear client close code codec command conditional config configuration connect connected connection
    content control cost count country cpu created credit csq current
    daily data date day delete deliver delivered delivery denied destination detached detail details device digest dinstar direction disabled
    disconnected domain done down driver duration dwg
    ebusy edge embed embedthis empty enable enabled encoding end error errors etag event expired expires extra
    failed failure false feature field fields file firmware flag flash follows forbid forbidden format found forward forwarding free frequency
    from fwd
    gateway get gmt goahead gone goform gprs group gsm gzip
    handle hangup head header holding home host hour hourly html htm http httpd https hwversion
    iccid icmp ident identity idle imei imsi inbox incoming index info information initializing input integer internal invalid item items
    json
    keep
    lac language large last later length level lib lighttpd limit limited line list load local location locked log login logout lte lwip
    mac main manufacturer many mbedtls mcc md md5 media medium memory message messages method mini minute mms mnc mobile mode model module month
    monthly moved must
    name network new next nginx nocard nonce none normal not notfound null number
    object offline ok okay online opaque open openssl operator operatorname option options order origin originating other out outbox
    page param permanently parameter params parent password path pending performance percent period phone pin pincode plain plmn port ports post power
    processing product profile protocol provider ptype puk push put
    qop quality query queue queued quota
    range rate reached read ready realm reason ref receive received receiver reference reg register registered registering registration rejected
    remain remaining reply report request requests require required reset response restart result results retry revalidate ringing roaming router rssi
    rsrp rsrq rtl running
    scheme sctp searching second security segment segments send sender sending sent serial serialno server service service session set
    sid signal sim sinr size slot smpp sms smsc software source speed spn stale standby start started state status step stop storage store
    stk string submit success succ sum support supported sw switch system
    table task temperature temporarily text thttpd time timeout timestamp timezone tmsi token too total transfer true try tsn type
    uc ucs uhttpd umts unattached unauthorized unavailable undelivered unicode unknown unlock unread unregister unregistered unsent unsupported
    up update uptime uri url used user ussd utc utf
    valid value vary vendor version violation voice voltage
    waiting warning wcdma web webs webserver week wifi wireless within
    year
    zone
    id in is it no of off on or sn to at by hw
    power_off no_sim pin_require puk_require searching_network register_ok
    application charset identity deflate nosniff sameorigin private public store no
    mon tue wed thu fri sat sun";

/// Words that contain digits or dashes, in lower case.
const SPECIAL: [&str; 15] = [
    "max-age",
    "iso-8859-1",
    "gb2312",
    "utf-8",
    "md5",
    "md5-sess",
    "sha-256",
    "sha-256-sess",
    "auth-int",
    "2g",
    "3g",
    "4g",
    "5g",
    "uc2000",
    "dwg2000",
];

/// Keeps known words, and scrambles all others.
pub(in super::super) fn plain(text: &str) -> String {
    // Escapes are not decoded here. So a text with an escape, which could stand for any character, is scrambled.
    if text.len() > MAX_TEXT || text.contains('\\') {
        return scramble(text);
    }
    if is_special(text) {
        return text.to_owned();
    }
    let numbers = || runs(text).filter(|run| run.starts_with(|first: char| first.is_ascii_digit()));
    // Several short numbers could be a phone number in groups.
    let has_short_number = numbers().count() == 1 && numbers().all(|run| run.len() <= MAX_DIGITS);
    runs(text)
        .map(|run| match run.as_bytes().first() {
            Some(b'0'..=b'9') if has_short_number => run.to_owned(),
            _ if is_word(run) => run.to_owned(),
            _ => {
                parts(run).map(|part| if is_word(part) { part.to_owned() } else { scramble(part) }).collect()
            }
        })
        .collect()
}

/// Returns whether [`plain`] leaves the text unchanged.
pub(in super::super) fn is_plain(text: &str) -> bool {
    plain(text) == text
}

pub(super) fn is_special(text: &str) -> bool {
    SPECIAL.iter().any(|known| known.eq_ignore_ascii_case(text))
}

fn is_word(run: &str) -> bool {
    WORDS.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case(run))
}

/// Splits a text into words, numbers, and runs of other characters.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    split(text, |last, next| kind(last) != kind(next))
}

/// Splits a word before each capital letter that follows a lower-case letter: `CallForward` has two parts.
fn parts(word: &str) -> impl Iterator<Item = &str> {
    split(word, |last, next| last.is_ascii_lowercase() && next.is_ascii_uppercase())
}

/// Splits a text between two adjacent characters wherever `is_apart` returns true for them.
fn split(text: &str, is_apart: impl Fn(char, char) -> bool) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut last = rest.chars().next()?;
        let end = rest.char_indices().skip(1).find_map(|(at, next)| {
            let is_end = is_apart(last, next);
            last = next;
            is_end.then_some(at)
        });
        let (run, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = behind;
        Some(run)
    })
}

const fn kind(letter: char) -> u8 {
    match letter {
        'a'..='z' | 'A'..='Z' => 0,
        '0'..='9' => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_are_kept_and_others_scrambled() {
        for (text, shown) in [
            ("incoming_sms_id", "incoming_sms_id"),
            ("CallForward", "CallForward"),
            ("smsSender", "smsSender"),
            ("GoAhead-Webs", "GoAhead-Webs"),
            ("smsSmith", "smsXxxxx"),
            ("Mobile Registered", "Mobile Registered"),
            ("remain_daily_calltime", "remain_daily_calltime"),
            ("slot2", "slot2"),
            ("port12", "port12"),
            ("port123", "port000"),
            ("port 13 80", "port 00 00"),
            ("Smith", "Xxxxx"),
            ("Smith_sms", "Xxxxx_sms"),
            ("admin", "xxxxx"),
            ("iso-8859-1", "iso-8859-1"),
            (r"sms\u0031", r"xxx\u0030"),
            ("短信", "字字"),
            ("", ""),
        ] {
            assert_eq!(plain(text), shown, "{text}");
            assert_eq!(plain(shown), shown, "scrambling again changes {shown}");
        }
        assert_eq!(plain(&"sms ".repeat(17)), "xxx ".repeat(17));
    }
}

//! How a gateway is set up before it starts.

use std::{fmt, net::SocketAddr, str::FromStr, time::Duration};

use clap::ValueEnum;

use crate::{fate::Plan, quirks::Quirks};

/// How clients log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    /// Digest with MD5 and qop=auth (RFC 7616), as the newer firmware does.
    Digest,
    /// Basic (RFC 7617), as the older firmware does.
    Basic,
    /// Everyone is welcome.
    None,
}

/// How long a nonce is accepted. It is outside time: the speed of the gateway does not change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceLife {
    /// Until the gateway restarts.
    Forever,
    /// For one request.
    OneRequest,
    /// For so long after it was issued.
    Lasting(Duration),
}

/// Reads `forever`, `one-request`, or a duration: `1s`, `500ms`.
impl FromStr for NonceLife {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let millis = |digits: &str| digits.parse().ok().map(Duration::from_millis);
        let seconds = |digits: &str| digits.parse().ok().map(Duration::from_secs);
        match text {
            "forever" => Ok(Self::Forever),
            "one-request" => Ok(Self::OneRequest),
            _ => text
                .strip_suffix("ms")
                .map_or_else(|| text.strip_suffix('s').and_then(seconds), millis)
                .map(Self::Lasting)
                .ok_or_else(|| format!("`{text}` is not forever, one-request, 1s or 500ms")),
        }
    }
}

/// What a challenge says about why it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stale {
    /// Stale when the login was right but for its nonce.
    Truthful,
    /// Never stale, though the nonce merely expired.
    AlwaysFalse,
    /// Always stale, though the password was wrong: a client that believes it tries for ever.
    AlwaysTrue,
    /// The word does not appear.
    Absent,
}

/// What is asked of the nonce count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NonceCount {
    /// It grows.
    Growing,
    /// It is 1, 2, 3 and so on without a gap.
    InOrder,
}

/// Which refusals count towards a lock-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Counted {
    /// A login that is wrong whatever its nonce.
    WrongLogin,
    /// That, and a right one with a nonce that is no longer accepted.
    AnyLogin,
    /// Every 401, the first challenge of a client too.
    EveryRefusal,
}

/// What a client gets whose address is locked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LockedOut {
    /// HTTP status 403 with the body `forbid to try again`, as observed.
    Forbidden,
    /// HTTP status 403 with a page of the web server.
    ForbiddenPage,
    /// No response: its connections close.
    Dropped,
}

/// How a gateway is set up. Change what matters of the default:
/// `Options { ports: 4, ..Options::default() }`.
#[derive(Clone)]
pub struct Options {
    /// The address to listen on; port 0 lets the system choose one. Default `127.0.0.1:0`.
    pub listen: SocketAddr,
    /// The user's name. Default `admin`.
    pub user: String,
    /// The password. Default `admin`.
    pub password: String,
    /// How clients log in. Default Digest.
    pub auth: Auth,
    /// How many ports, each with a SIM, the gateway has: 1 to 32. Default 8.
    pub ports: u8,
    /// How many times faster than the world outside the gateway lives, its clock included: 0.001 to 1,000,000. Default 1.
    pub speed: f64,
    /// How it departs from the vendor's document. Default not at all.
    pub quirks: Quirks,
    /// What chance starts from. Default 0.
    pub seed: u64,
    /// How long a nonce is accepted. Default for ever.
    pub nonce: NonceLife,
    /// What a challenge says about why it came. Default the truth.
    pub stale: Stale,
    /// What is asked of the nonce count. Default that it grows.
    pub nonce_count: NonceCount,
    /// After how many refusals in a row an address is locked out. Default never.
    pub lock_out_after: Option<u32>,
    /// For how long it is locked out, in outside time. Default five minutes.
    pub lock_out_for: Duration,
    /// What it gets meanwhile. Default 403.
    pub locked_out: LockedOut,
    /// Which refusals count. Default wrong logins.
    pub counted: Counted,
    /// At how many bytes the answer to `query_incoming_sms` is cut, between records. Default 8192.
    pub answer_limit: usize,
    /// The fate of messages to numbers without one of their own. Default [`Fate::Deliver`](crate::Fate::Deliver).
    pub default_fate: Plan,
    /// Whether chance, from the seed, decides instead of `default_fate`. Default no.
    pub random_fates: bool,
    /// Of how many requests in a hundred chance closes the connection: before all, before the answer, amid it and after it in turn.
    /// Default none.
    pub closing: u8,
    /// How many messages were sent, and delivered, before. Default none.
    pub sent: u32,
    /// How many messages have come in before. Default none.
    pub received: u32,
    /// What the gateway's clock shows at the start, in seconds since 1970-01-01 00:00:00.
    /// Default this machine's time in UTC.
    pub start_time: Option<i64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            user: "admin".into(),
            password: "admin".into(),
            auth: Auth::Digest,
            ports: 8,
            speed: 1.0,
            quirks: Quirks::none(),
            seed: 0,
            nonce: NonceLife::Forever,
            stale: Stale::Truthful,
            nonce_count: NonceCount::Growing,
            lock_out_after: None,
            lock_out_for: Duration::from_secs(300),
            locked_out: LockedOut::Forbidden,
            counted: Counted::WrongLogin,
            answer_limit: 8192,
            default_fate: Plan::default(),
            random_fates: false,
            closing: 0,
            sent: 0,
            received: 0,
            start_time: None,
        }
    }
}

/// Without the password.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("user", &self.user)
            .field("auth", &self.auth)
            .field("ports", &self.ports)
            .field("speed", &self.speed)
            .field("quirks", &self.quirks)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_stays_inside() {
        let options = Options { password: "s3cret".into(), ..Options::default() };
        assert!(!format!("{options:?}").contains("s3cret"));
    }

    #[test]
    fn lives_of_nonces() {
        assert_eq!("forever".parse(), Ok(NonceLife::Forever));
        assert_eq!("1s".parse(), Ok(NonceLife::Lasting(Duration::from_secs(1))));
        assert_eq!("500ms".parse(), Ok(NonceLife::Lasting(Duration::from_millis(500))));
        assert!(["", "1", "s", "ms", "-1s", "1m"].iter().all(|text| text.parse::<NonceLife>().is_err()));
    }
}

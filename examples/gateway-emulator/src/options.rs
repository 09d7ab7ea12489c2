//! The setup of a gateway before it starts.

use std::{fmt, net::SocketAddr, str::FromStr, time::Duration};

use clap::ValueEnum;

use crate::{fate::Plan, quirks::Quirks, replay::Replay, tls::Https};

/// The kind of login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    /// Digest with MD5 and qop=auth (RFC 7616), as in newer firmware.
    Digest,
    /// Basic (RFC 7617), as in older firmware.
    Basic,
    /// No login is needed.
    None,
}

/// The lifetime of a nonce, in outside time: the speed of the gateway does not affect it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceLife {
    /// Until the gateway restarts.
    Forever,
    /// For one request.
    OneRequest,
    /// For this duration after it was issued.
    Lasting(Duration),
}

/// Reads `forever`, `one-request`, or a duration such as `1s` or `500ms`.
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

/// The `stale` parameter of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stale {
    /// True if the login was correct except for its nonce.
    Truthful,
    /// Always false, even if the nonce merely expired.
    AlwaysFalse,
    /// Always true, even if the password was wrong. A client that trusts it retries forever.
    AlwaysTrue,
    /// Missing.
    Absent,
}

/// The rule for the nonce count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NonceCount {
    /// It must grow.
    Growing,
    /// It must be 1, 2, 3 and so on, without a gap.
    InOrder,
}

/// The refusals that count towards a lock-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Counted {
    /// Logins that are wrong for a reason other than their nonce.
    WrongLogin,
    /// All refused logins, including correct ones whose nonce is not accepted.
    AnyLogin,
    /// Every 401, including the first challenge of a client.
    EveryRefusal,
}

/// The reaction to requests from an address that is locked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LockedOut {
    /// HTTP status 403 with the body `forbid to try again`, as observed.
    Forbidden,
    /// HTTP status 403 with a page of the web server.
    ForbiddenPage,
    /// No response: the connection closes.
    Dropped,
}

/// The setup of a gateway. Change only the fields that matter: `Options { ports: 4, ..Options::default() }`.
#[derive(Clone)]
pub struct Options {
    /// The address to listen on. Port 0 lets the system choose a port. Default `127.0.0.1:0`.
    pub listen: SocketAddr,
    /// Serves HTTPS instead of HTTP if set. Default HTTP.
    pub https: Option<Https>,
    /// The user name. Default `admin`.
    pub user: String,
    /// The password. Default `admin`.
    pub password: String,
    /// The kind of login. Default Digest.
    pub auth: Auth,
    /// The number of ports, 1 to 32. Each has a SIM card. Default 8.
    pub ports: u8,
    /// The number of the gateway's set of SIM cards. Gateways with different numbers have cards with different ICCIDs. Default 0.
    pub sims: u32,
    /// The speed of the gateway and its clock relative to outside time, 0.001 to 1,000,000. Default 1.
    pub speed: f64,
    /// The departures from the vendor's document. Default none.
    pub quirks: Quirks,
    /// The seed of the pseudo-random numbers. Default 0.
    pub seed: u64,
    /// The lifetime of a nonce. Default forever.
    pub nonce: NonceLife,
    /// The `stale` parameter of challenges. Default truthful.
    pub stale: Stale,
    /// The rule for the nonce count. Default that it grows.
    pub nonce_count: NonceCount,
    /// The number of consecutive refusals after which an address is locked out. Default never.
    pub lock_out_after: Option<u32>,
    /// The duration of a lock-out, in outside time. Default five minutes.
    pub lock_out_for: Duration,
    /// The response during a lock-out. Default 403.
    pub locked_out: LockedOut,
    /// The refusals that count towards a lock-out. Default wrong logins.
    pub counted: Counted,
    /// The maximum size of the records in a response to `query_incoming_sms`, in bytes. A single larger record is still sent.
    /// Default 8192.
    pub answer_limit: usize,
    /// The fate of messages to numbers without a fate of their own. Default [`Fate::Deliver`](crate::Fate::Deliver).
    pub default_fate: Plan,
    /// Whether fates are drawn at random, depending on `seed`, instead of `default_fate`. Default no.
    pub random_fates: bool,
    /// The percentage of requests whose connection closes at random. The moments in [`Closed`](crate::Closed) take turns. Default
    /// none.
    pub closing: u8,
    /// The number of messages sent and delivered before the start. Default none.
    pub sent: u32,
    /// The number of messages received before the start. Default none.
    pub received: u32,
    /// The time of the gateway's clock at the start, in seconds since 1970-01-01 00:00:00. Default this machine's time in UTC.
    pub start_time: Option<i64>,
    /// The recorded responses of another gateway, which replace all responses of this gateway. Default none.
    pub replay: Option<Replay>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            https: None,
            user: "admin".into(),
            password: "admin".into(),
            auth: Auth::Digest,
            ports: 8,
            sims: 0,
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
            replay: None,
        }
    }
}

/// Omits the password.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("https", &self.https)
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

//! The core's login with memory, a clock and chance of its own.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use hyper::header::HeaderValue;
use sms_gateway_core::http::{
    Credentials, LoginError,
    login::{self, Denial},
};
use tokio::time::Instant;

use crate::Error;

/// A user name and a password.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) username: String,
    pub(crate) password: String,
}

impl Account {
    fn credentials(&self) -> Credentials<'_> {
        Credentials::new(&self.username, &self.password)
    }
}

/// What the next request is to carry: see [`login::Step`].
pub(crate) enum Step {
    Plain,
    Authorized(HeaderValue),
    Probe,
}

/// What the core knows of the login.
type Inner = login::Login<Vec<u8>>;

/// See [`login::Login`], whose order of calls holds here, too.
pub(crate) struct Login {
    account: Option<Account>,
    inner: Inner,
    /// The login's zero.
    began: Instant,
    /// Where an `Authorization` is written.
    header: Vec<u8>,
}

impl Login {
    pub(crate) fn new(account: Option<Account>, basic_allowed: bool) -> Self {
        let inner = Inner::new(Vec::new()).allow_basic(basic_allowed);
        Self { account, inner, began: Instant::now(), header: Vec::new() }
    }

    pub(crate) fn set_account(&mut self, account: Option<Account>) {
        self.account = account;
        self.inner.reset();
    }

    /// What a request is to carry.
    pub(crate) fn prepare(&mut self, method: &str, uri: &str) -> Result<Step, Error> {
        let now = self.began.elapsed();
        let credentials = self.account.as_ref().map(Account::credentials);
        loop {
            let step = self.inner.prepare(credentials.as_ref(), method, uri, now, &mut self.header);
            let needed = match step {
                Ok(login::Step::Plain) => return Ok(Step::Plain),
                Ok(login::Step::Probe) => return Ok(Step::Probe),
                Ok(login::Step::Authorized(value)) => return authorized(value),
                Err(Denial::Unwritable(LoginError::TooSmall(error))) => error.needed,
                Err(denial) => return Err(denial.into()),
            };
            self.header.resize(needed, 0);
        }
    }

    /// The request with [`Step::Authorized`] was let in.
    pub(crate) fn accepted(&mut self) {
        self.inner.accepted();
    }

    /// A request without credentials was let in.
    pub(crate) fn open(&mut self) {
        self.inner.open();
    }

    /// A request without credentials was answered with these challenges.
    pub(crate) fn challenged(&mut self, challenges: &[&str]) -> Result<(), Error> {
        self.tell(|login, credentials, entropy, now| {
            login.challenged(challenges.iter().copied(), credentials, entropy, now)
        })
    }

    /// A request with credentials was answered with 401 and these challenges. Unless it is an error, what
    /// [`prepare`](Self::prepare) says next is worth a try.
    pub(crate) fn refused(&mut self, challenges: &[&str]) -> Result<(), Error> {
        self.tell(|login, credentials, entropy, now| {
            login.refused(challenges.iter().copied(), credentials, entropy, now)
        })
    }

    /// The credentials are wrong.
    pub(crate) fn give_up(&mut self) -> Error {
        self.inner.give_up().into()
    }

    /// Tells the login something, again with more memory where it needs that.
    fn tell(
        &mut self,
        told: impl Fn(&mut Inner, Option<&Credentials<'_>>, u64, Duration) -> Result<(), Denial>,
    ) -> Result<(), Error> {
        let credentials = self.account.as_ref().map(Account::credentials);
        // The keys of the standard library's hash maps are random.
        let entropy = RandomState::new().hash_one(0);
        let now = self.began.elapsed();
        loop {
            match told(&mut self.inner, credentials.as_ref(), entropy, now) {
                Err(Denial::TooSmall(error)) => self.inner.buffer_mut().resize(error.needed, 0),
                outcome => return outcome.map_err(Into::into),
            }
        }
    }
}

/// The step with a header value, which nothing shows.
fn authorized(value: &str) -> Result<Step, Error> {
    let mut value = HeaderValue::from_str(value).map_err(|error| Error::Unwritable(Box::new(error)))?;
    value.set_sensitive(true);
    Ok(Step::Authorized(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(username: &str) -> Login {
        let account = Account { username: username.to_owned(), password: "hunter2".to_owned() };
        Login::new(Some(account), false)
    }

    fn digest(nonce: &str) -> String {
        format!(r#"Digest realm="r", nonce="{nonce}", qop="auth""#)
    }

    fn header(login: &mut Login, uri: &str) -> HeaderValue {
        let Ok(Step::Authorized(header)) = login.prepare("GET", uri) else { panic!("no login") };
        header
    }

    #[test]
    fn buffers_grow_as_they_need_and_nothing_is_forgotten_for_that() {
        let mut login = login("u");
        for (count, length) in (0..).zip([1, 1000, 100_000]) {
            let nonce = "n".repeat(length);
            let value = digest(&nonce);
            if count == 0 {
                login.challenged(&[&value]).unwrap();
            } else {
                login.refused(&[&value]).unwrap();
            }
            let uri = "/".repeat(length);
            let header = header(&mut login, &uri);
            let header = header.to_str().unwrap();
            assert!(header.contains(&format!(r#"nonce="{nonce}", uri="{uri}""#)), "{header}");
            assert!(header.contains("nc=00000001"), "{header}");
            login.accepted();
        }
    }

    #[test]
    fn each_challenge_has_another_client_nonce() {
        let mut login = login("u");
        let mut client_nonces = std::collections::BTreeSet::new();
        for count in 0..20 {
            login.set_account(login.account.clone());
            login.challenged(&[&digest(&format!("n{count}"))]).unwrap();
            let header = header(&mut login, "/");
            let (_, client_nonce) = header.to_str().unwrap().split_once("cnonce=").unwrap();
            client_nonces.insert(client_nonce.to_owned());
        }
        assert_eq!(client_nonces.len(), 20);
    }

    #[test]
    fn the_login_is_not_shown() {
        let mut login = login("u");
        login.challenged(&[&digest("n")]).unwrap();
        assert_eq!(format!("{:?}", header(&mut login, "/")), "Sensitive");
        let mut nobody = self::login("u\n");
        let error = nobody.challenged(&[&digest("n")]).unwrap_err();
        assert!(matches!(error, Error::Credentials(LoginError::Control { field: "username" })));
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }
}

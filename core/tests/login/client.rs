//! A client that makes calls with a session, over connections that may break anywhere.

use std::time::Duration;

use sms_gateway_core::{
    call::{AnyCall, QuerySmsInQueue},
    client::{Broken, Cause, Due, Failure, Loss, Next, ResponseHead, Session},
    http::Credentials,
};

use super::server::{Reply, Request, Server, USERNAME};

/// The maximum number of exchanges of a call that may not be repeated, according to the documentation of the session.
const MAX_EXCHANGES: u32 = 12;

const PROBE: (&str, &str) = ("GET", "/api/query_sms_in_queue");
const CALL: (&str, &str) = ("POST", "/api/send_sms");

/// The fate of one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Complete,
    /// No byte of the request was written to a kept connection.
    Unsent,
    /// The connection broke before the gateway received the request.
    RequestLost,
    /// The gateway received the request, and its response was lost.
    ResponseLost,
}

pub(crate) struct Client {
    session: Session<Vec<u8>>,
    pub(crate) password: &'static str,
    pub(crate) now: Duration,
    /// The number of refusals received since this password was set.
    pub(crate) refusals: u32,
    entropy: u64,
}

impl Client {
    pub(crate) fn new(password: &'static str) -> Self {
        let session = Session::new(vec![0; 128], Vec::new());
        Self { session, password, now: Duration::from_secs(1), refusals: 0, entropy: 0 }
    }

    pub(crate) fn set_password(&mut self, password: &'static str) {
        (self.password, self.refusals) = (password, 0);
        self.session.reset_login();
    }

    /// Makes a call up to the head of its response. Returns its outcome and the number of its exchanges.
    pub(crate) fn call(
        &mut self,
        server: &mut Server,
        mut fates: impl FnMut() -> Fate,
    ) -> (Result<(), Failure>, u32) {
        self.session.begin(AnyCall::from(&QuerySmsInQueue).spec(), false);
        let mut exchanges = 0;
        loop {
            let (method, target) = CALL;
            let mut out = [0; 512];
            let credentials = Credentials::new(USERNAME, self.password);
            let due = self.session.authorize(Some(&credentials), method, target, self.now, &mut out);
            let (line, authorization) = match due {
                Ok(Due::Probe) => (PROBE, None),
                Ok(Due::Call(authorization)) => (CALL, authorization.map(str::to_owned)),
                Err(failure) => return (Err(failure), exchanges),
            };
            let next = loop {
                exchanges += 1;
                assert!(exchanges <= MAX_EXCHANGES, "a call ends after {MAX_EXCHANGES} exchanges");
                let request = Request {
                    method: line.0,
                    target: line.1,
                    authorization: authorization.as_deref(),
                    client_password: self.password,
                };
                match self.exchange(server, request, fates()) {
                    Ok(Next::Resend) => {}
                    next => break next,
                }
            };
            match next {
                Ok(Next::Read) => return (Ok(()), exchanges),
                Ok(_) => {}
                Err(failure) => return (Err(failure), exchanges),
            }
        }
    }

    fn exchange(&mut self, server: &mut Server, request: Request<'_>, fate: Fate) -> Result<Next, Failure> {
        let broken = |loss| Broken { loss, cause: Cause::Transport };
        match fate {
            Fate::Unsent => return self.session.lost(broken(Loss::Unsent { kept: true })),
            Fate::RequestLost => return self.session.lost(broken(Loss::Lost)),
            Fate::Complete | Fate::ResponseLost => {}
        }
        let reply = server.receive(request, self.now);
        if fate == Fate::ResponseLost {
            return self.session.lost(broken(Loss::Stale));
        }
        let (status, challenge) = match &reply {
            Reply::Admitted => (200, None),
            Reply::Unauthorized(challenge) | Reply::Refused(challenge) => (401, Some(challenge.as_str())),
        };
        self.refusals += u32::from(matches!(reply, Reply::Refused(_)));
        self.entropy += 1;
        let (entropy, credentials) = (self.entropy, Credentials::new(USERNAME, self.password));
        let head = ResponseHead { status, has_location: false };
        self.session.responded(head, Ok(challenge.into_iter()), Some(&credentials), || entropy, self.now)
    }
}

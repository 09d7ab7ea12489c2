//! Turns a request into its response: checks redirects and the login, and carries out the call, in this order.

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

use crate::{
    call::Call,
    canned::Canned,
    closing::{Closed, Closing},
    device::{Device, Restart},
    json::{Answer, Writer},
    log::{Counts, Log, RequestSeen},
    login::{Caller, Login, Refusal, Verdict},
    options::{LockedOut, Options},
    quirks::Redirect,
    refusals::Refused,
    replay::Replay,
    reply::{End, Framing, Outcome, Reply},
    request::Request,
    rng::Rng,
};

/// The whole state of a gateway.
pub(crate) struct World {
    pub(crate) login: Login,
    pub(crate) device: Device,
    pub(crate) canned: HashMap<String, VecDeque<Canned>>,
    pub(crate) counts: Counts,
    pub(crate) log: Log,
    locked_out: LockedOut,
    closing: Closing,
    replay: Option<Replay>,
    rng: Rng,
}

/// The result of a request, for the connection and for the log.
struct Answered {
    status: Option<u16>,
    error_code: Option<u16>,
    outcome: Outcome,
}

impl Answered {
    fn cut(self, place: Closed, closing: &mut Closing) -> Self {
        Self {
            status: self.status.filter(|_| place != Closed::BeforeAnswer),
            outcome: closing.cut(place, self.outcome),
            ..self
        }
    }
}

/// The decision whether a request is carried out.
enum Door {
    Open,
    TurnedAway(Reply),
    /// The connection closes without a response.
    Shut,
}

impl World {
    pub(crate) fn new(options: &Options, now: Instant) -> Self {
        let mut rng = Rng::new(options.seed);
        let fates = Rng::new(rng.next());
        Self {
            login: Login::new(options.clone(), &mut rng),
            device: Device::new(options, fates, now),
            canned: HashMap::new(),
            counts: Counts::default(),
            log: Log::default(),
            locked_out: options.locked_out,
            closing: Closing::new(options),
            replay: options.replay.clone(),
            rng,
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let outbox = &self.device.outbox;
        let segments_sent = self.device.ports.iter().map(|port| port.segments_sent).collect();
        let lock_outs = self.login.lock_outs;
        Counts { lock_outs, accepted: outbox.accepted(), segments_sent, ..self.counts.clone() }
    }

    pub(crate) fn restart(&mut self, how: Restart) {
        self.device.restart(how);
        self.login.restart();
    }

    pub(crate) fn handle(&mut self, request: &Request, now: Instant) -> Outcome {
        self.device.advance(now);
        let closed = self.closing.draw();
        let answered = match closed {
            None => self.answer(request, now),
            Some(Closed::BeforeAll) => unanswered(),
            Some(place) => self.answer(request, now).cut(place, &mut self.closing),
        };
        self.device.dispatch();
        self.counts.requests += 1;
        self.log.add(RequestSeen {
            serial: self.counts.requests,
            connection: request.connection,
            method: request.method.clone(),
            uri: request.uri.clone(),
            authorization: request.authorization.is_some(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
            status: answered.status,
            error_code: answered.error_code,
            closed,
        });
        answered.outcome
    }

    fn answer(&mut self, request: &Request, now: Instant) -> Answered {
        if let Some(replay) = &mut self.replay {
            let (status, outcome) = replay.answer(request);
            return Answered { status, error_code: None, outcome };
        }
        match self.stop_at_the_door(request, now) {
            Door::Open => self.serve(request),
            Door::TurnedAway(reply) => self.answered(reply, request),
            Door::Shut => unanswered(),
        }
    }

    /// Applies redirects, the quirk `empty_post_closes`, the login and lock-outs.
    fn stop_at_the_door(&mut self, request: &Request, now: Instant) -> Door {
        if let Some(reply) = self.redirect(request) {
            return Door::TurnedAway(reply);
        }
        if self.device.quirks.empty_post_closes && request.method == "POST" && request.body.is_empty() {
            return Door::Shut;
        }
        let caller = Caller {
            address: request.address,
            method: &request.method,
            uri: &request.uri,
            authorization: request.authorization.as_deref(),
        };
        let distrusted = self.device.quirks.raw_comma_refused && request.path_and_query().1.contains(',');
        match self.login.judge(&caller, distrusted, now) {
            Verdict::Welcome => Door::Open,
            Verdict::Refused(refusal) => Door::TurnedAway(self.refuse(refusal, now)),
            Verdict::LockedOut => {
                self.counts.turned_away += 1;
                match self.locked_out {
                    LockedOut::Forbidden => {
                        Door::TurnedAway(Reply::new(403, "text/html", "forbid to try again"))
                    }
                    LockedOut::ForbiddenPage => Door::TurnedAway(Reply::page(403)),
                    LockedOut::Dropped => Door::Shut,
                }
            }
        }
    }

    fn redirect(&self, request: &Request) -> Option<Reply> {
        let place = match self.device.quirks.redirect {
            Redirect::None => return None,
            Redirect::Https => format!("https://{}{}", request.host, request.uri),
            Redirect::LoginPage => "/login.htm".to_owned(),
        };
        Some(Reply::page(302).with("Location", place))
    }

    fn refuse(&mut self, refusal: Refusal, now: Instant) -> Reply {
        match refusal {
            Refusal::Unknown => self.counts.challenged += 1,
            Refusal::Expired { unused } => {
                self.counts.expired += 1;
                self.counts.expired_unused += u64::from(unused);
            }
            Refusal::Wrong => self.counts.refused += 1,
        }
        let ragged = self.device.quirks.ragged_challenge;
        let challenge = self.login.challenge(refusal, ragged, &mut self.rng, now);
        let mut reply = Reply::page(401).with("WWW-Authenticate", challenge);
        if ragged {
            reply.framing = Framing::UntilClose;
            reply.close = true;
        }
        reply
    }

    /// Carries out a request whose login is accepted.
    fn serve(&mut self, request: &Request) -> Answered {
        let (path, query) = request.path_and_query();
        let Some(call) = Call::find(path) else { return self.answered(Reply::page(404), request) };
        if !call.accepts(&request.method, &self.device.quirks) {
            return self.answered(Reply::page(405).with("Allow", call.method()), request);
        }
        let canned = self.canned.get_mut(call.name).and_then(VecDeque::pop_front);
        if let Some(canned) = canned.as_ref().filter(|canned| !canned.is_carried_out()) {
            return exactly(canned.clone(), None, None);
        }
        let answer = match self.device.quirks.refusals.judge(call.name, &request.body) {
            Some(Refused::Http(status)) => return self.answered(refusal_page(status), request),
            Some(Refused::Code(code)) => Answer::code(code),
            None => call.run(&mut self.device, query, &request.body),
        };
        self.counts.carried_out(call.name);
        let error_code = Some(answer.error_code);
        let body = Writer(&self.device.quirks).answer(&answer);
        let reply = self.flawed(Reply::new(200, "application/json", body), request);
        match canned {
            Some(canned) => exactly(canned, Some(&reply), error_code),
            None => Answered { status: Some(reply.status), error_code, outcome: reply.outcome() },
        }
    }

    fn answered(&self, reply: Reply, request: &Request) -> Answered {
        let reply = self.flawed(reply, request);
        Answered { status: Some(reply.status), error_code: None, outcome: reply.outcome() }
    }

    /// Applies the HTTP quirks that are switched on.
    fn flawed(&self, mut reply: Reply, request: &Request) -> Reply {
        let quirks = &self.device.quirks;
        let good = reply.status == 200;
        if quirks.data_follows && good {
            reply.reason = Some("Data follows");
        }
        if quirks.no_content_type && good {
            reply.headers.retain(|(name, _)| *name != "Content-Type");
        }
        if reply.framing == Framing::Length && quirks.chunked && !quirks.http_1_0 {
            reply.framing = Framing::Chunked;
        }
        if quirks.until_close {
            reply.framing = Framing::UntilClose;
        }
        reply.http_1_0 = quirks.http_1_0;
        reply.close |= request.last;
        if quirks.close_after > 0 && request.answered + 1 >= quirks.close_after {
            reply.close = true;
            reply.announced = !quirks.close_unannounced;
        }
        reply
    }
}

/// Returns a page that refuses a request. With status 413 the connection closes, because the web server does not read the rest of a
/// request that is too long.
fn refusal_page(status: u16) -> Reply {
    let mut page = Reply::page(status);
    page.close = status == 413;
    page
}

fn unanswered() -> Answered {
    Answered { status: None, error_code: None, outcome: Outcome::Exact(Vec::new(), End::Close) }
}

fn exactly(canned: Canned, truth: Option<&Reply>, error_code: Option<u16>) -> Answered {
    let status = canned.status(truth);
    Answered { status, error_code, outcome: canned.outcome(truth) }
}

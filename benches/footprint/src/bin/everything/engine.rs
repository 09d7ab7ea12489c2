//! The engine that the adapters drive.

use core::{hint::black_box, time::Duration};

use sms_gateway_core::{
    UserId,
    call::{AnyCall, CommaEncoding, QuerySmsInQueue, QueryUssdReply, Recipient},
    client::{
        Broken, Cause, Driver, InFlight, Loss, Read, ResponseHead, Session, Site, Step, Taken, Timeouts,
        UssdPolls, UssdReplies, UssdWait, Wait, Wire, WireEvent, send_sms,
    },
    http::Credentials,
    json::Text,
    track::{PendingReport, Settings, Slot, Tracker},
};

use crate::{Given, show};

type Lent<'m> = Session<&'m mut [u8]>;

/// Takes every step of a driver, in an arbitrary order.
pub(crate) fn driven(given: &mut Given<'_>) {
    let (mut challenge, mut record) = ([0; 64], [0; 64]);
    let (challenge, record) = black_box((&mut challenge[..], &mut record[..]));
    let mut session = Session::new(challenge, record);
    session.allow_basic(black_box(true));
    session.set_timeouts(black_box(Timeouts::new()));
    let (mut slots, mut early) = ([Slot::EMPTY; 4], [PendingReport::EMPTY; 4]);
    let (slots, early) = black_box((&mut slots[..], &mut early[..]));
    let now = black_box(Duration::ZERO);
    let mut driver = Driver::new(Tracker::new(slots, early, black_box(Settings::default()), now));
    black_box(driver.restore(given.bytes).map_err(show).ok());
    black_box((driver.start(now).map_err(show).ok(), driver.skipped_records()));
    while black_box(true) {
        driver.set_inbox_room(black_box(true));
        driver.credentials_changed(now);
        session.reset_login();
        match driver.step(now) {
            Step::Wait(until) => _ = black_box(until),
            Step::Exchange(in_flight) => _ = performed(&mut driver, &mut session, in_flight, given),
        }
        black_box((driver.health(), driver.tracker().room()));
    }
    waited(given);
}

fn performed(
    driver: &mut Driver<'_>,
    session: &mut Lent<'_>,
    in_flight: InFlight,
    given: &mut Given<'_>,
) -> Option<()> {
    let now = black_box(Duration::ZERO);
    if let Some(question) = driver.question(&in_flight) {
        exchanged(session, question.call(), given);
    }
    for outgoing in driver.submission(&in_flight).into_iter().flatten() {
        let to = [Recipient::new(outgoing.number()).user_id(outgoing.id)];
        let ports = given.text.parse().ok()?;
        let call = send_sms(&to, ports, black_box(None), black_box(true)).map_err(show).ok()?;
        exchanged(session, AnyCall::from(&call), given);
    }
    session.limit_bytes(driver.response_bytes());
    match driver.take(&in_flight, session, now) {
        Taken::Incoming { mark, sms } => _ = black_box((mark, sms)),
        other => _ = black_box(other),
    }
    let missing = UserId::new(given.number).ok();
    match black_box(0) {
        0 => _ = black_box(driver.finish(in_flight, session, Ok(()), now)),
        1 => driver.texts_missing(in_flight, missing, now),
        2 => driver.abandon(in_flight, now),
        _ => {
            let failure =
                session.lost(black_box(Broken { loss: Loss::Lost, cause: Cause::Transport })).err()?;
            black_box((driver.fail(in_flight, failure, now), failure.may_pass(), failure.may_have_arrived()));
        }
    }
    Some(())
}

/// Takes every step of an exchange, in an arbitrary order.
fn exchanged(session: &mut Lent<'_>, call: AnyCall<'_>, given: &mut Given<'_>) {
    let (mut values, mut bytes) = ([0; 64], [0; 64]);
    let mut wire = Wire::new(black_box(&mut values[..]), black_box(&mut bytes[..]));
    let now = black_box(Duration::ZERO);
    let credentials = Credentials::new(given.text, given.text);
    let site =
        Site { host: given.text, commas: black_box(CommaEncoding::Raw), credentials: Some(credentials) };
    session.begin(call.spec(), call.is_repeatable());
    while black_box(true) {
        black_box(session.write(call, &site, now, wire.scratch(), given.buffer).map_err(show).ok());
        wire.begin();
        black_box((wire.space().len(), wire.is_silent(), wire.may_drain(), wire.is_reusable()));
        black_box(wire.received(black_box(1)).map_err(show).ok());
        match wire.parse().map_err(show) {
            Ok(WireEvent::Head(head)) => responded(session, &wire, head, &site),
            Ok(other) => _ = black_box(other),
            Err(()) => show(session.body_lost(black_box(Cause::Transport))),
        }
        black_box(session.lost(black_box(Broken { loss: Loss::Stale, cause: Cause::Transport })).ok());
        let mut input = wire.body();
        let read = session.read(&mut input).map_err(show);
        if read == Ok(Read::Record) {
            black_box(session.record::<QueryUssdReply>());
        }
        wire.consume(black_box(1));
        black_box(session.body_ended().map_err(show).ok());
        black_box(session.summary::<QuerySmsInQueue>());
        let _ = black_box(session.wait_limit(black_box(Wait::Body)));
        session.waited(now);
    }
}

fn responded(session: &mut Lent<'_>, wire: &Wire<&mut [u8]>, head: ResponseHead, site: &Site<'_>) {
    let (entropy, now) = (|| black_box(1), black_box(Duration::ZERO));
    let credentials = site.credentials.as_ref();
    black_box(session.responded(head, wire.challenges(), credentials, entropy, now).map_err(show).ok());
    black_box(wire.location().map_err(show).ok());
}

/// Uses the waits for a USSD reply.
fn waited(given: &Given<'_>) {
    let now = black_box(Duration::ZERO);
    let polls = UssdPolls::new(black_box(UssdWait::default()), now);
    black_box(polls.next(now));
    let mut replies = UssdReplies::new(black_box(Text::Exact(given.text)));
    black_box((replies.take(Text::Lossy(given.text)), replies.is_unchanged()));
}

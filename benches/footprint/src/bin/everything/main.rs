//! Calls everything in the core. The program is only linked, never run. If a panic can be reached, the linked program
//! contains its symbol.
#![no_std]
#![no_main]

mod engine;

use core::{
    fmt::{self, Display, Write},
    hint::black_box,
    time::Duration,
};

use sms_gateway_core::{
    Number, Port, Ports, TaskId, Timestamp, UserId,
    call::{
        Call, CommaEncoding, Decoder, Flag, GetPortInfo, InfoSet, QueryIncomingSms, QuerySmsDeliverStatus,
        QuerySmsInQueue, QuerySmsResult, QueryUssdReply, Recipient, SendSms, SendUssd, StopSms,
    },
    http::{
        Credentials, Head, Part, Response, Scheme, Verdict, basic, challenge, digest, login::Login, request,
    },
    text::{Encoding, Template, gsm7, shape},
    track::{Ask, Draft, Event, PendingReport, Settings, Slot, Tracker},
};

/// Values that are opaque to the optimiser.
struct Given<'a> {
    text: &'a str,
    texts: &'a [&'a str],
    bytes: &'a [u8],
    number: i64,
    buffer: &'a mut [u8],
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut buffer = [0; 64];
    let mut given = Given { text: "", texts: &[""], bytes: &[], number: 0, buffer: &mut buffer };
    let given = black_box(&mut given);
    black_box(values(given));
    black_box(texts(given));
    black_box(login(given));
    logged_in(given);
    black_box(requests(given));
    exchanged(given);
    shown(given);
    tracked(given);
    engine::driven(given);
    #[cfg(feature = "wrong")]
    black_box(given.bytes[given.texts.len()]);
    footprint::end(true);
}

struct Sink;

impl Write for Sink {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        black_box(text);
        Ok(())
    }
}

fn show<T: Display>(shown: T) {
    let _ = write!(Sink, "{shown}");
}

fn values(given: &Given<'_>) -> Option<()> {
    let text = given.text;
    let small = black_box(given.number.to_le_bytes()[0]);
    black_box(Timestamp::new(small.into(), small, small, small, small, small).map_err(show).ok());
    show(black_box(text.parse::<Timestamp>()).map_err(show).ok()?);
    show(black_box(text.parse::<Port>()).map_err(show).ok()?);
    black_box(text.parse::<Ports>().map_err(show).ok()?);
    show(Number::new(text).map_err(show).ok()?);
    show(UserId::new(given.number).map_err(show).ok()?);
    show(TaskId::new(given.number));
    Some(())
}

fn texts(given: &mut Given<'_>) -> Option<()> {
    let template = Template::new(given.text);
    let message = template.expand(given.texts).map_err(show).ok()?;
    show(message);
    for encoding in [Encoding::Auto, Encoding::Gsm7Bit, Encoding::Unicode] {
        black_box(message.shape(encoding).map_err(show).ok());
        black_box(shape(given.text.chars(), encoding).map_err(show).ok());
    }
    black_box((message.len(), template.placeholders(), gsm7::fits(given.text)));
    black_box(message.write(given.buffer).map_err(show).ok());
    Some(())
}

fn login(given: &mut Given<'_>) -> Option<()> {
    let credentials = Credentials::new(given.text, given.text);
    black_box(basic::authorization(&credentials, given.buffer).map_err(show).ok());
    for found in challenge::parse(given.text) {
        black_box(found.map_err(show).ok());
    }
    match challenge::best(given.texts.iter().copied()).map_err(show).ok()? {
        Scheme::Basic { realm } => show(realm),
        Scheme::Digest(read) => {
            black_box(read.write(given.buffer).map_err(show).ok());
            let nc = black_box(1);
            let text = given.text;
            let header = digest::authorization(&read, &credentials, text, text, nc, text, given.buffer);
            black_box(header.map_err(show).ok());
            let prepared = digest::Prepared::new(&read, &credentials, text, &mut *given.buffer);
            let prepared = prepared.map_err(show).ok()?;
            show(prepared.nonce());
            let mut header = [0; 64];
            let header = prepared.authorization(text, text, nc, black_box(&mut header[..]));
            black_box(header.map_err(show).ok());
            black_box(prepared.into_buffer());
        }
    }
    Some(())
}

/// Takes every step of a login, in an arbitrary order.
fn logged_in(given: &mut Given<'_>) {
    let mut kept = [0; 64];
    let mut login = Login::new(black_box(&mut kept[..]));
    login.allow_basic(black_box(true));
    black_box(login.buffer_mut());
    let (now, entropy) = (black_box(Duration::ZERO), black_box(1));
    let credentials = Credentials::new(given.text, given.text);
    while black_box(true) {
        let step = login.prepare(Some(&credentials), given.text, given.text, now, given.buffer);
        black_box(step.map_err(show).is_ok());
        let challenges = given.texts.iter().copied();
        let result = match black_box(0) {
            0 => {
                login.accepted();
                Ok(())
            }
            1 => {
                login.open();
                Ok(())
            }
            2 => login.challenged(challenge::best(challenges), Some(&credentials), entropy, now),
            3 => login.refused(challenge::best(challenges), Some(&credentials), entropy, now),
            4 => Err(login.give_up()),
            _ => {
                login.reset();
                Ok(())
            }
        };
        black_box(result.map_err(show).is_ok());
    }
}

fn requests(given: &mut Given<'_>) -> Option<()> {
    let text = given.text;
    let ports: Ports = text.parse().ok()?;
    let numbers = [Number::new(text).ok()?];
    let ids = [UserId::new(given.number).ok()?];
    let time: Timestamp = text.parse().ok()?;
    let recipients = [Recipient::new(numbers[0]).params(given.texts).user_id(ids[0])];
    let message = SendSms::new(text, &recipients).map_err(show).ok()?.ports(ports).status_report(true);
    call(&message.encoding(Encoding::Auto).map_err(show).ok()?, given);
    call(&QuerySmsResult::new().numbers(&numbers).ok()?.ports(ports).after(time).user_ids(&ids), given);
    call(&QuerySmsDeliverStatus::new().numbers(&numbers).ok()?.ports(ports).before(time), given);
    call(&QuerySmsInQueue, given);
    call(&QueryIncomingSms::new(Flag::All).after(given.number).ports(ports), given);
    call(&SendUssd::send(ports, text).map_err(show).ok()?, given);
    call(&SendUssd::cancel(ports, text).map_err(show).ok()?, given);
    call(&QueryUssdReply::new(ports).map_err(show).ok()?, given);
    call(&StopSms::new(TaskId::new(given.number)), given);
    call(&GetPortInfo::new(InfoSet::DOCUMENTED).ok()?.ports(ports), given);
    Some(())
}

/// Writes the call's target, its body and the whole request, and reads a response.
fn call<C: Call>(call: &C, given: &mut Given<'_>) {
    black_box(call.target(CommaEncoding::Encoded, given.buffer).map_err(show).ok());
    black_box(call.body(given.buffer).map_err(show).ok());
    let head = Head { host: given.text, authorization: Some(given.text), ..Head::default() };
    black_box(request(call, &head, given.buffer).map_err(show).ok());

    let mut decoder = Decoder::<C, _>::new(&mut *given.buffer);
    let mut input = given.bytes;
    while let Ok(Some(record)) = black_box(decoder.next(&mut input).map_err(show)) {
        black_box(record);
    }
    if let Ok(summary) = decoder.finish().map_err(show) {
        black_box(C::check(&summary).map_err(show).ok());
    }
}

/// Reads a response's head, and passes its body to a decoder.
fn exchanged(given: &mut Given<'_>) {
    let mut buffer = [0; 64];
    let mut response = Response::new(black_box(&mut buffer[..]));
    let mut decoder = Decoder::<QuerySmsInQueue, _>::new(&mut *given.buffer);
    let mut input = given.bytes;
    while let Ok(Some(part)) = response.next(&mut input).map_err(show) {
        match part {
            Part::Head { status } => _ = black_box((status, response.status(), response.remaining())),
            Part::Body(mut piece) => _ = black_box(decoder.next(&mut piece).is_ok()),
            Part::End => _ = black_box(response.is_complete()),
        }
    }
    let _ = black_box(response.closed().map_err(show));
    if let Ok(challenges) = response.challenges().map_err(show) {
        black_box(challenge::best(challenges).is_ok());
    }
    black_box(response.location().map_err(show).ok());
    if let Verdict::Close(reason) = response.verdict() {
        show(reason);
    }
}

/// Formats records, except their 64-bit integers: the standard library formats those with a bounds check.
fn shown(given: &mut Given<'_>) {
    let mut input = given.bytes;
    let mut decoder = Decoder::<QuerySmsResult, _>::new(&mut *given.buffer);
    if let Ok(Some(record)) = decoder.next(&mut input) {
        show(record.port);
        show(record.number);
        show(record.time);
        show(record.status);
    }
    let mut decoder = Decoder::<SendUssd, _>::new(&mut *given.buffer);
    if let Ok(Some(record)) = decoder.next(&mut input) {
        show(record.status);
    }
    let mut decoder = Decoder::<GetPortInfo, _>::new(&mut *given.buffer);
    if let Ok(Some(record)) = decoder.next(&mut input) {
        show(record.kind);
        show(record.reg);
        black_box(record.is_registered());
    }
    let mut decoder = Decoder::<QuerySmsDeliverStatus, _>::new(&mut *given.buffer);
    if let Ok(Some(record)) = decoder.next(&mut input) {
        black_box(record.delivery().map(show));
    }
}

/// Takes every step of a tracker, in an arbitrary order.
fn tracked(given: &mut Given<'_>) -> Option<()> {
    let (mut slots, mut early) = ([Slot::EMPTY; 4], [PendingReport::EMPTY; 4]);
    let (slots, early) = black_box((&mut slots[..], &mut early[..]));
    let now = black_box(Duration::ZERO);
    let mut tracker = Tracker::new(slots, early, black_box(Settings::default()), now);
    black_box(tracker.restore(given.bytes).map_err(show).ok());
    tracker.start(now);
    let number = Number::new(given.text).ok()?;
    let draft = Draft::new(number).ports(given.text.parse().ok()?).status_report(true).resend(true);
    let id = black_box(tracker.add(&draft, now).map_err(show).ok()?);
    black_box((tracker.message(id), tracker.room(), tracker.stop(id, now)));
    black_box(tracker.stop_task(TaskId::new(given.number), now));
    while black_box(true) {
        let ask = tracker.step(now);
        while let Some(change) = tracker.next_change() {
            black_box((change.key(), change.message(), change.record()));
        }
        while let Some(event) = tracker.next_event() {
            if let Event::Update(message) = event {
                tracker.acknowledge(message.id, message.revision);
            }
            black_box(event);
        }
        respond(&mut tracker, ask, given, now);
    }
    Some(())
}

fn respond(tracker: &mut Tracker<'_>, ask: Ask, given: &mut Given<'_>, now: Duration) {
    let mut input = given.bytes;
    match ask {
        Ask::Wait(until) => _ = black_box(until),
        Ask::Submit(token) => {
            if let Ok(submission) = tracker.submission(&token).map_err(show) {
                for outgoing in submission.into_iter().flatten() {
                    show(outgoing.number());
                }
            }
            match black_box(0) {
                0 => tracker.handle_accepted(token, Some(TaskId::new(given.number)), now),
                1 => tracker.handle_refused(token, black_box(400), now),
                2 => tracker.handle_unclear(token, now),
                _ => tracker.handle_not_sent(token, now),
            }
        }
        Ask::Results(token) => {
            if let Some(request) = tracker.results_request(&token) {
                call(&request, given);
            }
            let mut decoder = Decoder::<QuerySmsResult, _>::new(&mut *given.buffer);
            while let Ok(Some(result)) = decoder.next(&mut input) {
                tracker.handle_result(&token, &result, now);
            }
            tracker.handle_end(token, now);
        }
        Ask::Reports(token) => {
            if let Some(request) = tracker.reports_request(&token) {
                call(&request, given);
            }
            let mut decoder = Decoder::<QuerySmsDeliverStatus, _>::new(&mut *given.buffer);
            while let Ok(Some(report)) = decoder.next(&mut input) {
                let _ = black_box(tracker.handle_report(&token, &report, now));
            }
            tracker.handle_lost(token, now);
        }
        Ask::Queue(token) => tracker.handle_queue(token, black_box(None), now),
        Ask::Incoming(token) => {
            if let Some(request) = tracker.incoming_request(&token) {
                call(&request, given);
            }
            let mut decoder = Decoder::<QueryIncomingSms, _>::new(&mut *given.buffer);
            while let Ok(Some(sms)) = decoder.next(&mut input) {
                if let Some(mark) = tracker.handle_incoming(&token, &sms, now) {
                    tracker.acknowledge_incoming(mark);
                }
            }
            tracker.handle_end(token, now);
        }
        Ask::Stop(token) => {
            if let Some(request) = tracker.stop_request(&token) {
                call(&request, given);
            }
            tracker.handle_stopped(token, black_box(true), now);
        }
    }
}

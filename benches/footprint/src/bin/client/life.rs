//! Messages that the tracker follows from `Tracker::add` to their end.

use core::{hint::black_box, time::Duration};

use cortex_m::singleton;
use footprint::{FIRST_BLOCK, Lent, MESSAGES, NUMBER, TEXT, print};
#[cfg(feature = "incoming-sms")]
use sms_gateway_core::call::QueryIncomingSms;
use sms_gateway_core::{
    Number, TaskId,
    call::{AnyCall, QuerySmsDeliverStatus, QuerySmsInQueue, QuerySmsResult, Recipient, SendSms},
    track::{Ask, Draft, Event, PendingReport, Settings, Slot, Token, Tracker},
};

use crate::exchange::{Client, Failed};

/// The maximum number of steps of the tracker.
const MAX_STEPS: u32 = 1000;
const EARLY: usize = MESSAGES / 2;

static SLOTS: Lent<[Slot; MESSAGES]> = Lent::new([Slot::EMPTY; MESSAGES]);
static PENDING: Lent<[PendingReport; EARLY]> = Lent::new([PendingReport::EMPTY; EARLY]);

/// Sends all messages, one with each request, and returns when all are delivered.
pub(crate) fn live(client: &mut Client<'_>) -> Result<(), Failed> {
    let tracker = tracker()?;
    follow(client, tracker)
}

/// Builds the tracker in a separate function, so that temporary copies leave the stack.
#[inline(never)]
fn tracker() -> Result<&'static mut Tracker<'static>, Failed> {
    let mut settings = Settings { first_block: FIRST_BLOCK, ..Settings::default() };
    settings.limits.recipients = 1;
    // The gateway has the reports before the first query for them. Such reports are assigned only with `exclusive`.
    settings.exclusive = true;
    settings.incoming = cfg!(feature = "incoming-sms");
    // The memory is initialised at run time. A constant initial value would take flash.
    let tracker = singleton!(: Tracker<'static> = Tracker::empty()).ok_or(Failed::Open)?;
    let (slots, early) = SLOTS.lend().zip(PENDING.lend()).ok_or(Failed::Open)?;
    tracker.begin(slots, early, &settings, Duration::ZERO);
    print("slots", size_of::<[Slot; MESSAGES]>());
    print("early", size_of::<[PendingReport; EARLY]>());
    print("tracker", size_of::<Tracker<'_>>());
    Ok(tracker)
}

#[inline(never)]
fn follow(client: &mut Client<'_>, tracker: &mut Tracker<'_>) -> Result<(), Failed> {
    #[cfg(feature = "records")]
    {
        let _ = black_box(tracker.restore(black_box(&[])));
        tracker.start(Duration::ZERO);
    }
    let mut now = Duration::ZERO;
    add(tracker)?;
    let mut delivered = 0;
    for _ in 0..MAX_STEPS {
        let ask = tracker.step(now);
        delivered += acknowledge(tracker);
        if delivered == MESSAGES {
            print("delivered", delivered);
            return Ok(());
        }
        match ask {
            Ask::Wait(until) => now = until.unwrap_or(now),
            Ask::Submit(token) => submit(client, tracker, token, now)?,
            Ask::Results(token) => {
                let request = tracker.results_request(&token).ok_or(Failed::Open)?;
                client.ask(AnyCall::from(&request))?;
                while client.advance()? {
                    if let Some(record) = client.session.record::<QuerySmsResult<'static>>() {
                        tracker.handle_result(&token, &record, now);
                    }
                }
                tracker.handle_end(token, now);
            }
            Ask::Reports(token) => {
                let request = tracker.reports_request(&token).ok_or(Failed::Open)?;
                client.ask(AnyCall::from(&request))?;
                while client.advance()? {
                    if let Some(record) = client.session.record::<QuerySmsDeliverStatus<'static>>() {
                        black_box(&tracker.handle_report(&token, &record, now));
                    }
                }
                tracker.handle_end(token, now);
            }
            Ask::Queue(token) => {
                let in_queue = client.call(&QuerySmsInQueue, |_| {})?.in_queue.get();
                tracker.handle_queue(token, in_queue, now);
            }
            #[cfg(feature = "incoming-sms")]
            Ask::Incoming(token) => receive(client, tracker, token, now)?,
            #[cfg(feature = "stop-sms")]
            Ask::Stop(token) => {
                let request = tracker.stop_request(&token).ok_or(Failed::Open)?;
                client.call(&request, |_| {})?;
                tracker.handle_stopped(token, true, now);
            }
            // With these settings, the tracker does not ask for other requests.
            #[allow(unreachable_patterns)]
            _ => {}
        }
    }
    Err(Failed::Open)
}

/// Adds all messages.
fn add(tracker: &mut Tracker<'_>) -> Result<(), Failed> {
    for _ in 0..MESSAGES {
        let draft = Draft::new(Number::new(black_box(NUMBER))?);
        black_box(tracker.add(&draft, Duration::ZERO).is_ok());
    }
    Ok(())
}

/// Saves the changes and acknowledges the updates. Returns the number of messages that reached their end.
fn acknowledge(tracker: &mut Tracker<'_>) -> usize {
    while let Some(change) = tracker.next_change() {
        black_box((change.key(), change.message()));
        #[cfg(feature = "records")]
        black_box(change.record());
    }
    let mut ended = 0;
    while let Some(event) = tracker.next_event() {
        if let Event::Update(message) = black_box(event) {
            ended += usize::from(message.is_final);
            tracker.acknowledge(message.id, message.revision);
        }
    }
    ended
}

#[cfg(feature = "incoming-sms")]
fn receive(
    client: &mut Client<'_>,
    tracker: &mut Tracker<'_>,
    token: Token<QueryIncomingSms>,
    now: Duration,
) -> Result<(), Failed> {
    let request = tracker.incoming_request(&token).ok_or(Failed::Open)?;
    client.ask(AnyCall::from(&request))?;
    while client.advance()? {
        if let Some(record) = client.session.record::<QueryIncomingSms>()
            && let Some(mark) = tracker.handle_incoming(&token, &record, now)
        {
            black_box(&record);
            tracker.acknowledge_incoming(mark);
        }
    }
    tracker.handle_end(token, now);
    Ok(())
}

#[inline(never)]
fn submit(
    client: &mut Client<'_>,
    tracker: &mut Tracker<'_>,
    token: Token<SendSms<'static>>,
    now: Duration,
) -> Result<(), Failed> {
    let submission = tracker.submission(&token).ok().flatten();
    let outgoing = submission.and_then(|mut submission| submission.next());
    let Some(outgoing) = outgoing else {
        tracker.handle_not_sent(token, now);
        return Ok(());
    };
    let to = [Recipient::new(outgoing.number()).user_id(outgoing.id)];
    let task = client.call(&SendSms::new(black_box(TEXT), &to)?, |_| {})?.task_id.get();
    tracker.handle_accepted(token, task.map(TaskId::new), now);
    Ok(())
}

//! `send --wait`.

use std::{
    collections::{BTreeMap, HashSet},
    io,
    sync::Arc,
    time::Duration,
};

use serde::Serialize;
use sms_client::{
    outcome::{cells, columns},
    table::Column,
};
use sms_gateway::{
    Error, Handle, Messenger, Sms,
    core::{
        UserId,
        call::Recipient,
        text::Template,
        track::{State, StopResult},
    },
    messenger::{Event, Events, Health},
};
use tokio::{task::JoinSet, time};

use super::verdict::{End, is_hopeless, judge, watch};
use crate::{
    args::{Connection, Send, Until},
    cells::count,
    connect,
    events::{Change, Happened},
    failure::{Exit, Failure, explain},
    following::{Followed, Listeners, Plan},
    interrupts::Interrupts,
    live::{Board, Live},
    output::Output,
};

/// Capacity for messages of earlier runs in the store.
const EARLIER: usize = 65_536;
/// Time between two updates of the terminal.
const FRAME: Duration = Duration::from_millis(200);

const UNKNOWN: &str =
    "interrupted twice; a request was under way, so that messages may have been accepted or not";

/// Sends messages, shows their progress, and checks their outcomes.
pub(super) async fn send(
    args: &Send,
    until: Until,
    connection: &Connection,
    recipients: &[Recipient<'_>],
    output: &mut Output,
) -> Result<(), Failure> {
    if args.store.is_none() && (args.urgent || args.key.is_some()) {
        return Err(Failure::usage("--urgent and --key need a store: --store FILE, or that of a profile"));
    }
    let messages = messages(args, until, recipients)?;
    let gateway = connect::gateway(connection)?;
    let plan = Plan {
        connection,
        store: args.store.as_deref(),
        interval: args.interval,
        metered: args.metered,
        exclusive: args.exclusive,
    };
    let capacity = messages.len() + if args.store.is_some() { EARLIER } else { 0 };
    let (messenger, earlier) = plan.start(gateway, output, |builder| builder.capacity(capacity)).await?;
    // Messages of earlier runs, which are followed too. A failure of this run must not cancel them.
    let earlier: HashSet<UserId> = earlier.iter().map(Handle::id).collect();
    let added = match args.key {
        Some(_) => add_in_turn(&messenger, messages).await,
        None => add_all(&messenger, messages).await,
    };
    let handles = match added {
        (handles, None) => handles,
        (mut handles, Some(failure)) => {
            handles.retain(|(_, handle)| !earlier.contains(&handle.id()));
            cancel_unsent(&handles).await?;
            let (stopped, submitted): (Vec<_>, Vec<_>) =
                handles.into_iter().partition(|(_, handle)| handle.current().state == State::Stopped);
            for (_, handle) in stopped {
                handle.acknowledge();
            }
            messenger.shutdown().await?;
            return Err(if submitted.is_empty() { failure } else { partly(&failure, submitted.len(), args) });
        }
    };
    let handles: Vec<Handle> = handles.into_iter().map(|(_, handle)| handle).collect();
    let mut interrupts = Interrupts::new()?;
    output.follow(&messenger);
    let board = Board {
        numbers: recipients.iter().map(|to| to.number.to_string()).collect(),
        messages: handles.iter().map(Handle::current).collect(),
        trouble: None,
    };
    let live = Live::new(args.timeout, output.is_json());
    let mut waiting = Waiting { args, board, live, output, written: Ok(()) };
    let mut listeners = Listeners::new(handles);
    let end = waiting.listen(&messenger, &mut listeners, &mut interrupts).await;
    let handles = listeners.stop().await;
    let done = interrupts.unless_again(waiting.conclude(end, messenger, handles)).await;
    done.unwrap_or_else(|| Err(Failure::new(Exit::Open, UNKNOWN)))
}

fn messages(args: &Send, until: Until, recipients: &[Recipient<'_>]) -> Result<Vec<Sms>, Failure> {
    let template = Template::new(args.text());
    let message = |(place, to): (usize, &Recipient<'_>)| {
        let text = template.expand(to.params).map_err(|error| Failure::usage(error.to_string()))?;
        let sms = Sms::new(to.number.as_str(), text.to_string())?.encoding(args.encoding)?;
        let sms = sms.ports(args.port.unwrap_or_default()).status_report(until == Until::Delivered);
        let reference = args.reference.as_deref().unwrap_or(to.number.as_str());
        let mut sms = sms.reference(reference).resend(args.resend).urgent(args.urgent);
        if let Some(limit) = args.valid_for {
            sms = sms.valid_for(limit);
        }
        Ok(match &args.key {
            Some(key) => sms.idempotency_key(&key_of(key, recipients, place)),
            None => sms,
        })
    };
    recipients.iter().enumerate().map(message).collect()
}

/// Returns the idempotency key of a recipient. It consists of the key of the command, the number, and the count of earlier recipients with
/// this number. The parts are separated by NUL, which no argument can contain. A repeated command may omit or add recipients, because
/// the index is not in the key.
fn key_of(key: &str, recipients: &[Recipient<'_>], place: usize) -> String {
    let number = recipients.get(place).map_or("", |to| to.number.as_str());
    let before = recipients.iter().take(place).filter(|to| to.number.as_str() == number).count();
    format!("{key}\0{number}\0{before}")
}

/// Describes a failure when some messages have already been submitted.
fn partly(failure: &Failure, submitted: usize, args: &Send) -> Failure {
    let count = count(submitted as u64, "message");
    let follow = watch(args).map_or_else(String::new, |command| format!("; follow with: {command}"));
    Failure::new(Exit::Open, format!("{failure}; {count} submitted before{follow}"))
}

/// The messages that were added, in order, and the error if one was not added.
type Added = (Vec<(usize, Handle)>, Option<Failure>);

/// Adds messages one after the other, and stops at the first error, such as a key that another message has. Later messages are not sent.
async fn add_in_turn(messenger: &Messenger, messages: Vec<Sms>) -> Added {
    let mut handles = Vec::new();
    for (place, sms) in messages.into_iter().enumerate() {
        match messenger.send(sms).await {
            Ok(handle) => handles.push((place, handle)),
            Err(error) => return (handles, Some(error.into())),
        }
    }
    (handles, None)
}

/// Adds all messages concurrently, because a store takes as long for many messages as for one.
async fn add_all(messenger: &Messenger, messages: Vec<Sms>) -> Added {
    let mut sending = JoinSet::new();
    for (place, sms) in messages.into_iter().enumerate() {
        let messenger = messenger.clone();
        sending.spawn(async move { messenger.send(sms).await.map(|handle| (place, handle)) });
    }
    let (mut handles, mut failure) = (BTreeMap::new(), None);
    while let Some(sent) = sending.join_next().await {
        match sent {
            Ok(Ok(sent)) => handles.extend([sent]),
            Ok(Err(error)) => failure = Some(error.into()),
            Err(error) => failure = Some(Failure::new(Exit::Output, error.to_string())),
        }
    }
    (handles.into_iter().collect(), failure)
}

struct Waiting<'a> {
    args: &'a Send,
    board: Board,
    live: Live,
    output: &'a mut Output,
    /// The result of writing the output. Messages are sent even if the output has no reader.
    written: io::Result<()>,
}

#[derive(Serialize)]
struct Summary {
    event: &'static str,
    messages: usize,
    /// Number of messages by state.
    #[serde(flatten)]
    states: BTreeMap<&'static str, usize>,
}

impl Waiting<'_> {
    /// Waits until all messages have ended, or something else ends the wait.
    async fn listen(
        &mut self,
        messenger: &Messenger,
        listeners: &mut Listeners,
        interrupts: &mut Interrupts,
    ) -> End {
        let mut limit = std::pin::pin!(time::sleep(self.args.timeout));
        let mut frames = time::interval(FRAME);
        let (mut health, mut events) = (messenger.health(), messenger.events());
        loop {
            tokio::select! {
                // An error of the gateway is shown before the updates that arrive after the gateway has recovered.
                biased;
                () = interrupts.next() => return End::Interrupted,
                Ok(()) = health.changed() => {
                    let now = health.borrow_and_update().clone();
                    if let Some(error) = self.look(&now) {
                        return End::Hopeless(error);
                    }
                }
                Some(event) = next_event(&mut events) => self.note(&event),
                () = &mut limit => return End::TimeUp,
                _ = frames.tick() => self.live.draw(&self.board),
                update = listeners.next() => match update {
                    Some((place, followed)) => self.update(place, &followed),
                    None if self.board.messages.iter().all(|message| message.is_final) => return End::Finished,
                    None => return End::Closed,
                },
            }
        }
    }

    fn update(&mut self, place: usize, followed: &Followed) {
        let Some((number, known)) = self.board.numbers.get(place).zip(self.board.messages.get_mut(place))
        else {
            return;
        };
        *known = followed.message;
        let reference = self.args.reference.as_deref();
        let change = Change::new(number, reference, &followed.message).imsi(followed.imsi.as_deref());
        let happened = Happened::Message(change);
        self.live.print(&happened);
        write(&mut self.written, self.output, &happened);
    }

    /// Shows an event if it explains why messages make no progress.
    fn note(&mut self, event: &Event) {
        if matches!(event, Event::UnknownStatus { .. }) {
            let happened = Happened::Library(event);
            self.live.print(&happened);
            write(&mut self.written, self.output, &happened);
        }
    }

    /// Shows the gateway's health. Returns an error that no retry can overcome.
    fn look(&mut self, health: &Health) -> Option<Arc<Error>> {
        let nothing_sent = self.board.messages.iter().all(|message| message.state == State::Unsent);
        if let Some(error) = health.error.as_ref().filter(|error| is_hopeless(error, nothing_sent)) {
            return Some(Arc::clone(error));
        }
        let trouble = health.error.as_deref().map(explain);
        if trouble != self.board.trouble {
            let happened = trouble.as_ref().map_or(Happened::Recovered, |error| Happened::Trouble { error });
            self.live.print(&happened);
            write(&mut self.written, self.output, &happened);
        }
        self.board.trouble = trouble;
        None
    }

    /// Shows the outcomes of the messages and ends the messenger.
    async fn conclude(
        mut self,
        end: End,
        messenger: Messenger,
        handles: Vec<(usize, Handle)>,
    ) -> Result<(), Failure> {
        self.live.clear();
        if matches!(end, End::Closed) {
            return Ok(messenger.shutdown().await?);
        }
        let is_kept = self.args.store.is_some();
        if !is_kept || matches!(end, End::Hopeless(_)) {
            cancel_unsent(&handles).await?;
        }
        // Without a store, the messenger must end before the outcomes are shown. With a store, the next run shows later
        // updates.
        let messenger = if is_kept { Some(messenger) } else { messenger.shutdown().await.map(|()| None)? };
        for (place, handle) in &handles {
            let message = handle.current();
            if self.board.messages.get(*place).is_some_and(|known| *known != message) {
                self.update(*place, &Followed { message, imsi: handle.imsi() });
            }
        }
        let written = self.show().and(std::mem::replace(&mut self.written, Ok(())));
        for (place, handle) in handles {
            let is_shown = self.board.messages.get(place).is_some_and(|message| message.is_final);
            if is_shown && written.is_ok() {
                handle.acknowledge();
            }
        }
        if let Some(messenger) = messenger {
            messenger.shutdown().await?;
        }
        judge(&end, &self.board, self.args)?;
        Ok(written?)
    }

    fn show(&mut self) -> io::Result<()> {
        let messages = &self.board.messages;
        if !messages.iter().all(|message| message.state == State::Stopped) {
            // No table is shown if all messages were stopped, because the error message then says everything.
            self.output.table([Column::text("TO")].into_iter().chain(columns()));
        }
        for (number, message) in self.board.numbers.iter().zip(&self.board.messages) {
            self.output.row([number.clone()].into_iter().chain(cells(message)));
        }
        self.output.flush()?;
        let mut states = BTreeMap::new();
        for message in &self.board.messages {
            *states.entry(message.state.as_str()).or_default() += 1;
        }
        self.output.object(&Summary { event: "end", messages: self.board.messages.len(), states })?;
        self.output.flush()
    }
}

/// Returns the next event of the library, or `None` if there are no more.
async fn next_event(events: &mut Option<Events>) -> Option<Event> {
    events.as_mut()?.next().await
}

fn write(written: &mut io::Result<()>, output: &mut Output, happened: &Happened<'_>) {
    if written.is_ok() {
        *written = output.event(happened);
    }
}

/// Cancels the messages that were not submitted.
async fn cancel_unsent(handles: &[(usize, Handle)]) -> Result<(), Failure> {
    for (_, handle) in handles {
        if handle.current().state == State::Unsent && handle.stop().await? == StopResult::Stopped {
            handle.outcome().await?;
        }
    }
    Ok(())
}

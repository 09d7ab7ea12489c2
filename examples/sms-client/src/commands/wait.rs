//! `send --wait`.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use serde::Serialize;
use sms_client::{
    outcome::{cells, columns},
    table::Column,
};
use sms_gateway::{
    Error, Handle, Messenger, Sms,
    core::{
        call::Recipient,
        text::Template,
        track::{Message, State, StopResult},
    },
    messenger::Health,
};
use tokio::{task::JoinSet, time};

use super::verdict::{End, is_hopeless, judge};
use crate::{
    args::{Connection, Send, Until},
    connect,
    events::{Change, Happened},
    failure::{Exit, Failure, explain},
    following::{Listeners, Plan},
    interrupts::Interrupts,
    live::{Board, Live},
    output::Output,
};

/// Capacity for messages of earlier runs in a store.
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
    let messages = messages(args, until, recipients)?;
    let gateway = connect::gateway(connection)?;
    let plan =
        Plan { connection, store: args.store.as_deref(), interval: args.interval, metered: args.metered };
    let capacity = messages.len() + if args.store.is_some() { EARLIER } else { 0 };
    let (messenger, earlier) = plan.start(gateway, |builder| builder.capacity(capacity)).await?;
    // These messages are followed too, and stay in the store.
    drop(earlier);
    let handles = add_all(&messenger, messages).await?;
    let mut interrupts = Interrupts::new()?;
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
    let template = Template::new(&args.text);
    let message = |to: &Recipient<'_>| {
        let text = template.expand(to.params).map_err(|error| Failure::usage(error.to_string()))?;
        let sms = Sms::new(to.number.as_str(), text.to_string())?.encoding(args.encoding)?;
        let sms = sms.ports(args.port.unwrap_or_default()).status_report(until == Until::Delivered);
        Ok(sms.reference(to.number.as_str()))
    };
    recipients.iter().map(message).collect()
}

/// Adds all messages concurrently, because a store needs as long for one as for many.
async fn add_all(messenger: &Messenger, messages: Vec<Sms>) -> Result<Vec<Handle>, Failure> {
    let mut sending = JoinSet::new();
    for (place, sms) in messages.into_iter().enumerate() {
        let messenger = messenger.clone();
        sending.spawn(async move { messenger.send(sms).await.map(|handle| (place, handle)) });
    }
    let mut handles = BTreeMap::new();
    while let Some(sent) = sending.join_next().await {
        let sent = sent.map_err(|error| Failure::new(Exit::Output, error.to_string()))?;
        handles.extend([sent?]);
    }
    Ok(handles.into_values().collect())
}

struct Waiting<'a> {
    args: &'a Send,
    board: Board,
    live: Live,
    output: &'a mut Output,
    /// Whether the output could be written. Messages are sent even if it has no reader.
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
        let mut health = messenger.health();
        loop {
            tokio::select! {
                // An error is shown before the updates that follow its end.
                biased;
                () = interrupts.next() => return End::Interrupted,
                Ok(()) = health.changed() => {
                    let now = health.borrow_and_update().clone();
                    if let Some(error) = self.look(&now) {
                        return End::Hopeless(error);
                    }
                }
                () = &mut limit => return End::TimeUp,
                _ = frames.tick() => self.live.draw(&self.board),
                update = listeners.next() => match update {
                    Some((place, message)) => self.update(place, message),
                    None if self.board.messages.iter().all(|message| message.is_final) => return End::Finished,
                    None => return End::Closed,
                },
            }
        }
    }

    fn update(&mut self, place: usize, message: Message) {
        let Some((number, known)) = self.board.numbers.get(place).zip(self.board.messages.get_mut(place))
        else {
            return;
        };
        *known = message;
        let happened = Happened::Message(Change::new(Some(number), None, &message));
        self.live.print(&happened);
        write(&mut self.written, self.output, &happened);
    }

    /// Shows the gateway's health. Returns an error that will not pass by itself.
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
        // Without a store, the messenger must end before the outcomes are shown. With one, later updates are shown by the next
        // run.
        let messenger = if is_kept { Some(messenger) } else { messenger.shutdown().await.map(|()| None)? };
        for (place, handle) in &handles {
            let message = handle.current();
            if self.board.messages.get(*place).is_some_and(|known| *known != message) {
                self.update(*place, message);
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
            // Otherwise the error says everything.
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

fn write(written: &mut io::Result<()>, output: &mut Output, happened: &Happened<'_>) {
    if written.is_ok() {
        *written = output.object(happened);
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

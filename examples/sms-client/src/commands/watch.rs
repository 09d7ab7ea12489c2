//! `watch`.

use std::io::{self, IsTerminal, Write};

use sms_gateway::{Messenger, core::track::Message, messenger::Health};

use super::verdict::is_hopeless;
use crate::{
    args::{Connection, Watch},
    connect,
    events::{Change, Happened},
    failure::{Failure, exit, explain},
    following::{Listeners, Plan},
    interrupts::Interrupts,
    output::Output,
};

/// Prints events until it is stopped.
pub(crate) async fn watch(args: &Watch, connection: &Connection, output: &mut Output) -> Result<(), Failure> {
    let gateway = connect::gateway(connection)?;
    let mut interrupts = Interrupts::new()?;
    let plan =
        Plan { connection, store: args.store.as_deref(), interval: args.interval, metered: args.metered };
    let (messenger, handles) = plan.start(gateway, |builder| builder.incoming(true)).await?;
    let is_seen = io::stderr().is_terminal();
    if is_seen {
        // Until the first event, this line is the only sign that the program works.
        let _ = writeln!(io::stderr(), "watching {}; Ctrl-C ends it", connect::url(connection)?);
    }
    let references = handles.iter().map(|handle| handle.reference().map(ToOwned::to_owned)).collect();
    let mut watcher = Watcher { references, listeners: Listeners::new(handles), trouble: None, output };
    let done = tokio::select! {
        done = watcher.listen(&messenger) => done,
        () = interrupts.next() => {
            if is_seen {
                // On a line after the ^C on the terminal.
                let _ = writeln!(io::stderr());
            }
            Ok(())
        }
    };
    let closed = interrupts.unless_again(messenger.shutdown()).await;
    let closed = closed.unwrap_or(Ok(())).map_err(Failure::from);
    done.and(closed)
}

struct Watcher<'a> {
    references: Vec<Option<String>>,
    listeners: Listeners,
    trouble: Option<String>,
    output: &'a mut Output,
}

impl Watcher<'_> {
    /// Prints events until the output or the gateway fails for good. Unacknowledged events are reported again after a restart.
    async fn listen(&mut self, messenger: &Messenger) -> Result<(), Failure> {
        let (Some(mut inbox), Some(mut events)) = (messenger.incoming(), messenger.events()) else {
            return Ok(());
        };
        let mut health = messenger.health();
        loop {
            tokio::select! {
                // An error is reported before the updates that follow its end.
                biased;
                Ok(()) = health.changed() => {
                    let now = health.borrow_and_update().clone();
                    self.look(&now)?;
                }
                Some((place, message)) = self.listeners.next() => self.update(place, &message).await?,
                Some(sms) = inbox.next() => {
                    self.output.happened(&Happened::Incoming(&sms))?;
                    sms.acknowledge();
                }
                Some(event) = events.next() => self.output.happened(&Happened::Library(&event))?,
                // The messenger has ended; its shutdown returns the reason.
                else => return Ok(()),
            }
        }
    }

    async fn update(&mut self, place: usize, message: &Message) -> Result<(), Failure> {
        let reference = self.references.get(place).and_then(Option::as_deref);
        self.output.happened(&Happened::Message(Change::new(None, reference, message)))?;
        if message.is_final
            && let Some(handle) = self.listeners.ended(place).await
        {
            handle.acknowledge();
        }
        Ok(())
    }

    fn look(&mut self, health: &Health) -> Result<(), Failure> {
        if let Some(error) = health.error.as_ref().filter(|error| is_hopeless(error, false)) {
            return Err(Failure::new(exit(error), explain(error)));
        }
        let trouble = health.error.as_deref().map(explain);
        if trouble != self.trouble {
            let happened = trouble.as_ref().map_or(Happened::Recovered, |error| Happened::Trouble { error });
            self.output.happened(&happened)?;
        }
        self.trouble = trouble;
        Ok(())
    }
}

//! `watch`.

use std::io::{self, IsTerminal, Write};

use sms_gateway::{Handle, Messenger, messenger::Health};

use super::verdict::is_hopeless;
use crate::{
    args::{Connection, Watch},
    connect,
    events::{Change, Happened},
    failure::{Failure, exit, explain},
    following::{Followed, Listeners, Plan},
    interrupts::Interrupts,
    output::Output,
};

/// Prints events until it is stopped.
pub(crate) async fn watch(args: &Watch, connection: &Connection, output: &mut Output) -> Result<(), Failure> {
    let gateway = connect::gateway(connection)?;
    let mut interrupts = Interrupts::new()?;
    let plan = Plan {
        connection,
        store: args.store.as_deref(),
        interval: args.interval,
        metered: args.metered,
        exclusive: args.exclusive,
    };
    let (messenger, handles) = plan.start(gateway, output, |builder| builder.incoming(true)).await?;
    output.follow(&messenger);
    let is_seen = io::stderr().is_terminal();
    if is_seen {
        // Until the first event, this line is the only sign that the program works.
        let _ = writeln!(io::stderr(), "watching {}; Ctrl-C ends it", connect::url(connection)?);
    }
    let name = |handle: &Handle| (handle.number().to_owned(), handle.reference().map(ToOwned::to_owned));
    let names = handles.iter().map(name).collect();
    let mut watcher = Watcher { names, listeners: Listeners::new(handles), trouble: None, output };
    let done = tokio::select! {
        done = watcher.listen(&messenger) => done,
        () = interrupts.next() => {
            if is_seen {
                // Ends the line on which the terminal shows ^C.
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
    /// The number and the reference of each message.
    names: Vec<(String, Option<String>)>,
    listeners: Listeners,
    trouble: Option<String>,
    output: &'a mut Output,
}

impl Watcher<'_> {
    /// Prints events until the output or the gateway fails permanently. Unacknowledged events are reported again after a restart.
    async fn listen(&mut self, messenger: &Messenger) -> Result<(), Failure> {
        let (Some(mut inbox), Some(mut events)) = (messenger.incoming(), messenger.events()) else {
            return Ok(());
        };
        let mut health = messenger.health();
        loop {
            tokio::select! {
                // An error of the gateway is reported before the updates that arrive after the gateway has recovered.
                biased;
                Ok(()) = health.changed() => {
                    let now = health.borrow_and_update().clone();
                    self.look(&now)?;
                }
                Some((place, followed)) = self.listeners.next() => self.update(place, &followed).await?,
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

    async fn update(&mut self, place: usize, followed: &Followed) -> Result<(), Failure> {
        let Some((number, reference)) = self.names.get(place) else { return Ok(()) };
        let change =
            Change::new(number, reference.as_deref(), &followed.message).imsi(followed.imsi.as_deref());
        self.output.happened(&Happened::Message(change))?;
        if followed.message.is_final
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

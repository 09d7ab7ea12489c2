//! The main part: sends and follows the messages.

use std::{collections::VecDeque, error::Error, io::Write};

use sms_client::text::{cut, escape, width};
use sms_gateway::{
    Closed, Handle, Sms,
    core::track::{Message, State},
    messenger::Incoming,
};
use tokio::{
    sync::mpsc::{self, Sender},
    time::{Instant, sleep_until},
};

use crate::stage::Stage;

/// Maximum time for which messages are followed, in seconds of the gateway's clock.
const LIMIT: u32 = 90;
/// Maximum number of incoming messages that are kept.
const NEWEST: usize = 3;

/// The results at the end.
pub(crate) struct Story {
    /// The latest state of each message, in order.
    pub(crate) outcomes: Vec<Message>,
    /// The newest incoming messages: number, time and text.
    pub(crate) newest: VecDeque<[String; 3]>,
}

/// Gives the messages to the messenger. When `Messenger::send` returns, the message is in the messenger's store.
pub(crate) async fn send(stage: &Stage) -> Result<Vec<Handle>, Box<dyn Error>> {
    let mut handles = Vec::new();
    for message in &stage.messages {
        let sms = Sms::new(&message.number, message.text.as_str())?;
        handles.push(stage.messenger.send(sms.ports(stage.ports).reference(&message.name)).await?);
    }
    Ok(handles)
}

/// Prints each update until all messages have ended and, with the emulator, Ann has replied. Stops at the time limit at the latest.
pub(crate) async fn follow(
    stage: &Stage,
    handles: Vec<Handle>,
    out: &mut impl Write,
) -> Result<Story, Box<dyn Error>> {
    let begin = Instant::now();
    let limit = sleep_until(begin + stage.outside(LIMIT));
    tokio::pin!(limit);
    let mut inbox = stage.messenger.incoming().ok_or("incoming messages are not fetched")?;
    let mut story =
        Story { outcomes: handles.iter().map(Handle::current).collect(), newest: VecDeque::new() };
    let (sender, mut updates) = mpsc::channel(16);
    for (place, handle) in handles.into_iter().enumerate() {
        tokio::spawn(forward(place, handle, sender.clone()));
    }
    drop(sender);
    while !stage.is_complete(&story) {
        let line = tokio::select! {
            Some((place, message)) = updates.recv() => stage.update(&mut story, place, message),
            Some(sms) = inbox.next() => stage.receive(&mut story, sms),
            () = &mut limit => break,
        };
        if let Some(line) = line {
            let line = format!("after {:>2.0} s  {line}", stage.since(begin));
            writeln!(out, "{}", cut(&line, 80))?;
        }
    }
    Ok(story)
}

/// Forwards the updates of a message.
async fn forward(place: usize, mut handle: Handle, updates: Sender<(usize, Message)>) -> Result<(), Closed> {
    while let Some(message) = handle.next_update().await? {
        if updates.send((place, message)).await.is_err() {
            return Ok(());
        }
    }
    // The final update has been forwarded, so the messenger can forget the message.
    handle.acknowledge();
    Ok(())
}

impl Stage {
    /// Returns whether all messages have ended and, with the emulator, Ann has replied.
    fn is_complete(&self, story: &Story) -> bool {
        let has_replied = self.emulator.is_none() || !story.newest.is_empty();
        has_replied && story.outcomes.iter().all(|message| message.is_final)
    }

    fn update(&self, story: &mut Story, place: usize, message: Message) -> Option<String> {
        if let Some(known) = story.outcomes.get_mut(place) {
            *known = message;
        }
        if let Some(emulator) = self.emulator.as_ref().filter(|_| place == 0 && message.is_final) {
            emulator.receive_sms(2, "+8613800138000", "Thank you! I shall be at home. 😀\nAnn");
        }
        let is_shown = !matches!(message.state, State::Unsent | State::Submitted);
        let name = self.messages.get(place).filter(|_| is_shown)?.name.as_str();
        let widest = self.messages.iter().map(|message| width(&message.name)).max().unwrap_or(0);
        let space = " ".repeat(widest.saturating_sub(width(name)));
        Some(format!("{name}{space}  {message}"))
    }

    /// Keeps only the newest messages, because a real gateway returns its whole inbox first. With the emulator, returns a line to
    /// print.
    fn receive(&self, story: &mut Story, sms: Incoming) -> Option<String> {
        let line = format!("from {}: {}", escape(&sms.number), escape(&sms.text));
        let time = sms.time.map(|time| time.to_string()).unwrap_or_default();
        story.newest.push_back([sms.number.clone(), time, sms.text.clone()]);
        story.newest.drain(..story.newest.len().saturating_sub(NEWEST));
        sms.acknowledge();
        self.emulator.is_some().then_some(line)
    }
}

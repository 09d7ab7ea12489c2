//! Sends the messages and follows them: the main job.

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

/// The maximum time for which messages are tracked, by the gateway's clock.
const LIMIT: u32 = 90;
/// The maximum number of incoming messages that are kept.
const NEWEST: usize = 3;

/// The state at the end.
pub(crate) struct Story {
    /// Of the messages, in their order.
    pub(crate) outcomes: Vec<Message>,
    /// The newest incoming messages.
    pub(crate) newest: VecDeque<[String; 3]>,
}

/// Hands the messages over. The messenger has stored each when `send` returns.
pub(crate) async fn send(stage: &Stage) -> Result<Vec<Handle>, Box<dyn Error>> {
    let mut handles = Vec::new();
    for message in &stage.messages {
        let sms = Sms::new(&message.number, message.text.as_str())?;
        handles.push(stage.messenger.send(sms.ports(stage.ports).reference(&message.name)).await?);
    }
    Ok(handles)
}

/// Tells each change until all is known of every message, or the time is up.
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
    let (sender, mut news) = mpsc::channel(16);
    for (place, handle) in handles.into_iter().enumerate() {
        tokio::spawn(hear(place, handle, sender.clone()));
    }
    drop(sender);
    while !stage.is_told(&story) {
        let line = tokio::select! {
            Some((place, message)) = news.recv() => stage.tell(&mut story, place, message),
            Some(sms) = inbox.next() => stage.take(&mut story, sms),
            () = &mut limit => break,
        };
        if let Some(line) = line {
            let line = format!("after {:>2.0} s  {line}", stage.since(begin));
            writeln!(out, "{}", cut(&line, 80))?;
        }
    }
    Ok(story)
}

/// Passes on what becomes of a message.
async fn hear(place: usize, mut handle: Handle, news: Sender<(usize, Message)>) -> Result<(), Closed> {
    while let Some(message) = handle.next_update().await? {
        if news.send((place, message)).await.is_err() {
            return Ok(());
        }
    }
    // Its end is known: the messenger can forget it.
    handle.acknowledge();
    Ok(())
}

impl Stage {
    /// Whether all messages are finished and Ann has replied.
    fn is_told(&self, story: &Story) -> bool {
        let is_answered = self.played.is_none() || !story.newest.is_empty();
        is_answered && story.outcomes.iter().all(|message| message.is_final)
    }

    fn tell(&self, story: &mut Story, place: usize, message: Message) -> Option<String> {
        if let Some(known) = story.outcomes.get_mut(place) {
            *known = message;
        }
        if let Some(emulator) = self.played.as_ref().filter(|_| place == 0 && message.is_final) {
            emulator.receive_sms(2, "+8613800138000", "Thank you! I shall be at home. 😀\nAnn");
        }
        let is_shown = !matches!(message.state, State::Unsent | State::Submitted);
        let name = self.messages.get(place).filter(|_| is_shown)?.name.as_str();
        let widest = self.messages.iter().map(|message| width(&message.name)).max().unwrap_or(0);
        let space = " ".repeat(widest.saturating_sub(width(name)));
        Some(format!("{name}{space}  {message}"))
    }

    /// Keeps the newest. A real gateway returns its whole inbox first.
    fn take(&self, story: &mut Story, sms: Incoming) -> Option<String> {
        let line = format!("from {}: {}", escape(&sms.number), escape(&sms.text));
        let time = sms.time.map(|time| time.to_string()).unwrap_or_default();
        story.newest.push_back([sms.number.clone(), time, sms.text.clone()]);
        story.newest.drain(..story.newest.len().saturating_sub(NEWEST));
        sms.acknowledge();
        self.played.is_some().then_some(line)
    }
}

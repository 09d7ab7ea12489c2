//! Random events at a gateway: incoming messages, refusals, unreadable responses, jumps of its clock, and restarts.

use std::{collections::VecDeque, time::Duration};

use gateway_emulator::{Canned, Emulator, Restart};

use super::chance::Chance;

/// A pause within a response.
const PAUSE: Duration = Duration::from_millis(1);

/// The responses that refuse a submission: HTTP status and error_code. Other refusals, such as 429, make clients wait for a
/// minute.
const REFUSALS: [(u16, u32); 7] =
    [(200, 400), (200, 413), (200, 500), (200, 550), (200, 486), (503, 0), (413, 0)];

#[derive(Clone, Debug)]
enum Deed {
    Respond(&'static str, Canned),
    StepClock(i64),
    Restart,
}

/// An incoming message.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub text: String,
    pub is_readable: bool,
}

impl Arrival {
    /// Returns the first word of its text, which is different for each message.
    pub fn word(&self) -> &str {
        self.text.split(' ').next().unwrap_or_default()
    }
}

#[derive(Clone, Debug)]
pub struct Mischief {
    chance: Chance,
    pub arrivals: Vec<Arrival>,
    /// The number of incoming messages that have arrived.
    arrived: usize,
    deeds: VecDeque<Deed>,
}

impl Mischief {
    pub fn draw(messages: usize, quirks: &[String], mut chance: Chance) -> Self {
        let breaks_quotes = quirks.iter().any(|name| name == "raw-quotes");
        let arrivals = (0..messages / 5).map(|index| arrival(index, breaks_quotes, &mut chance)).collect();
        let mut deeds = Vec::new();
        deeds.extend((0..chance.below(4)).map(|_| refusal(&mut chance)));
        deeds.extend((0..chance.below(4)).map(|_| unreadable(&mut chance)));
        deeds.extend((0..chance.below(8)).map(|_| cut(&mut chance)));
        if chance.once_in(3) {
            let by = chance.pick(&[-86_400, -3600, -120, 120, 3600, 86_400]);
            deeds.push(Deed::StepClock(by));
        }
        if chance.once_in(4) {
            deeds.push(Deed::Restart);
        }
        let mut shuffled = VecDeque::new();
        while !deeds.is_empty() {
            let place = usize::try_from(chance.below(deeds.len() as u64)).unwrap();
            shuffled.push_back(deeds.swap_remove(place));
        }
        Self { chance, arrivals, arrived: 0, deeds: shuffled }
    }

    pub fn has_restart(&self) -> bool {
        self.deeds.iter().any(|deed| matches!(deed, Deed::Restart))
    }

    /// Lets random events happen after a request. Sometimes none happens.
    pub fn act(&mut self, emulator: &Emulator) {
        if self.chance.once_in(2) {
            self.receive(emulator, 1);
        }
        if self.chance.once_in(8) {
            match self.deeds.pop_front() {
                Some(Deed::Respond(call, canned)) => emulator.answer_next(call, canned),
                Some(Deed::StepClock(seconds)) => emulator.step_clock(seconds),
                Some(Deed::Restart) => emulator.restart(Restart::default()),
                None => {}
            }
        }
    }

    /// Lets all remaining messages arrive, and cancels all other events.
    pub fn calm(&mut self, emulator: &Emulator) {
        self.deeds.clear();
        self.receive(emulator, usize::MAX);
    }

    fn receive(&mut self, emulator: &Emulator, at_most: usize) {
        for arrival in self.arrivals.iter().skip(self.arrived).take(at_most) {
            self.arrived += 1;
            emulator.receive_sms(0, "+8613800138000", &arrival.text);
        }
    }
}

fn arrival(index: usize, breaks_quotes: bool, chance: &mut Chance) -> Arrival {
    let rest = match chance.below(6) {
        0 => "long ".repeat(20),
        1 => "größer 😀".to_owned(),
        2 => "in\ntwo lines".to_owned(),
        3 => "\"quoted\"".to_owned(),
        _ => "plain".to_owned(),
    };
    let is_readable = !(breaks_quotes && rest.contains('"'));
    Arrival { text: format!("i{index} {rest}"), is_readable }
}

fn refusal(chance: &mut Chance) -> Deed {
    let (status, code) = chance.pick(&REFUSALS);
    let refusal = Canned::json(status, &format!(r#"{{"error_code":{code}}}"#));
    // A gateway may report "other error" although it has accepted the messages.
    let is_untrue = (code == 500 || status == 503) && chance.once_in(2);
    Deed::Respond("send_sms", if is_untrue { refusal.carried_out() } else { refusal })
}

fn unreadable(chance: &mut Chance) -> Deed {
    let page = Canned::json(200, "<html>busy</html>");
    Deed::Respond(
        "send_sms",
        match chance.below(4) {
            0 => page,
            1 => page.carried_out(),
            2 => Canned::truth().cut_at(usize::try_from(chance.below(200)).unwrap()),
            _ => Canned::truth().in_pieces(9, PAUSE),
        },
    )
}

fn cut(chance: &mut Chance) -> Deed {
    let calls = ["query_sms_result", "query_sms_deliver_status", "query_incoming_sms", "query_sms_in_queue"];
    let call = chance.pick(&calls);
    let bytes = usize::try_from(chance.below(2000)).unwrap();
    Deed::Respond(
        call,
        match chance.below(4) {
            0 => Canned::truth().in_pieces(200, PAUSE),
            1 => Canned::json(200, r#"{"error_code":500}"#),
            _ => Canned::truth().cut_at(bytes),
        },
    )
}

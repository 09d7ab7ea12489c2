//! The messages of the story, and what is known of each.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use sms_gateway::core::{
    Invalid, Number, UserId,
    call::{Delivery, Recipient, SmsResult, Status, StatusReport},
    text::{Template, WrongCount},
};

use crate::number::same;

/// What everybody is sent, each with parameters of their own.
pub(crate) const TEXT: &str = "Dear #param#, #param#";
/// The number that the emulator can't send to.
pub(crate) const UNREACHABLE: &str = "13800138004";

const LONG: &str = "your flight to Shanghai leaves at 14:35 from gate B12 instead of A7. Please be there by 14:05 \
    with your passport and your boarding pass. Your luggage has been checked through to your destination, and your \
    seat is 17A by the window, as you asked. Thank you for your patience, and have a pleasant journey. Your airline";

/// One message on its way.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) name: String,
    pub(crate) number: String,
    pub(crate) params: Vec<String>,
    pub(crate) user_id: Option<UserId>,
    pub(crate) sent: Option<Sent>,
    /// What the reports say, by the segment's place.
    pub(crate) reports: BTreeMap<u32, Delivery>,
}

/// What query_sms_result tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) status: Status,
    pub(crate) port: Option<u32>,
    pub(crate) ref_id: Option<u32>,
    pub(crate) segments: u32,
}

/// For the emulator: short and long, in several scripts, and one in vain.
pub(crate) fn story() -> Vec<Message> {
    [
        ("Ann", "+8613800138000", "your parcel arrives today between 9 and 11."),
        ("Bob", "+8613800138001", LONG),
        ("Zoë", "13800138002", "your table for two is booked for 8 pm."),
        ("陈先生", "13800138003", "您的包裹已到达，请凭取件码 12-3-4567 领取 📦"),
        ("Eve", UNREACHABLE, "your code is 4711."),
    ]
    .into_iter()
    .zip(user_ids())
    .map(|((name, number, text), user_id)| Message {
        name: name.to_owned(),
        number: number.to_owned(),
        params: vec![name.to_owned(), text.to_owned()],
        user_id: Some(user_id),
        sent: None,
        reports: BTreeMap::new(),
    })
    .collect()
}

/// For a real gateway: one short message to each number.
pub(crate) fn greetings(numbers: &[String]) -> Result<Vec<Message>, Invalid> {
    let message = |(number, user_id): (&String, UserId)| {
        let number = Number::new(number)?.to_string();
        let params = vec![number.clone(), "this is a test of the SMS gateway.".to_owned()];
        Ok(Message {
            name: number.clone(),
            number,
            params,
            user_id: Some(user_id),
            sent: None,
            reports: BTreeMap::new(),
        })
    };
    numbers.iter().zip(user_ids()).map(message).collect()
}

/// Numbers that an earlier run on the same gateway did not use: they begin with the time, a thousand for each second.
fn user_ids() -> impl Iterator<Item = UserId> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let first = i64::try_from(seconds % 1_000_000 * 1000).unwrap_or(0);
    (first..).map_while(|id| UserId::new(id).ok())
}

impl Message {
    pub(crate) fn recipient<'a>(&'a self, params: &'a [&'a str]) -> Result<Recipient<'a>, Invalid> {
        let recipient = Recipient::new(Number::new(&self.number)?).params(params);
        Ok(self.user_id.map_or(recipient, |id| recipient.user_id(id)))
    }

    /// Takes what became of it, if the result is its own.
    pub(crate) fn take_result(&mut self, result: &SmsResult<'_>) {
        let own = self.user_id.map(|id| i64::from(id.get())) == result.user_id.get();
        if own
            && same(&self.number, result.number.as_str())
            && let Some(status) = result.status.get()
        {
            self.sent = Some(Sent {
                status,
                port: result.port.get(),
                ref_id: result.ref_id.get(),
                segments: result.count.get().unwrap_or(1),
            });
        }
    }

    /// Takes a status report, if it is of one of its segments: same port and number, and a reference from its first on,
    /// which goes on at 0 behind 255.
    pub(crate) fn take_report(&mut self, report: &StatusReport<'_>) {
        let Some(sent) = self.sent else { return };
        let (Some(first), Some(reference)) = (sent.ref_id, report.ref_id.get()) else { return };
        let segment = reference.wrapping_sub(first) % 256;
        let own = sent.port == report.port.get() && same(&self.number, report.number.as_str());
        if let Some(delivery) = report.delivery().filter(|_| own && segment < sent.segments) {
            self.reports.insert(segment, delivery);
        }
    }

    /// Whether nothing more is to be learned of it.
    pub(crate) fn is_final(&self) -> bool {
        let reported = self.reports.values().filter(|delivery| **delivery != Delivery::Temporary).count();
        self.sent.is_some_and(|sent| {
            sent.status == Status::Failed || u32::try_from(reported).is_ok_and(|count| count >= sent.segments)
        })
    }

    /// Whether the network has it, so that reports may come.
    pub(crate) fn has_left(&self) -> bool {
        self.sent.is_some_and(|sent| matches!(sent.status, Status::SentOk | Status::Delivered))
    }

    /// Whether every segment was received.
    pub(crate) fn is_delivered(&self) -> bool {
        self.has_left()
            && self.is_final()
            && self.reports.values().all(|delivery| *delivery == Delivery::Received)
    }

    /// How far it has come. The reports may know more than the result, which was asked for before them.
    pub(crate) fn status(&self) -> &'static str {
        match self.sent {
            Some(_) if self.is_delivered() => Status::Delivered.as_str(),
            Some(sent) => sent.status.as_str(),
            None => "no result",
        }
    }

    /// What it says with its parameters in their places.
    pub(crate) fn text(&self) -> Result<String, WrongCount> {
        let params: Vec<_> = self.params.iter().map(String::as_str).collect();
        Ok(Template::new(TEXT).expand(&params)?.to_string())
    }

    /// How many of its segments were received, for people.
    pub(crate) fn received(&self) -> String {
        let Some(sent) = self.sent.filter(|_| self.has_left()) else { return String::new() };
        let received = self.reports.values().filter(|delivery| **delivery == Delivery::Received).count();
        let other = self.reports.values().find(|delivery| **delivery != Delivery::Received);
        let other = other.map_or_else(String::new, |delivery| format!(", {delivery}"));
        format!("{received} of {} received{other}", sent.segments)
    }
}

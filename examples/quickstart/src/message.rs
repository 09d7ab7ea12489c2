//! The messages of the demonstration.

use gateway_emulator::{Emulator, Fate};
use sms_gateway::core::{Invalid, Number};
use std::time::Duration;

const LONG: &str = "Dear Bob, your flight to Shanghai leaves at 14:35 from gate B12 instead of A7. Please be there by \
    14:05 with your passport and your boarding pass. Your luggage has been checked through to your destination, and \
    your seat is 17A by the window, as you asked. Thank you for your patience, and have a pleasant journey.";

/// A message and its recipient.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) name: String,
    pub(crate) number: String,
    pub(crate) text: String,
}

/// Returns messages for the emulator: short and long texts, in several scripts. Some of the messages fail.
pub(crate) fn story() -> Vec<Message> {
    [
        ("Ann", "+8613800138000", "Dear Ann, your parcel arrives today between 9 and 11."),
        ("Bob", "+8613800138001", LONG),
        ("Zoë", "13800138002", "Dear Zoë, your table for two is booked for 8 pm."),
        ("陈先生", "13800138003", "陈先生，您的包裹已到达，请凭取件码 12-3-4567 领取 📦"),
        ("Eve", "13800138004", "Dear Eve, your code is 4711."),
        ("Max", "13800138005", "Dear Max, your train is 20 minutes late."),
    ]
    .map(|(name, number, text)| Message { name: name.into(), number: number.into(), text: text.into() })
    .into()
}

/// Sets the outcomes on the emulator: Zoë's phone is off for a while, Eve's message can't be sent, and Max's phone stays off.
pub(crate) fn decide_fates(emulator: &Emulator) {
    emulator.set_fate("13800138002", Fate::Deliver.late(Duration::from_secs(10)));
    emulator.set_fate("13800138004", Fate::Fail);
    emulator.set_fate("13800138005", Fate::Undelivered(70));
}

/// Returns messages for a real gateway: one short message to each number.
pub(crate) fn greetings(numbers: &[String]) -> Result<Vec<Message>, Invalid> {
    let message = |number: &String| {
        let number = Number::new(number)?.to_string();
        let text = format!("Dear {number}, this is a test of the SMS gateway.");
        Ok(Message { name: number.clone(), number, text })
    };
    numbers.iter().map(message).collect()
}

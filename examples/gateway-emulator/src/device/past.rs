//! Messages sent and received before the start, for long responses.

use tokio::time::Instant;

use super::{
    Device,
    message::{Message, Sending, Status},
    port::Ports,
};
use crate::fate::Plan;

impl Device {
    /// Adds messages that were sent and delivered, each to a different number.
    pub(crate) fn have_sent(&mut self, count: u32, now: Instant) {
        let ports = u8::try_from(self.ports.len()).unwrap_or(u8::MAX);
        let time = self.civil_now();
        for number in 0..count {
            let [low, high, ..] = number.to_le_bytes();
            let sending = Sending { port: high % ports, time, ends: now, first_ref: Some(low) };
            self.outbox.remember(Message {
                task: 0,
                number: format!("139{number:08}"),
                text: format!("Message {number}"),
                user_id: Some(number.into()),
                ports: Ports::ALL,
                report_wanted: true,
                plan: Plan::default(),
                status: Status::Delivered,
                segments: 1,
                sent: 1,
                sending: Some(sending),
                reported: vec![Some(0)],
                before_restart: None,
                accepted_at: now,
                sent_at: Some(now),
            });
        }
    }

    /// Adds received messages of at least 300 bytes. Their texts contain characters that JSON escapes, and characters of four UTF-8
    /// bytes.
    pub(crate) fn have_received(&mut self, count: u32) {
        let ports = u8::try_from(self.ports.len()).unwrap_or(u8::MAX);
        for number in 0..count {
            let text = format!("Reading {number}: \"{}\"\n", number.wrapping_mul(2_654_435_761))
                + &"Zähler 😀 ".repeat(25);
            self.receive_sms(number.to_le_bytes()[0] % ports, &format!("+49170{number:07}"), &text);
        }
    }
}

//! Incoming messages.

use serde_json::Value;

/// Maximum number of messages in a response of about 8 KB.
const PAGE: usize = 30;

/// One incoming message. Its text is its serial number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IncomingRow {
    pub(crate) id: i64,
    pub(crate) serial: u32,
    pub(crate) port: u8,
    pub(crate) time: i64,
}

#[derive(Debug, Default)]
pub(super) struct Inbox {
    rows: Vec<IncomingRow>,
    last_id: i64,
    count: u32,
}

impl Inbox {
    pub(super) fn receive(&mut self, port: u8, time: i64) {
        self.last_id += 1;
        self.rows.push(IncomingRow { id: self.last_id, serial: self.count, port, time });
        self.count += 1;
    }

    /// Restarts the ids, and returns the serial numbers of the deleted messages.
    pub(super) fn restart(&mut self) -> Vec<u32> {
        self.last_id = 0;
        self.rows.drain(..).map(|row| row.serial).collect()
    }

    pub(super) fn select(&self, request: &Value) -> Vec<IncomingRow> {
        assert_eq!(request["flag"], "all", "other flags lose messages when responses are lost");
        let after = request.get("incoming_sms_id").and_then(Value::as_i64).unwrap_or(0);
        let first = self.rows.partition_point(|row| row.id <= after);
        self.rows[first..].iter().take(PAGE).copied().collect()
    }
}

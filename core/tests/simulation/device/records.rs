//! The gateway's records and responses: results by user_id, status reports by port.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;
use sms_gateway_core::{Timestamp, call::Status};

use crate::{civil, numbers::Spelt};

/// One result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResultRow {
    pub(crate) owner: Option<u32>,
    pub(crate) copy: u32,
    pub(crate) user_id: Option<u32>,
    pub(crate) port: u8,
    pub(crate) number: Spelt,
    pub(crate) time: i64,
    pub(crate) status: Status,
    pub(crate) count: u8,
    pub(crate) succeeded: u8,
    pub(crate) reference: u8,
    /// The segments that were reported as received.
    pub(super) received: u32,
}

/// One status report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReportRow {
    pub(crate) serial: u32,
    pub(crate) owner: Option<u32>,
    pub(crate) copy: u32,
    pub(crate) segment: u8,
    pub(crate) port: u8,
    pub(crate) number: Spelt,
    pub(crate) time: i64,
    /// The time by which requests select it.
    pub(crate) filed: i64,
    pub(crate) reference: u8,
    pub(crate) status: u8,
}

/// The restrictions of a request.
#[derive(Debug)]
pub(super) struct Filter {
    ports: u32,
    after: Option<i64>,
    before: Option<i64>,
    strict: bool,
}

impl Filter {
    pub(super) fn new(request: &Value, strict: bool) -> Self {
        assert!(request.get("number").is_none(), "queries by number are not expected: {request}");
        let time = |key| {
            let text = request.get(key)?.as_str()?;
            Some(civil::seconds(text.parse::<Timestamp>().unwrap()))
        };
        let ports = request.get("port").map_or(u32::MAX, |ports| {
            let all = ports.as_array().unwrap().iter().map(|port| port.as_u64().unwrap());
            all.fold(0, |set, port| set | 1 << port)
        });
        Self { ports, after: time("time_after"), before: time("time_before"), strict }
    }

    fn takes(&self, port: u8, time: i64) -> bool {
        let edge = i64::from(self.strict);
        self.ports >> port & 1 == 1
            && self.after.is_none_or(|after| time >= after + edge)
            && self.before.is_none_or(|before| time <= before - edge)
    }
}

/// All results, oldest first.
#[derive(Debug, Default)]
pub(super) struct Results {
    rows: VecDeque<ResultRow>,
    /// Number of results that were removed before the first one.
    gone: u64,
    by_user: HashMap<u32, Vec<u64>>,
}

impl Results {
    /// Adds a result, and returns its position.
    pub(super) fn push(&mut self, row: ResultRow, remembered: usize) -> u64 {
        let at = self.gone + self.rows.len() as u64;
        if let Some(user) = row.user_id {
            self.by_user.entry(user).or_default().push(at);
        }
        self.rows.push_back(row);
        if self.rows.len() > remembered {
            self.forget_first();
        }
        at
    }

    fn forget_first(&mut self) {
        let Some(row) = self.rows.pop_front() else { return };
        let at = self.gone;
        self.gone += 1;
        let Some(user) = row.user_id else { return };
        if let Some(places) = self.by_user.get_mut(&user) {
            places.retain(|place| *place != at);
            if places.is_empty() {
                self.by_user.remove(&user);
            }
        }
    }

    pub(super) fn get_mut(&mut self, at: u64) -> Option<&mut ResultRow> {
        self.rows.get_mut(at.checked_sub(self.gone)? as usize)
    }

    pub(super) fn clear(&mut self) {
        self.gone += self.rows.len() as u64;
        self.rows.clear();
        self.by_user.clear();
    }

    pub(super) fn of_user(&self, user: u32) -> impl Iterator<Item = &ResultRow> {
        let places = self.by_user.get(&user).into_iter().flatten();
        places.filter_map(|at| self.rows.get((at - self.gone) as usize))
    }

    /// Selects results. Those of other programs are omitted if they are hidden.
    pub(super) fn select(&self, request: &Value, filter: &Filter, hidden: bool) -> Vec<ResultRow> {
        let fits = |row: &&ResultRow| filter.takes(row.port, row.time) && !(hidden && row.owner.is_none());
        match request.get("user_id").and_then(Value::as_array) {
            Some(users) => {
                let users = users.iter().map(|user| u32::try_from(user.as_u64().unwrap()).unwrap());
                users.flat_map(|user| self.of_user(user)).filter(fits).copied().collect()
            }
            None => self.rows.iter().filter(fits).copied().collect(),
        }
    }
}

/// All reports by port, oldest first.
#[derive(Debug)]
pub(super) struct Reports {
    by_port: Vec<VecDeque<ReportRow>>,
    /// The ports of all reports in the order of arrival.
    order: VecDeque<u8>,
    /// Total number of reports so far.
    count: u32,
}

impl Reports {
    pub(super) fn new(ports: u8) -> Self {
        Self { by_port: (0..ports).map(|_| VecDeque::new()).collect(), order: VecDeque::new(), count: 0 }
    }

    /// Adds a report under the next serial number. Returns the serial number of the evicted report, if any.
    pub(super) fn push(&mut self, row: ReportRow, remembered: usize) -> Option<u32> {
        self.by_port[usize::from(row.port)].push_back(ReportRow { serial: self.count, ..row });
        self.count += 1;
        self.order.push_back(row.port);
        if self.order.len() <= remembered {
            return None;
        }
        let port = self.order.pop_front()?;
        self.by_port[usize::from(port)].pop_front().map(|row| row.serial)
    }

    pub(super) fn clear(&mut self) -> Vec<u32> {
        self.order.clear();
        self.by_port.iter_mut().flat_map(|reports| reports.drain(..)).map(|row| row.serial).collect()
    }

    pub(super) fn select(&self, filter: &Filter) -> Vec<ReportRow> {
        let all = self.by_port.iter().flatten();
        all.filter(|row| filter.takes(row.port, row.filed)).copied().collect()
    }
}

//! The reports that the tracker was shown.

use std::collections::HashMap;

use crate::device::ReportRow;

/// A report, and the time at which a response first contained it in the given life (from one start of the client to the next reset).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) row: ReportRow,
    pub(crate) first: u64,
    pub(crate) life: u32,
}

/// The content of a report: the end of its number, port, reference, status and time.
pub(crate) type Content = (u32, u8, u8, u8, i64);

#[derive(Debug, Default)]
pub(crate) struct SeenReports {
    all: Vec<Seen>,
    /// Positions in `all`: the latest one for a serial number, and all for the end of a phone number.
    by_serial: HashMap<u32, u32>,
    by_tail: HashMap<u32, Vec<u32>>,
    /// Positions by content.
    by_content: HashMap<Content, Vec<u32>>,
    /// Number of times that a report with a content was returned.
    handed: HashMap<Content, u32>,
    forgotten: std::collections::HashSet<u32>,
}

impl SeenReports {
    /// Notes a report, and returns whether it is shown for the first time.
    pub(crate) fn show(&mut self, row: &ReportRow, tail: u32, now: u64, life: u32) -> bool {
        let before = self.by_serial.get(&row.serial).map(|place| self.all[*place as usize].life);
        if before == Some(life) {
            return false;
        }
        let place = self.all.len() as u32;
        self.by_serial.insert(row.serial, place);
        self.by_tail.entry(tail).or_default().push(place);
        if before.is_none() {
            let content = (tail, row.port, row.reference, row.status, row.time);
            self.by_content.entry(content).or_default().push(place);
        }
        self.all.push(Seen { row: *row, first: now, life });
        before.is_none()
    }

    pub(crate) fn forget(&mut self, serial: u32) {
        self.forgotten.insert(serial);
    }

    pub(crate) fn is_forgotten(&self, serial: u32) -> bool {
        self.forgotten.contains(&serial)
    }

    /// Counts a returned report, and returns whether all reports with its content were returned before.
    pub(crate) fn hand(&mut self, content: &Content) -> bool {
        let known = self.by_content.get(content).map_or(0, Vec::len) as u32;
        let handed = self.handed.entry(*content).or_default();
        *handed += 1;
        *handed > known
    }

    /// Returns the reports with a content.
    pub(crate) fn with_content(&self, content: &Content) -> impl Iterator<Item = &Seen> {
        self.by_content.get(content).into_iter().flatten().map(|place| &self.all[*place as usize])
    }

    /// Returns all reports in the order in which they were first shown.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = &Seen> {
        self.all.iter()
    }

    /// Returns the reports to numbers with this end.
    pub(crate) fn of_tail(&self, tail: u32) -> impl Iterator<Item = &Seen> {
        self.by_tail.get(&tail).into_iter().flatten().map(|place| &self.all[*place as usize])
    }
}

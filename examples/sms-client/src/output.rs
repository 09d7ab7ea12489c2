//! The output of records: a table for people, or JSON lines.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use sms_client::{
    screen,
    table::{Column, Table},
};
use sms_gateway::Messenger;

use crate::{events::Happened, json::write_line, progress::Progress};

/// Maximum number of rows in a block of a table. The rows of a block determine the widths of its columns.
const BLOCK: usize = 500;

/// The program's output.
pub(crate) struct Output {
    json: bool,
    table: Option<Table>,
    records: u64,
    pub(crate) progress: Progress,
    messenger: Option<Messenger>,
}

/// An event with the serial number of its gateway.
#[derive(Serialize)]
struct Numbered<'a> {
    #[serde(flatten)]
    happened: &'a Happened<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sn: Option<&'a str>,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        // The records themselves show the progress if they are printed on the same terminal.
        let progress = Progress::new(!(json && io::stdout().is_terminal()));
        Self { json, table: None, records: 0, progress, messenger: None }
    }

    /// Begins a table for people.
    pub(crate) fn table(&mut self, columns: impl IntoIterator<Item = Column>) {
        if !self.json {
            self.table = Some(Table::new(columns).screen(screen::of_stdout()));
        }
    }

    /// Writes a record. `row` creates its cells for a table.
    pub(crate) fn record<C: AsRef<str>, R: IntoIterator<Item = C>>(
        &mut self,
        record: &impl Serialize,
        row: impl FnOnce() -> R,
    ) -> io::Result<()> {
        self.records += 1;
        if self.json {
            return self.object(record);
        }
        let records = self.records;
        self.progress.show(|| format!("{records} read"));
        let Some(table) = &mut self.table else { return Ok(()) };
        table.row(row());
        if table.len() < BLOCK { Ok(()) } else { self.flush() }
    }

    /// Adds a row to the table for people.
    pub(crate) fn row<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) {
        if let Some(table) = &mut self.table {
            table.row(cells);
        }
    }

    /// Returns whether the output is for scripts.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Returns the number of records.
    pub(crate) const fn records(&self) -> u64 {
        self.records
    }

    /// Writes the pending rows of the table.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.progress.clear();
        let block = self.table.as_mut().map(Table::take).unwrap_or_default();
        let mut out = io::stdout();
        out.write_all(block.as_bytes())?;
        out.flush()
    }

    /// Writes a line for people.
    pub(crate) fn line(&mut self, line: &str) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        self.flush()?;
        writeln!(io::stdout(), "{line}")
    }

    /// Writes a note to stderr, after the records so far.
    pub(crate) fn note(&mut self, note: &str) -> io::Result<()> {
        self.flush()?;
        writeln!(io::stderr(), "sms-client: note: {note}")
    }

    /// Writes a note that an incoming message cannot be read and is left out.
    pub(crate) fn unreadable(&mut self, incoming_sms_id: i64) -> io::Result<()> {
        self.note(&format!(
            "message {incoming_sms_id} cannot be read, because it makes the gateway's response malformed; it is left out"
        ))
    }

    /// Writes an event immediately.
    pub(crate) fn happened(&mut self, happened: &Happened<'_>) -> io::Result<()> {
        let mut out = io::stdout();
        if self.json {
            self.write_event(&mut out, happened)?;
        } else {
            writeln!(out, "{}", happened.lines(screen::of_stdout()))?;
        }
        out.flush()
    }

    /// Writes an event as an object, if the output is for scripts.
    pub(crate) fn event(&mut self, happened: &Happened<'_>) -> io::Result<()> {
        if !self.json {
            return Ok(());
        }
        self.progress.clear();
        self.write_event(&mut io::stdout(), happened)
    }

    fn write_event(&self, out: &mut impl Write, happened: &Happened<'_>) -> io::Result<()> {
        let sn = self.messenger.as_ref().and_then(Messenger::serial_number);
        write_line(out, &Numbered { happened, sn: sn.as_deref() })
    }

    /// Adds the serial number of a messenger's gateway to all events from now on.
    pub(crate) fn follow(&mut self, messenger: &Messenger) {
        self.messenger = Some(messenger.clone());
    }

    /// Writes a JSON object that is not a record, such as a task or a summary.
    pub(crate) fn object(&mut self, object: &impl Serialize) -> io::Result<()> {
        if !self.json {
            return Ok(());
        }
        self.progress.clear();
        write_line(&mut io::stdout(), object)
    }
}

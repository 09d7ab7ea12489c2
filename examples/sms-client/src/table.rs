//! Tables that fit a screen of 80 columns, whatever they hold.
//!
//! Columns are as wide as their cells. Where that is too much, cells of text are wrapped, and where that does not do
//! either, each record is written as a list of its own. Nothing is cut off.

use crate::text::{escape, width, wrap};

/// The width that tables fit.
pub const SCREEN: usize = 80;
/// Between two columns.
const GAP: usize = 2;
/// A column of text is not made narrower than this.
const NARROWEST: usize = 20;
/// What stands in a cell without content.
const EMPTY: &str = "-";

/// A column: its heading and how its cells stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    heading: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Word,
    Number,
    Text,
}

impl Column {
    /// For short words.
    pub const fn word(heading: &'static str) -> Self {
        Self { heading, kind: Kind::Word }
    }

    /// For numbers, aligned right.
    pub const fn number(heading: &'static str) -> Self {
        Self { heading, kind: Kind::Number }
    }

    /// For text, which may be wrapped.
    pub const fn text(heading: &'static str) -> Self {
        Self { heading, kind: Kind::Text }
    }
}

/// A table that is filled row by row and written in one or several blocks.
///
/// ```
/// use sms_client::table::{Column, Table};
/// let mut table = Table::new([Column::number("PORT"), Column::word("STATUS")]);
/// table.row(["2", "SENT_OK"]);
/// table.row(["10", ""]);
/// assert_eq!(table.take(), "PORT  STATUS\n   2  SENT_OK\n  10  -\n");
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    /// Of the block before; empty when there was none or it was written as lists.
    widths: Vec<usize>,
    /// Whether a block was written.
    begun: bool,
}

impl Table {
    /// A table with these columns.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        let columns = columns.into_iter().collect();
        Self { columns, rows: Vec::new(), widths: Vec::new(), begun: false }
    }

    /// Adds a row, which has a cell for each column. What could steer a terminal is escaped.
    pub fn row<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) {
        let shown = |cell: C| match cell.as_ref() {
            "" => EMPTY.to_owned(),
            cell => escape(cell).into_owned(),
        };
        self.rows.push(cells.into_iter().map(shown).collect());
    }

    /// How many rows wait to be written.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no row waits to be written.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows since the last block, as lines. The heading comes with the first block, and again when columns had to be
    /// made wider.
    pub fn take(&mut self) -> String {
        let rows = std::mem::take(&mut self.rows);
        let mut block = String::new();
        if rows.is_empty() {
            return block;
        }
        let begun = std::mem::replace(&mut self.begun, true);
        let Some(widths) = self.fit(&rows) else {
            self.widths.clear();
            self.list(&rows, begun, &mut block);
            return block;
        };
        if self.widths != widths {
            if begun {
                block.push('\n');
            }
            let headings: Vec<_> = self.columns.iter().map(|column| column.heading).collect();
            self.line(&headings, &widths, &mut block);
        }
        for row in &rows {
            let cells: Vec<_> = row.iter().map(String::as_str).collect();
            self.line(&cells, &widths, &mut block);
        }
        self.widths = widths;
        block
    }

    /// The widths of the columns; `None` when the rows don't fit side by side.
    fn fit(&self, rows: &[Vec<String>]) -> Option<Vec<usize>> {
        let mut widths: Vec<_> = self.columns.iter().map(|column| width(column.heading)).collect();
        let before = std::iter::once(self.widths.clone());
        let now = rows.iter().map(|row| row.iter().map(|cell| width(cell)).collect::<Vec<_>>());
        for row in before.chain(now) {
            widths.iter_mut().zip(row).for_each(|(widest, cell)| *widest = cell.max(*widest));
        }
        loop {
            let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
            let Some(excess) = total.checked_sub(SCREEN).filter(|excess| *excess > 0) else {
                return Some(widths);
            };
            let texts = self.columns.iter().zip(&mut widths).filter(|(column, _)| column.kind == Kind::Text);
            let widest = texts.map(|(_, width)| width).max().filter(|width| **width > NARROWEST)?;
            *widest = widest.saturating_sub(excess).max(NARROWEST);
        }
    }

    /// One row side by side, on as many lines as its longest cell takes.
    fn line(&self, cells: &[&str], widths: &[usize], out: &mut String) {
        let cells: Vec<_> = cells.iter().zip(widths).map(|(cell, width)| wrap(cell, *width)).collect();
        let lines = cells.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..lines {
            let start = out.len();
            for ((cell, column), columns) in cells.iter().zip(&self.columns).zip(widths) {
                if out.len() > start {
                    out.push_str("  ");
                }
                let part = cell.get(at).copied().unwrap_or_default();
                let space = " ".repeat(columns.saturating_sub(width(part)));
                let (before, behind) =
                    if column.kind == Kind::Number { (&*space, "") } else { ("", &*space) };
                out.extend([before, part, behind]);
            }
            out.truncate(start.max(out.trim_end_matches(' ').len()));
            out.push('\n');
        }
    }

    /// Each row as a list of headings and values.
    fn list(&self, rows: &[Vec<String>], begun: bool, out: &mut String) {
        let heading = self.columns.iter().map(|column| width(column.heading)).max().unwrap_or(0);
        let columns = SCREEN.saturating_sub(heading + GAP).max(NARROWEST);
        for (index, row) in rows.iter().enumerate() {
            if begun || index > 0 {
                out.push('\n');
            }
            for (column, cell) in self.columns.iter().zip(row) {
                let mut name = column.heading;
                for line in wrap(cell, columns) {
                    let space = " ".repeat(heading + GAP - width(name));
                    out.extend([name, &space, line, "\n"]);
                    name = "";
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! Tables that fit a screen, whatever their content.
//!
//! Columns are as wide as their widest cells. If the table is too wide for the screen, text cells are wrapped. If that is not
//! enough, each record is written as a list. Nothing is cut off.

use crate::text::{escape, width, wrap};

/// The usual width of a screen.
pub const SCREEN: usize = 80;
/// Number of spaces between two columns.
const GAP: usize = 2;
/// Minimum width of a column of text.
const NARROWEST: usize = 20;
/// The text that is shown for an empty cell.
const EMPTY: &str = "-";

/// A column: its heading and the format of its cells.
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
    /// Creates a column for short words.
    pub const fn word(heading: &'static str) -> Self {
        Self { heading, kind: Kind::Word }
    }

    /// Creates a column for numbers, which are aligned right.
    pub const fn number(heading: &'static str) -> Self {
        Self { heading, kind: Kind::Number }
    }

    /// Creates a column for text, which may be wrapped.
    pub const fn text(heading: &'static str) -> Self {
        Self { heading, kind: Kind::Text }
    }
}

/// A table that is filled row by row and written in one or more blocks.
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
    /// Maximum width. If it is `None`, each row is one line.
    screen: Option<usize>,
    rows: Vec<Vec<String>>,
    /// The column widths in the previous block. Empty if there was no block, or if it was written as lists.
    widths: Vec<usize>,
    /// Whether a block was written.
    begun: bool,
}

impl Table {
    /// Creates a table with these columns, for a screen [`SCREEN`] characters wide.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        let columns = columns.into_iter().collect();
        Self { columns, screen: Some(SCREEN), rows: Vec::new(), widths: Vec::new(), begun: false }
    }

    /// Sets the width of the screen. With `None`, as for a file, each row is one line.
    #[must_use]
    pub const fn screen(mut self, screen: Option<usize>) -> Self {
        self.screen = screen;
        self
    }

    /// Adds a row with a cell for each column. Characters that control a terminal are escaped.
    pub fn row<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) {
        let shown = |cell: C| match cell.as_ref() {
            "" => EMPTY.to_owned(),
            cell => escape(cell).into_owned(),
        };
        self.rows.push(cells.into_iter().map(shown).collect());
    }

    /// Returns the number of rows that are not written yet.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether all rows are written.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the rows since the last block, as lines. The heading precedes the first rows. It is repeated if a column's
    /// width has changed, or after rows that were written as lists.
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

    /// Returns the widths of the columns, or `None` if the rows don't fit side by side.
    fn fit(&self, rows: &[Vec<String>]) -> Option<Vec<usize>> {
        let mut widths: Vec<_> = self.columns.iter().map(|column| width(column.heading)).collect();
        let before = std::iter::once(self.widths.clone());
        let now = rows.iter().map(|row| row.iter().map(|cell| width(cell)).collect::<Vec<_>>());
        for row in before.chain(now) {
            widths.iter_mut().zip(row).for_each(|(widest, cell)| *widest = cell.max(*widest));
        }
        let Some(screen) = self.screen else { return Some(widths) };
        loop {
            let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
            let Some(excess) = total.checked_sub(screen).filter(|excess| *excess > 0) else {
                return Some(widths);
            };
            let texts = self.columns.iter().zip(&mut widths).filter(|(column, _)| column.kind == Kind::Text);
            let widest = texts.map(|(_, width)| width).max().filter(|width| **width > NARROWEST)?;
            *widest = widest.saturating_sub(excess).max(NARROWEST);
        }
    }

    /// Writes the cells of one row side by side, on as many lines as the longest cell needs.
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
                let (before, after) = if column.kind == Kind::Number { (&*space, "") } else { ("", &*space) };
                out.extend([before, part, after]);
            }
            out.truncate(start.max(out.trim_end_matches(' ').len()));
            out.push('\n');
        }
    }

    /// Writes each row as a list of headings and values.
    fn list(&self, rows: &[Vec<String>], begun: bool, out: &mut String) {
        let heading = self.columns.iter().map(|column| width(column.heading)).max().unwrap_or(0);
        let screen = self.screen.unwrap_or(SCREEN);
        let columns = screen.saturating_sub(heading + GAP).max(NARROWEST);
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

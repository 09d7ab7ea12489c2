//! Pages of lists.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// The maximum number of entries in a page.
const MAX: usize = 1000;

/// The usual number of entries in a page.
const USUAL: usize = 100;

/// The parameters of a list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    limit: Option<usize>,
    cursor: Option<String>,
}

impl Page {
    pub(super) const fn new(limit: Option<usize>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    /// Returns the number of entries, and the id below which the page begins.
    pub(super) fn check<I>(self, parse: impl Fn(&str) -> Option<I>) -> Result<(usize, Option<I>), Problem> {
        let limit = self.limit.unwrap_or(USUAL);
        if !(1..=MAX).contains(&limit) {
            return Err(Problem::invalid(format!("limit: it is 1 to {MAX}.")));
        }
        let wrong = || Problem::invalid("cursor: it is not one of this server's.");
        let before = self.cursor.map(|cursor| parse(&cursor).ok_or_else(wrong)).transpose()?;
        Ok((limit, before))
    }
}

/// A page of a list.
#[derive(Serialize)]
pub(super) struct Listed<T> {
    messages: Vec<T>,
    /// The cursor of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl<T> Listed<T> {
    /// Creates a page of at most `limit` entries.
    pub(super) fn new<I: Copy + fmt::Display, M>(
        found: Vec<(I, M)>,
        limit: usize,
        show: impl Fn(I, M) -> T,
    ) -> Self {
        let next = next(&found, limit, |(id, _)| id.to_string());
        Self { messages: found.into_iter().map(|(id, message)| show(id, message)).collect(), next }
    }
}

/// Returns the cursor of the page after one of at most `limit` entries; `None` if that is the last one.
pub(super) fn next<T>(found: &[T], limit: usize, cursor: impl Fn(&T) -> String) -> Option<String> {
    found.last().filter(|_| found.len() == limit).map(cursor)
}

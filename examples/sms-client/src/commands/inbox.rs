//! `inbox`: reads the inbox page by page.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use sms_client::table::Column;
use sms_gateway::{
    Gateway,
    core::{
        Port,
        call::{Flag, IncomingSms, QueryIncomingSms},
        track::{InboxSearch, PageBreak},
    },
};

use super::results::none;
use crate::{
    args::Inbox,
    cells::{field, text},
    failure::Failure,
    output::Output,
};

/// Shows the inbox. A response may contain only some of the messages, so the query is repeated until it returns nothing new.
///
/// With `all` and `read`, the next page starts after the greatest id of this page, or after the lowest if the ids are not in rising
/// order. With `unread`, the query stays the same, because the messages of a page are no longer unread. Each page is written before
/// the next page is requested, so that an error on a later page does not lose messages that are already marked as read.
pub(crate) async fn inbox(gateway: &Gateway, args: &Inbox, output: &mut Output) -> Result<(), Failure> {
    if args.port.is_some() && args.flag == Flag::Unread {
        return Err(Failure::usage(
            "--port with --flag unread would mark the messages of other ports as read",
        ));
    }
    let is_wanted = |sms: &IncomingSms<'_>| {
        let port =
            sms.port.get().and_then(|port| u8::try_from(port).ok()).and_then(|port| Port::new(port).ok());
        args.port.is_none_or(|ports| port.is_some_and(|port| ports.contains(port)))
    };
    output.table([
        Column::number("ID"),
        Column::number("PORT"),
        Column::text("FROM"),
        Column::word("RECEIVED"),
        Column::text("TEXT"),
    ]);
    let mut pages = Pages { flag: args.flag, from: args.since, seen: HashSet::new() };
    loop {
        let mut response = gateway.query_incoming_sms(&pages.request(pages.from)).await?;
        let mut page = Page::default();
        let ended = loop {
            match response.next().await {
                Ok(Some(sms)) => {
                    if pages.take(&sms, &mut page) && is_wanted(&sms) {
                        output.record(&sms, || row(&sms))?;
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        output.flush()?;
        match (ended, response.page_break()) {
            (Ok(()), _) if page.is_last(&pages) => {
                output.object(&response.summary())?;
                return none(output, "no messages");
            }
            // The response was cut off, but some of its messages are readable: the next page starts after them.
            (Err(_), Some(by)) if by.is_cut && page.moves(&pages) => {}
            (Err(error), Some(by)) if pages.flag != Flag::Unread => {
                drop(response);
                let Some(id) = search(gateway, &pages, by, &page).await? else { return Err(error.into()) };
                output.unreadable(id)?;
                pages.from = Some(id);
                continue;
            }
            (ended, _) => ended?,
        }
        pages.advance(&page);
    }
}

/// Searches for the message that makes responses unreadable. Returns its id, or `None` if no page can be read, wherever it begins.
async fn search(
    gateway: &Gateway,
    pages: &Pages,
    by: PageBreak,
    page: &Page,
) -> Result<Option<i64>, Failure> {
    let likely = by.id.or(page.greatest.filter(|_| !page.falls));
    let mut search = InboxSearch::new(pages.from.unwrap_or(-1), likely);
    while !search.is_hopeless() {
        let mut response = gateway.query_incoming_sms(&pages.request(Some(search.place()))).await?;
        let mut is_new = false;
        let ended = loop {
            match response.next().await {
                Ok(Some(sms)) => is_new |= pages.is_new(&sms, Some(search.place())),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let is_blocked = match (ended, response.page_break()) {
            (Ok(()), _) => false,
            (Err(_), Some(found)) => found == by && !is_new,
            (Err(error), None) => return Err(error.into()),
        };
        if let Some(id) = search.take(is_blocked) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// The messages seen so far.
struct Pages {
    flag: Flag,
    /// The id after which the next page starts.
    from: Option<i64>,
    /// Hashes of the messages. Ids do not suffice, because they may be equal.
    seen: HashSet<u64>,
}

/// The observations of one page.
#[derive(Default)]
struct Page {
    has_new: bool,
    /// Whether an id was lower than the one before.
    falls: bool,
    lowest: Option<i64>,
    greatest: Option<i64>,
    last: Option<i64>,
}

impl Page {
    /// Returns the id after which the next page starts. If ids fell, messages above the lowest id may be missing from the page.
    fn next(&self) -> Option<i64> {
        if self.falls { self.lowest } else { self.greatest }
    }

    fn moves(&self, pages: &Pages) -> bool {
        self.next() > pages.from
    }

    /// Whether no further page can be expected after this one.
    fn is_last(&self, pages: &Pages) -> bool {
        !self.has_new && (pages.flag == Flag::Unread || !self.falls || !self.moves(pages))
    }
}

impl Pages {
    fn request(&self, from: Option<i64>) -> QueryIncomingSms {
        let request = QueryIncomingSms::new(self.flag);
        match from {
            Some(id) if id >= 0 => request.after(id),
            _ => request,
        }
    }

    /// Whether the id of a message is greater than `from`, and the message was not seen before. Some gateways ignore the id in the
    /// request.
    fn is_new(&self, sms: &IncomingSms<'_>, from: Option<i64>) -> bool {
        let id = sms.incoming_sms_id.get();
        id.is_some() && from.is_none_or(|from| id > Some(from)) && !self.seen.contains(&hash(sms))
    }

    /// Returns whether to show a message. A message with an unreadable id is shown, perhaps twice. No page can start after it.
    fn take(&mut self, sms: &IncomingSms<'_>, page: &mut Page) -> bool {
        let Some(id) = sms.incoming_sms_id.get() else { return true };
        if self.from.is_some_and(|from| id <= from) {
            return false;
        }
        page.falls |= page.last.is_some_and(|last| id < last);
        page.last = Some(id);
        page.lowest = Some(page.lowest.map_or(id, |lowest| lowest.min(id)));
        page.greatest = page.greatest.max(Some(id));
        let is_new = self.is_new(sms, self.from);
        self.seen.insert(hash(sms));
        page.has_new |= is_new;
        is_new
    }

    fn advance(&mut self, page: &Page) {
        if self.flag != Flag::Unread {
            self.from = self.from.max(page.next());
        }
    }
}

fn hash(sms: &IncomingSms<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (sms.incoming_sms_id.get(), sms.port.get(), sms.number.as_str(), sms.text.as_str()).hash(&mut hasher);
    sms.timestamp.get().map(|time| time.to_string()).hash(&mut hasher);
    hasher.finish()
}

fn row(sms: &IncomingSms<'_>) -> [String; 5] {
    [field(sms.incoming_sms_id), field(sms.port), text(sms.number), field(sms.timestamp), text(sms.text)]
}

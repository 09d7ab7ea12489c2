//! `inbox`, which reads page by page.

use std::collections::HashSet;

use sms_client::table::Column;
use sms_gateway::{
    Gateway,
    core::call::{Flag, IncomingSms, QueryIncomingSms},
};

use super::results::none;
use crate::{
    args::Inbox,
    cells::{field, text},
    failure::Failure,
    output::Output,
};

/// Shows the inbox. A gateway returns only the first messages, so it is queried until nothing is new.
///
/// With `all` and `read`, the next page starts after the last id. With `unread`, the messages of a page are no longer unread,
/// so the query stays the same. A page is requested only after the previous one is written, because the request marks its
/// messages as read.
pub(crate) async fn inbox(gateway: &Gateway, args: &Inbox, output: &mut Output) -> Result<(), Failure> {
    output.table([
        Column::number("ID"),
        Column::number("PORT"),
        Column::text("FROM"),
        Column::word("RECEIVED"),
        Column::text("TEXT"),
    ]);
    let mut pages = Pages { last: args.since, seen: HashSet::new() };
    loop {
        let mut request = QueryIncomingSms::new(args.flag);
        let from = if args.flag == Flag::Unread { args.since } else { pages.last };
        if let Some(id) = from {
            request = request.after(id);
        }
        let mut response = gateway.query_incoming_sms(&request).await?;
        let mut has_new = false;
        while let Some(sms) = response.next().await? {
            let (show, new) = pages.take(&sms, from);
            has_new |= new;
            if show {
                output.record(&sms, || row(&sms))?;
            }
        }
        output.flush()?;
        if !has_new {
            output.object(&response.summary())?;
            return none(output, "no messages");
        }
    }
}

/// The messages seen so far.
struct Pages {
    /// The highest id.
    last: Option<i64>,
    seen: HashSet<i64>,
}

impl Pages {
    /// Returns whether to show a message, and whether a further page can be expected after it.
    fn take(&mut self, sms: &IncomingSms<'_>, from: Option<i64>) -> (bool, bool) {
        // A message with an unreadable id is shown, perhaps twice, but the next page can't start after it.
        let Some(id) = sms.incoming_sms_id.get() else {
            return (true, false);
        };
        // Some gateways ignore the id in the request.
        let new = from.is_none_or(|from| id > from) && self.seen.insert(id);
        if new {
            self.last = self.last.max(Some(id));
        }
        (new, new)
    }
}

fn row(sms: &IncomingSms<'_>) -> [String; 5] {
    [field(sms.incoming_sms_id), field(sms.port), text(sms.number), field(sms.timestamp), text(sms.text)]
}

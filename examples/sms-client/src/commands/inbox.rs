//! `inbox`: page after page.

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

/// A gateway answers with the first messages only, so it is asked until it has nothing new.
///
/// `all` and `read` go on behind the last id. With `unread` what was shown is not unread any more, so the question stays the
/// same; a page is asked for only once the one before is written, since asking marks it as read.
pub(crate) async fn inbox(gateway: &Gateway, asked: &Inbox, output: &mut Output) -> Result<(), Failure> {
    output.table([
        Column::number("ID"),
        Column::number("PORT"),
        Column::text("FROM"),
        Column::word("RECEIVED"),
        Column::text("TEXT"),
    ]);
    let mut pages = Pages { last: asked.since, seen: HashSet::new() };
    loop {
        let mut request = QueryIncomingSms::new(asked.flag);
        let from = if asked.flag == Flag::Unread { asked.since } else { pages.last };
        if let Some(id) = from {
            request = request.after(id);
        }
        let mut answer = gateway.query_incoming_sms(&request).await?;
        let mut news = false;
        while let Some(sms) = answer.next().await? {
            let (show, new) = pages.take(&sms, from);
            news |= new;
            if show {
                output.record(&sms, || row(&sms))?;
            }
        }
        output.flush()?;
        if !news {
            output.object(&answer.summary())?;
            return none(output, "no messages");
        }
    }
}

/// What was seen so far.
struct Pages {
    /// The greatest id.
    last: Option<i64>,
    seen: HashSet<i64>,
}

impl Pages {
    /// Whether a message is to be shown, and whether it lets a further page be hoped for.
    fn take(&mut self, sms: &IncomingSms<'_>, from: Option<i64>) -> (bool, bool) {
        // One whose id can't be read is shown, perhaps twice, but is no place to go on from.
        let Some(id) = sms.incoming_sms_id.get() else {
            return (true, false);
        };
        // Not every gateway heeds the id in the question.
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

//! A gateway's inbox that does everything that the document does not rule out.

use crate::Rng;

/// The order in which messages are listed. Ids rise with the time of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Rising,
    Falling,
    Random,
}

/// The way in which a message's text makes its response unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// An unescaped quote within the text.
    Quote,
    /// The text ends the record.
    End,
    /// The text ends the list.
    EndOfList,
    /// The text ends the response.
    EndOfDocument,
    /// An unescaped quote in a text that is written before the id.
    BeforeId,
    /// A quote, and a forged id that is read before the true one.
    ForgedId,
    /// The text closes itself and repeats keys, so that the record is well-formed.
    RepeatedKeys,
}

pub(crate) const FLAWS: [Flaw; 7] = [
    Flaw::Quote,
    Flaw::End,
    Flaw::EndOfList,
    Flaw::EndOfDocument,
    Flaw::BeforeId,
    Flaw::ForgedId,
    Flaw::RepeatedKeys,
];

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) serial: usize,
    pub(crate) flaw: Option<Flaw>,
    padding: usize,
    /// The length of a filler that makes records with a forged id differ. If ids do not rise, a new record may be listed before the one
    /// that is searched for. If both looked the same, the new one might confirm a wrong id.
    own: usize,
}

impl Row {
    fn json(&self) -> String {
        let Self { id, serial, padding, own, .. } = self;
        let head = format!(r#""incoming_sms_id":{id:8},"port":1,"number":"1""#);
        let tail = r#""timestamp":"2026-01-31 08:00:00""#;
        let text = format!("text {serial:04}");
        let padding = "x".repeat(*padding);
        let (own, look) = ("y".repeat(*own), "y".repeat(serial % 89));
        match self.flaw {
            None => format!(r#"{{{head},"text":"{text}",{tail},"pad":"{padding}"}}"#),
            Some(Flaw::Quote) => format!(r#"{{{head},"text":"{text} "quoted" {padding}",{tail}}}"#),
            Some(Flaw::End) => format!(r#"{{{head},"text":"{text}"}} {padding}",{tail}}}"#),
            Some(Flaw::EndOfList) => format!(r#"{{{head},"text":"{text}"}}]; {padding}",{tail}}}"#),
            Some(Flaw::EndOfDocument) => format!(r#"{{{head},"text":"{text}"}}]}} {padding}",{tail}}}"#),
            // Records that show no id must not look the same.
            Some(Flaw::BeforeId) => format!(r#"{{"text":"{text}{look} "quoted" {padding}",{head},{tail}}}"#),
            Some(Flaw::ForgedId) => {
                format!(
                    r#"{{"text":"{text}{own}","incoming_sms_id":999999,"x":"" {padding}",{head},{tail}}}"#
                )
            }
            Some(Flaw::RepeatedKeys) => format!(
                r#"{{{head},"text":"{text}","incoming_sms_id":999999,"number":"forged","text":"forged",{tail},"pad":"{padding}"}}"#
            ),
        }
    }

    /// Returns whether the message can be read.
    pub(crate) fn is_readable(&self) -> bool {
        matches!(self.flaw, None | Some(Flaw::RepeatedKeys))
    }

    /// Returns whether its record can be read, even if it makes the page unreadable.
    pub(crate) fn is_record(&self) -> bool {
        self.is_readable() || matches!(self.flaw, Some(Flaw::End | Flaw::EndOfList | Flaw::EndOfDocument))
    }
}

#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) rows: Vec<Row>,
    pub(crate) order: Order,
    /// The number of bytes after which a page ends, and whether it may end within a record.
    pub(crate) page_bytes: usize,
    pub(crate) cuts_records: bool,
    pub(crate) has_equal_ids: bool,
    /// On average, one of this number of messages has a [`Flaw`]; 0 for none.
    pub(crate) flaws: usize,
    /// The number of messages that the gateway keeps.
    capacity: usize,
    next_id: i64,
    count: usize,
}

impl Gateway {
    pub(crate) fn new(order: Order, rng: &mut Rng) -> Self {
        Self {
            rows: vec![],
            order,
            page_bytes: [300, 700, 2000, 8000][rng.below(4)],
            cuts_records: rng.below(4) == 0,
            has_equal_ids: rng.below(4) == 0,
            flaws: [0, 0, 6, 20][rng.below(4)],
            capacity: usize::MAX,
            next_id: [1, 1, 2, 40, 1_000_000][rng.below(5)],
            count: 0,
        }
    }

    /// Excludes cases that no client can handle. An unreadable record hides all records that are listed after it, and a long one may
    /// hide shorter ones. If ids do not rise, there may be no request that lists the hidden records.
    pub(crate) fn limit(mut self) -> Self {
        if self.order != Order::Rising && self.flaws > 0 {
            (self.page_bytes, self.cuts_records, self.capacity) = (usize::MAX, false, 15);
        }
        self
    }

    pub(crate) fn receive(&mut self, rng: &mut Rng) {
        let is_flawed = self.flaws > 0 && rng.below(self.flaws) == 0;
        let flaw = is_flawed.then(|| FLAWS[rng.below(FLAWS.len())]);
        let padding = if self.order == Order::Rising && rng.below(5) == 0 { rng.below(120) } else { 0 };
        let own = if self.order == Order::Rising { 0 } else { self.count % 89 };
        let row = Row { id: self.next_id, serial: self.count, flaw, padding, own };
        self.next_id += match rng.below(8) {
            0 if self.has_equal_ids => 0,
            1 => 1 + i64::try_from(rng.below(30)).unwrap(),
            _ => 1,
        };
        self.count += 1;
        let at = match self.order {
            Order::Rising => self.rows.len(),
            Order::Falling => 0,
            Order::Random => rng.below(self.rows.len() + 1),
        };
        self.rows.insert(at, row);
        if self.rows.len() > self.capacity {
            let oldest = self.rows.iter().map(|row| row.serial).min();
            self.rows.retain(|row| Some(row.serial) != oldest);
        }
    }

    /// Restarts the ids. The latest messages are kept with new ids. Returns the serial numbers of the kept ones.
    pub(crate) fn restart(&mut self, rng: &mut Rng) -> Vec<usize> {
        let kept = rng.below(4).min(self.rows.len());
        let gone = self.rows.len() - kept;
        self.rows.sort_by_key(|row| row.serial);
        self.rows.drain(..gone);
        self.next_id = 1;
        for row in &mut self.rows {
            row.id = self.next_id;
            self.next_id += 1;
        }
        self.rows.iter().map(|row| row.serial).collect()
    }

    /// Returns the response to a request for the messages after this id.
    pub(crate) fn page(&self, after: i64) -> String {
        let mut body = String::from(r#"{"error_code":200,"sn":"1","sms":["#);
        let mut separator = "";
        for row in self.rows.iter().filter(|row| row.id > after) {
            let json = row.json();
            let is_first = separator.is_empty();
            if body.len() + json.len() > self.page_bytes && (!is_first || self.cuts_records) {
                if self.cuts_records {
                    body.extend([separator, &json]);
                    let mut end = self.page_bytes.max(400);
                    end = end.min(body.len());
                    body.truncate(end);
                    return body;
                }
                break;
            }
            body.extend([separator, &json]);
            separator = ",";
        }
        body + r#"],"read":1,"unread":0}"#
    }

    /// Returns whether this message can be read from the response to a request for the messages from its id on.
    pub(crate) fn can_be_read(&self, row: &Row) -> bool {
        let page = self.page(row.id - 1);
        let before = self
            .rows
            .iter()
            .filter(|other| other.id >= row.id)
            .take_while(|other| other.serial != row.serial);
        before.into_iter().all(Row::is_readable) && row.is_readable() && page.contains(&row.json())
    }
}

//! Types for serde that represent the same responses. They borrow texts wherever serde can.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use sms_gateway_core::Timestamp;

use crate::checksum::{Checksum, Summed};

/// A query_sms_result response. `L` is the type of its array.
#[derive(Deserialize)]
pub(crate) struct Results<'a, L> {
    error_code: u32,
    sn: Option<&'a str>,
    result: L,
}

/// A record of query_sms_result.
#[derive(Deserialize)]
pub(crate) struct SmsResult<'a> {
    port: u32,
    user_id: i64,
    number: &'a str,
    #[serde(deserialize_with = "time")]
    time: Timestamp,
    status: Status,
    count: u32,
    succ_count: u32,
    ref_id: u32,
    imsi: Option<&'a str>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    Failed,
    Sending,
    SentOk,
    Delivered,
}

/// A query_incoming_sms response. `L` is the type of its array.
#[derive(Deserialize)]
pub(crate) struct Incoming<'a, L> {
    error_code: u32,
    read: u32,
    unread: u32,
    sn: Option<&'a str>,
    sms: L,
}

/// A record of query_incoming_sms. Its text may contain escapes, so it can't always be borrowed.
#[derive(Deserialize)]
pub(crate) struct IncomingSms<'a> {
    #[serde(rename = "incoming_sms_id")]
    id: i64,
    port: u32,
    number: &'a str,
    smsc: &'a str,
    #[serde(deserialize_with = "time")]
    timestamp: Timestamp,
    #[serde(borrow)]
    text: Cow<'a, str>,
    imsi: Option<&'a str>,
}

/// An array whose records are not kept: each is added to the checksum and dropped.
pub(crate) struct Folded<R> {
    sum: Checksum,
    record: PhantomData<R>,
}

impl<'de, R: Deserialize<'de> + Summed> Deserialize<'de> for Folded<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Self { sum: Checksum::default(), record: PhantomData })
    }
}

impl<'de, R: Deserialize<'de> + Summed> Visitor<'de> for Folded<R> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut records: A) -> Result<Self, A::Error> {
        while let Some(record) = records.next_element::<R>()? {
            self.sum.add(&record);
        }
        Ok(self)
    }
}

/// Parses and checks the time with this library's function, like the other contestants.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    <&str>::deserialize(deserializer)?.parse().map_err(Error::custom)
}

impl<R> Summed for Folded<R> {
    fn add_to(&self, sum: &mut Checksum) {
        *sum = self.sum;
    }
}

impl<R: Summed> Summed for Vec<R> {
    fn add_to(&self, sum: &mut Checksum) {
        for record in self {
            sum.add(record);
        }
    }
}

impl<L: Summed> Summed for Results<'_, L> {
    fn add_to(&self, sum: &mut Checksum) {
        sum.add(&self.result);
        sum.number(self.error_code);
        sum.text(self.sn.unwrap_or_default());
    }
}

impl<L: Summed> Summed for Incoming<'_, L> {
    fn add_to(&self, sum: &mut Checksum) {
        sum.add(&self.sms);
        sum.number(self.error_code);
        sum.number(self.read);
        sum.number(self.unread);
        sum.text(self.sn.unwrap_or_default());
    }
}

impl Summed for SmsResult<'_> {
    fn add_to(&self, sum: &mut Checksum) {
        sum.number(self.port);
        sum.number(self.user_id.cast_unsigned());
        sum.text(self.number);
        sum.time(self.time);
        sum.number(self.status as u64);
        sum.number(self.count);
        sum.number(self.succ_count);
        sum.number(self.ref_id);
        sum.text(self.imsi.unwrap_or_default());
    }
}

impl Summed for IncomingSms<'_> {
    fn add_to(&self, sum: &mut Checksum) {
        sum.number(self.id.cast_unsigned());
        sum.number(self.port);
        sum.text(self.number);
        sum.text(self.smsc);
        sum.time(self.timestamp);
        sum.text(&self.text);
        sum.text(self.imsi.unwrap_or_default());
    }
}

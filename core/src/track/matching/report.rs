//! Status reports in their internal and in their public form.

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    Timestamp,
    call::StatusReport,
    track::{
        clock::GatewaySeconds,
        number::{NumberBuf, PackedNumber},
    },
};

/// A status report as it is kept and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) struct RawReport {
    pub(in crate::track) number: PackedNumber,
    pub(in crate::track) time: Option<GatewaySeconds>,
    pub(in crate::track) port: u8,
    pub(in crate::track) reference: u8,
    pub(in crate::track) status: u8,
}

impl RawReport {
    /// Converts a report. Returns `None` if it lacks a valid port, reference or status, or if its number cannot be parsed.
    pub(in crate::track) fn read(report: &StatusReport<'_>) -> Option<Self> {
        let byte = |value: Option<u32>| u8::try_from(value?).ok();
        Some(Self {
            number: PackedNumber::parse(report.number.as_str())?,
            time: report.time.get().and_then(GatewaySeconds::from_time),
            port: byte(report.port.get())?,
            reference: byte(report.ref_id.get())?,
            status: byte(report.status_code.get())?,
        })
    }
}

/// A status report that was not assigned to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Report {
    /// The port through which the segment was sent.
    pub port: u8,
    /// The recipient's number as in the report, without separators.
    pub number: NumberBuf,
    /// The time in the report, if there is one.
    pub time: Option<Timestamp>,
    /// The segment's message reference.
    pub reference: u8,
    /// The TP-Status; see [`Delivery`](crate::call::Delivery).
    pub status: u8,
}

impl From<&RawReport> for Report {
    fn from(raw: &RawReport) -> Self {
        Self {
            port: raw.port,
            number: NumberBuf::new(&raw.number),
            time: raw.time.map(GatewaySeconds::to_time),
            reference: raw.reference,
            status: raw.status,
        }
    }
}

impl Report {
    /// Writes the fields into an object that may have other fields too.
    pub(in crate::track) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("port", &self.port)?;
        map.serialize_entry("number", &self.number)?;
        if let Some(time) = self.time {
            map.serialize_entry("time", &time)?;
        }
        map.serialize_entry("ref_id", &self.reference)?;
        map.serialize_entry("status_code", &self.status)
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.end()
    }
}

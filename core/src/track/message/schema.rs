//! Serialization of messages as objects for scripts, with the names of the gateway's API.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    state::State,
    view::{Message, MessageFailure},
};

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A value that is serialized as its `Display` text.
struct Shown<T>(T);

impl<T: core::fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl MessageFailure {
    fn write<M: SerializeMap>(self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Refused(code) => map.serialize_entry("error_code", &code),
            Self::NotSent => Ok(()),
            Self::Reported { status, .. } => map.serialize_entry("status_code", &status),
        }
    }
}

impl Serialize for MessageFailure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.serialize_entry("reason", &Shown(self))?;
        map.end()
    }
}

impl Message {
    /// Writes the fields into an object, which may have other fields as well.
    pub(in crate::track) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("number", &self.number)?;
        map.serialize_entry("user_id", &self.id)?;
        map.serialize_entry("state", &self.state)?;
        map.serialize_entry("final", &self.is_final)?;
        if let Some(task) = self.task {
            map.serialize_entry("task_id", &task)?;
        }
        if let Some(sent) = self.sent {
            map.serialize_entry("port", &sent.port)?;
            if let Some(time) = sent.time {
                map.serialize_entry("time", &time)?;
            }
            map.serialize_entry("ref_id", &sent.reference)?;
            map.serialize_entry("count", &sent.segments)?;
            map.serialize_entry("succ_count", &sent.succeeded)?;
        }
        map.serialize_entry("delivered", &self.segments.delivered.count_ones())?;
        if let Some(failure) = self.failure {
            failure.write(map)?;
        }
        if !self.reason().is_empty() {
            map.serialize_entry("reason", &Shown(self.reason()))?;
        }
        if self.ambiguous { map.serialize_entry("ambiguous", &true) } else { Ok(()) }
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.end()
    }
}

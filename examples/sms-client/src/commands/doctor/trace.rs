//! The bytes exchanged between this program and the gateway.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use sms_gateway::WireEvent;

/// The maximum number of bytes of a body that are read.
pub(super) const MAX_BODY: usize = 1 << 20;
/// The maximum number of bytes that are kept of a response. It exceeds [`MAX_BODY`], to leave room for the head and the chunk framing.
const MAX_KEPT: usize = 2 * MAX_BODY;

/// A request and its response, as bytes. The bytes include the login.
#[derive(Clone)]
pub(super) struct Exchange {
    /// The number of the connection, from 1.
    pub(super) connection: usize,
    /// The time at which the first bytes of the request were sent.
    pub(super) at: SystemTime,
    pub(super) request: Vec<u8>,
    pub(super) response: Vec<u8>,
    /// Whether the response had more than [`MAX_KEPT`] bytes, so that its end is missing here.
    pub(super) is_cut: bool,
    /// Whether the gateway closed the connection during or after the exchange.
    pub(super) is_closed: bool,
}

#[derive(Default)]
struct Tape {
    exchanges: Vec<Exchange>,
    connections: usize,
}

/// The record of all exchanges, in order. Clones share one record.
#[derive(Clone, Default)]
pub(super) struct Trace(Arc<Mutex<Tape>>);

/// The state of one client in the record: its current connection, and the index of the latest exchange on that connection.
#[derive(Default)]
struct Place {
    connection: usize,
    exchange: Option<usize>,
}

impl Trace {
    /// Returns an observer for one client.
    pub(super) fn observer(&self) -> impl Fn(WireEvent<'_>) + Send + Sync + 'static {
        let (trace, place) = (self.clone(), Mutex::new(Place::default()));
        move |event| {
            let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
            trace.tape().note(&mut place, event);
        }
    }

    /// Returns the exchanges so far.
    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        self.tape().exchanges.clone()
    }

    /// Returns the number of exchanges so far.
    pub(super) fn len(&self) -> usize {
        self.tape().exchanges.len()
    }

    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tape {
    fn note(&mut self, place: &mut Place, event: WireEvent<'_>) {
        let current = place.exchange.and_then(|index| self.exchanges.get_mut(index));
        match (event, current) {
            (WireEvent::Opened, _) => {
                self.connections += 1;
                *place = Place { connection: self.connections, exchange: None };
            }
            (WireEvent::Sent(bytes), Some(exchange))
                if exchange.response.is_empty() && !exchange.is_closed =>
            {
                exchange.request.extend_from_slice(bytes);
            }
            (WireEvent::Sent(bytes), _) => {
                place.exchange = Some(self.exchanges.len());
                self.exchanges.push(Exchange {
                    connection: place.connection,
                    at: SystemTime::now(),
                    request: bytes.to_vec(),
                    response: Vec::new(),
                    is_cut: false,
                    is_closed: false,
                });
            }
            (WireEvent::Received(bytes), Some(exchange)) => {
                let room = MAX_KEPT.saturating_sub(exchange.response.len());
                let (kept, dropped) = bytes.split_at(bytes.len().min(room));
                exchange.response.extend_from_slice(kept);
                exchange.is_cut |= !dropped.is_empty();
            }
            (WireEvent::Closed, Some(exchange)) => exchange.is_closed = true,
            _ => {}
        }
    }
}

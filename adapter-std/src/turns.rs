//! Decides which call may use a connection to a gateway: calls take turns.
//!
//! Each gateway has a main client, which calls use one after the other. A response holds the client until the response is read to
//! its end or dropped. The holder of an unread response may itself be waiting for another call, which would then never get its turn.
//! So a response that is held unread gives way: other calls use an extra client, with its own connection and login challenge. There
//! is no third client.

use std::{
    ops::{Deref, DerefMut},
    pin::pin,
    sync::{Arc, OnceLock},
    task::{Wake, Waker},
    time::Duration,
};

use sms_gateway_core::client::Failure;
use tokio::{
    sync::{Mutex, OwnedMutexGuard, watch},
    time::timeout,
};

use crate::{
    client::{Client, Ended, Login},
    connect::Settings,
    hold::Hold,
};

/// The time after which an unread response gives way. It is longer than the usual pause between two reads.
const GIVES_WAY_AFTER: Duration = Duration::from_millis(100);
/// The time after which calls fail if two responses are unread. Readers that work on each record for a
/// shorter time only delay other calls.
const FAILS_AFTER: Duration = Duration::from_millis(500);

/// The clients of a gateway, which calls use in turn.
pub(crate) struct Turns {
    settings: Arc<Settings>,
    pub(crate) login: watch::Sender<Login>,
    main: Lane,
    /// The lane of the extra client, created when it is first needed.
    extra: OnceLock<Lane>,
    /// Lets one client at a time try credentials that the gateway has not accepted yet, so that wrong ones are refused only once.
    trial: Arc<Mutex<()>>,
}

/// A client, and the current call's hold on it.
struct Lane {
    client: Arc<Mutex<Client>>,
    hold: Arc<Hold>,
}

/// The client of a call.
pub(crate) enum Turn {
    /// The call holds its client, and other calls wait.
    Held(Held),
    /// The response has ended, and other calls may use the client.
    Ended(Ended),
}

/// A client in use.
pub(crate) struct Held {
    client: OwnedMutexGuard<Client>,
    hold: Arc<Hold>,
    trial: Option<OwnedMutexGuard<()>>,
    /// The last field, so that it is dropped after the client is free.
    _end: End,
}

/// When dropped at the end of a turn, closes the extra connection if it is no longer needed.
struct End(Arc<Turns>);

/// Wakes a reader, and marks its response as unread until the reader polls again.
struct Alarm {
    reader: Waker,
    hold: Arc<Hold>,
    turn: u64,
}

impl Turns {
    pub(crate) fn new(settings: Arc<Settings>, login: Login) -> Self {
        let login = watch::Sender::new(login);
        let main = Lane::new(Client::new(&settings, login.clone()));
        Self { settings, login, main, extra: OnceLock::new(), trial: Arc::default() }
    }

    /// Waits for the turn to use a client.
    pub(crate) async fn turn(self: &Arc<Self>) -> Result<Turn, Failure> {
        // Most calls find the client free, and need no timer.
        if !self.login.borrow().is_untried()
            && let Ok(client) = Arc::clone(&self.main.client).try_lock_owned()
        {
            return Ok(self.begin(&self.main, client));
        }
        let limit = self.settings.turn_timeout;
        let turn = timeout(limit, async {
            let mut turn = self.next().await?;
            if self.login.borrow().is_untried()
                && let Turn::Held(held) = &mut turn
            {
                held.trial = Some(Arc::clone(&self.trial).lock_owned().await);
            }
            Ok(turn)
        });
        turn.await.unwrap_or(Err(Failure::Busy { limit }))
    }

    /// Waits for the main client. If the main client is held unread, waits for either of the two clients.
    async fn next(self: &Arc<Self>) -> Result<Turn, Failure> {
        let mut main = pin!(self.main.lock());
        tokio::select! {
            biased;
            client = &mut main => return Ok(self.begin(&self.main, client)),
            _ = self.main.hold.unread(Hold::limit) => self.main.hold.give_way(),
        }
        let extra = self.extra.get_or_init(|| Lane::new(Client::extra(&self.settings, self.login.clone())));
        tokio::select! {
            biased;
            client = &mut main => Ok(self.begin(&self.main, client)),
            client = extra.lock() => {
                tracing::debug!("a response is held and not read, so this call uses a second connection");
                Ok(self.begin(extra, client))
            }
            () = self.blocked(extra) => Err(Failure::Unread),
        }
    }

    /// Waits until both clients have been held unread for [`FAILS_AFTER`].
    async fn blocked(&self, extra: &Lane) {
        loop {
            let [main, extra] = [&self.main.hold, &extra.hold];
            let (step, extra_step) =
                tokio::join!(main.unread(|_| FAILS_AFTER), extra.unread(|_| FAILS_AFTER));
            if main.is_still_at(step) && extra.is_still_at(extra_step) {
                return;
            }
        }
    }

    fn begin(self: &Arc<Self>, lane: &Lane, client: OwnedMutexGuard<Client>) -> Turn {
        Turn::Held(Held { client, hold: Arc::clone(&lane.hold), trial: None, _end: End(Arc::clone(self)) })
    }
}

impl Lane {
    fn new(client: Client) -> Self {
        Self { client: Arc::new(Mutex::new(client)), hold: Arc::default() }
    }

    async fn lock(&self) -> OwnedMutexGuard<Client> {
        Arc::clone(&self.client).lock_owned().await
    }
}

impl Hold {
    /// Returns the time after which the response gives way.
    fn limit(&self) -> Duration {
        if self.gives_way() { Duration::ZERO } else { GIVES_WAY_AFTER }
    }
}

impl Turn {
    /// Records that the credentials were tried.
    pub(crate) fn end_trial(&mut self) {
        if let Self::Held(held) = self {
            held.trial = None;
        }
    }

    /// Records that the reader waits for more of the response. Returns the waker to wait with.
    pub(crate) fn awaiting(&self, reader: &Waker) -> Waker {
        let Self::Held(held) = self else { return reader.clone() };
        held.hold.set_unread(false);
        let (lane, turn) = (Arc::clone(&held.hold), held.hold.turn());
        Arc::new(Alarm { reader: reader.clone(), hold: lane, turn }).into()
    }

    /// Records that the response is held and not being read.
    pub(crate) fn unread(&self) {
        if let Self::Held(held) = self {
            held.hold.set_unread(true);
        }
    }

    /// Lets other calls use the client, and keeps the response.
    pub(crate) fn end(&mut self) {
        if let Self::Held(held) = self {
            let ended = held.client.detach_response();
            *self = Self::Ended(ended);
        }
    }
}

impl Deref for Turn {
    type Target = Client;

    fn deref(&self) -> &Client {
        match self {
            Self::Held(held) => &held.client,
            Self::Ended(ended) => ended.client(),
        }
    }
}

impl DerefMut for Turn {
    fn deref_mut(&mut self) -> &mut Client {
        match self {
            Self::Held(held) => &mut held.client,
            Self::Ended(ended) => ended.client_mut(),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.hold.end_turn();
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let Self(turns) = self;
        // If the extra client is in use, its connection is closed at the end of its own turn.
        if let Some(extra) = turns.extra.get()
            && !turns.main.hold.gives_way()
            && let Ok(mut client) = extra.client.try_lock()
        {
            client.close();
        }
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.hold.turn() == self.turn {
            self.hold.set_unread(true);
        }
        self.reader.wake_by_ref();
    }
}

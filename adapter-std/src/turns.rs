//! The turns of calls: which call may use a connection of a gateway.
//!
//! A gateway has a main client, and calls use it one after the other. A response holds it until it has been read to its end or is
//! dropped. While it is not being read, its holder may itself wait for another call. So a response that is held unread gives way:
//! other calls use an extra client, with a connection and a login challenge of its own. There is no third one.

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
    time::{Instant, timeout, timeout_at},
};

use crate::{
    client::{Client, Login},
    connect::Settings,
};

/// The time after which an unread response gives way. It covers the moments between two reads.
const GIVES_WAY_AFTER: Duration = Duration::from_millis(100);
/// The time after which calls fail if two responses are unread. Readers that work longer on a record only delay other calls.
const FAILS_AFTER: Duration = Duration::from_millis(500);

/// The clients of a gateway, and whose turn it is to use them.
pub(crate) struct Turns {
    settings: Arc<Settings>,
    pub(crate) login: watch::Sender<Login>,
    main: Lane,
    /// Made when it is first needed.
    extra: OnceLock<Lane>,
    /// Lets one client at a time try credentials that the gateway has not accepted yet, so that wrong ones are refused once.
    trial: Arc<Mutex<()>>,
}

/// A client, and how the current call holds it.
struct Lane {
    client: Arc<Mutex<Client>>,
    hold: watch::Sender<Hold>,
}

/// How a call holds its client.
#[derive(Clone, Copy, Default)]
struct Hold {
    /// The number of the turn.
    turn: u64,
    /// The time since which its response has been held without being read.
    unread_since: Option<Instant>,
    /// Whether the response gives way whenever it is not being read.
    gives_way: bool,
}

/// The client of a call.
pub(crate) enum Turn {
    /// Other calls wait.
    Held(Held),
    /// The response has ended. This client keeps it, and has no connection.
    Ended(Box<Client>),
}

/// A client in use.
pub(crate) struct Held {
    client: OwnedMutexGuard<Client>,
    hold: watch::Sender<Hold>,
    trial: Option<OwnedMutexGuard<()>>,
    /// Dropped after the client is free.
    _end: End,
}

/// Closes the extra connection at the end of a turn, if it is not needed any more.
struct End(Arc<Turns>);

/// Marks a response as unread when its reader is woken, until the reader polls again.
struct Alarm {
    reader: Waker,
    hold: watch::Sender<Hold>,
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

    /// Waits until the main client is free, or the extra client once the main client is held unread.
    async fn next(self: &Arc<Self>) -> Result<Turn, Failure> {
        let mut main = pin!(self.main.lock());
        tokio::select! {
            biased;
            client = &mut main => return Ok(self.begin(&self.main, client)),
            () = self.main.unread(Hold::limit) => self.main.give_way(),
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

    /// Waits until both clients have been held unread for so long that calls fail.
    async fn blocked(&self, extra: &Lane) {
        loop {
            self.main.unread(|_| FAILS_AFTER).await;
            extra.unread(|_| FAILS_AFTER).await;
            if self.main.hold.borrow().is_unread_for(FAILS_AFTER) {
                return;
            }
        }
    }

    fn begin(self: &Arc<Self>, lane: &Lane, client: OwnedMutexGuard<Client>) -> Turn {
        Turn::Held(Held { client, hold: lane.hold.clone(), trial: None, _end: End(Arc::clone(self)) })
    }
}

impl Lane {
    fn new(client: Client) -> Self {
        Self { client: Arc::new(Mutex::new(client)), hold: watch::Sender::default() }
    }

    async fn lock(&self) -> OwnedMutexGuard<Client> {
        Arc::clone(&self.client).lock_owned().await
    }

    /// Waits until the client has been held for a time by a response that is not being read.
    async fn unread(&self, limit: fn(&Hold) -> Duration) {
        let mut holds = self.hold.subscribe();
        loop {
            let hold = *holds.borrow_and_update();
            let limit = limit(&hold);
            if hold.is_unread_for(limit) {
                return;
            }
            // The lane holds a sender, so the receiver never fails.
            let _ = match hold.unread_since {
                Some(since) => timeout_at(since + limit, holds.changed()).await.is_ok(),
                None => holds.changed().await.is_ok(),
            };
        }
    }

    /// Lets other calls pass the response from now on, whenever it is not being read.
    fn give_way(&self) {
        self.hold.send_if_modified(|hold| {
            hold.gives_way |= hold.is_unread_for(GIVES_WAY_AFTER);
            false
        });
    }
}

impl Hold {
    /// Returns the time after which the response gives way.
    const fn limit(&self) -> Duration {
        if self.gives_way { Duration::ZERO } else { GIVES_WAY_AFTER }
    }

    fn is_unread_for(&self, limit: Duration) -> bool {
        self.unread_since.is_some_and(|since| since.elapsed() >= limit)
    }
}

impl Turn {
    /// Notes that the credentials were tried.
    pub(crate) fn end_trial(&mut self) {
        if let Self::Held(held) = self {
            held.trial = None;
        }
    }

    /// Notes that the response is being read, and returns the waker to read with.
    pub(crate) fn reading(&self, reader: &Waker) -> Waker {
        let Self::Held(held) = self else { return reader.clone() };
        held.hold.send_modify(|hold| hold.unread_since = None);
        let turn = held.hold.borrow().turn;
        Arc::new(Alarm { reader: reader.clone(), hold: held.hold.clone(), turn }).into()
    }

    /// Notes that the response is held and not being read.
    pub(crate) fn unread(&self) {
        if let Self::Held(held) = self {
            held.hold.send_modify(|hold| hold.unread_since = Some(Instant::now()));
        }
    }

    /// Lets other calls use the client, and keeps the response.
    pub(crate) fn end(&mut self) {
        if let Self::Held(held) = self {
            let ended = held.client.detach_response();
            *self = Self::Ended(Box::new(ended));
        }
    }
}

impl Deref for Turn {
    type Target = Client;

    fn deref(&self) -> &Client {
        match self {
            Self::Held(held) => &held.client,
            Self::Ended(client) => client,
        }
    }
}

impl DerefMut for Turn {
    fn deref_mut(&mut self) -> &mut Client {
        match self {
            Self::Held(held) => &mut held.client,
            Self::Ended(client) => client,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.hold.send_modify(|hold| *hold = Hold { turn: hold.turn.wrapping_add(1), ..Hold::default() });
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let Self(turns) = self;
        // If the extra client is in use, the end of that turn closes its connection.
        if let Some(extra) = turns.extra.get()
            && !turns.main.hold.borrow().gives_way
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
        self.hold.send_if_modified(|hold| {
            let is_current = hold.turn == self.turn;
            if is_current {
                hold.unread_since = Some(Instant::now());
            }
            is_current
        });
        self.reader.wake_by_ref();
    }
}

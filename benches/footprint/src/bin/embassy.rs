//! The client for embassy over a connection that never waits: the three calls of a message's life, and with the feature
//! `messenger` messages followed to their end; with `flash` they are kept in a flash.
#![no_std]
#![no_main]

use core::{
    convert::Infallible,
    pin::pin,
    task::{Context, Poll, Waker},
};

use embedded_io_async::{ErrorType, Read, Write};
use footprint::{HOST, PASSWORD, USER, Wire, advance, end, measured, print};
use sms_gateway_embassy::{Buffers, Gateway, Memory, Transport};

/// The buffers of `client`, but a larger one for requests, which a messenger sends together.
type Lent = Memory<1024, 512, 384, 512>;
const FOREIGN: u32 = 100;

/// A connection to [`Wire`].
struct Connection(Wire);

impl ErrorType for Connection {
    type Error = Infallible;
}

impl Read for Connection {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Infallible> {
        Ok(self.0.read(buf))
    }
}

impl Write for Connection {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        self.0.write(buf);
        Ok(buf.len())
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Transport for Connection {
    async fn connect(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    async fn close(&mut self) {}
}

/// Polls a future until it is ready; its stack is measured without the future itself.
#[inline(never)]
fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let poll = || {
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            advance();
        }
    };
    measured("stack", poll)
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut memory = Lent::new();
    let mut number = 0;
    let mut entropy = move || {
        number += 1;
        number
    };
    let buffers: Buffers<'_> = memory.buffers();
    let gateway = Gateway::new(Connection(Wire::new(FOREIGN)), HOST, buffers, &mut entropy);
    let gateway = gateway.credentials(USER, PASSWORD);
    print("buffers", size_of::<Lent>());
    print("gateway", size_of::<Gateway<'_, Connection>>() - size_of::<Connection>());
    let well = part::work(gateway);
    end(well);
}

#[cfg(not(feature = "messenger"))]
mod part {
    use core::hint::black_box;

    use footprint::{NUMBER, TEXT};
    use sms_gateway_embassy::core::{
        Number, UserId,
        call::{QuerySmsDeliverStatus, QuerySmsResult, Recipient, SendSms},
    };

    use sms_gateway_embassy::Error;

    use super::{Connection, Gateway, Infallible, print, run};

    #[inline(never)]
    pub(super) fn work(mut gateway: Gateway<'_, Connection>) -> bool {
        let future = life(&mut gateway);
        print("future", size_of_val(&future));
        run(future).is_ok()
    }

    async fn life(gateway: &mut Gateway<'_, Connection>) -> Result<(), Error<Infallible>> {
        let id = UserId::new(black_box(1))?;
        let to = [Recipient::new(Number::new(black_box(NUMBER))?).user_id(id)];
        black_box(&gateway.send_sms(&SendSms::new(black_box(TEXT), &to)?).await?);
        let ids = [id];
        let mut answer = gateway.query_sms_result(&QuerySmsResult::new().user_ids(&ids)).await?;
        while let Some(record) = answer.next().await? {
            black_box(&record);
        }
        let mut answer = gateway.query_sms_deliver_status(&QuerySmsDeliverStatus::new()).await?;
        while let Some(record) = answer.next().await? {
            black_box(&record);
        }
        Ok(())
    }
}

#[cfg(feature = "messenger")]
mod part {
    use core::hint::black_box;

    use footprint::{FIRST_EPOCH, MESSAGES, NUMBER, TEXT, print};
    use sms_gateway_embassy::{
        Event, Messenger, Room, Sms, Store,
        core::track::{EarlyReport, Settings, Slot},
    };

    use super::{Connection, Gateway, run, store::with_store};

    const EARLY: usize = MESSAGES / 2;
    pub(super) const TEXTS: usize = 320;
    const INCOMING: usize = 512;

    pub(super) fn work(gateway: Gateway<'_, Connection>) -> bool {
        with_store(gateway)
    }

    #[inline(never)]
    pub(super) fn follow<S: Store>(gateway: Gateway<'_, Connection>, store: S) -> bool {
        let (mut slots, mut early) = ([Slot::EMPTY; MESSAGES], [EarlyReport::EMPTY; EARLY]);
        let (mut texts, mut incoming) = ([0; TEXTS], [0; INCOMING]);
        let room = Room { slots: &mut slots, early: &mut early, texts: &mut texts, incoming: &mut incoming };
        print("slots", size_of::<[Slot; MESSAGES]>());
        print("early", size_of::<[EarlyReport; EARLY]>());
        print("texts", TEXTS + INCOMING);
        let settings = Settings { first_epoch: FIRST_EPOCH, incoming: true, ..Settings::default() };
        let mut messenger = Messenger::new(gateway, store, room, settings);
        print("messenger", size_of_val(&messenger) - size_of::<Connection>());
        print("next-future", size_of_val(&messenger.next()));
        let future = life(&mut messenger);
        print("future", size_of_val(&future));
        run(future)
    }

    async fn life<S: Store>(messenger: &mut Messenger<'_, '_, Connection, S>) -> bool {
        for _ in 0..MESSAGES {
            let Ok(sms) = Sms::new(black_box(NUMBER), black_box(TEXT)) else { return false };
            if messenger.send(&sms).await.is_err() {
                return false;
            }
        }
        let mut delivered = 0;
        while delivered < MESSAGES {
            match messenger.next().await {
                Ok(Event::News(message)) => {
                    delivered += usize::from(message.is_final);
                    messenger.acknowledge(&message);
                }
                Ok(Event::Incoming(incoming)) => {
                    let mark = incoming.mark;
                    messenger.acknowledge_incoming(mark);
                }
                other => _ = black_box(&other),
            }
        }
        print("delivered", delivered);
        true
    }
}

#[cfg(all(feature = "messenger", not(feature = "flash")))]
mod store {
    use core::{convert::Infallible, hint::black_box};

    use footprint::TEXT;
    use sms_gateway_embassy::{
        Store,
        store::{Key, Write},
    };

    use super::{Connection, Gateway, part};

    /// Keeps nothing; it knows the one text that is sent.
    struct Dummy;

    impl Store for Dummy {
        type Error = Infallible;

        async fn save(&mut self, writes: &[Write<'_>]) -> Result<(), Infallible> {
            black_box(writes);
            Ok(())
        }

        async fn load(&mut self, _: Key, buffer: &mut [u8]) -> Result<Option<usize>, Infallible> {
            let text = black_box(TEXT).as_bytes();
            for (to, from) in buffer.iter_mut().zip(text) {
                *to = *from;
            }
            Ok(Some(text.len()))
        }

        async fn restore(&mut self, each: &mut dyn FnMut(Key, &[u8])) -> Result<(), Infallible> {
            black_box(each);
            Ok(())
        }
    }

    pub(super) fn with_store(gateway: Gateway<'_, Connection>) -> bool {
        part::follow(gateway, Dummy)
    }
}

#[cfg(feature = "flash")]
mod store {
    use footprint::{Flash, MESSAGES, print};
    use sms_gateway_embassy::store::{FlashStore, Key, batch_size, work_size};

    use super::{Connection, Gateway, part};

    /// A record and a text for each message, and two more.
    const TABLE: usize = 2 * MESSAGES + 2;
    const BATCH: usize = batch_size(part::TEXTS);
    const WORK: usize = work_size(part::TEXTS);

    #[inline(never)]
    pub(super) fn with_store(gateway: Gateway<'_, Connection>) -> bool {
        let (mut table, mut batch, mut work) = ([None; TABLE], [0; BATCH], [0; WORK]);
        print("store", BATCH + WORK + size_of::<[Option<Key>; TABLE]>());
        let Some(flash) = Flash::new() else { return false };
        let store = FlashStore::new(flash, Flash::RANGE, &mut table, &mut batch, &mut work);
        store.is_ok_and(|store| part::follow(gateway, store))
    }
}

//! The client for embassy over a connection that never waits. It makes the three calls of a message's life. With the feature
//! `messenger`, a `Messenger` follows messages to their end instead; with `flash`, it stores them in flash.
#![no_std]
#![no_main]

use core::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use embedded_io_async::{ErrorType, Read, Write};
use footprint::{HOST, PASSWORD, USER, Wire, advance, end, print};
use sms_gateway_embassy::{Gateway, Memory, Transport};

/// Buffers as in the program `client`, except for a larger one for requests: a messenger sends several messages with one request.
type Lent = Memory<1024, 512, 384, 512>;
const FOREIGN: u32 = 100;
/// Size in bytes of the RAM of the simulated gateway and the emulated flash.
#[cfg(feature = "flash")]
const PLAYED: usize = size_of::<Wire>() + footprint::Flash::BYTES;
/// Size in bytes of the RAM of the simulated gateway.
#[cfg(not(feature = "flash"))]
const PLAYED: usize = size_of::<Wire>();

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

/// Polls a future until it is ready.
#[inline(never)]
fn run<O>(mut future: Pin<&mut dyn Future<Output = O>>) -> O {
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        advance();
    }
}

/// Builds the gateway in a separate function, so that temporary copies leave the stack.
#[inline(never)]
fn gateway<'m>(memory: &'m mut Lent, entropy: &'m mut dyn FnMut() -> u64) -> Gateway<'m, Connection> {
    Gateway::new(Connection(Wire::new(FOREIGN)), HOST, memory.buffers(), entropy).credentials(USER, PASSWORD)
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut memory = Lent::new();
    let mut number = 0;
    let mut entropy = move || {
        number += 1;
        number
    };
    print("played", PLAYED);
    print("buffers", size_of::<Lent>());
    print("gateway", size_of::<Gateway<'_, Connection>>() - size_of::<Connection>());
    let well = part::work(&mut memory, &mut entropy);
    end(well);
}

#[cfg(not(feature = "messenger"))]
mod part {
    use core::{hint::black_box, pin::pin};

    use footprint::{NUMBER, TEXT};
    use sms_gateway_embassy::core::{
        Number, UserId,
        call::{QuerySmsDeliverStatus, QuerySmsResult, Recipient, SendSms},
    };

    use sms_gateway_embassy::Error;

    use super::{Connection, Gateway, Infallible, Lent, gateway, print, run};

    #[inline(never)]
    pub(super) fn work(memory: &mut Lent, entropy: &mut dyn FnMut() -> u64) -> bool {
        let mut gateway = gateway(memory, entropy);
        let future = pin!(life(&mut gateway));
        print("future", size_of_val(&*future));
        run(future).is_ok()
    }

    async fn life(gateway: &mut Gateway<'_, Connection>) -> Result<(), Error<Infallible>> {
        let id = UserId::new(black_box(1))?;
        let to = [Recipient::new(Number::new(black_box(NUMBER))?).user_id(id)];
        black_box(&gateway.send_sms(&SendSms::new(black_box(TEXT), &to)?).await?);
        let ids = [id];
        let mut response = gateway.query_sms_result(&QuerySmsResult::new().user_ids(&ids)).await?;
        while let Some(record) = response.next().await? {
            black_box(&record);
        }
        let mut response = gateway.query_sms_deliver_status(&QuerySmsDeliverStatus::new()).await?;
        while let Some(record) = response.next().await? {
            black_box(&record);
        }
        Ok(())
    }
}

#[cfg(feature = "texts")]
fn show<E: core::fmt::Display>(error: &E) {
    struct Sink;

    impl core::fmt::Write for Sink {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            core::hint::black_box(text);
            Ok(())
        }
    }

    let _ = core::fmt::Write::write_fmt(&mut Sink, format_args!("{error}"));
}

/// Reports an error as text or by defmt.
#[cfg(feature = "messenger")]
macro_rules! report {
    ($shown:ident) => {{
        black_box(&$shown);
        #[cfg(feature = "texts")]
        super::show(&$shown);
        #[cfg(feature = "defmt")]
        defmt::error!("{}", $shown);
    }};
}

#[cfg(feature = "messenger")]
mod part {
    use core::{hint::black_box, pin::pin};

    use footprint::{FIRST_BLOCK, MESSAGES, NUMBER, TEXT, print};
    use sms_gateway_embassy::{
        Event, Messenger, MessengerBuffers, Sms, Store,
        core::track::{PendingReport, Settings, Slot},
    };

    #[cfg(not(feature = "defmt"))]
    use core::fmt::Debug as Shown;
    #[cfg(feature = "defmt")]
    use defmt::Format as Shown;

    use super::{Connection, Lent, gateway, run, store::with_store};

    const PENDING_REPORTS: usize = MESSAGES / 2;
    pub(super) const TEXTS: usize = 320;
    const INCOMING: usize = 512;

    pub(super) fn work(memory: &mut Lent, entropy: &mut dyn FnMut() -> u64) -> bool {
        with_store(memory, entropy)
    }

    /// Builds the messenger in a separate function, so that temporary copies leave the stack.
    #[inline(never)]
    fn messenger<'m, S: Store>(
        memory: &'m mut Lent,
        entropy: &'m mut dyn FnMut() -> u64,
        store: S,
        buffers: MessengerBuffers<'m>,
    ) -> Messenger<'m, 'm, Connection, S> {
        // The gateway has the reports before the first query for them. Such reports are assigned only with `exclusive`.
        let settings =
            Settings { first_block: FIRST_BLOCK, incoming: true, exclusive: true, ..Settings::default() };
        Messenger::new(gateway(memory, entropy), store, buffers, settings)
    }

    #[inline(never)]
    pub(super) fn follow<S: Store<Error: Shown>>(
        memory: &mut Lent,
        entropy: &mut dyn FnMut() -> u64,
        store: S,
    ) -> bool {
        // The buffers are separate variables, because a tuple of them would be copied.
        let mut slots = [Slot::EMPTY; MESSAGES];
        let mut pending_reports = [PendingReport::EMPTY; PENDING_REPORTS];
        let mut texts = [0; TEXTS];
        let mut incoming = [0; INCOMING];
        let buffers = MessengerBuffers {
            slots: &mut slots,
            pending_reports: &mut pending_reports,
            texts: &mut texts,
            incoming: &mut incoming,
        };
        print("slots", size_of::<[Slot; MESSAGES]>());
        print("early", size_of::<[PendingReport; PENDING_REPORTS]>());
        print("texts", TEXTS + INCOMING);
        let mut messenger = messenger(memory, entropy, store, buffers);
        print("messenger", size_of_val(&messenger) - size_of::<Connection>());
        print("next-future", size_of_output(|| messenger.next()));
        let future = pin!(life(&mut messenger));
        print("future", size_of_val(&*future));
        run(future)
    }

    /// Returns the size of a function's output. The function is not called, so its output is never on the stack.
    fn size_of_output<O>(_: impl FnOnce() -> O) -> usize {
        size_of::<O>()
    }

    async fn life<S: Store<Error: Shown>>(messenger: &mut Messenger<'_, '_, Connection, S>) -> bool {
        for _ in 0..MESSAGES {
            let Ok(sms) = Sms::new(black_box(NUMBER), black_box(TEXT)) else { return false };
            if let Err(error) = messenger.send(&sms).await {
                report!(error);
                return false;
            }
        }
        let mut delivered = 0;
        while delivered < MESSAGES {
            let event = messenger.next().await;
            #[cfg(feature = "defmt")]
            if let Ok(event) = &event {
                defmt::error!("{}", event);
            }
            match event {
                Ok(Event::Update(message)) => {
                    delivered += usize::from(message.is_final);
                    messenger.acknowledge(&message);
                }
                Ok(Event::Incoming(incoming)) => {
                    let mark = incoming.mark;
                    messenger.acknowledge_incoming(mark);
                }
                Ok(Event::RequestsFailing(error)) => report!(error),
                Ok(other) => _ = black_box(&other),
                Err(error) => report!(error),
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

    use super::{Lent, part};

    /// A store that saves nothing. It loads the text that all messages have.
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

    pub(super) fn with_store(memory: &mut Lent, entropy: &mut dyn FnMut() -> u64) -> bool {
        part::follow(memory, entropy, Dummy)
    }
}

#[cfg(feature = "flash")]
mod store {
    use footprint::{Flash, MESSAGES, print};
    use sms_gateway_embassy::store::{FlashStore, Key, batch_size, work_size};

    use super::{Lent, part};

    /// The number of values that the store can hold: a record and a text for each message, and two more.
    const TABLE: usize = 2 * MESSAGES + 2;
    const BATCH: usize = batch_size(part::TEXTS);
    const WORK: usize = work_size(part::TEXTS);

    #[inline(never)]
    pub(super) fn with_store(memory: &mut Lent, entropy: &mut dyn FnMut() -> u64) -> bool {
        let mut table = [None; TABLE];
        let mut batch = [0; BATCH];
        let mut work = [0; WORK];
        print("store", BATCH + WORK + size_of::<[Option<Key>; TABLE]>());
        let Some(flash) = Flash::new() else { return false };
        let store = FlashStore::new(flash, Flash::RANGE, &mut table, &mut batch, &mut work);
        store.is_ok_and(|store| part::follow(memory, entropy, store))
    }
}

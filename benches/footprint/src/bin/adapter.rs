//! Calls everything in the client for embassy: over any transport, over a connection that is already open, and over
//! embassy-net, with stores in RAM and in flash. The program is only linked, never run. If a panic
//! can be reached, the linked program contains its symbol.
#![no_std]
#![no_main]

use core::{
    fmt::{self, Display},
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
};

use embassy_net::{Config, Stack, StackResources};
use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use footprint::Flash;
use sms_gateway_embassy::{
    Either, Error, Event, Gateway, Memory, Messenger, MessengerBuffers, Opened, RamStore, Response, Sms,
    Store, Transport,
    core::{
        Invalid, Number, Port, Ports, TaskId,
        call::{
            Call, CommaEncoding, Flag, GetPortInfo, InfoSet, QueryIncomingSms, QuerySmsDeliverStatus,
            QuerySmsInQueue, QuerySmsResult, Recipient, SendSms, SendUssd,
        },
        client::{Timeouts, UssdWait},
        text::Encoding,
        track::{PendingReport, Settings, Slot},
    },
    net::Tcp,
    store::FlashStore,
};

/// Returns a value that is opaque to the optimiser.
const fn some<T: Copy>(value: T) -> T {
    black_box(value)
}

/// A connection that is opaque to the optimiser.
struct Wire;

impl ErrorType for Wire {
    type Error = ErrorKind;
}

impl Read for Wire {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        black_box(buf);
        some(Ok(0))
    }
}

impl Write for Wire {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        black_box(buf);
        some(Ok(0))
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        some(Ok(()))
    }
}

impl Transport for Wire {
    async fn connect(&mut self) -> Result<(), ErrorKind> {
        some(Ok(()))
    }

    async fn close(&mut self) {
        some(());
    }

    fn is_ready(&mut self) -> bool {
        some(true)
    }
}

/// A network device that is opaque to the optimiser.
struct Device;

struct Frame;

impl RxToken for Frame {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, f: F) -> R {
        f(black_box(&mut [0; 64]))
    }
}

impl TxToken for Frame {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, _: usize, f: F) -> R {
        f(black_box(&mut [0; 64]))
    }
}

impl Driver for Device {
    type RxToken<'a> = Frame;
    type TxToken<'a> = Frame;

    fn receive(&mut self, _: &mut Context<'_>) -> Option<(Frame, Frame)> {
        some(true).then_some((Frame, Frame))
    }

    fn transmit(&mut self, _: &mut Context<'_>) -> Option<Frame> {
        some(true).then_some(Frame)
    }

    fn link_state(&mut self, _: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(some([2; 6]))
    }
}

/// Polls a future until it is ready, or drops it earlier.
#[inline(never)]
fn run<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    while some(true) {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}

struct Sink;

impl fmt::Write for Sink {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        black_box(text);
        Ok(())
    }
}

fn show<T: Display>(shown: T) {
    let _ = fmt::Write::write_fmt(&mut Sink, format_args!("{shown}"));
}

#[cortex_m_rt::entry]
fn main() -> ! {
    over(Wire);
    opened();
    let mut resources = StackResources::<2>::new();
    let (stack, runner) = embassy_net::new(Device, Config::default(), &mut resources, some(1));
    black_box(&runner);
    let (mut incoming, mut outgoing) = ([0; 64], [0; 64]);
    if some(true) {
        over(Tcp::new(
            stack,
            (core::net::Ipv4Addr::from(some([192, 168, 1, 9])), some(80)),
            &mut incoming,
            &mut outgoing,
        ));
    } else {
        over(named(stack, &mut incoming, &mut outgoing));
    }
    footprint::end(true);
}

fn named<'a>(stack: Stack<'a>, incoming: &'a mut [u8], outgoing: &'a mut [u8]) -> Tcp<'a> {
    let mut tcp = Tcp::by_name(stack, some("gateway"), some(80), incoming, outgoing);
    black_box(tcp.socket());
    tcp
}

/// Uses everything that takes a transport.
fn over<T: Transport>(transport: T) {
    let mut memory = Memory::<64, 64, 64, 64>::new();
    let mut entropy = || some(1);
    let gateway = Gateway::new(transport, some("host"), black_box(&mut memory).buffers(), &mut entropy);
    let gateway = gateway.credentials(some("name"), some("password")).allow_basic(some(true));
    let mut gateway = gateway.commas(some(CommaEncoding::Encoded)).timeouts(some(Timeouts::new()));
    run(calls(&mut gateway));
    run(talked(&mut gateway));
    black_box((gateway.transport(), gateway.location()));
    if some(true) {
        let mut kept = [0; 64];
        followed(gateway, RamStore::new(black_box(&mut kept[..])));
    } else if let Some(flash) = Flash::new() {
        let (mut table, mut batch, mut work) = ([None; 4], [0; 64], [0; 64]);
        let (table, batch, work) = black_box((&mut table[..], &mut batch[..], &mut work[..]));
        match FlashStore::new(flash, some(Flash::RANGE.start)..some(Flash::RANGE.end), table, batch, work) {
            Ok(mut store) => {
                run(store.erase());
                if let Some(store) = followed(gateway, store) {
                    black_box(store.into_flash());
                }
            }
            Err(error) => show(error),
        }
    }
}

/// Uses a connection that is already open, and takes it out again.
fn opened() {
    let mut memory = Memory::<64, 64, 64, 64>::new();
    let mut entropy = || some(1);
    let gateway = Gateway::new(Wire, some("host"), black_box(&mut memory).buffers(), &mut entropy);
    let (mut gateway, _) = gateway.with_transport(Opened::new(Wire));
    run(calls(&mut gateway));
    black_box(gateway.transport().is_gone());
    let (_, opened) = gateway.with_transport(Wire);
    black_box(opened.into_inner());
}

fn failed<E: embedded_io_async::Error>(error: &Error<E>) {
    black_box((error.may_have_arrived(), error.may_pass()));
    if let Some(error) = &error.transport {
        black_box(error.kind());
    }
    show(error);
}

/// Reads some or all records of a response.
async fn take<T: Transport, C: Call>(response: Result<Response<'_, '_, T, C>, Error<T::Error>>) {
    let mut response = match response {
        Ok(response) => response,
        Err(error) => return failed(&error),
    };
    while some(true) {
        match response.next().await {
            Ok(Some(record)) => _ = black_box(&record),
            Ok(None) => break,
            Err(error) => failed(&error),
        }
    }
    #[cfg(feature = "wrong")]
    black_box([1, 2, 3][black_box(7)]);
    black_box(&response.summary());
    match response.finish().await {
        Ok(summary) => _ = black_box(&summary),
        Err(error) => failed(&error),
    }
}

/// Makes the nine calls.
async fn calls<T: Transport>(gateway: &mut Gateway<'_, T>) -> Result<(), Invalid> {
    let ports: Ports = some(Port::new(2)).into_iter().collect();
    let numbers = [Number::new(some("10086"))?];
    let recipients = [Recipient::new(numbers[0])];
    match gateway.send_sms(&SendSms::new(some("text"), &recipients)?.ports(ports)).await {
        Ok(accepted) => _ = black_box(accepted),
        Err(error) => failed(&error),
    }
    take(gateway.query_sms_result(&QuerySmsResult::new().ports(ports)).await).await;
    take(gateway.query_sms_deliver_status(&QuerySmsDeliverStatus::new().ports(ports)).await).await;
    match gateway.query_sms_in_queue().await {
        Ok(length) => _ = black_box(length),
        Err(error) => failed(&error),
    }
    take(gateway.query_incoming_sms(&QueryIncomingSms::new(Flag::All).ports(ports)).await).await;
    take(gateway.send_ussd(&SendUssd::send(ports, some("*100#"))?).await).await;
    take(gateway.query_ussd_reply(ports).await).await;
    black_box(gateway.stop_sms(TaskId::new(some(7))).await.is_ok());
    take(gateway.get_port_info(&GetPortInfo::new(InfoSet::DOCUMENTED)?.ports(ports)).await).await;
    take(gateway.ask(&QuerySmsInQueue).await).await;
    gateway.set_credentials(some("name"), some("password"));
    gateway.close().await;
    Ok(())
}

/// Holds a USSD conversation.
async fn talked<T: Transport>(gateway: &mut Gateway<'_, T>) -> Result<(), Invalid> {
    let mut reply = [0; 64];
    let port = some(Port::new(2))?;
    match gateway.ussd(port, some("*100#"), some(UssdWait::default()), black_box(&mut reply[..])).await {
        Ok(outcome) => _ = black_box(outcome),
        Err(error) => failed(&error),
    }
    Ok(())
}

/// Takes every step of a messenger, in an arbitrary order.
fn followed<T: Transport, S: Store>(gateway: Gateway<'_, T>, store: S) -> Option<S> {
    let (mut slots, mut pending_reports) = ([Slot::EMPTY; 4], [PendingReport::EMPTY; 4]);
    let (mut texts, mut incoming) = ([0; 64], [0; 64]);
    let (slots, pending_reports) = black_box((&mut slots[..], &mut pending_reports[..]));
    let (texts, incoming) = black_box((&mut texts[..], &mut incoming[..]));
    let buffers = MessengerBuffers { slots, pending_reports, texts, incoming };
    let mut messenger = Messenger::new(gateway, store, buffers, some(Settings::default()));
    run(driven(&mut messenger))?.ok()?;
    Some(messenger.into_parts().1)
}

async fn driven<T: Transport, S: Store>(messenger: &mut Messenger<'_, '_, T, S>) -> Result<(), Invalid> {
    black_box(messenger.start().await.is_ok());
    while some(true) {
        let sms = Sms::new(some("10086"), some("text"))?.ports(some(Port::new(2)).into_iter().collect());
        let sms = sms.encoding(some(Encoding::Auto))?.status_report(some(true)).resend(some(true));
        if let Ok(id) = black_box(messenger.send(&sms).await) {
            black_box((messenger.message(id), messenger.stop(id)));
        }
        let mut mark = None;
        let mut update = None;
        match messenger.next_or(core::future::ready(some(1))).await {
            Ok(Either::First(Event::Update(message))) => update = Some(message),
            Ok(Either::First(Event::Incoming(incoming))) => mark = Some(black_box(incoming).mark),
            Ok(Either::First(Event::RequestsFailing(error))) => failed(error),
            Ok(Either::First(other)) => _ = black_box(&other),
            Ok(Either::Second(other)) => _ = black_box(other),
            Err(error) => _ = black_box(&error),
        }
        if let Some(message) = update {
            messenger.acknowledge(&message);
        }
        if let Some(mark) = mark {
            messenger.acknowledge_incoming(mark);
        }
        black_box(messenger.next().await.is_ok());
        black_box((messenger.free_slots(), messenger.last_error().is_some()));
        messenger.set_credentials(some("name"), some("password"));
        messenger.gateway().close().await;
    }
    Ok(())
}

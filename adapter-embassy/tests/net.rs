//! The client over embassy-net, by a link in memory to another stack that plays the gateway.

#![allow(missing_docs)]

mod common;

use common::{
    device, gateway,
    mock::{Device, Then, whole_request},
    send,
};
use embassy_net::{
    Config, IpEndpoint, Ipv4Address, Ipv4Cidr, Stack, StackResources, StaticConfigV4, tcp::TcpSocket,
};
use embassy_net_driver_channel::{self as channel, driver::HardwareAddress, driver::LinkState};
use embassy_time::{Duration, Instant};
use embedded_io_async::Write;
use sms_gateway_embassy::{
    Error, Failure, Gateway, Timeouts,
    core::call::QuerySmsResult,
    core::client::{Cause, Wait},
    net::{Tcp, TcpError},
};
use std::cell::{Cell, RefCell};
use tokio::task::LocalSet;

const MTU: usize = 576;
const PORT: u16 = 80;
const GATEWAY: Ipv4Address = Ipv4Address::new(10, 0, 0, 2);

type Link = channel::Runner<'static, MTU>;

/// A stack with this last byte of an address, and the far end of its link. It runs in a task of its own: each poll of a socket wakes its
/// stack, so that in one task both are polled without end, and the clock never goes on.
fn stack(last: u8) -> (Stack<'static>, Link) {
    let state = Box::leak(Box::new(channel::State::<MTU, 4, 4>::new()));
    let (mut link, device) = channel::new(state, HardwareAddress::Ip);
    link.set_link_state(LinkState::Up);
    let config = Config::ipv4_static(StaticConfigV4 {
        address: Ipv4Cidr::new(Ipv4Address::new(10, 0, 0, last), 24),
        gateway: None,
        dns_servers: heapless::Vec::from([GATEWAY]),
    });
    let resources = Box::leak(Box::new(StackResources::<5>::new()));
    let (stack, runner) = embassy_net::new(device, config, resources, u64::from(last));
    let runner = Box::leak(Box::new(runner));
    tokio::task::spawn_local(runner.run());
    (stack, link)
}

/// Carries frames one way, unless the link is down.
async fn carry(
    from: &mut channel::TxRunner<'_, MTU>,
    to: &mut channel::RxRunner<'_, MTU>,
    is_up: &Cell<bool>,
) {
    loop {
        let frame = from.tx_buf().await;
        if is_up.get() {
            let room = to.rx_buf().await;
            room[..frame.len()].copy_from_slice(frame);
            let length = frame.len();
            to.rx_done(length);
        }
        from.tx_done();
    }
}

/// Serves connections one after the other, each for so many requests.
async fn serve(
    stack: Stack<'static>,
    device: &RefCell<impl Device>,
    connections: &Cell<usize>,
    requests: usize,
) {
    let (mut incoming, mut outgoing) = ([0; 1024], [0; 1024]);
    let mut socket = TcpSocket::new(stack, &mut incoming, &mut outgoing);
    loop {
        // With a time limit a socket that listens has its stack poll without end.
        socket.set_timeout(None);
        socket.set_keep_alive(None);
        socket.accept(PORT).await.unwrap();
        // It notices a client that is gone.
        socket.set_timeout(Some(Duration::from_secs(20)));
        socket.set_keep_alive(Some(Duration::from_secs(5)));
        connections.set(connections.get() + 1);
        let mut bytes = Vec::new();
        let mut served = 0;
        let mut piece = [0; 100];
        while served < requests {
            let Ok(count @ 1..) = socket.read(&mut piece).await else { break };
            bytes.extend(&piece[..count]);
            if let Some(request) = whole_request(&mut bytes) {
                let reply = device.borrow_mut().answer(&request);
                socket.write_all(&reply.bytes).await.unwrap();
                served += 1;
                if reply.then == Then::Close {
                    break;
                }
            }
        }
        socket.close();
        let _ = socket.flush().await;
        socket.abort();
        let _ = socket.flush().await;
    }
}

// Names are looked up over the stacks.
#[cfg_attr(not(feature = "dns"), allow(dead_code))]
struct World {
    near: Stack<'static>,
    far: Stack<'static>,
    is_up: Cell<bool>,
    connections: Cell<usize>,
}

fn buffer() -> &'static mut [u8] {
    vec![0; 512].leak()
}

/// Plays a scene over two stacks.
async fn play(
    device: impl Device,
    requests: usize,
    scene: impl AsyncFnOnce(Gateway<'static, Tcp<'static>>, &World),
) {
    LocalSet::new().run_until(Box::pin(on_stage(device, requests, scene))).await;
}

async fn on_stage(
    device: impl Device,
    requests: usize,
    scene: impl AsyncFnOnce(Gateway<'static, Tcp<'static>>, &World),
) {
    let (near, mut near_link) = stack(1);
    let (far, mut far_link) = stack(2);
    let (_, mut near_rx, mut near_tx) = near_link.borrow_split();
    let (_, mut far_rx, mut far_tx) = far_link.borrow_split();
    let world = World { near, far, is_up: Cell::new(true), connections: Cell::new(0) };
    let tcp = Tcp::new(near, (GATEWAY, PORT), buffer(), buffer());
    let device = RefCell::new(device);
    tokio::select! {
        biased;
        () = carry(&mut near_tx, &mut far_rx, &world.is_up) => {}
        () = carry(&mut far_tx, &mut near_rx, &world.is_up) => {}
        // One listens while the other closes.
        () = serve(far, &device, &world.connections, requests) => {}
        () = serve(far, &device, &world.connections, requests) => {}
        () = scene(gateway(tcp, "10.0.0.2"), &world) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn calls_share_a_connection_that_is_kept() {
    play(device::Gateway::default(), usize::MAX, async |mut gateway, world| {
        send(&mut gateway, "10086", 1).await.unwrap();
        for _ in 0..5 {
            let mut answer = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
            assert_eq!(answer.next().await.unwrap().unwrap().port.get(), Some(2));
            answer.finish().await.unwrap();
        }
        assert_eq!(world.connections.get(), 1);
        gateway.close().await;
        assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
        assert_eq!(world.connections.get(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn connections_that_the_gateway_closes_are_replaced() {
    for requests in 1..4 {
        play(device::Gateway::default(), requests, async |mut gateway, world| {
            for id in 0..6 {
                send(&mut gateway, "10086", id).await.unwrap();
                assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
            }
            // With the question for a challenge.
            assert_eq!(world.connections.get(), 13_usize.div_ceil(requests));
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_longer_than_the_sockets_buffers_arrives() {
    use sms_gateway_embassy::core::{
        Number,
        call::{Recipient, SendSms},
    };
    let text = "x".repeat(1500);
    let seen = text.clone();
    let device = move |request: &str| {
        assert!(!request.starts_with("POST") || request.contains(&seen));
        device::truth(request)
    };
    play(device, usize::MAX, async |mut gateway, _| {
        let to = [Recipient::new(Number::new("10086").unwrap())];
        gateway.send_sms(&SendSms::new(&text, &to).unwrap()).await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_link_that_goes_down_is_waited_for_up_to_the_limits_and_comes_back() {
    play(device::Gateway::default(), usize::MAX, async |gateway, world| {
        let timeouts = Timeouts::default();
        let mut gateway = gateway.timeouts(timeouts);
        assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
        world.is_up.set(false);
        let begin = Instant::now();
        let error = send(&mut gateway, "10086", 1).await.unwrap_err();
        let cause = Cause::TimedOut { wait: Wait::Response, limit: timeouts.response };
        assert_eq!(error, Error::from(Failure::Lost(cause)));
        assert!(begin.elapsed() < Duration::from_secs(timeouts.response.as_secs() + 1));
        let error = send(&mut gateway, "10086", 2).await.unwrap_err();
        let cause = Cause::TimedOut { wait: Wait::Connect, limit: timeouts.connect };
        assert_eq!(error, Error::from(Failure::Unreachable(cause)));
        world.is_up.set(true);
        send(&mut gateway, "10086", 3).await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nobody_there_is_told() {
    play(device::Gateway::default(), 0, async |gateway, _| {
        let (near, _link) = stack(3);
        let endpoint = IpEndpoint::from((GATEWAY, PORT));
        let (mut alone, _) = gateway.with_transport(Tcp::new(near, endpoint, buffer(), buffer()));
        let outcome = alone.query_sms_in_queue().await;
        assert!(
            matches!(outcome, Err::<_, Error<TcpError>>(Error { failure: Failure::Unreachable(_), .. })),
            "{outcome:?}"
        );
    })
    .await;
}

#[cfg(feature = "dns")]
mod by_name {
    use super::*;
    use embassy_net::{
        dns,
        udp::{PacketMetadata, UdpSocket},
    };

    /// As it stands in a question (RFC 1035 §3.1).
    const NAME: &[u8] = b"\x07gateway\x03lan\0";

    /// Answers questions for addresses (RFC 1035 §4.1): there is one name.
    async fn serve_names(stack: Stack<'static>, questions: &Cell<usize>) {
        let metadata = || vec![PacketMetadata::EMPTY; 2].leak();
        let mut socket = UdpSocket::new(stack, metadata(), buffer(), metadata(), buffer());
        socket.bind(53).unwrap();
        let mut packet = [0; 256];
        loop {
            let (length, from) = socket.recv_from(&mut packet).await.unwrap();
            questions.set(questions.get() + 1);
            let (id, question) = (&packet[..2], &packet[12..length]);
            // A response to a recursive question; its code, and how many questions, answers and others there are.
            let mut answer = [id, &[0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0], question].concat();
            if question.starts_with(NAME) {
                (answer[3], answer[7]) = (0x80, 1);
                // The name of the question, an address, for a minute.
                answer.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
                answer.extend(GATEWAY.octets());
            }
            socket.send_to(&answer, from).await.unwrap();
        }
    }

    /// Makes calls to a gateway of this name; how often it was asked for.
    async fn looked_up(
        name: &'static str,
        calls: impl AsyncFnOnce(&mut Gateway<'static, Tcp<'static>>),
    ) -> usize {
        let questions = Cell::new(0);
        play(device::Gateway::default(), usize::MAX, async |gateway, world| {
            let tcp = Tcp::by_name(world.near, name, PORT, buffer(), buffer());
            let (mut gateway, _) = gateway.with_transport(tcp);
            tokio::select! {
                () = serve_names(world.far, &questions) => {}
                () = calls(&mut gateway) => {}
            }
        })
        .await;
        questions.get()
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_looked_up_for_each_connection() {
        let questions = looked_up("gateway.lan", async |gateway| {
            for _ in 0..3 {
                assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
                send(gateway, "10086", 1).await.unwrap();
                gateway.close().await;
            }
        });
        assert_eq!(questions.await, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_nobody_has_is_told() {
        let questions = looked_up("nobody.lan", async |gateway| {
            let error = TcpError::Dns(dns::Error::Failed);
            let error = Error::new(Failure::Unreachable(Cause::Transport), Some(error));
            assert_eq!(gateway.query_sms_in_queue().await, Err(error));
        });
        assert_eq!(questions.await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_is_a_name() {
        let questions = looked_up("10.0.0.2", async |gateway| {
            assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
        });
        assert_eq!(questions.await, 0);
    }
}

//! The client over embassy-net. A link in memory connects its stack with a second stack, on which the gateway is emulated.

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

/// A stack whose address ends with the byte `last`, and the far end of its link. The stack runs in its own task, because each poll of a
/// socket wakes its stack. A single task for both would never sleep, and the paused clock would never advance.
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

/// Carries frames in one direction while the link is up.
async fn carry(
    from: &mut channel::TxRunner<'_, MTU>,
    to: &mut channel::RxRunner<'_, MTU>,
    is_up: &Cell<bool>,
) {
    loop {
        let frame = from.tx_buf().await;
        if is_up.get() {
            let buffer = to.rx_buf().await;
            buffer[..frame.len()].copy_from_slice(frame);
            let length = frame.len();
            to.rx_done(length);
        }
        from.tx_done();
    }
}

/// Serves one connection after another, each for at most `requests` requests.
async fn serve(
    stack: Stack<'static>,
    device: &RefCell<impl Device>,
    connections: &Cell<usize>,
    requests: usize,
) {
    let (mut incoming, mut outgoing) = ([0; 1024], [0; 1024]);
    let mut socket = TcpSocket::new(stack, &mut incoming, &mut outgoing);
    loop {
        // A listening socket with a timeout makes its stack poll forever.
        socket.set_timeout(None);
        socket.set_keep_alive(None);
        socket.accept(PORT).await.unwrap();
        // With these settings, the socket notices a client that has disappeared.
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
                let response = device.borrow_mut().respond(&request);
                socket.write_all(&response.bytes).await.unwrap();
                served += 1;
                if response.then == Then::Close {
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

// Only the tests with DNS names use the fields with the stacks.
#[cfg_attr(not(feature = "dns"), allow(dead_code))]
struct Network {
    client_stack: Stack<'static>,
    gateway_stack: Stack<'static>,
    is_up: Cell<bool>,
    connections: Cell<usize>,
}

fn buffer() -> &'static mut [u8] {
    vec![0; 512].leak()
}

/// Runs a test over two stacks. The device serves at most `requests` requests on each connection.
async fn run(
    device: impl Device,
    requests: usize,
    test: impl AsyncFnOnce(Gateway<'static, Tcp<'static>>, &Network),
) {
    LocalSet::new().run_until(Box::pin(run_locally(device, requests, test))).await;
}

async fn run_locally(
    device: impl Device,
    requests: usize,
    test: impl AsyncFnOnce(Gateway<'static, Tcp<'static>>, &Network),
) {
    let (client_stack, mut client_link) = stack(1);
    let (gateway_stack, mut gateway_link) = stack(2);
    let (_, mut client_rx, mut client_tx) = client_link.borrow_split();
    let (_, mut gateway_rx, mut gateway_tx) = gateway_link.borrow_split();
    let network = Network { client_stack, gateway_stack, is_up: Cell::new(true), connections: Cell::new(0) };
    let tcp = Tcp::new(client_stack, (GATEWAY, PORT), buffer(), buffer());
    let device = RefCell::new(device);
    tokio::select! {
        biased;
        () = carry(&mut client_tx, &mut gateway_rx, &network.is_up) => {}
        () = carry(&mut gateway_tx, &mut client_rx, &network.is_up) => {}
        // One socket listens while the other closes.
        () = serve(gateway_stack, &device, &network.connections, requests) => {}
        () = serve(gateway_stack, &device, &network.connections, requests) => {}
        () = test(gateway(tcp, "10.0.0.2"), &network) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn calls_share_one_connection_until_it_is_closed() {
    run(device::DigestGateway::default(), usize::MAX, async |mut gateway, network| {
        send(&mut gateway, "10086", 1).await.unwrap();
        for _ in 0..5 {
            let mut response = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
            assert_eq!(response.next().await.unwrap().unwrap().port.get(), Some(2));
            response.finish().await.unwrap();
        }
        assert_eq!(network.connections.get(), 1);
        gateway.close().await;
        assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
        assert_eq!(network.connections.get(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_closed_by_the_gateway_is_replaced() {
    for requests in 1..4 {
        run(device::DigestGateway::default(), requests, async |mut gateway, network| {
            for id in 0..6 {
                send(&mut gateway, "10086", id).await.unwrap();
                assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
            }
            // 12 calls, and the query for a challenge.
            assert_eq!(network.connections.get(), 13_usize.div_ceil(requests));
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_longer_than_the_buffers_of_the_socket_arrives() {
    use sms_gateway_embassy::core::{
        Number,
        call::{Recipient, SendSms},
    };
    let text = "x".repeat(1500);
    let expected = text.clone();
    let device = move |request: &str| {
        assert!(!request.starts_with("POST") || request.contains(&expected));
        device::documented_response(request)
    };
    run(device, usize::MAX, async |mut gateway, _| {
        let to = [Recipient::new(Number::new("10086").unwrap())];
        gateway.send_sms(&SendSms::new(&text, &to).unwrap()).await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn calls_time_out_while_the_link_is_down_and_succeed_after_it() {
    run(device::DigestGateway::default(), usize::MAX, async |gateway, network| {
        let timeouts = Timeouts::default();
        let mut gateway = gateway.timeouts(timeouts);
        assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
        network.is_up.set(false);
        let begin = Instant::now();
        let error = send(&mut gateway, "10086", 1).await.unwrap_err();
        let cause = Cause::TimedOut { wait: Wait::Response, limit: timeouts.response };
        assert_eq!(error, Error::from(Failure::Lost(cause)));
        assert!(begin.elapsed() < Duration::from_secs(timeouts.response.as_secs() + 1));
        let error = send(&mut gateway, "10086", 2).await.unwrap_err();
        let cause = Cause::TimedOut { wait: Wait::Connect, limit: timeouts.connect };
        assert_eq!(error, Error::from(Failure::Unreachable(cause)));
        network.is_up.set(true);
        send(&mut gateway, "10086", 3).await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_respond_is_unreachable() {
    run(device::DigestGateway::default(), 0, async |gateway, _| {
        let (isolated, _link) = stack(3);
        let endpoint = IpEndpoint::from((GATEWAY, PORT));
        let (mut gateway, _) = gateway.with_transport(Tcp::new(isolated, endpoint, buffer(), buffer()));
        let outcome = gateway.query_sms_in_queue().await;
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

    /// The name in the form in which a question contains it (RFC 1035 §3.1).
    const NAME: &[u8] = b"\x07gateway\x03lan\0";

    /// Responds to questions for addresses (RFC 1035 §4.1). Only one name exists.
    async fn serve_names(stack: Stack<'static>, questions: &Cell<usize>) {
        let metadata = || vec![PacketMetadata::EMPTY; 2].leak();
        let mut socket = UdpSocket::new(stack, metadata(), buffer(), metadata(), buffer());
        socket.bind(53).unwrap();
        let mut packet = [0; 256];
        loop {
            let (length, from) = socket.recv_from(&mut packet).await.unwrap();
            questions.set(questions.get() + 1);
            let (id, question) = (&packet[..2], &packet[12..length]);
            // A response to a recursive question: the flags with the response code, and the numbers of questions, answers and other
            // records.
            let mut response = [id, &[0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0], question].concat();
            if question.starts_with(NAME) {
                (response[3], response[7]) = (0x80, 1);
                // A reference to the name in the question, and its address, valid for a minute.
                response.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
                response.extend(GATEWAY.octets());
            }
            socket.send_to(&response, from).await.unwrap();
        }
    }

    /// Makes calls to a gateway with this name. Returns the number of DNS questions.
    async fn count_lookups(
        name: &'static str,
        calls: impl AsyncFnOnce(&mut Gateway<'static, Tcp<'static>>),
    ) -> usize {
        let questions = Cell::new(0);
        run(device::DigestGateway::default(), usize::MAX, async |gateway, network| {
            let tcp = Tcp::by_name(network.client_stack, name, PORT, buffer(), buffer());
            let (mut gateway, _) = gateway.with_transport(tcp);
            tokio::select! {
                () = serve_names(network.gateway_stack, &questions) => {}
                () = calls(&mut gateway) => {}
            }
        })
        .await;
        questions.get()
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_looked_up_for_each_connection() {
        let questions = count_lookups("gateway.lan", async |gateway| {
            for _ in 0..3 {
                assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
                send(gateway, "10086", 1).await.unwrap();
                gateway.close().await;
            }
        });
        assert_eq!(questions.await, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_name_is_an_error() {
        let questions = count_lookups("unknown.lan", async |gateway| {
            let error = TcpError::Dns(dns::Error::Failed);
            let error = Error::new(Failure::Unreachable(Cause::Transport), Some(error));
            assert_eq!(gateway.query_sms_in_queue().await, Err(error));
        });
        assert_eq!(questions.await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_as_name_is_not_looked_up() {
        let questions = count_lookups("10.0.0.2", async |gateway| {
            assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
        });
        assert_eq!(questions.await, 0);
    }
}

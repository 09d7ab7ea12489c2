//! The same three calls as in `embassy`, with reqwless and serde-json-core over the same connection. These crates have limits: the login
//! is Basic, a response is read completely before it is parsed, JSON must be valid, and reports are not matched to messages.
#![no_std]
#![no_main]

use core::{
    cell::RefCell,
    convert::Infallible,
    hint::black_box,
    net::{IpAddr, SocketAddr},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use embedded_io_async::{ErrorType, Read, Write};
use embedded_nal_async::{AddrType, Dns, TcpConnect};
use footprint::{MESSAGES, NUMBER, PASSWORD, TEXT, USER, Wire, end, print};
use heapless::Vec;
use reqwless::{
    client::{HttpClient, HttpResource},
    headers::ContentType,
    request::RequestBuilder,
};
use serde::{Deserialize, Serialize};

/// Size in bytes of the buffer for a request's body.
const REQUEST: usize = 512;
/// Size in bytes of the buffer for a response, head and body. A response with sixteen records takes 2 KB.
const RESPONSE: usize = 3072;

struct Net(RefCell<Wire>);

/// A connection to [`Wire`].
struct Connection<'n>(&'n RefCell<Wire>);

impl ErrorType for Connection<'_> {
    type Error = Infallible;
}

impl Read for Connection<'_> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Infallible> {
        Ok(self.0.try_borrow_mut().map_or(0, |mut wire| wire.read(buf)))
    }
}

impl Write for Connection<'_> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        if let Ok(mut wire) = self.0.try_borrow_mut() {
            wire.write(buf);
        }
        Ok(buf.len())
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl TcpConnect for Net {
    type Error = Infallible;
    type Connection<'a> = Connection<'a>;

    async fn connect(&self, _: SocketAddr) -> Result<Connection<'_>, Infallible> {
        Ok(Connection(&self.0))
    }
}

impl Dns for Net {
    type Error = Infallible;

    async fn get_host_by_name(&self, _: &str, _: AddrType) -> Result<IpAddr, Infallible> {
        Ok(IpAddr::from([192, 168, 1, 9]))
    }

    async fn get_host_by_address(&self, _: IpAddr, _: &mut [u8]) -> Result<usize, Infallible> {
        Ok(0)
    }
}

#[derive(Serialize)]
struct Recipient<'a> {
    number: &'a str,
    user_id: u32,
}

#[derive(Serialize)]
struct SendSms<'a> {
    text: &'a str,
    param: [Recipient<'a>; 1],
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Accepted {
    error_code: u32,
    task_id: Option<i64>,
    sms_in_queue: Option<u32>,
}

#[derive(Serialize)]
struct QueryResult<'a> {
    user_id: &'a [u32],
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct SmsResult<'a> {
    port: u32,
    user_id: i64,
    number: &'a str,
    time: &'a str,
    status: &'a str,
    count: Option<u32>,
    succ_count: Option<u32>,
    ref_id: Option<u32>,
}

#[derive(Serialize)]
struct QueryReports<'a> {
    port: &'a [u32],
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct StatusReport<'a> {
    port: u32,
    number: &'a str,
    time: &'a str,
    ref_id: u32,
    status_code: u32,
}

#[derive(Deserialize)]
struct Response<T> {
    error_code: u32,
    result: Vec<T, MESSAGES>,
}

#[derive(Debug)]
struct Failed;

type Resource<'r> = HttpResource<'r, Connection<'r>>;

async fn call<'b, Q: Serialize, A: Deserialize<'b>>(
    resource: &mut Resource<'_>,
    path: &str,
    query: &Q,
    body: &mut [u8],
    buffer: &'b mut [u8],
) -> Result<A, Failed> {
    let length = serde_json_core::to_slice(query, body).map_err(|_| Failed)?;
    let body = body.get(..length).ok_or(Failed)?;
    let request = resource
        .post(path)
        .basic_auth(black_box(USER), black_box(PASSWORD))
        .content_type(ContentType::ApplicationJson)
        .body(body);
    let response = request.send(buffer).await.map_err(|_| Failed)?;
    if !response.status.is_successful() {
        return Err(Failed);
    }
    let body = response.body().read_to_end().await.map_err(|_| Failed)?;
    serde_json_core::from_slice(body).map(|(response, _)| response).map_err(|_| Failed)
}

async fn life(
    client: &mut HttpClient<'_, Net, Net>,
    body: &mut [u8],
    buffer: &mut [u8],
) -> Result<(), Failed> {
    let mut resource = client.resource(black_box("http://192.168.1.9/api")).await.map_err(|_| Failed)?;
    let to = Recipient { number: black_box(NUMBER), user_id: black_box(1) };
    let message = SendSms { text: black_box(TEXT), param: [to] };
    let accepted: Accepted = call(&mut resource, "/send_sms", &message, body, buffer).await?;
    black_box(&accepted);

    {
        let query = QueryResult { user_id: black_box(&[1]) };
        let response: Response<SmsResult<'_>> =
            call(&mut resource, "/query_sms_result", &query, body, buffer).await?;
        black_box(response.error_code);
        for record in &response.result {
            black_box(record);
        }
    }
    let query = QueryReports { port: black_box(&[2]) };
    let response: Response<StatusReport<'_>> =
        call(&mut resource, "/query_sms_deliver_status", &query, body, buffer).await?;
    black_box(response.error_code);
    for record in &response.result {
        black_box(record);
    }
    Ok(())
}

/// Polls the future once, which is enough because the connection never waits.
#[inline(never)]
fn run(future: Pin<&mut dyn Future<Output = Result<(), Failed>>>) -> bool {
    matches!(future.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(())))
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let net = Net(RefCell::new(Wire::new(0)));
    let mut client = HttpClient::new(&net, &net);
    // The buffers are separate variables, because a tuple of them would be copied.
    let mut body = [0; REQUEST];
    let mut buffer = [0; RESPONSE];
    print("played", size_of::<Wire>());
    print("buffers", REQUEST + RESPONSE);
    let future = pin!(life(&mut client, &mut body, &mut buffer));
    print("future", size_of_val(&*future));
    end(run(future));
}

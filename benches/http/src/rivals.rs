//! Other clients, without a login: hyper alone, hyper's pooled client, and reqwest.

use std::rc::Rc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Uri,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header::{CONTENT_TYPE, HOST, HeaderValue},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use serde::{Deserialize, Serialize};
use sms_gateway::core::Timestamp;
use tokio::{net::TcpStream, runtime::Runtime};

use crate::{
    Failure,
    case::{Case, sum},
    contestant::Contestant,
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

pub(crate) fn contestants(runtime: &Rc<Runtime>, case: Case, port: u16) -> Result<Vec<Contestant>, Failure> {
    let address = format!("127.0.0.1:{port}");
    let url = format!("http://{address}{}", case.path());
    let uri: Uri = url.parse()?;

    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let pooled = Client::builder(TokioExecutor::new()).build::<_, Full<Bytes>>(connector);
    let simple = reqwest::Client::builder().no_proxy().build()?;
    let body = Bytes::from(request_body(case)?);

    let mut bare = Hyper::new(&address, case.path())?;
    let mut typed = Hyper::new(&address, case.path())?;
    Ok(vec![
        Contestant::new("hyper, body only read", runtime, async move || {
            bare.ask(body.clone()).await?.collect().await?;
            Ok(None)
        }),
        Contestant::new("hyper, serde_json", runtime, async move || {
            let response = typed.ask(request_body(case)?.into()).await?;
            read(case, &response.collect().await?.to_bytes())
        }),
        Contestant::new("hyper-util, serde_json", runtime, async move || {
            let request = Request::post(&uri).header(CONTENT_TYPE, JSON);
            let request = request.body(Full::from(request_body(case)?))?;
            let response = pooled.request(request).await?.into_body();
            read(case, &response.collect().await?.to_bytes())
        }),
        Contestant::new("reqwest, serde_json", runtime, async move || {
            let request = simple.post(&url).header(CONTENT_TYPE, JSON).body(request_body(case)?);
            read(case, &request.send().await?.bytes().await?)
        }),
    ])
}

/// One connection of hyper, and the parts that all requests on it share.
struct Hyper {
    address: String,
    host: HeaderValue,
    path: Uri,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Hyper {
    fn new(address: &str, path: &str) -> Result<Self, Failure> {
        Ok(Self { address: address.into(), host: address.parse()?, path: path.parse()?, sender: None })
    }

    async fn ask(&mut self, body: Bytes) -> Result<Incoming, Failure> {
        let sender = match &mut self.sender {
            Some(sender) => sender,
            none => none.insert(connect(&self.address).await?),
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.clone();
        request.headers_mut().insert(HOST, self.host.clone());
        request.headers_mut().insert(CONTENT_TYPE, JSON);
        sender.ready().await?;
        Ok(sender.send_request(request).await?.into_body())
    }
}

async fn connect(address: &str) -> Result<SendRequest<Full<Bytes>>, Failure> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

#[derive(Serialize)]
struct QuerySmsResult {
    user_id: Vec<i64>,
}

#[derive(Serialize)]
struct SendSms<'a> {
    text: &'a str,
    param: [Recipient<'a>; 1],
}

#[derive(Serialize)]
struct Recipient<'a> {
    number: &'a str,
    user_id: i64,
}

#[derive(Deserialize)]
struct SmsResults<'a> {
    error_code: u32,
    #[serde(borrow)]
    result: Vec<SmsResult<'a>>,
}

#[derive(Deserialize)]
struct SmsResult<'a> {
    port: u32,
    user_id: i64,
    number: &'a str,
    time: &'a str,
    status: &'a str,
    count: u32,
    succ_count: u32,
    ref_id: u32,
    imsi: &'a str,
}

#[derive(Deserialize)]
struct Accepted {
    error_code: u32,
    sms_in_queue: u32,
    task_id: i64,
}

/// Returns the request's body.
fn request_body(case: Case) -> serde_json::Result<Vec<u8>> {
    match case {
        Case::Results(count) => serde_json::to_vec(&QuerySmsResult { user_id: (1..=count).collect() }),
        Case::SendSms => {
            let recipient = Recipient { number: "10086", user_id: 1 };
            serde_json::to_vec(&SendSms { text: "Hello", param: [recipient] })
        }
    }
}

/// Decodes the response.
fn read(case: Case, response: &[u8]) -> Result<Option<u64>, Failure> {
    let (code, success, total) = match case {
        Case::Results(_) => {
            let response: SmsResults<'_> = serde_json::from_slice(response)?;
            (response.error_code, 200, response.result.iter().map(record).sum::<Result<u64, Failure>>()?)
        }
        Case::SendSms => {
            let response: Accepted = serde_json::from_slice(response)?;
            (response.error_code, 202, response.task_id.cast_unsigned() + u64::from(response.sms_in_queue))
        }
    };
    if code == success { Ok(Some(total)) } else { Err(format!("error_code {code}").into()) }
}

fn record(result: &SmsResult<'_>) -> Result<u64, Failure> {
    let numbers = [
        result.port.into(),
        result.user_id.cast_unsigned(),
        result.count.into(),
        result.succ_count.into(),
        result.ref_id.into(),
    ];
    let time: Timestamp = result.time.parse()?;
    Ok(sum(numbers, [result.number, result.imsi], time, result.status == "SENT_OK"))
}

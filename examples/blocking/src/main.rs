//! The core alone over a blocking socket, without tokio: login, a question, and its answer read in small pieces.
//!
//! `SMS_GATEWAY_PASSWORD=… cargo run -p blocking -- 192.168.1.9:80 admin` lists what became of all messages.

use std::{
    env,
    error::Error,
    io::{Read, Write},
    net::TcpStream,
    process::ExitCode,
    time::Duration,
};

use sms_gateway_core::{
    call::{Call, CommaEncoding, Decoder, QuerySmsInQueue, QuerySmsResult},
    http::{Credentials, Head, Scheme, challenge, digest, request},
};

/// The memory for a request, for the head of an answer, and for one record.
const BUFFER: usize = 1024;

/// An answer whose head is read.
struct Response {
    stream: TcpStream,
    status: u16,
    challenge: Option<String>,
    /// What of the body came with the head.
    first: Vec<u8>,
}

fn main() -> ExitCode {
    let Some((host, user)) = env::args().nth(1).zip(env::args().nth(2)) else {
        eprintln!("usage: SMS_GATEWAY_PASSWORD=… blocking HOST:PORT USER");
        return ExitCode::from(2);
    };
    let password = env::var("SMS_GATEWAY_PASSWORD").unwrap_or_default();
    match list_results(&host, &Credentials::new(&user, &password)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("blocking: {error}");
            ExitCode::FAILURE
        }
    }
}

fn list_results(host: &str, credentials: &Credentials<'_>) -> Result<(), Box<dyn Error>> {
    // A question that changes nothing, without credentials: its answer brings the challenge.
    let challenge = ask(host, &QuerySmsInQueue, None)?.challenge.ok_or("the gateway wants no login")?;
    let Scheme::Digest(challenge) = challenge::best([challenge.as_str()])? else {
        return Err("the gateway offers only Basic login, which shows the password".into());
    };

    let call = QuerySmsResult::new();
    let mut target = [0; 64];
    let target = call.target(CommaEncoding::Encoded, &mut target)?;
    let mut authorization = [0; 512];
    // In earnest this is a number that nobody can foresee; with one request for a challenge it matters little.
    let cnonce = format!("{:08x}", std::process::id());
    let method = QuerySmsResult::METHOD.as_str();
    let authorization =
        digest::authorization(&challenge, credentials, method, target, 1, &cnonce, &mut authorization)?;

    let answer = ask(host, &call, Some(authorization))?;
    if answer.status != 200 {
        return Err(format!("HTTP status {}", answer.status).into());
    }
    print_records::<QuerySmsResult<'_>>(answer)
}

/// Sends a request in one write and reads the answer's head.
fn ask<C: Call>(host: &str, call: &C, authorization: Option<&str>) -> Result<Response, Box<dyn Error>> {
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut buffer = [0; BUFFER];
    let head = Head { host, authorization, close: true, ..Head::default() };
    stream.write_all(request(call, &head, &mut buffer)?)?;

    let mut length = 0;
    loop {
        let taken = stream.read(&mut buffer[length..])?;
        if taken == 0 {
            return Err("the answer's head is cut off, or longer than 1 KiB".into());
        }
        length += taken;
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut parsed = httparse::Response::new(&mut headers);
        if let httparse::Status::Complete(end) = parsed.parse(&buffer[..length])? {
            let header = |name: &str| {
                let found = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
                found.and_then(|header| std::str::from_utf8(header.value).ok())
            };
            if header("Transfer-Encoding").is_some() {
                return Err("the answer is chunked, which this example leaves out".into());
            }
            return Ok(Response {
                status: parsed.code.unwrap_or_default(),
                challenge: header("WWW-Authenticate").map(str::to_owned),
                first: buffer[end..length].to_vec(),
                stream,
            });
        }
    }
}

/// Prints each record of an answer as soon as it is in.
fn print_records<C>(mut answer: Response) -> Result<(), Box<dyn Error>>
where
    C: Call,
    for<'a> C::Record<'a>: std::fmt::Debug,
{
    let mut decoder = Decoder::<C, _>::new([0; BUFFER]);
    let mut piece = answer.first;
    loop {
        let mut input = &piece[..];
        while let Some(record) = decoder.next(&mut input)? {
            println!("{record:?}");
        }
        if decoder.is_complete() {
            break;
        }
        piece.resize(64, 0);
        let length = answer.stream.read(&mut piece)?;
        if length == 0 {
            break;
        }
        piece.truncate(length);
    }
    // An answer that was cut off, or that refuses, is an error.
    C::check(&decoder.finish()?)?;
    Ok(())
}

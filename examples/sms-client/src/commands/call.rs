//! `call`: a request that the user composes.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use sms_client::text::Screen;
use sms_gateway::{Gateway, RawCall, RawResponse};

use crate::{
    args::{Call, Verb},
    failure::{Exit, Failure},
    inputs,
    output::Output,
};

/// The maximum length of a body that becomes a JSON string, in bytes.
const MAX_JSON_BODY: usize = 64 << 20;

/// A response as JSON.
#[derive(Serialize)]
struct Shown<'r> {
    status: u16,
    headers: Vec<(&'r str, String)>,
    body: String,
    /// Whether the body is not UTF-8. Its invalid bytes are then replaced.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lossy: bool,
}

pub(crate) async fn call(gateway: &Gateway, args: &Call, output: &mut Output) -> Result<(), Failure> {
    let data = data(args)?;
    let request = match args.verb {
        Verb::Get => RawCall::get(&args.path)?,
        Verb::Post => RawCall::post(&args.path, &data)?,
    };
    let mut response = gateway.raw(&request).await?;
    if output.is_json() {
        show_json(&mut response, output).await?;
    } else {
        show(&mut response, args.include).await?;
    }
    match response.status() {
        200..300 => Ok(()),
        status => {
            Err(Failure::new(Exit::Transport, format!("the gateway responded with HTTP status {status}")))
        }
    }
}

/// Returns the body to send: `TEXT`, `@FILE`, or `-` for the standard input.
fn data(args: &Call) -> Result<Vec<u8>, Failure> {
    let Some(data) = &args.data else { return Ok(Vec::new()) };
    if args.verb == Verb::Get {
        return Err(Failure::usage("a GET has no body: put what it asks for into the path, as ?name=value"));
    }
    match data.strip_prefix('@') {
        Some(file) => inputs::read(file),
        None if data == inputs::STDIN => inputs::read(data),
        None => Ok(data.clone().into_bytes()),
    }
}

/// Prints the body as it arrives. On a terminal, control characters are escaped, and a missing line feed at the end is added.
async fn show(response: &mut RawResponse, with_head: bool) -> Result<(), Failure> {
    let mut out = io::stdout();
    let mut screen = out.is_terminal().then(Screen::default);
    let mut print = |bytes: &[u8]| match &mut screen {
        Some(screen) => out.write_all(screen.show(bytes).as_bytes()),
        None => out.write_all(bytes),
    };
    if with_head {
        print(head(response).as_bytes())?;
    }
    let (mut end, mut ends_line) = (Ok(()), true);
    loop {
        match response.next().await {
            Ok(Some(piece)) => {
                print(piece)?;
                ends_line = piece.last().is_none_or(|byte| *byte == b'\n');
            }
            Ok(None) => break,
            Err(error) => {
                end = Err(error.into());
                break;
            }
        }
    }
    if let Some(mut screen) = screen {
        out.write_all(screen.finish().as_bytes())?;
        if !ends_line {
            out.write_all(b"\n")?;
        }
    }
    out.flush()?;
    end
}

/// Returns the status and the headers, each on its own line, followed by an empty line.
fn head(response: &RawResponse) -> String {
    let lines =
        response.headers().map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value)));
    format!("HTTP {}\n{}\n", response.status(), lines.collect::<String>())
}

async fn show_json(response: &mut RawResponse, output: &mut Output) -> Result<(), Failure> {
    let mut body = Vec::new();
    while let Some(piece) = response.next().await? {
        body.extend_from_slice(piece);
        if body.len() > MAX_JSON_BODY {
            return Err(Failure::new(
                Exit::Unreadable,
                "the body has more than 64 MB; print it without --json",
            ));
        }
    }
    let headers = response.headers().map(|(name, value)| (name, String::from_utf8_lossy(value).into_owned()));
    let text = String::from_utf8_lossy(&body);
    let lossy = matches!(text, std::borrow::Cow::Owned(_));
    let shown =
        Shown { status: response.status(), headers: headers.collect(), body: text.into_owned(), lossy };
    Ok(output.object(&shown)?)
}

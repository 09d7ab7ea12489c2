//! The case of writing a request: send_sms to the maximum number of recipients.

use std::hint::black_box;

use serde::Serialize;
use sms_gateway_core::{
    Number, Port, Ports, UserId,
    call::{Call, Recipient, SendSms},
};

use crate::case::{Case, Contestant};

const TEXT: &str = "Dear #param#,\nyour parcel arrives today between 14:00 and 18:00.";
const PORTS: [u8; 2] = [2, 3];
/// Size of a buffer that is larger than the request.
const BUFFER: usize = 16 * 1024;

/// The request as a type for serde.
#[derive(Serialize)]
struct Request<'a> {
    text: &'a str,
    port: &'a [u8],
    param: &'a [Param<'a>],
}

#[derive(Serialize)]
struct Param<'a> {
    number: &'a str,
    #[serde(rename = "text_param")]
    params: &'a [&'a str],
    user_id: u32,
}

/// A recipient: number, parameters and user_id. Both forms of the request are made from these values.
type Addressee = (&'static str, &'static [&'static str], u32);

/// Creates the case. All contestants write the same bytes. One of them also builds the request each time, which checks the API's limits.
pub(crate) fn send_sms() -> Case {
    let addressees: &'static [Addressee] =
        (0..SendSms::MAX_RECIPIENTS).map(addressee).collect::<Vec<_>>().leak();
    let ours = request(recipients(addressees).leak());
    let theirs: &'static Request<'static> = Box::leak(Box::new(Request {
        text: TEXT,
        port: &PORTS,
        param: addressees
            .iter()
            .map(|to| Param { number: to.0, params: to.1, user_id: to.2 })
            .collect::<Vec<_>>()
            .leak(),
    }));
    let expected: &'static [u8] = serde_json::to_vec(theirs).expect("writing to a vector succeeds").leak();
    let contestants = vec![
        writer("ours", expected, move |buffer| {
            black_box(ours).body(buffer).map(<[u8]>::len).map_err(|error| error.to_string())
        }),
        writer("ours, built anew", expected, |buffer| {
            let recipients = recipients(black_box(addressees));
            request(&recipients).body(buffer).map(<[u8]>::len).map_err(|error| error.to_string())
        }),
        writer("serde_json", expected, |buffer| {
            let mut rest = &mut *buffer;
            serde_json::to_writer(&mut rest, black_box(theirs)).map_err(|error| error.to_string())?;
            let left = rest.len();
            Ok(buffer.len() - left)
        }),
        sonic_rs(expected, theirs),
        writer("serde-json-core", expected, |buffer| {
            serde_json_core::to_slice(black_box(theirs), buffer).map_err(|error| error.to_string())
        }),
    ];
    let units = addressees.len();
    let title = format!("send_sms to {units} recipients, written");
    Case { title, bytes: expected.len(), units, unit: "recipient", contestants }
}

/// Creates a contestant that writes into a buffer and returns the length. The written bytes are checked once, here.
fn writer(
    name: &'static str,
    expected: &[u8],
    mut write: impl FnMut(&mut [u8]) -> Result<usize, String> + 'static,
) -> Contestant {
    let mut buffer = vec![0; BUFFER];
    let length = write(&mut buffer).expect("the buffer is large enough");
    assert_eq!(buffer[..length].escape_ascii().to_string(), expected.escape_ascii().to_string(), "{name}");
    Contestant::new(name, move || {
        let length = write(&mut buffer)?;
        black_box(&buffer);
        Ok(length as u64)
    })
}

/// Creates the contestant sonic-rs. It only accepts its own kind of writer: here, a vector that is large enough from the start.
fn sonic_rs(expected: &[u8], request: &'static Request<'static>) -> Contestant {
    let mut vector = Vec::with_capacity(BUFFER);
    sonic_rs::to_writer(&mut vector, request).expect("writing to a vector succeeds");
    assert_eq!(vector, expected);
    Contestant::new("sonic-rs", move || {
        vector.clear();
        sonic_rs::to_writer(&mut vector, black_box(request)).map_err(|error| error.to_string())?;
        black_box(&vector);
        Ok(vector.len() as u64)
    })
}

fn addressee(index: usize) -> Addressee {
    const NAMES: [&[&str]; 4] = [&["Ms Zhang"], &["Herr Müller"], &["Bob \"Bobby\" Brown"], &["李雷"]];
    let number = format!("{}", 8_613_800_000_000 + index * 7_919);
    (
        number.leak(),
        NAMES[index % NAMES.len()],
        u32::try_from(1_000 + index).expect("there are few recipients"),
    )
}

fn recipients(addressees: &[Addressee]) -> Vec<Recipient<'static>> {
    let recipient = |to: &Addressee| {
        let number = Number::new(to.0).expect("digits");
        let id = UserId::new(to.2.into()).expect("small");
        Recipient::new(number).params(to.1).user_id(id)
    };
    addressees.iter().map(recipient).collect()
}

fn request<'a>(recipients: &'a [Recipient<'a>]) -> SendSms<'a> {
    let ports: Ports = PORTS.iter().map(|port| Port::new(*port).expect("small")).collect();
    SendSms::new(TEXT, recipients).expect("within the limits").ports(ports)
}

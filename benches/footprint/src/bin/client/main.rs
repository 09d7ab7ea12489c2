//! The core alone, over a blocking connection. It makes the calls that its features name. With `track`, it follows messages to their end.
#![no_std]
#![no_main]

mod calls;
mod exchange;
#[cfg(feature = "track")]
mod life;

use footprint::{HOST, PASSWORD, USER, Wire as Link, end, print};
use sms_gateway_core::{
    call::CommaEncoding,
    client::{Session, Site, Wire},
    http::Credentials,
};

use exchange::Client;

/// The sizes of the buffers in bytes. They hold responses of any length, requests with one message of 160 bytes and a usual login, and
/// records with the text of one SMS: 160 characters of at most two bytes, and numbers.
const REQUEST: usize = 768;
const RESPONSE: usize = 512;
const RECORD: usize = 384;
const CHALLENGE: usize = 256;

/// The number of other programs' records before those of the messages.
const FOREIGN: u32 = 100;

#[cortex_m_rt::entry]
fn main() -> ! {
    // The buffers are separate variables, because a tuple of them would be copied.
    let mut request = [0; REQUEST];
    let mut response = [0; RESPONSE];
    let mut record = [0; RECORD];
    let mut challenge = [0; CHALLENGE];
    let mut values = [0; CHALLENGE];
    let mut client = Client {
        link: Link::new(FOREIGN),
        wire: Wire::new(&mut values, &mut response),
        session: Session::new(&mut challenge, &mut record),
        site: Site {
            host: HOST,
            commas: CommaEncoding::Encoded,
            credentials: Some(Credentials::new(USER, PASSWORD)),
        },
        request: &mut request,
    };
    print("buffers", REQUEST + RESPONSE + RECORD + 2 * CHALLENGE);
    print("client", size_of::<Client<'_>>() - size_of::<Link>());
    print("played", size_of::<Link>());
    let outcome = calls::make(&mut client);
    #[cfg(feature = "track")]
    let outcome = outcome.and_then(|()| life::live(&mut client));
    #[cfg(feature = "texts")]
    if let Err(failed) = outcome {
        exchange::show(&failed);
    }
    end(outcome.is_ok());
}

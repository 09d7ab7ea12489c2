//! The core alone: over a blocking connection, the calls that its features name, and messages followed to their end.
#![no_std]
#![no_main]

mod calls;
mod exchange;
#[cfg(feature = "track")]
mod life;
mod line;

use footprint::{HOST, PASSWORD, USER, Wire, end, print};
use sms_gateway_core::http::{Answer, Credentials, login::Login};

use exchange::Client;
use line::Line;

/// The buffers. They do for answers of any length, for requests with one message of 160 bytes and a usual login, and for records with what
/// one SMS can hold: 160 characters, of two bytes each at most, and numbers.
const REQUEST: usize = 768;
const ANSWER: usize = 512;
const RECORD: usize = 384;
const CHALLENGE: usize = 256;

/// How many records of other people come first.
const FOREIGN: u32 = 100;

#[cortex_m_rt::entry]
fn main() -> ! {
    // Not as a tuple, which would be copied.
    let mut request = [0; REQUEST];
    let mut answer = [0; ANSWER];
    let mut record = [0; RECORD];
    let mut kept = [0; CHALLENGE];
    let mut challenge = [0; CHALLENGE];
    let mut client = Client {
        line: Line {
            wire: Wire::new(FOREIGN),
            answer: Answer::new(&mut challenge),
            bytes: &mut answer,
            unread: 0..0,
        },
        host: HOST,
        credentials: Credentials::new(USER, PASSWORD),
        login: Login::new(&mut kept),
        request: &mut request,
        record: &mut record,
    };
    print("buffers", REQUEST + ANSWER + RECORD + 2 * CHALLENGE);
    print("client", size_of::<Client<'_>>() - size_of::<Wire>());
    print("played", size_of::<Wire>());
    let outcome = calls::make(&mut client);
    #[cfg(feature = "track")]
    let outcome = outcome.and_then(|()| life::live(&mut client));
    #[cfg(feature = "texts")]
    if let Err(failed) = outcome {
        exchange::tell(&failed);
    }
    end(outcome.is_ok());
}

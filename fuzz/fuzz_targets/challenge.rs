//! Reads a login challenge. When the challenge is written and read again, it must be the same. The credentials for it must have
//! the size that is reported as needed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sms_gateway_core::{
    TooSmall,
    http::{
        Credentials, LoginError, Scheme, challenge,
        digest::{self, Prepared},
    },
};

fuzz_target!(|value: &str| {
    let mut last = None;
    for found in challenge::parse(value) {
        match found {
            Ok(Scheme::Digest(read)) => {
                let Err(TooSmall { needed }) = read.write(&mut []) else { panic!("it fits in no buffer") };
                let mut room = vec![0; needed];
                let kept = read.write(&mut room).expect("the buffer has the size needed");
                assert_eq!(challenge::best([kept]), Ok(Scheme::Digest(read)));

                let user = Credentials::new("us\"er", "password");
                let authorization = |out: &mut [u8]| {
                    digest::authorization(&read, &user, "GET", "/", 1, "c", out).map(str::to_owned)
                };
                let Err(LoginError::TooSmall(TooSmall { needed })) = authorization(&mut []) else {
                    panic!("it fits in no buffer")
                };
                let header = authorization(&mut vec![0; needed]).expect("the buffer has the size needed");
                assert_eq!(header.len(), needed);

                let Err(LoginError::TooSmall(TooSmall { needed: room })) =
                    Prepared::new(&read, &user, "c", [])
                else {
                    panic!("it fits in no buffer")
                };
                let prepared =
                    Prepared::new(&read, &user, "c", vec![0; room]).expect("the buffer has the size needed");
                assert_eq!(prepared.nonce(), read.nonce());
                assert_eq!(prepared.authorization("GET", "/", 1, &mut vec![0; needed]), Ok(header.as_str()));
            }
            Ok(Scheme::Basic { realm }) => assert!(realm.chars().count() <= value.len()),
            Err(error) => {
                assert!(value.get(error.offset..).is_some_and(|rest| !rest.is_empty()));
                assert!(last < Some(error.offset));
                last = Some(error.offset);
            }
        }
    }
});

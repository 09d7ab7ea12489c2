//! What the firmware is told by whoever starts it: words, most of the form `name=value`.

use core::net::{Ipv4Addr, SocketAddrV4};

/// The arguments with their defaults.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arguments {
    /// `gateway=ADDRESS:PORT`. By default port 8080 of the host, as QEMU's network has it.
    pub(crate) gateway: SocketAddrV4,
    /// `check`: the board tries itself, and no gateway is asked.
    pub(crate) check: bool,
}

impl Arguments {
    /// Reads the arguments; a wrong one ends the program.
    ///
    /// # Panics
    ///
    /// When a value can't be read, or the name is unknown.
    pub(crate) fn parse(line: &str) -> Self {
        let mut arguments =
            Self { gateway: SocketAddrV4::new(Ipv4Addr::new(10, 0, 2, 2), 8080), check: false };
        // The first word is the program's name.
        for word in line.split_ascii_whitespace().skip(1) {
            match word.split_once('=') {
                Some(("gateway", value)) => {
                    arguments.gateway = value.parse().expect("gateway is an address and a port");
                }
                None if word == "check" => arguments.check = true,
                _ => panic!("what is the argument {word:?}?"),
            }
        }
        arguments
    }
}

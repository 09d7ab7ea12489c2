//! What the firmware is told by whoever starts it: words, most of the form `name=value`.

use core::net::{Ipv4Addr, SocketAddrV4};

use sms_gateway_embassy::core::track::Timing;

/// The arguments with their defaults.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arguments {
    /// `gateway=ADDRESS:PORT`. By default port 8080 of the host, as QEMU's network has it.
    pub(crate) gateway: SocketAddrV4,
    /// `speed=N`: the gateway lives so many times faster than real ones. By default it does not.
    speed: u32,
    /// `check`: the board tries itself, and no gateway is asked.
    pub(crate) check: bool,
    /// `large`: long answers are read, and no messages sent.
    pub(crate) large: bool,
    /// `lives=STEPS+STEPS+…`: the board is reset so many steps after it got its address for the first time, the second, and so on.
    lives: &'static str,
}

impl Arguments {
    /// Reads the arguments; a wrong one ends the program.
    ///
    /// # Panics
    ///
    /// When a value can't be read, or the name is unknown.
    pub(crate) fn parse(line: &'static str) -> Self {
        let gateway = SocketAddrV4::new(Ipv4Addr::new(10, 0, 2, 2), 8080);
        let mut arguments = Self { gateway, speed: 1, check: false, large: false, lives: "" };
        // The first word is the program's name.
        for word in line.split_ascii_whitespace().skip(1) {
            match word.split_once('=') {
                Some(("gateway", value)) => {
                    arguments.gateway = value.parse().expect("gateway is an address and a port");
                }
                Some(("speed", value)) => arguments.speed = value.parse().expect("speed is a number"),
                Some(("lives", value)) => arguments.lives = value,
                None if word == "check" => arguments.check = true,
                None if word == "large" => arguments.large = true,
                _ => panic!("what is the argument {word:?}?"),
            }
        }
        arguments
    }

    /// When the gateway is asked: a real one would not be asked so often.
    pub(crate) fn timing(&self) -> Timing {
        let usual = Timing::default();
        Timing {
            first_result: usual.first_result / self.speed,
            first_report: usual.first_report / self.speed,
            results_every: usual.results_every / self.speed,
            reports_every: usual.reports_every / self.speed,
            retry: usual.retry / self.speed,
            incoming: usual.incoming / self.speed,
            // Somebody waits for the end.
            slowest: 4 * usual.first_result / self.speed,
            ..usual
        }
    }

    /// How many steps the program takes after this many resets, when it is not to run to its end.
    ///
    /// # Panics
    ///
    /// When that is no number.
    pub(crate) fn life(&self, resets: u32) -> Option<u32> {
        let life = self.lives.split_terminator('+').nth(resets as usize)?;
        Some(life.parse().expect("lives are numbers of steps"))
    }
}

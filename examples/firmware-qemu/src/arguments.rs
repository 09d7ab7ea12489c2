//! The arguments of the firmware: words, most of them of the form `name=value`.

use core::net::{Ipv4Addr, SocketAddrV4};

use sms_gateway_embassy::core::track::Timing;

/// The arguments with their defaults.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arguments {
    /// `gateway=ADDRESS:PORT`. The default is port 8080 of the host in QEMU's network.
    pub(crate) gateway: SocketAddrV4,
    /// `speed=N`: the speed of the gateway relative to a real one. The default is 1.
    speed: u32,
    /// `check`: the board tests itself, without a gateway.
    pub(crate) check: bool,
    /// `large`: the firmware reads long responses, and sends no messages.
    pub(crate) large: bool,
    /// `lives=STEPS+STEPS+…`: for each life (the time between two resets), the number of steps after which the board is reset.
    /// The count starts when the board has its address. For steps, see `reset::after`.
    lives: &'static str,
}

impl Arguments {
    /// Parses the arguments.
    ///
    /// # Panics
    ///
    /// If a value can't be parsed, or a name is unknown.
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

    /// Returns the polling intervals, divided by the gateway's speed.
    pub(crate) fn timing(&self) -> Timing {
        let usual = Timing::default();
        Timing {
            first_result: usual.first_result / self.speed,
            first_report: usual.first_report / self.speed,
            results_every: usual.results_every / self.speed,
            reports_every: usual.reports_every / self.speed,
            retry: usual.retry / self.speed,
            incoming: usual.incoming / self.speed,
            // Shorter than the default, because the test waits until the firmware ends.
            slowest: 4 * usual.first_result / self.speed,
            ..usual
        }
    }

    /// Returns the number of steps until the next reset, if the board has been reset `resets` times. `None` means no further reset.
    ///
    /// # Panics
    ///
    /// If the argument is not a number.
    pub(crate) fn life(&self, resets: u32) -> Option<u32> {
        let life = self.lives.split_terminator('+').nth(resets as usize)?;
        Some(life.parse().expect("lives are numbers of steps"))
    }
}

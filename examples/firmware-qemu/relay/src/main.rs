//! A bad link between two emulated network cards. It loses and reorders frames, depending on a seed.
//!
//! `relay DIRECTORY [SEED]`. QEMU sends each Ethernet frame as a datagram (`-netdev dgram`). Frames received on the socket
//! `relay-board` in the directory are sent to the socket `network`, and those received on `relay-network` to `board`. The
//! program prints a line when it is ready, and another one with the counts so far whenever a frame was lost or overtaken. It
//! runs until it is killed.

mod link;

use std::{
    env,
    error::Error,
    io::{self, ErrorKind, Write},
    os::unix::net::UnixDatagram,
    path::PathBuf,
    process::ExitCode,
    thread,
    time::Duration,
};

use crate::link::{Badness, Done, Link};

/// Size of a buffer that is larger than any frame.
const FRAME: usize = 2048;
/// Time for which a held frame waits for others to overtake it.
const PATIENCE: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    match relay() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("relay: {error}");
            ExitCode::FAILURE
        }
    }
}

fn relay() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let directory = PathBuf::from(arguments.next().ok_or("usage: relay DIRECTORY [SEED]")?);
    let seed = arguments.next().map_or(Ok(1), |seed| seed.to_string_lossy().parse::<u64>())?;

    let board = UnixDatagram::bind(directory.join("relay-board"))?;
    let network = UnixDatagram::bind(directory.join("relay-network"))?;
    let out = Lane {
        name: "out",
        from: board.try_clone()?,
        by: network.try_clone()?,
        to: directory.join("network"),
    };
    let back = Lane { name: "back", from: network, by: board, to: directory.join("board") };
    writeln!(io::stdout(), "ready, seed {seed}")?;

    // Each direction has its own seed. With the same seed, both would lose the same frames.
    let out = thread::spawn(move || out.carry(Link::new(Badness::default(), seed)));
    back.carry(Link::new(Badness::default(), !seed))?;
    out.join().map_err(|_| "a direction ended")??;
    Ok(())
}

/// One direction of the link, with its sockets.
struct Lane {
    name: &'static str,
    from: UnixDatagram,
    by: UnixDatagram,
    to: PathBuf,
}

impl Lane {
    fn carry(&self, mut link: Link) -> io::Result<()> {
        self.from.set_read_timeout(Some(PATIENCE))?;
        let mut buffer = [0; FRAME];
        let mut last = Done::default();
        loop {
            let frames = match self.from.recv(&mut buffer) {
                Ok(length) => link.pass(&buffer[..length]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    link.quiet()
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            for frame in frames {
                // A frame to a card that does not exist is lost, as on a real line.
                _ = self.by.send_to(&frame, &self.to);
            }
            if link.done != last {
                last = link.done;
                writeln!(io::stdout(), "{}: lost {}, overtaken {}", self.name, last.lost, last.overtaken)?;
            }
        }
    }
}

//! Compares this library's calls over HTTP, including login and decoding, with those of other clients, side by side in one run.
//!
//! `http` prints the tables. For tools that count instructions, `http --serve CASE` prints a port and serves there,
//! and `http --ask PORT CONTESTANT CASE TURNS` runs a single contestant against it.

mod case;
mod contestant;
mod ours;
mod rivals;
mod server;
mod table;
mod timing;

use std::{io, net::TcpListener, process::ExitCode, rc::Rc, thread};

use case::{CASES, Case};
use contestant::Contestant;
use tokio::runtime::{Builder, Runtime};

/// Any error that prevents a response.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        [] => all(),
        ["--serve", case] => serve(case),
        ["--ask", port, contestant, case, turns] => ask(port, contestant, case, turns),
        _ => Err("usage: http [--serve CASE | --ask PORT CONTESTANT CASE TURNS]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints all tables. The server is a thread on the same core.
fn all() -> Result<(), Failure> {
    println!("On core {}. {}", measure::pin()?, table::LEGEND);
    for (name, case) in CASES {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        thread::spawn(move || server::serve(listener, case));
        let mut contestants = contestants(case, port)?;
        contestant::check(&mut contestants)?;
        let timings = timing::measure(&mut contestants)?;
        table::print(name, case, &contestants, &timings);
    }
    Ok(())
}

fn serve(case: &str) -> Result<(), Failure> {
    let case = case::named(case)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    Ok(server::serve(listener, case)?)
}

fn ask(port: &str, contestant: &str, case: &str, turns: &str) -> Result<(), Failure> {
    let mut contestants = contestants(case::named(case)?, port.parse()?)?;
    let found = contestants.iter_mut().find(|known| known.name == contestant);
    let found = found.ok_or_else(|| format!("no contestant {contestant}"))?;
    (found.run)(turns.parse()?)?;
    Ok(())
}

/// Returns all contestants. They connect with their first request.
fn contestants(case: Case, port: u16) -> Result<Vec<Contestant>, Failure> {
    let runtime = Rc::new(runtime()?);
    let mut contestants = vec![ours::contestant(&runtime, case, port)?];
    contestants.extend(rivals::contestants(&runtime, case, port)?);
    Ok(contestants)
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

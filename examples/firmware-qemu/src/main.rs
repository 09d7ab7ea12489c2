//! Firmware for an emulated board. It gets an address by DHCP and runs [`app`], which is the part to copy. `./run.sh` builds
//! and runs the firmware.
#![no_std]
#![no_main]

mod app;
mod arguments;
mod board;
mod check;
mod large;
mod sum;

use core::{fmt::Display, pin::pin};

use embassy_executor::Spawner;
use embassy_net::{Config, DhcpConfig, Runner, Stack, StackResources};
use embassy_time::{Duration, Instant};
use log::{error, info};
use static_cell::ConstStaticCell;

use crate::{
    app::{Pages, Plan},
    arguments::Arguments,
    board::{Board, Ethernet, RamFlash},
};

/// The emulator's default credentials. A product would store them in flash, where they can be changed.
const CREDENTIALS: (&str, &str) = ("admin", "admin");
/// Number of sockets: those of DHCP and of the application.
const SOCKETS: usize = 4;
/// Maximum time for the whole run.
const LIMIT: Duration = Duration::from_secs(80);

#[cortex_m_rt::entry]
fn main() -> ! {
    board::run(start)
}

fn start(spawner: Spawner, board: Board) {
    static RESOURCES: ConstStaticCell<StackResources<SOCKETS>> = ConstStaticCell::new(StackResources::new());
    let arguments = Arguments::parse(board.arguments);
    info!("resets: {}, arguments: {}", board.resets, board.arguments);
    if arguments.check {
        return spawner.spawn(check_board(board.flash, board.resets).expect("spawned once"));
    }
    let (stack, runner) =
        embassy_net::new(board.ethernet, config(), RESOURCES.take(), board::entropy::seed());
    spawner.spawn(network(runner).expect("spawned once"));
    if arguments.large {
        return spawner.spawn(read_large_responses(stack, arguments).expect("spawned once"));
    }
    let life = arguments.life(board.resets);
    spawner.spawn(application(stack, arguments, board.flash, life).expect("spawned once"));
}

fn config() -> Config {
    let mut dhcp = DhcpConfig::default();
    // By default, DHCP retries after 10 s. Here it retries sooner, because frames may get lost and the server is near.
    dhcp.retry_config.discover_timeout /= 10;
    dhcp.retry_config.initial_request_timeout /= 10;
    Config::dhcpv4(dhcp)
}

#[embassy_executor::task]
async fn network(mut runner: Runner<'static, Ethernet>) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn application(stack: Stack<'static>, arguments: Arguments, flash: RamFlash, life: Option<u32>) {
    static MEMORY: ConstStaticCell<app::Memory> = ConstStaticCell::new(app::Memory::new());
    stack.wait_config_up().await;
    if let Some(config) = stack.config_v4() {
        info!("address: {}", config.address);
    }
    if let Some(life) = life {
        board::reset::after(life);
    }
    let plan = Plan {
        gateway: arguments.gateway,
        credentials: CREDENTIALS,
        timing: arguments.timing(),
        end: Instant::now() + LIMIT,
    };
    let pages = Pages { flash, range: 0..RamFlash::SIZE };
    let app = pin!(app::run(stack, &plan, pages, board::entropy::seed, MEMORY.take()));
    info!("future: {} bytes, memory lent to it: {} bytes", size_of_val(&*app), size_of::<app::Memory>());
    end(app.await)
}

#[embassy_executor::task]
async fn read_large_responses(stack: Stack<'static>, arguments: Arguments) {
    static MEMORY: ConstStaticCell<large::Memory> = ConstStaticCell::new(large::Memory::new());
    stack.wait_config_up().await;
    let entropy = board::entropy::seed;
    end(large::run(stack, arguments.gateway, CREDENTIALS, entropy, MEMORY.take()).await)
}

/// Ends the program. A real board would continue.
fn end<E: Display>(result: Result<(), E>) -> ! {
    let stack = board::stack::usage();
    info!("stack: {} of {} bytes", stack.deepest, stack.size);
    board::exit(match result {
        Ok(()) => 0,
        Err(error) => {
            error!("{error}");
            1
        }
    })
}

#[embassy_executor::task]
async fn check_board(flash: RamFlash, resets: u32) {
    check::run(flash, resets).await;
    board::exit(0)
}

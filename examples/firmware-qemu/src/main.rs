//! Firmware of an emulated board: an address by DHCP, then [`app`], which is what to copy. `./run.sh` builds and runs it.
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

/// What the emulator takes by itself. In earnest they would stand in the flash, where they can be changed.
const CREDENTIALS: (&str, &str) = ("admin", "admin");
/// DHCP's and the application's.
const SOCKETS: usize = 4;
/// How long all may take after a start.
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
        return spawner.spawn(read_large_answers(stack, arguments).expect("spawned once"));
    }
    let life = arguments.life(board.resets);
    spawner.spawn(application(stack, arguments, board.flash, life).expect("spawned once"));
}

fn config() -> Config {
    let mut dhcp = DhcpConfig::default();
    // By itself it asks again after 10 s. A frame can get lost, and the server is near.
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
async fn read_large_answers(stack: Stack<'static>, arguments: Arguments) {
    static MEMORY: ConstStaticCell<large::Memory> = ConstStaticCell::new(large::Memory::new());
    stack.wait_config_up().await;
    let entropy = board::entropy::seed;
    end(large::run(stack, arguments.gateway, CREDENTIALS, entropy, MEMORY.take()).await)
}

/// Ends the program, which a real board would not.
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

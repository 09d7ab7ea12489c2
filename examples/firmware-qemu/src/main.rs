//! Firmware of an emulated board: an address by DHCP, then [`app`]. `./run.sh` builds and runs it.
#![no_std]
#![no_main]

mod app;
mod arguments;
mod board;
mod check;

use embassy_executor::Spawner;
use embassy_net::{Config, DhcpConfig, Runner, Stack, StackResources};
use embassy_time::Instant;
use log::{error, info};
use static_cell::ConstStaticCell;

use crate::{
    arguments::Arguments,
    board::{Board, Ethernet, RamFlash},
};

/// DHCP's and the application's.
const SOCKETS: usize = 4;

#[cortex_m_rt::entry]
fn main() -> ! {
    board::run(start)
}

fn start(spawner: Spawner, board: Board) {
    static RESOURCES: ConstStaticCell<StackResources<SOCKETS>> = ConstStaticCell::new(StackResources::new());
    let arguments = Arguments::parse(board.arguments);
    info!("resets: {}, arguments: {}", board.resets, board.arguments);
    if let Some(life) = arguments.life(board.resets) {
        board::reset::at(Instant::now() + life);
    }
    if arguments.check {
        return spawner.spawn(check_board(board.flash, board.resets).expect("spawned once"));
    }
    let (stack, runner) =
        embassy_net::new(board.ethernet, config(), RESOURCES.take(), board::entropy::seed());
    spawner.spawn(network(runner).expect("spawned once"));
    spawner.spawn(application(stack, arguments).expect("spawned once"));
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
async fn application(stack: Stack<'static>, arguments: Arguments) {
    static MEMORY: ConstStaticCell<app::Memory> = ConstStaticCell::new(app::Memory::new());
    stack.wait_config_up().await;
    if let Some(config) = stack.config_v4() {
        info!("address: {}", config.address);
    }
    let result = app::run(stack, arguments.gateway, board::entropy::seed, MEMORY.take()).await;
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

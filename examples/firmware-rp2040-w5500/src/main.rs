//! Firmware for a W5500-EVB-Pico: it gets an address by DHCP, and then runs the same application as the emulated board.
//!
//! Run `rustup target add thumbv6m-none-eabi`. Then `cargo run --release` in this folder builds the firmware and loads it with
//! `picotool`. The gateway's address and the login are read from the environment at build time: `SMS_GATEWAY=192.168.1.9:80`,
//! `SMS_GATEWAY_USER`, and `SMS_GATEWAY_PASSWORD`. The firmware then contains the password, so everyone who can read the
//! firmware can read the password. By default, user name and password are `admin`.
//!
//! The firmware logs to a serial port over USB. It sends messages: first put your numbers into
//! `firmware-qemu/src/app/messages.rs`.
#![no_std]
#![no_main]

// The same code as on the emulated board, because it does not depend on the board.
#[path = "../../firmware-qemu/src/app/mod.rs"]
mod app;
mod board;
mod rp2040;

use embassy_executor::Spawner;
use embassy_net::{Config, DhcpConfig, Runner, StackResources};
use static_cell::ConstStaticCell;

use crate::board::Board;

/// The number of sockets: one for DHCP, the others for the application.
const SOCKETS: usize = 4;

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static RESOURCES: ConstStaticCell<StackResources<SOCKETS>> = ConstStaticCell::new(StackResources::new());
    let board = Board::start();
    spawner.spawn(rp2040::log_over_usb(board.usb).expect("spawned once"));
    let (device, runner) = board.ethernet.start().await;
    spawner.spawn(ethernet(runner).expect("spawned once"));
    let (stack, runner) =
        embassy_net::new(device, Config::dhcpv4(DhcpConfig::default()), RESOURCES.take(), rp2040::seed());
    spawner.spawn(network(runner).expect("spawned once"));
    spawner.spawn(rp2040::application(stack, board.flash).expect("spawned once"));
}

#[embassy_executor::task]
async fn ethernet(runner: board::EthernetRunner) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn network(mut runner: Runner<'static, board::EthernetDevice>) -> ! {
    runner.run().await
}

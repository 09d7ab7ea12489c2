//! Firmware for a Raspberry Pi Pico W: it joins a Wi-Fi network, gets an address by DHCP, and then runs the same application as the
//! emulated board.
//!
//! `README.md` explains how to build and load the firmware. The name and the password of the network are read from the environment at build
//! time.
#![no_std]
#![no_main]

// The same code as on the emulated board, because it does not depend on the board.
#[path = "../../firmware-qemu/src/app/mod.rs"]
mod app;
mod board;
// The same code as on the board with Ethernet.
#[path = "../../firmware-rp2040-w5500/src/rp2040.rs"]
mod rp2040;
mod wifi;

use embassy_executor::Spawner;
use embassy_net::{Config, DhcpConfig, Runner, Stack, StackResources};
use static_cell::ConstStaticCell;

use crate::{board::Board, wifi::Wifi};

/// The number of sockets: one for DHCP, the others for the application.
const SOCKETS: usize = 4;

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static RESOURCES: ConstStaticCell<StackResources<SOCKETS>> = ConstStaticCell::new(StackResources::new());
    let board = Board::start();
    spawner.spawn(rp2040::log_over_usb(board.usb).expect("spawned once"));
    let (device, control, runner) = board.radio.start().await;
    spawner.spawn(radio(runner).expect("spawned once"));
    let (stack, runner) =
        embassy_net::new(device, Config::dhcpv4(DhcpConfig::default()), RESOURCES.take(), rp2040::seed());
    spawner.spawn(network(runner).expect("spawned once"));
    spawner.spawn(join(control, stack).expect("spawned once"));
    spawner.spawn(rp2040::application(stack, board.flash).expect("spawned once"));
}

#[embassy_executor::task]
async fn radio(runner: board::RadioRunner) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn network(mut runner: Runner<'static, board::RadioDevice>) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn join(control: cyw43::Control<'static>, stack: Stack<'static>) -> ! {
    Wifi::from_environment(control).stay_joined(stack).await
}

//! Firmware for a W5500-EVB-Pico: it gets an address by DHCP, and then runs the same application as the emulated board.
//!
//! Run `rustup target add thumbv6m-none-eabi`. Then `cargo run --release` in this folder builds the firmware and loads it with
//! `picotool`. The gateway's address and the login are read from the environment at build time: `SMS_GATEWAY=192.168.1.9:80`,
//! `SMS_GATEWAY_USER`, and `SMS_GATEWAY_PASSWORD`. The password is then contained in the firmware, and everyone who can read
//! the firmware can read it. By default, user name and password are `admin`.
//!
//! The log is a serial port over USB. The firmware sends messages: first put your numbers into
//! `firmware-qemu/src/app/messages.rs`.
#![no_std]
#![no_main]

// The same code as on the emulated board, because it does not depend on the board.
#[path = "../../firmware-qemu/src/app/mod.rs"]
mod app;
mod board;

use core::{net::SocketAddrV4, panic::PanicInfo};

use embassy_executor::Spawner;
use embassy_net::{Config, DhcpConfig, Stack, StackResources};
use embassy_time::{Duration, Instant, Timer};
use log::{error, info};
use sms_gateway_embassy::core::track::Timing;
use static_cell::ConstStaticCell;

use crate::{
    app::{Pages, Plan},
    board::{Board, STORAGE},
};

/// The gateway's address and port. A product would store these and the login in flash, where they can be changed.
const GATEWAY: &str = or(option_env!("SMS_GATEWAY"), "192.168.1.9:80");
/// The user name.
const USER: &str = or(option_env!("SMS_GATEWAY_USER"), "admin");
/// The user's password.
const PASSWORD: &str = or(option_env!("SMS_GATEWAY_PASSWORD"), "admin");
/// Number of sockets: those of DHCP and of the application.
const SOCKETS: usize = 4;
/// The time limit: a recipient's phone may be off for a day.
const LIMIT: Duration = Duration::from_secs(24 * 3600);

const fn or(given: Option<&'static str>, default: &'static str) -> &'static str {
    match given {
        Some(given) => given,
        None => default,
    }
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static RESOURCES: ConstStaticCell<StackResources<SOCKETS>> = ConstStaticCell::new(StackResources::new());
    let board = Board::start();
    spawner.spawn(log_over_usb(board.usb).expect("spawned once"));
    let (device, runner) = board.ethernet.start().await;
    spawner.spawn(ethernet(runner).expect("spawned once"));
    let (stack, runner) =
        embassy_net::new(device, Config::dhcpv4(DhcpConfig::default()), RESOURCES.take(), board::seed());
    spawner.spawn(network(runner).expect("spawned once"));
    spawner.spawn(application(stack, board.flash).expect("spawned once"));
}

#[embassy_executor::task]
async fn log_over_usb(driver: board::Usb) {
    board::log_over_usb(driver).await;
}

#[embassy_executor::task]
async fn ethernet(runner: board::EthernetRunner) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn network(mut runner: embassy_net::Runner<'static, board::EthernetDevice>) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn application(stack: Stack<'static>, mut flash: board::Storage) {
    static MEMORY: ConstStaticCell<app::Memory> = ConstStaticCell::new(app::Memory::new());
    let memory = MEMORY.take();
    let gateway: SocketAddrV4 = GATEWAY.parse().expect("SMS_GATEWAY is an address and a port");
    loop {
        stack.wait_config_up().await;
        let credentials = (USER, PASSWORD);
        let plan = Plan { gateway, credentials, timing: Timing::default(), end: Instant::now() + LIMIT };
        let pages = Pages { flash: &mut flash, range: STORAGE };
        match app::run(stack, &plan, pages, board::seed, memory).await {
            Ok(()) => return info!("done"),
            Err(error) => error!("{error}"),
        }
        Timer::after_secs(10).await;
    }
}

/// Resets the board, which may be unattended.
#[panic_handler]
fn panic(_info: &PanicInfo<'_>) -> ! {
    cortex_m::peripheral::SCB::sys_reset()
}

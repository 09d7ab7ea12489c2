//! The parts that boards with an RP2040 have in common: flash, log, entropy, and the application's task.
//!
//! The firmware of the Pico W uses this file, too.

use core::{net::SocketAddrV4, ops::Range, panic::PanicInfo};

use embassy_net::Stack;
use embassy_rp::{
    clocks::RoscRng,
    flash::{self, Flash},
    peripherals::{FLASH, USB},
    usb,
};
use embassy_time::{Duration, Instant, Timer};
use log::{LevelFilter, error, info};
use sms_gateway_embassy::core::track::Timing;
use static_cell::ConstStaticCell;

use crate::app::{self, Pages, Plan};

/// The gateway's address and port. A product would keep this and the next two values in flash, where they can be changed.
const GATEWAY: &str = or(option_env!("SMS_GATEWAY"), "192.168.1.9:80");
/// The user name that the gateway knows.
const USER: &str = or(option_env!("SMS_GATEWAY_USER"), "admin");
/// The user's password.
const PASSWORD: &str = or(option_env!("SMS_GATEWAY_PASSWORD"), "admin");
/// The time limit for all messages. It is long enough for a phone that is switched off for a while.
const LIMIT: Duration = Duration::from_secs(24 * 3600);
/// The wait before the application starts again after a failure.
const RETRY: Duration = Duration::from_secs(10);
/// The boards have 2 MiB of flash.
const FLASH_SIZE: usize = 2 * 1024 * 1024;
/// The end of the flash, which `memory.x` leaves to the application.
const STORAGE: Range<u32> = 0x1f_0000..0x20_0000;
/// The maximum number of bytes of the log that wait for the host to read them.
const LOG: usize = 1024;

pub(crate) type Storage = Flash<'static, FLASH, flash::Async, FLASH_SIZE>;
pub(crate) type Usb = usb::Driver<'static, USB>;

const fn or(given: Option<&'static str>, default: &'static str) -> &'static str {
    match given {
        Some(given) => given,
        None => default,
    }
}

/// Waits until the network has an address, and runs the application. If the application fails, runs it again.
#[embassy_executor::task]
pub(crate) async fn application(stack: Stack<'static>, mut flash: Storage) {
    static MEMORY: ConstStaticCell<app::Memory> = ConstStaticCell::new(app::Memory::new());
    let memory = MEMORY.take();
    let gateway: SocketAddrV4 = GATEWAY.parse().expect("SMS_GATEWAY is an address and a port");
    loop {
        stack.wait_config_up().await;
        let credentials = (USER, PASSWORD);
        let plan = Plan { gateway, credentials, timing: Timing::default(), end: Instant::now() + LIMIT };
        let pages = Pages { flash: &mut flash, range: STORAGE };
        match app::run(stack, &plan, pages, seed, memory).await {
            Ok(()) => return info!("done"),
            Err(error) => error!("{error}"),
        }
        Timer::after(RETRY).await;
    }
}

/// Returns a seed for a generator, from an oscillator that runs unevenly. Two starts are unlikely to get the same seed.
pub(crate) fn seed() -> u64 {
    RoscRng.next_u64()
}

/// Sends the log to the host that opens the serial port.
#[embassy_executor::task]
pub(crate) async fn log_over_usb(driver: Usb) {
    embassy_usb_logger::run!(LOG, LevelFilter::Info, driver);
}

/// Resets the board, because it runs unattended.
#[panic_handler]
fn panic(_info: &PanicInfo<'_>) -> ! {
    cortex_m::peripheral::SCB::sys_reset()
}

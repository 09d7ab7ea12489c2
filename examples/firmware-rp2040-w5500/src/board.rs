//! The W5500-EVB-Pico: the pins and units of the RP2040 that its Ethernet controller is connected to.

use embassy_net_wiznet::{State, chip::W5500};
use embassy_rp::{
    Peri, bind_interrupts, dma,
    flash::Flash,
    gpio::{Input, Level, Output, Pull},
    peripherals::{DMA_CH0, DMA_CH1, DMA_CH2, PIN_16, PIN_17, PIN_18, PIN_19, PIN_20, PIN_21, SPI0, USB},
    spi::{self, Spi},
    usb,
};
use embassy_time::Delay;
use embedded_hal_bus::spi::ExclusiveDevice;
use static_cell::ConstStaticCell;

use crate::rp2040::{Storage, Usb};

bind_interrupts!(struct Interrupts {
    DMA_IRQ_0 => dma::InterruptHandler<DMA_CH0>, dma::InterruptHandler<DMA_CH1>,
        dma::InterruptHandler<DMA_CH2>;
    USBCTRL_IRQ => usb::InterruptHandler<USB>;
});

/// The maximum frequency of the SPI, in Hz. The W5500's data sheet guarantees up to 33.3 MHz. The RP2040 divides its own clock, which
/// results in 31.25 MHz.
const SPI_FREQUENCY: u32 = 33_000_000;
/// Number of frames that can wait in each direction. The driver has a buffer of 1.5 KB for each.
const FRAMES: usize = 4;

pub(crate) type EthernetDevice = embassy_net_wiznet::Device<'static>;
pub(crate) type EthernetRunner = embassy_net_wiznet::Runner<
    'static,
    W5500,
    ExclusiveDevice<Spi<'static, SPI0, spi::Async>, Output<'static>, Delay>,
    Input<'static>,
    Output<'static>,
>;

/// The parts of the board that the firmware uses.
pub(crate) struct Board {
    pub(crate) usb: Usb,
    pub(crate) ethernet: Ethernet,
    pub(crate) flash: Storage,
}

impl Board {
    pub(crate) fn start() -> Self {
        let chip = embassy_rp::init(embassy_rp::config::Config::default());
        let mut flash = Flash::new(chip.FLASH, chip.DMA_CH2, Interrupts);
        Self {
            usb: usb::Driver::new(chip.USB, Interrupts),
            ethernet: Ethernet {
                address: address(&mut flash),
                spi: chip.SPI0,
                clock: chip.PIN_18,
                to_controller: chip.PIN_19,
                from_controller: chip.PIN_16,
                select: chip.PIN_17,
                reset: chip.PIN_20,
                interrupt: chip.PIN_21,
                send: chip.DMA_CH0,
                receive: chip.DMA_CH1,
            },
            flash,
        }
    }
}

/// The pins and units that the W5500 is connected to.
pub(crate) struct Ethernet {
    address: [u8; 6],
    spi: Peri<'static, SPI0>,
    clock: Peri<'static, PIN_18>,
    to_controller: Peri<'static, PIN_19>,
    from_controller: Peri<'static, PIN_16>,
    select: Peri<'static, PIN_17>,
    reset: Peri<'static, PIN_20>,
    interrupt: Peri<'static, PIN_21>,
    send: Peri<'static, DMA_CH0>,
    receive: Peri<'static, DMA_CH1>,
}

impl Ethernet {
    /// Starts the W5500.
    ///
    /// # Panics
    ///
    /// If the W5500 does not respond.
    pub(crate) async fn start(self) -> (EthernetDevice, EthernetRunner) {
        static STATE: ConstStaticCell<State<FRAMES, FRAMES>> = ConstStaticCell::new(State::new());
        let mut config = spi::Config::default();
        config.frequency = SPI_FREQUENCY;
        let bus = Spi::new(
            self.spi,
            self.clock,
            self.to_controller,
            self.from_controller,
            self.send,
            self.receive,
            Interrupts,
            config,
        );
        let select = Output::new(self.select, Level::High);
        let Ok(device) = ExclusiveDevice::new(bus, select, Delay);
        let interrupt = Input::new(self.interrupt, Pull::Up);
        let reset = Output::new(self.reset, Level::High);
        embassy_net_wiznet::new(self.address, STATE.take(), device, interrupt, reset)
            .await
            .expect("a W5500 is on the board")
    }
}

/// Derives a MAC address from the flash's unique id, because the W5500 has no address of its own. The first byte marks the address as
/// locally administered.
fn address(flash: &mut Storage) -> [u8; 6] {
    let mut number = [0; 8];
    flash.blocking_unique_id(&mut number).expect("the flash has a unique id");
    let mut address = [0x02; 6];
    address[1..].copy_from_slice(&number[3..]);
    address
}

//! The Raspberry Pi Pico W: the pins and units of the RP2040 that its Wi-Fi controller is connected to.

use cyw43::{A4, Aligned, Control, SpiBus, State};
use cyw43_pio::{DEFAULT_CLOCK_DIVIDER, PioSpi};
use embassy_rp::{
    Peri, bind_interrupts, dma,
    flash::Flash,
    gpio::{Level, Output},
    peripherals::{DMA_CH0, DMA_CH2, PIN_23, PIN_24, PIN_25, PIN_29, PIO0, USB},
    pio::{self, Pio},
    usb,
};
use static_cell::StaticCell;

use crate::rp2040::{Storage, Usb};

bind_interrupts!(struct Interrupts {
    DMA_IRQ_0 => dma::InterruptHandler<DMA_CH0>, dma::InterruptHandler<DMA_CH2>;
    PIO0_IRQ_0 => pio::InterruptHandler<PIO0>;
    USBCTRL_IRQ => usb::InterruptHandler<USB>;
});

/// The controller's firmware. The driver writes it to the controller at each start, word by word.
static FIRMWARE: &Aligned<A4, [u8]> = &Aligned(*cyw43_firmware::CYW43_43439A0);
/// The settings of the controller on this board.
static NVRAM: &Aligned<A4, [u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/nvram.bin")));
/// The channels and powers that each country permits. The driver chooses those that are permitted everywhere.
static COUNTRIES: &[u8] = cyw43_firmware::CYW43_43439A0_CLM;

pub(crate) type RadioDevice = cyw43::NetDriver<'static>;
pub(crate) type RadioRunner = cyw43::Runner<'static, SpiBus<Output<'static>, PioSpi<'static, PIO0, 0>>>;

/// The parts of the board that the firmware uses.
pub(crate) struct Board {
    pub(crate) usb: Usb,
    pub(crate) radio: Radio,
    pub(crate) flash: Storage,
}

impl Board {
    pub(crate) fn start() -> Self {
        let chip = embassy_rp::init(embassy_rp::config::Config::default());
        Self {
            usb: usb::Driver::new(chip.USB, Interrupts),
            radio: Radio {
                power: chip.PIN_23,
                data: chip.PIN_24,
                select: chip.PIN_25,
                clock: chip.PIN_29,
                bus: chip.PIO0,
                transfer: chip.DMA_CH0,
            },
            flash: Flash::new(chip.FLASH, chip.DMA_CH2, Interrupts),
        }
    }
}

/// The pins and units that the CYW43439 is connected to.
pub(crate) struct Radio {
    power: Peri<'static, PIN_23>,
    data: Peri<'static, PIN_24>,
    select: Peri<'static, PIN_25>,
    clock: Peri<'static, PIN_29>,
    bus: Peri<'static, PIO0>,
    transfer: Peri<'static, DMA_CH0>,
}

impl Radio {
    /// Powers the controller on and loads its firmware. The returned runner must run before the control is used.
    ///
    /// # Panics
    /// If no CYW43439 responds.
    pub(crate) async fn start(self) -> (RadioDevice, Control<'static>, RadioRunner) {
        static STATE: StaticCell<State> = StaticCell::new();
        let power = Output::new(self.power, Level::Low);
        let select = Output::new(self.select, Level::High);
        let mut bus = Pio::new(self.bus, Interrupts);
        let spi = PioSpi::new(
            &mut bus.common,
            bus.sm0,
            DEFAULT_CLOCK_DIVIDER,
            bus.irq0,
            select,
            self.data,
            self.clock,
            dma::Channel::new(self.transfer, Interrupts),
        );
        cyw43::new(STATE.init_with(State::new), power, spi, FIRMWARE, NVRAM).await
    }
}

/// Loads the country table and switches the radio on.
pub(crate) async fn prepare(control: &mut Control<'static>) {
    control.init(COUNTRIES).await;
}

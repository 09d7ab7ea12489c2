//! A self-test of the board: the flash obeys its rules, and its content survives resets. `./run.sh board` runs it.

use embassy_time::{Duration, Instant, Timer};
use embedded_storage_async::nor_flash::{NorFlash, ReadNorFlash};
use log::info;

use crate::board::{FlashError, RamFlash, entropy, reset};

const PAGE: u32 = 4096;
const KEPT: [u8; 8] = *b"outlives";

/// Runs after each reset, and resets the board until all tests are done.
///
/// # Panics
///
/// If a test fails.
pub(crate) async fn run(mut flash: RamFlash, resets: u32) {
    match resets {
        0 => {
            keeps_its_rules(&mut flash).await;
            info!("the flash keeps its rules; now a reset while it is written");
            write_until_reset(&mut flash).await;
        }
        1 => {
            assert_eq!(read(&mut flash, 0).await, KEPT);
            let written = words_written(&mut flash).await;
            info!("{written} words were written; now a reset on purpose");
            reset::now()
        }
        _ => {
            assert_eq!(read(&mut flash, 0).await, KEPT);
            sleeps_long_enough().await;
            assert_ne!(entropy::seed(), entropy::seed());
            info!("what the flash held is there after {resets} resets");
        }
    }
}

async fn keeps_its_rules(flash: &mut RamFlash) {
    assert_eq!(read(flash, 0).await, [0xff; 8]);
    flash.write(0, &KEPT).await.expect("an erased word can be written");
    assert_eq!(flash.write(0, &KEPT).await, Err(FlashError::NotErased(0)));
    flash.write(PAGE, &KEPT).await.expect("so can the next page");
    flash.erase(PAGE, 2 * PAGE).await.expect("and it can be erased");
    assert_eq!(read(flash, PAGE).await, [0xff; 8]);
    assert_eq!(read(flash, 0).await, KEPT);

    let end = 8 * PAGE;
    assert_eq!(PAGE as usize, RamFlash::ERASE_SIZE);
    assert_eq!(end as usize, flash.capacity());
    assert_eq!(flash.write(end - 4, &KEPT).await, Err(FlashError::OutOfBounds));
    assert_eq!(flash.write(end - 8, &KEPT).await, Ok(()));
    assert_eq!(flash.write(2, &KEPT).await, Err(FlashError::NotAligned));
    assert_eq!(flash.write(8, &KEPT[..3]).await, Err(FlashError::NotAligned));
    assert_eq!(flash.erase(4, PAGE).await, Err(FlashError::NotAligned));
    assert_eq!(flash.erase(PAGE, 0).await, Err(FlashError::OutOfBounds));
    assert_eq!(flash.erase(end, end + PAGE).await, Err(FlashError::OutOfBounds));
}

/// Erases and writes a page again and again, until an interrupt resets the board.
async fn write_until_reset(flash: &mut RamFlash) -> ! {
    reset::at(Instant::now() + Duration::from_millis(5));
    loop {
        flash.erase(PAGE, 2 * PAGE).await.expect("the page is one");
        for word in 0..PAGE / 4 {
            flash.write(PAGE + 4 * word, &word.to_le_bytes()).await.expect("the page is erased");
        }
    }
}

/// Returns the number of written words in the page. If the reset happened during writing, the erased words must follow the
/// written ones. If it happened during an erasure, the erased words must come first.
async fn words_written(flash: &mut RamFlash) -> usize {
    let (mut written, mut changes, mut before) = (0, 0, None);
    for word in 0..PAGE / 4 {
        let mut bytes = [0; 4];
        flash.read(PAGE + 4 * word, &mut bytes).await.expect("the word is in the flash");
        let erased = bytes == [0xff; 4];
        assert!(erased || bytes == word.to_le_bytes(), "word {word} holds {bytes:?}");
        changes += u32::from(before.is_some_and(|before| before != erased));
        before = Some(erased);
        written += usize::from(!erased);
    }
    assert!(changes <= 1, "the page has holes");
    written
}

async fn sleeps_long_enough() {
    let start = Instant::now();
    Timer::after_millis(20).await;
    assert!(start.elapsed() >= Duration::from_millis(20));
}

async fn read(flash: &mut RamFlash, offset: u32) -> [u8; 8] {
    let mut bytes = [0; 8];
    flash.read(offset, &mut bytes).await.expect("the offset is in the flash");
    bytes
}

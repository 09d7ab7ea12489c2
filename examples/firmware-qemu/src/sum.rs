//! The checksum of `cksum` (POSIX.1-2024) over lines, which are not stored.

use core::fmt;

/// x³² + x²⁶ + x²³ + x²² + x¹⁶ + x¹² + x¹¹ + x¹⁰ + x⁸ + x⁷ + x⁵ + x⁴ + x² + x + 1
const POLYNOMIAL: u32 = 0x04c1_1db7;

/// The checksum of the lines so far. It is shown as the number of lines, the CRC, and the number of bytes.
#[derive(Default)]
pub(crate) struct Sum {
    lines: u32,
    bytes: u32,
    crc: u32,
}

impl Sum {
    /// Adds a line, given without its line end.
    pub(crate) fn line(&mut self, line: &[u8]) {
        for byte in line.iter().chain(b"\n") {
            self.crc = shifted(self.crc, *byte);
            self.bytes += 1;
        }
        self.lines += 1;
    }
}

/// Returns the CRC after one more byte.
fn shifted(crc: u32, byte: u8) -> u32 {
    (0..8).fold(crc ^ u32::from(byte) << 24, |crc, _| {
        let carry = if crc >> 31 == 1 { POLYNOMIAL } else { 0 };
        crc << 1 ^ carry
    })
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The checksum also covers the length, in as many bytes as needed, the lowest byte first.
        let length = self.bytes.to_le_bytes();
        let used = length.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let crc = !length[..used].iter().fold(self.crc, |crc, byte| shifted(crc, *byte));
        write!(f, "{} records, cksum {crc} {}", self.lines, self.bytes)
    }
}

//! The check value of records.

/// Computes the CRC-32 of ISO 3309.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    !if cfg!(target_pointer_width = "64") { crc_fast(u32::MAX, bytes) } else { crc_small(u32::MAX, bytes) }
}

/// Processes four bits at a time, with a table of 64 bytes.
fn crc_small(crc: u32, bytes: &[u8]) -> u32 {
    const TABLE: [u32; 16] = crc_table(4, 4);
    let step = |crc: u32, bits: u32| crc >> 4 ^ TABLE[(crc ^ bits) as usize % TABLE.len()];
    bytes.iter().fold(crc, |crc, byte| step(step(crc, u32::from(*byte)), u32::from(*byte) >> 4))
}

/// Processes four bytes at a time, with tables of 4 KiB. Large machines have room for them.
fn crc_fast(crc: u32, bytes: &[u8]) -> u32 {
    const TABLES: [[u32; 256]; 4] = [crc_table(8, 8), crc_table(8, 16), crc_table(8, 24), crc_table(8, 32)];
    let at = |table: usize, byte: u8| TABLES[table % 4][usize::from(byte)];
    let (words, rest) = bytes.as_chunks::<4>();
    let crc = words.iter().fold(crc, |crc, word| {
        let [first, second, third, fourth] = (crc ^ u32::from_le_bytes(*word)).to_le_bytes();
        at(3, first) ^ at(2, second) ^ at(1, third) ^ at(0, fourth)
    });
    rest.iter().fold(crc, |crc, byte| crc >> 8 ^ at(0, crc.to_le_bytes()[0] ^ byte))
}

/// Computes the remainder of each number of `bits` bits after `steps` steps.
const fn crc_table<const N: usize>(bits: u32, steps: u32) -> [u32; N] {
    let mut table = [0; N];
    let mut number = 0_u32;
    while number < 1 << bits {
        let mut value = number;
        let mut step = 0;
        while step < steps {
            value = if value & 1 == 1 { value >> 1 ^ 0xEDB8_8320 } else { value >> 1 };
            step += 1;
        }
        table[number as usize] = value;
        number += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_value_of_the_crc() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        let bytes: std::vec::Vec<u8> = (0..=255).collect();
        for length in 0..bytes.len() {
            assert_eq!(crc_fast(7, &bytes[..length]), crc_small(7, &bytes[..length]), "{length}");
        }
    }
}

//! MD5 (RFC 1321), written with loops. On a Cortex-M, it takes 1 KB of flash less than the crate md-5, whose steps are unrolled. On a
//! host it is hardly slower. The tests compare the two. MD5 is weak, but gateways offer nothing else.

/// The integer part of 2³² · |sin(step + 1)| for each step (§3.4).
const SINES: [[u32; 16]; 4] = [
    [
        0xd76a_a478,
        0xe8c7_b756,
        0x2420_70db,
        0xc1bd_ceee,
        0xf57c_0faf,
        0x4787_c62a,
        0xa830_4613,
        0xfd46_9501,
        0x6980_98d8,
        0x8b44_f7af,
        0xffff_5bb1,
        0x895c_d7be,
        0x6b90_1122,
        0xfd98_7193,
        0xa679_438e,
        0x49b4_0821,
    ],
    [
        0xf61e_2562,
        0xc040_b340,
        0x265e_5a51,
        0xe9b6_c7aa,
        0xd62f_105d,
        0x0244_1453,
        0xd8a1_e681,
        0xe7d3_fbc8,
        0x21e1_cde6,
        0xc337_07d6,
        0xf4d5_0d87,
        0x455a_14ed,
        0xa9e3_e905,
        0xfcef_a3f8,
        0x676f_02d9,
        0x8d2a_4c8a,
    ],
    [
        0xfffa_3942,
        0x8771_f681,
        0x6d9d_6122,
        0xfde5_380c,
        0xa4be_ea44,
        0x4bde_cfa9,
        0xf6bb_4b60,
        0xbebf_bc70,
        0x289b_7ec6,
        0xeaa1_27fa,
        0xd4ef_3085,
        0x0488_1d05,
        0xd9d4_d039,
        0xe6db_99e5,
        0x1fa2_7cf8,
        0xc4ac_5665,
    ],
    [
        0xf429_2244,
        0x432a_ff97,
        0xab94_23a7,
        0xfc93_a039,
        0x655b_59c3,
        0x8f0c_cc92,
        0xffef_f47d,
        0x8584_5dd1,
        0x6fa8_7e4f,
        0xfe2c_e6e0,
        0xa301_4314,
        0x4e08_11a1,
        0xf753_7e82,
        0xbd3a_f235,
        0x2ad7_d2bb,
        0xeb86_d391,
    ],
];

pub(super) struct Md5 {
    state: [u32; 4],
    /// The bytes that have not been processed into `state` yet. Their number is `length` modulo the block size.
    block: [u8; 64],
    /// The length of the message so far, in bytes.
    length: u64,
}

impl Md5 {
    pub(super) const fn new() -> Self {
        let state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
        Self { state, block: [0; 64], length: 0 }
    }

    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let filled = (self.length % 64) as usize;
            let room = self.block.get_mut(filled..).unwrap_or_default();
            let (taken, rest) = bytes.split_at_checked(room.len()).unwrap_or((bytes, &[]));
            for (place, byte) in room.iter_mut().zip(taken) {
                *place = *byte;
            }
            self.length = self.length.wrapping_add(taken.len() as u64);
            if self.length.is_multiple_of(64) {
                self.compress();
            }
            bytes = rest;
        }
    }

    /// Pads the message and returns its hash (§3.1 to §3.5).
    pub(super) fn finish(mut self) -> [[u8; 4]; 4] {
        let filled = (self.length % 64) as usize;
        self.pad(filled, 0x80);
        if filled > 55 {
            self.compress();
            self.pad(0, 0);
        }
        if let Some(bits) = self.block.last_chunk_mut() {
            *bits = self.length.wrapping_mul(8).to_le_bytes();
        }
        self.compress();
        self.state.map(u32::to_le_bytes)
    }

    /// Fills the rest of the block: with the byte `first`, and then with zeros.
    fn pad(&mut self, from: usize, first: u8) {
        let mut next = first;
        for place in self.block.iter_mut().skip(from) {
            *place = core::mem::take(&mut next);
        }
    }

    /// Processes a block (§3.4, step 4).
    fn compress(&mut self) {
        let [first, second, third, fourth] = &SINES;
        let mut state = self.state;
        self.round(&mut state, first, [7, 12, 17, 22], (1, 0), |x, y, z| x & y | !x & z);
        self.round(&mut state, second, [5, 9, 14, 20], (5, 1), |x, y, z| x & z | y & !z);
        self.round(&mut state, third, [4, 11, 16, 23], (3, 5), |x, y, z| x ^ y ^ z);
        self.round(&mut state, fourth, [6, 10, 15, 21], (7, 0), |x, y, z| y ^ (x | !z));
        for (old, new) in self.state.iter_mut().zip(state) {
            *old = old.wrapping_add(new);
        }
    }

    /// Performs a round of sixteen steps. Each step adds a sine, a function `mix` of three parts of the state, and a word of the block,
    /// and rotates the sum. The index of the word is the step's number times a factor, plus an offset, modulo 16.
    // On a microcontroller, all rounds share one function. On other targets, each round is inlined, so that its last two arguments are
    // constants.
    #[cfg_attr(target_os = "none", inline(never))]
    #[cfg_attr(not(target_os = "none"), inline)]
    fn round(
        &self,
        state: &mut [u32; 4],
        sines: &[u32; 16],
        rotations: [u8; 4],
        (factor, offset): (usize, usize),
        mix: fn(u32, u32, u32) -> u32,
    ) {
        let (words, _) = self.block.as_chunks();
        let [mut a, mut b, mut c, mut d] = *state;
        for (step, sine) in sines.iter().enumerate() {
            let place = step.wrapping_mul(factor).wrapping_add(offset) % 16;
            let word = words.get(place).map_or(0, |bytes| u32::from_le_bytes(*bytes));
            let rotation = rotations.get(step % 4).map_or(0, |rotation| u32::from(*rotation));
            let sum = a.wrapping_add(mix(b, c, d)).wrapping_add(*sine).wrapping_add(word);
            (a, d, c, b) = (d, c, b, b.wrapping_add(sum.rotate_left(rotation)));
        }
        *state = [a, b, c, d];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::md5::Digest;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    fn hash(pieces: &[&[u8]]) -> [u8; 16] {
        let mut hash = Md5::new();
        for piece in pieces {
            hash.update(piece);
        }
        hash.finish().as_flattened().try_into().unwrap()
    }

    #[test]
    fn hashes_equal_the_test_vectors_of_rfc_1321() {
        // RFC 1321, appendix A.5.
        assert_eq!(u128::from_be_bytes(hash(&[])), 0xd41d_8cd9_8f00_b204_e980_0998_ecf8_427e);
        assert_eq!(
            u128::from_be_bytes(hash(&[b"message", b"", b" digest"])),
            0xf96b_697d_7cb7_938d_525a_2f31_aaf1_61d0
        );
    }

    #[test]
    fn every_length_around_a_block_is_padded() {
        for length in 0..200 {
            let bytes = vec![0xA5; length];
            assert_eq!(hash(&[&bytes])[..], ::md5::Md5::digest(&bytes)[..], "{length}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_another_implementation(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..150), 0..5)) {
            let slices: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(&hash(&slices)[..], &::md5::Md5::digest(pieces.concat())[..]);
        }
    }
}

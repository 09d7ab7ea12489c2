//! Links the program with the scripts of `cortex-m-rt` and `embassy-rp`. The arguments are here and not in `.cargo/config.toml`, because
//! there they would be replaced by `RUSTFLAGS` in the environment. Also writes the settings of the Wi-Fi controller in the form that the
//! controller loads.

use std::{env, fs, path::PathBuf};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("memory.x"), include_bytes!("memory.x")).expect("OUT_DIR is writable");
    fs::write(out.join("nvram.bin"), nvram(include_str!("nvram.txt"))).expect("OUT_DIR is writable");
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=-Tlink-rp.x");
    println!("cargo::rerun-if-changed=memory.x");
    println!("cargo::rerun-if-changed=nvram.txt");
}

/// Returns the settings, each followed by a zero byte, and another zero byte at the end. The length is padded to a multiple of 4, the
/// controller's word.
fn nvram(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(0);
    }
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

# Sourced by the scripts that build firmware.
# With rustup: rustup target add TARGET
# Without: Debian's own Rust, which builds the standard library's core from its source.
# shellcheck shell=bash

# A cargo that runs this script may have set RUSTUP_TOOLCHAIN to its own toolchain. The script makes its own choice.
unset RUSTUP_TOOLCHAIN RUSTFLAGS

debian_rust=(rustc-web cargo-web rust-web-src binutils-arm-none-eabi)

has_target() {
    [ -d "$(rustc --print sysroot 2>/dev/null)/lib/rustlib/$1/lib" ]
}

has_debian_rust() {
    [ -x /usr/bin/cargo ] && [ -x /usr/bin/rustc ] && [ -d /usr/lib/rustlib/src/rust/library/core ] \
        && command -v arm-none-eabi-ld >/dev/null
}

# firmware_cargo TARGET COMMAND [ARGUMENTS…]: runs cargo's build or clippy for a microcontroller.
firmware_cargo() {
    local target=$1 command=$2
    shift 2
    if has_target "$target"; then
        cargo "$command" --locked --release --target "$target" "$@"
    elif has_debian_rust; then
        local flags="-C linker=arm-none-eabi-ld -C linker-flavor=ld"
        # Only clippy needs /usr/bin first in PATH: it looks for its driver there.
        PATH=/usr/bin:$PATH RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS=$flags \
            /usr/bin/cargo "$command" -Z build-std=core --locked --release --target "$target" "$@"
    else
        echo "No Rust for $target. Either: rustup target add $target" >&2
        echo "or, on Debian as root: apt-get install --no-install-recommends ${debian_rust[*]}" >&2
        return 1
    fi
}

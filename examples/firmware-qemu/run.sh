#!/usr/bin/env bash
# Builds the firmware and runs it in QEMU against the gateway emulator, without root; prints its log and exits with its status.
#
#   ./run.sh [SCENARIO [SEED]]
#
#   plain    a gateway that does as documented, on a good link (the default)
#   quirks   a gateway with the oddities of real ones
#   nonces   a gateway whose nonces live for a second
#   lossy    a link that loses one frame in twenty and changes the order of others, by the seed
#   resets   the board is reset up to eight times, each time 1 to 40 ms after it started, by the seed
#   board    no gateway: the board's flash, resets and clock
#
# It needs qemu-system-arm (for lossy, 7.2 or later), and Rust for thumbv7em-none-eabihf (see toolchain.sh).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=toolchain.sh
. "$here/toolchain.sh"

# lives N MS: N lives of the firmware, as it takes them, of MS ms each at most.
lives() {
    local count=$1 longest=$2 lives=()
    RANDOM=$seed
    while [ "${#lives[@]}" != "$count" ]; do lives+=($((1 + RANDOM % longest))); done
    (IFS=+ && echo "${lives[*]}")
}

scenario=${1:-plain}
seed=${2:-1}
limit=60
link=good
gateway=(--ussd '*125#=Balance 12 EUR')
firmware=()
case $scenario in
    plain) ;;
    quirks) gateway+=(--quirks observed) ;;
    nonces) gateway+=(--nonce 1s) ;;
    lossy) link=lossy ;;
    resets) firmware+=("lives=$(lives 8 40)") ;;
    board) link=none firmware+=(check) ;;
    *)
        sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac

target=thumbv7em-none-eabihf
# In the repository's root, so that .cargo/config.toml here does not speak of programs for the host.
cd "$root"
work=$(mktemp -d)
started=()

clean_up() {
    for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# start NAME COMMAND…: starts a program that prints a line when it is ready, and leaves that line in $ready. What it prints then
# goes to the file NAME.log.
start() {
    local name=$1
    shift
    mkfifo "$work/$name"
    "$@" >"$work/$name" &
    started+=($!)
    exec 3<"$work/$name"
    if ! IFS= read -r -t 30 ready <&3; then
        echo "$name did not start" >&2
        exit 1
    fi
    cat <&3 >"$work/$name.log" &
    exec 3<&-
}

# The host's loopback, where the gateway listens, is 10.0.2.2 in QEMU's network.
start_gateway() {
    cargo build --quiet --locked -p gateway-emulator
    start gateway cargo run --quiet --locked -p gateway-emulator -- --listen 127.0.0.1:0 "$@"
    firmware+=("gateway=10.0.2.2:${ready##*:}")
}

# Frames go from the board through the relay to a second QEMU, which has no processor and only plays the network.
start_lossy_link() {
    local relay=(--quiet --locked --manifest-path "$here/relay/Cargo.toml")
    cargo build "${relay[@]}"
    start relay cargo run "${relay[@]}" -- "$work" "$seed"
    qemu-system-arm -M none -nographic -monitor none -serial none \
        -netdev user,id=network -netdev "$(socket relayed network)" \
        -netdev hubport,id=port0,hubid=0,netdev=network -netdev hubport,id=port1,hubid=0,netdev=relayed \
        </dev/null >"$work/network.log" 2>&1 &
    started+=($!)
}

# socket ID NAME: a network backend whose frames are datagrams between the sockets NAME and relay-NAME.
socket() {
    echo "dgram,id=$1,local.type=unix,local.path=$work/$2,remote.type=unix,remote.path=$work/relay-$2"
}

command -v qemu-system-arm >/dev/null || { echo "qemu-system-arm is missing" >&2 && exit 1; }
echo "scenario: $scenario"
firmware_cargo "$target" build --quiet --manifest-path "$here/Cargo.toml"
elf=${CARGO_TARGET_DIR:-$here/target}/$target/release/firmware-qemu

if [ "$link" != none ]; then start_gateway "${gateway[@]}"; fi
case $link in
    lossy)
        start_lossy_link
        network=(-netdev "$(socket relayed board)" -net nic,model=lan9118,netdev=relayed)
        ;;
    *) network=(-nic user,model=lan9118) ;;
esac

arguments=enable=on,target=native,arg=firmware
for argument in "${firmware[@]}"; do arguments+=,arg=$argument; done
timeout --kill-after=5 "$limit" \
    qemu-system-arm -M mps2-an386 -nographic -monitor none -serial none \
    -semihosting-config "$arguments" "${network[@]}" -kernel "$elf" </dev/null &
qemu=$!
started+=("$qemu")
status=0
wait "$qemu" || status=$?
[ "$status" != 124 ] || echo "no end within $limit s" >&2
# What the others have printed may tell why.
[ "$status" = 0 ] || tail -n 20 "$work"/*.log >&2 2>/dev/null || true
exit "$status"

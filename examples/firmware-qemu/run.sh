#!/usr/bin/env bash
# Builds the firmware and runs it in QEMU against the gateway emulator, without root; prints its log, and checks that it tells what the
# gateway was told to do (expect.sh), and that the gateway got each message once.
#
#   ./run.sh [SCENARIO [SEED]]
#
#   plain    a gateway that does as documented, on a good link (the default)
#   quirks   a gateway with the oddities of real ones
#   nonces   a gateway whose nonces live for a second
#   lossy    a link that loses one frame in twenty and changes the order of others, by the seed
#   closing  a gateway that closes four connections in ten: before all, before its answer, amid it and after it in turn, by the
#            seed
#   resets   the board is reset ten times, each time 8 ms to 1 s after it got its address, by the seed
#   large    the board reads an answer of more than a megabyte and an inbox of more than 200 KB, in buffers of 4 KiB; the records that
#            it reads are those that the command line client reads (examples/sms-client)
#   board    no gateway: the board's flash, resets and clock
#
# It needs qemu-system-arm (for lossy, 7.2 or later), and Rust for thumbv7em-none-eabihf (see toolchain.sh).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=toolchain.sh
. "$here/toolchain.sh"
# shellcheck source=around.sh
. "$here/around.sh"
# shellcheck source=expect.sh
. "$here/expect.sh"

# lives N: N lives of the firmware, as it takes them. The first half are of 8 to 127 ms, in which messages are stored and handed to the
# gateway, the others of 128 to 1023 ms, in which they are sent.
lives() {
    local count=$1 lives=() about
    RANDOM=$seed
    while [ "${#lives[@]}" != "$count" ]; do
        about=$((8 << RANDOM % 4))
        if [ "${#lives[@]}" -ge $((count / 2)) ]; then about=$((128 << RANDOM % 3)); fi
        lives+=($((about + RANDOM % about)))
    done
    (IFS=+ && echo "${lives[*]}")
}

scenario=${1:-plain}
seed=${2:-1}
limit=90
link=good
resets=10
gateway=(--speed 5 "${gateway_script[@]}")
firmware=(speed=5)
case $scenario in
    plain) ;;
    quirks) gateway+=(--quirks observed) ;;
    nonces) gateway+=(--nonce 1s) ;;
    closing) gateway+=(--closing 40 --seed "$seed") ;;
    lossy) link=lossy ;;
    resets) firmware+=("lives=$(lives "$resets")") ;;
    large)
        gateway=(--sent 8500 --received 700 --answer-limit 1000000)
        firmware=(large)
        ;;
    board) link=none firmware+=(check) ;;
    *)
        sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac

target=thumbv7em-none-eabihf
# In the repository's root, so that .cargo/config.toml here does not speak of programs for the host.
cd "$root"
command -v qemu-system-arm >/dev/null || { echo "qemu-system-arm is missing" >&2 && exit 1; }
echo "scenario: $scenario"
firmware_cargo "$target" build --quiet --manifest-path "$here/Cargo.toml"
elf=${CARGO_TARGET_DIR:-$here/target}/$target/release/firmware-qemu

if [ "$link" != none ]; then
    start_gateway "${gateway[@]}"
    # The host's loopback, where the gateway listens, is 10.0.2.2 in QEMU's network.
    url=$ready
    firmware+=("gateway=10.0.2.2:${url##*:}")
fi
case $link in
    lossy)
        start_lossy_link "$seed"
        network=(-netdev "$(socket relayed board)" -net "nic,model=lan9118,netdev=relayed")
        ;;
    *) network=(-nic "user,model=lan9118") ;;
esac

arguments=enable=on,target=native,arg=firmware
for argument in "${firmware[@]}"; do arguments+=,arg=$argument; done
mkfifo "$work/output"
timeout --kill-after=5 "$limit" \
    qemu-system-arm -M mps2-an386 -nographic -monitor none -serial none \
    -semihosting-config "$arguments" "${network[@]}" -kernel "$elf" </dev/null >"$work/output" &
qemu=$!
started+=("$qemu")
tee "$work/firmware.log" <"$work/output"
status=0
wait "$qemu" || status=$?
[ "$status" != 124 ] || echo "no end within $limit s" >&2
if [ "$status" = 0 ] && [ "$link" != none ]; then
    case $scenario in
        large) check_large "$work/firmware.log" "$url" ;;
        *)
            end gateway
            check_life "$work/firmware.log" "$work/gateway.log"
            ;;
    esac
    case $scenario in
        resets) check_resets "$work/firmware.log" "$resets" ;;
        closing) check_closings "$work/gateway.log" ;;
    esac
    [ "$wrong" = 0 ] || status=1
fi
# What the others have printed may tell why.
[ "$status" = 0 ] || tail -n 20 "$work"/{gateway,relay,network}.log >&2 2>/dev/null || true
exit "$status"

#!/usr/bin/env bash
# Builds the firmware and runs it in QEMU against the gateway emulator, without root. Prints the firmware's log. Checks that the log agrees
# with what the gateway did (expect.sh), and that the gateway received each message once.
#
#   ./run.sh [SCENARIO [SEED]]
#
#   plain    a gateway that follows the document, on a good link (the default)
#   quirks   a gateway with all oddities of real gateways and all misprints of the document that can occur together
#   http-1-0, until-close
#            like quirks, but with an oddity that excludes some others: responses by HTTP/1.0, or responses that end with the connection
#   two-clocks
#            a gateway whose status reports have the time of another clock: the SMS centre's, seven hours behind the gateway's own
#   refusals a gateway that has no port for the first submissions. Then it refuses submissions of more than two messages, and those with a
#            message to a certain number
#   nonces   a gateway whose nonces expire after a second
#   lossy    a link that loses one frame in twenty and reorders others, depending on the seed
#   closing  a gateway that closes the connection in four requests of ten, depending on the seed. It does so in turn before it acts on
#            the request, before the response, during the response, and after it
#   resets   the board is reset ten times while it works. The seed determines the number of steps before each reset; a step is a frame on
#            the board's link or a word written to its flash
#   large    the board reads a response of more than a megabyte and an inbox of more than 200 KB, in buffers of 4 KiB. It must read the same
#            records as the command line client (examples/sms-client)
#   board    no gateway: tests the board's flash, resets and clock
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

# lives N: prints the lengths of N lives (the times between resets) in the firmware's format. They are numbers of steps: words written and
# frames. The first half of the lives take 1 to 32 steps, in which the firmware logs in and begins to store. The others take 64 to 127. To
# finish its work, the firmware has to write more words than all lives have steps. So every reset comes before the end.
lives() {
    local count=$1 lives=()
    RANDOM=$seed
    while [ "${#lives[@]}" -lt $((count / 2)) ]; do lives+=($((1 + RANDOM % 32))); done
    while [ "${#lives[@]}" -lt "$count" ]; do lives+=($((64 + RANDOM % 64))); done
    (IFS=+ && echo "${lives[*]}")
}

scenario=${1:-plain}
seed=${2:-1}
limit=90
link=good
resets=10
# `lost` if requests may get lost before the gateway acts on them, otherwise `arrive`.
requests=arrive
# The incoming message, as the gateway has it.
comes_in=$incoming
gateway=(--speed 5)
firmware=(speed=5)
# A message with every character that the quirks write in their own way.
odd_incoming=$'10000: Pümp\ton? 😀'
case $scenario in
    plain) ;;
    quirks)
        comes_in=$odd_incoming incoming=${odd_incoming/😀/�}
        quirks=observed,printed,chunked,close-unannounced,error-code-last,byte-order-mark,escape-non-ascii,raw-control,lone-surrogate
        gateway+=(--quirks "$quirks,strict-times,later-version,expanded-text-limit")
        ;;
    http-1-0 | until-close)
        # error-code-last would hide the effect of missing-comma, so it is left out. Some values have other spellings than in `quirks`.
        comes_in=$odd_incoming incoming=$odd_incoming
        quirks=observed,printed,$scenario,byte-order-mark,raw-control,strict-times,later-version
        gateway+=(--quirks "$quirks,reg-registered,report-number-national")
        ;;
    two-clocks) gateway+=(--quirks report-time-arrival,report-clock=-25200) ;;
    refusals)
        # While the messages wait for a port, all of them are stored. Then they are sent together.
        gateway+=(--quirks "first-550=4,max-recipients=2,bad-number=$refused")
        outcomes=$(refused_outcomes)
        ;;
    nonces) gateway+=(--nonce 1s) ;;
    closing) requests=lost gateway+=(--closing 40 --seed "$seed") ;;
    lossy) link=lossy ;;
    resets) requests=lost firmware+=("lives=$(lives "$resets")") ;;
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
# Runs in the repository's root, so that .cargo/config.toml in this folder does not apply to programs for the host.
cd "$root"
command -v qemu-system-arm >/dev/null || { echo "qemu-system-arm is missing" >&2 && exit 1; }
echo "scenario: $scenario"
echo "building the firmware, which takes some minutes the first time"
firmware_cargo "$target" build --quiet --manifest-path "$here/Cargo.toml"
elf=${CARGO_TARGET_DIR:-$here/target}/$target/release/firmware-qemu

if [ "$scenario" != large ]; then
    script_gateway "$comes_in"
    gateway+=("${gateway_script[@]}")
fi
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
        large) check_large "$work/firmware.log" "$url" "$work/gateway.log" ;;
        *)
            [ "$scenario" != two-clocks ] || check_clocks "$url"
            end gateway
            check_life "$work/firmware.log" "$work/gateway.log" "$requests"
            ;;
    esac
    case $scenario in
        resets) check_resets "$work/firmware.log" "$resets" ;;
        closing) check_closings "$work/gateway.log" ;;
        nonces) check_nonces "$work/gateway.log" ;;
        refusals) check_refusals "$work/gateway.log" ;;
        lossy)
            end relay
            check_loss "$work/relay.log"
            ;;
    esac
    [ "$wrong" = 0 ] || status=1
fi
# The output of the other programs may show the reason.
[ "$status" = 0 ] || tail -n 20 "$work"/{gateway,relay,network}.log >&2 2>/dev/null || true
exit "$status"

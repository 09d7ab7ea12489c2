#!/usr/bin/env bash
# Measures what the client takes on a microcontroller: links programs for two targets, and runs them in QEMU. Fails when something
# is larger than the file `limits` allows, or when a panic is left in a program that the file `panics` does not list.
#
#   ./run.sh [held]
#
#   held   leaves out what no limit is about
#
# The limits hold where the standard library's core is built from its source, the panics everywhere.
#
# It needs qemu-system-arm, binutils-arm-none-eabi, and Rust for both targets (see ../../examples/firmware-qemu/toolchain.sh).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
# shellcheck source=../../examples/firmware-qemu/toolchain.sh
. examples/firmware-qemu/toolchain.sh

part=${1:-all}
targets=(thumbv7em-none-eabihf thumbv6m-none-eabi)
# The code for a Cortex-M0 runs on the Cortex-M3 of mps2-an385.
declare -A machine=([thumbv7em-none-eabihf]=mps2-an386 [thumbv6m-none-eabi]=mps2-an385)
output=${CARGO_TARGET_DIR:-$here/target}
declare -A figure
failed=0

for tool in qemu-system-arm arm-none-eabi-size arm-none-eabi-nm arm-none-eabi-objdump; do
    command -v "$tool" >/dev/null || { echo "$tool is missing" >&2 && exit 1; }
done

# build PROGRAM FEATURES
build() {
    firmware_cargo "$target" build --quiet --manifest-path "$here/Cargo.toml" --bin "$1" --features "$2"
    elf=$output/$target/release/$1
}

# flash KEY PROGRAM FEATURES: what the program takes more than the empty one.
flash() {
    build "$2" "$3"
    local size
    size=$(arm-none-eabi-size "$elf" | awk 'END { print $1 + $2 }')
    figure[$target.$1]=$((size - empty))
}

# run KEY: runs the program, which prints figures and has to end well.
run() {
    local name value printed
    if ! printed=$(timeout 60 qemu-system-arm -M "${machine[$target]}" -nographic -monitor none -serial none \
        -semihosting-config enable=on,target=native -kernel "$elf" </dev/null 2>&1); then
        echo "$target, $1: the program did not end well: $printed" >&2
        exit 1
    fi
    while read -r name value; do figure[$target.$1.$name]=$value; done <<<"$printed"
}

# Who calls a function of the standard library that panics, and which.
panics() {
    local found
    found=$(arm-none-eabi-objdump -d -C --no-show-raw-insn "$elf" | awk '
        /^[0-9a-f]+ <.*>:$/ { caller = $0; sub(/^[0-9a-f]+ </, "", caller); sub(/>:$/, "", caller) }
        /\t.* <core::[^ ]*(panic|_fail)/ && caller !~ /^core::.*(panic|_fail)/ {
            sub(/^.* <core::/, "core::"); sub(/(\+0x[0-9a-f]+)?>$/, "")
            print caller " -> " $0
        }' | sort -u)
    # Called by address.
    if [ -z "$found" ] && arm-none-eabi-nm -C "$elf" | grep -q 'core::panicking'; then
        found="something -> core::panicking"
    fi
    [ -z "$found" ] || echo "$found"
}

# no_panic NAME: none but those that are listed.
no_panic() {
    local pair allowed pattern
    while read -r pair; do
        allowed=
        while read -r pattern; do
            # shellcheck disable=SC2254
            case $pair in $pattern) allowed=yes ;; esac
        done < <(grep -v '^#' "$here/panics")
        if [ -z "$allowed" ]; then
            echo "$target, $1: a panic is left: $pair" >&2
            failed=1
        fi
    done < <(panics)
}

# finds_panic: the check finds one that is there.
finds_panic() {
    if (failed=0 && no_panic "" 2>/dev/null && exit "$failed"); then
        echo "the check for panics does not find the one that is there" >&2
        exit 1
    fi
}

three=send-sms,sms-result,deliver-status
others=(incoming-sms send-ussd ussd-reply stop-sms port-info)
nine=$three,$(IFS=, && echo "${others[*]}")

for target in "${targets[@]}"; do
    echo "linking for $target" >&2
    empty=0
    flash empty empty ""
    empty=${figure[$target.empty]}
    if [ "$part" = all ]; then
        flash http client ""
        features=
        for call in send-sms sms-result deliver-status "${others[@]}"; do
            features+=${features:+,}$call
            flash "$call" client "$features"
        done
        flash texts client "$nine,track,texts"
        flash records client "$nine,track,records"
    fi
    flash life client "$three,track"
    flash sha256 client "$nine,track,sha256"
    flash all client "$nine,track"
    no_panic client
    run all

    flash everything everything sha256
    no_panic everything
    if [ "$target" = "${targets[0]}" ]; then
        build everything sha256,wrong
        finds_panic
    fi

    flash calls embassy embassy
    no_panic embassy
    run calls
    figure[$target.calls.panics]=$(panics | wc -l)
    flash messenger embassy messenger
    no_panic embassy
    run messenger

    if [ "$part" = all ]; then
        flash rival rival rival
        run rival
        figure[$target.rival.panics]=$(panics | wc -l)
    fi
done

# row TEXT KEY…: the sum of what the keys stand for, for each target; -KEY is taken off.
row() {
    local text=$1 key sum target line
    shift
    line=$(printf '%-54s' "$text")
    for target in "${targets[@]}"; do
        sum=0
        for key in "$@"; do
            case $key in
                -*) sum=$((sum - figure[$target.${key#-}])) ;;
                *) sum=$((sum + figure[$target.$key])) ;;
            esac
        done
        line+=$(printf ' %12d' "$sum")
        figure[$target.last]=$sum
    done
    echo "$line"
}

# held NAME: the last row's figures are within the limits of that name.
held() {
    local target limit
    for target in "${targets[@]}"; do
        # As rustup has it, the standard library is not optimised for size, and other figures come out.
        if has_target "$target"; then continue; fi
        limit=$(awk -v name="$1" -v target="$target" '$1 == name && $2 == target { print $3 }' "$here/limits")
        if [ -z "$limit" ] || [ "${figure[$target.last]}" -gt "$limit" ]; then
            echo "$target, $1: ${figure[$target.last]}, which is more than the limit of ${limit:-nothing}" >&2
            failed=1
        fi
    done
}

title() {
    printf '\n%s\n' "$*"
}

printf '%-54s %12s %12s\n' "bytes" thumbv7em thumbv6m
title "Flash, less an empty program: the core over a connection"
if [ "$part" = all ]; then
    row "HTTP, Digest login (MD5), query_sms_in_queue" http
    before=http
    for call in send-sms sms-result deliver-status "${others[@]}"; do
        row "  + $call" "$call" "-$before"
        before=$call
    done
    row "  + tracker" all "-$before"
fi
row "a. all nine calls, HTTP, login, tracker" all
held flash-core-all
row "b. send, result, reports, tracker, HTTP, login" life
held flash-core-life
if [ "$part" = all ]; then
    row "   the same without the tracker" deliver-status
    row "to a: the tracker's records, written and read" records -all
    row "to a: what errors say" texts -all
fi
row "to a: SHA-256 beside MD5" sha256 -all
held flash-sha256

title "RAM: the core, 16 messages under way"
row "buffers, for answers of any length" all.buffers
row "client: login, answer under way" all.client
row "16 slots, 8 early reports" all.slots all.early
row "tracker" all.tracker
row "stack at its deepest" all.stack
held stack-core
row "in all" all.buffers all.client all.slots all.early all.tracker all.stack
held ram-core

title "The client for embassy"
row "flash of send, result and reports" calls
held flash-embassy-calls
row "flash of a messenger" messenger
held flash-messenger
row "RAM: buffers, and room for texts" messenger.buffers messenger.texts
row "RAM: 16 slots, 8 early reports" messenger.slots messenger.early
row "RAM: messenger with its gateway" messenger.messenger
row "RAM: future of Messenger::next" messenger.next-future
row "RAM: stack at its deepest below that" messenger.stack
held stack-messenger
row "RAM in all" messenger.{buffers,texts,slots,early,messenger,next-future,stack}
held ram-messenger

if [ "$part" = all ]; then
    title "send, result and reports with reqwless and serde-json-core, beside ours on embassy"
    row "flash: theirs (Basic login only)" rival
    row "flash: ours (Digest login)" calls
    row "buffers: theirs (answers up to 3 KB, read whole)" rival.buffers
    row "buffers: ours (answers of any length)" calls.buffers
    row "future: theirs" rival.future
    row "future: ours" calls.future calls.gateway
    row "stack: theirs (16 records are held)" rival.stack
    row "stack: ours (one record is)" calls.stack
    row "functions that can panic: theirs" rival.panics
    row "functions that can panic: ours (async fn polled again)" calls.panics
fi

exit "$failed"

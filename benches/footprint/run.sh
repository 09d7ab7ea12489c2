#!/usr/bin/env bash
# Measures what the client takes on a microcontroller: links programs for two targets, and runs them in QEMU. Fails when something
# is larger than the file `limits` allows, or when a panic is left in a program that the file `panics` does not list.
#
#   ./run.sh [held]
#
#   held   leaves out what no limit is about
#
# The limits hold where the standard library's core is built from its source, and so do the figures in the project's README, which are
# compared: they may be 2 % off. The panics hold everywhere.
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

for tool in qemu-system-arm arm-none-eabi-{size,nm,objdump,addr2line}; do
    command -v "$tool" >/dev/null || { echo "$tool is missing" >&2 && exit 1; }
done

# build PROGRAM FEATURES [FLAGS…]
build() {
    local program=$1 features=$2
    shift 2
    firmware_cargo "$target" rustc --quiet --manifest-path "$here/Cargo.toml" --bin "$program" --features "$features" -- "$@"
    elf=$output/$target/release/$program
}

# build_named PROGRAM FEATURES: one to be looked at for panics only, where no pieces of functions are put together.
build_named() {
    build "$1" "$2,named" -C "llvm-args=-enable-machine-outliner=never -enable-tail-merge=false"
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

# Who calls a function of the standard library that panics, and which, and the file that the call was written in, whatever it was
# inlined into. A function of the standard library that calls one is one itself, without a file.
panics() {
    local calls=$output/calls found
    arm-none-eabi-objdump -d -C --no-show-raw-insn "$elf" | awk -v OFS='\t' '
        /^[0-9a-f]+ <.*>:$/ { caller = $0; sub(/^[0-9a-f]+ </, "", caller); sub(/>:$/, "", caller) }
        match($0, /<.*>$/) {
            callee = substr($0, RSTART + 1, RLENGTH - 2)
            sub(/\+0x[0-9a-f]+$/, "", callee)
            sub(/:$/, "", $1)
            if (callee != caller) print $1, caller, callee
        }' >"$calls"
    found=$(cut -f1 "$calls" | arm-none-eabi-addr2line -a -i -e "$elf" | awk -F'\t' -v root="$PWD/" '
        function is_panic(name) { return name ~ /^core::.*(panic|_fail)/ }
        function panics(name) { return is_panic(name) || name in known }
        function short(address) { sub(/^(0x)?0*/, "", address); return address }

        # Of each address the places, the innermost of what was inlined first. One without a line was put together from several, and
        # counts only as the function that it is all in.
        FNR == NR && /^0x/ { address = short($0); next }
        FNR == NR {
            has_line = /:[1-9]/
            sub(/:[0-9?]+( .*)?$/, "")
            is_core = /\/library\/core\/src\// || /^\?/
            sub(/^.*\/registry\/src\/[^\/]*\//, "")
            if (index($0, root) == 1) $0 = substr($0, length(root) + 1)
            if (has_line && !is_core && !(address in place)) place[address] = $0
            whole[address] = is_core ? "" : $0
            next
        }
        FNR == 1 { for (address in whole) if (!(address in place) && whole[address]) place[address] = whole[address] }

        { count = FNR; at[count] = short($1); caller[count] = $2; callee[count] = $3; called[$3] }
        END {
            do {
                grown = 0
                for (i = 1; i <= count; i++)
                    if (panics(callee[i]) && !panics(caller[i]) && !(at[i] in place)) {
                        known[caller[i]]
                        grown = 1
                    }
            } while (grown)
            for (i = 1; i <= count; i++)
                if (panics(callee[i]) && !is_panic(caller[i]) && at[i] in place)
                    print caller[i] " -> " callee[i] " in " place[at[i]]
            # By address.
            for (name in known) if (!(name in called)) print "something -> " name
        }' - "$calls" | sort -u)
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

# How many functions call one that panics.
panicking() {
    panics | sed 's/ -> .*//' | sort -u | wc -l
}

# finds_panic PROGRAM: the check finds one that is there.
finds_panic() {
    if (failed=0 && no_panic "" 2>/dev/null && exit "$failed"); then
        echo "the check for panics does not find the one that is there in $1" >&2
        exit 1
    fi
}

three=send-sms,sms-result,deliver-status
others=(incoming-sms send-ussd ussd-reply stop-sms port-info)
nine=$three,$(IFS=, && echo "${others[*]}")

for target in "${targets[@]}"; do
    echo "linking for $target" >&2
    if has_target "$target"; then
        echo "$target: with rustup's standard library other figures come out: neither limits nor README are held" >&2
    fi
    empty=0
    flash empty empty ""
    empty=${figure[$target.empty]}
    # With a flash, which is not counted either.
    flash empty-flash empty flash
    flash http client ""
    if [ "$part" = all ]; then
        features=
        for call in send-sms sms-result deliver-status "${others[@]}"; do
            features+=${features:+,}$call
            flash "$call" client "$features"
        done
        flash texts client "$nine,track,texts"
        flash records client "$nine,track,records"
    else
        flash deliver-status client "$three"
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
        finds_panic everything
    fi

    flash calls embassy embassy
    run calls
    figure[$target.calls.panics]=$(panicking)
    flash messenger embassy messenger
    run messenger
    flash flash embassy flash
    run flash
    build_named adapter adapter
    no_panic adapter
    if [ "$target" = "${targets[0]}" ]; then
        build_named adapter adapter,wrong
        finds_panic adapter
    fi

    if [ "$part" = all ]; then
        flash rival rival rival
        run rival
        figure[$target.rival.panics]=$(panicking)
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
        # As rustup has it, the standard library is not optimised for size.
        if has_target "$target"; then continue; fi
        limit=$(awk -v name="$1" -v target="$target" '$1 == name && $2 == target { print $3 }' "$here/limits")
        if [ -z "$limit" ] || [ "${figure[$target.last]}" -gt "$limit" ]; then
            echo "$target, $1: ${figure[$target.last]}, which is more than the limit of ${limit:-nothing}" >&2
            failed=1
        fi
    done
}

# told TEXT: README's row of that text has the last row's figures.
told() {
    local target line column=2 number
    line=$(grep -F -- "| $1 |" README.md || true)
    for target in "${targets[@]}"; do
        column=$((column + 1))
        if has_target "$target"; then continue; fi
        number=$(awk -F'|' -v column="$column" '{ gsub(/[ ,]/, "", $column); print $column }' <<<"$line")
        if ! awk -v told="$number" -v is="${figure[$target.last]}" 'BEGIN { exit !(told >= is * 0.98 && told <= is * 1.02) }'; then
            echo "$target, README, $1: ${number:-nothing}, and it is ${figure[$target.last]}" >&2
            failed=1
        fi
    done
}

title() {
    printf '\n%s\n' "$*"
}

printf '%-54s %12s %12s\n' "bytes" thumbv7em thumbv6m
title "Flash, less an empty program: the core over a connection"
row "HTTP, Digest login (MD5), query_sms_in_queue" http
told "flash: HTTP, Digest login (MD5), one call"
if [ "$part" = all ]; then
    before=http
    for call in send-sms sms-result deliver-status "${others[@]}"; do
        row "  + $call" "$call" "-$before"
        before=$call
    done
    row "  + tracker" all "-$before"
fi
row "a. all nine calls, HTTP, login, tracker" all
held flash-core-all
told "flash: all nine calls, HTTP, login, tracker"
row "b. send, result, reports, tracker, HTTP, login" life
held flash-core-life
told "– and with the tracker"
row "   the same without the tracker" deliver-status
told "– with sending, results and status reports"
if [ "$part" = all ]; then
    row "to a: the tracker's records, written and read" records -all
    row "to a: what errors say" texts -all
fi
row "to a: SHA-256 beside MD5" sha256 -all
held flash-sha256
told "– SHA-256 beside MD5 adds"

title "RAM: the core, 16 messages under way"
row "buffers, for answers of any length" all.buffers
row "client: login, answer under way" all.client
row "16 slots, 8 early reports" all.slots all.early
row "tracker" all.tracker
row "stack at its deepest" all.stack
held stack-core
told "– of it stack at its deepest"
row "in all" all.buffers all.client all.slots all.early all.tracker all.stack
held ram-core
told "RAM of all nine calls and 16 messages under way"

title "The client for embassy"
row "flash of send, result and reports" calls
held flash-embassy-calls
told "flash: sending, results and reports with the client for embassy"
row "flash of a messenger" messenger
held flash-messenger
told "flash: \`Messenger\` of the client for embassy"
row "flash of a messenger with its store in flash" flash -empty-flash
held flash-messenger-store
told "– with a \`FlashStore\`"
for store in messenger flash; do
    name=messenger
    if [ "$store" = flash ]; then
        name=messenger-store
        title "The same with its store in flash"
    fi
    row "RAM: buffers, and room for texts" "$store.buffers" "$store.texts"
    row "RAM: 16 slots, 8 early reports" "$store.slots" "$store.early"
    if [ "$store" = flash ]; then row "RAM: what is lent to the store" flash.store; fi
    row "RAM: messenger with its gateway" "$store.messenger"
    row "RAM: future of Messenger::next" "$store.next-future"
    row "RAM: stack at its deepest below that" "$store.stack"
    held "stack-$name"
    ram=("$store".{buffers,texts,slots,early,messenger,next-future,stack})
    if [ "$store" = flash ]; then ram+=(flash.store); fi
    row "RAM in all" "${ram[@]}"
    held "ram-$name"
    if [ "$store" = flash ]; then
        told "– with a \`FlashStore\`, what is lent to it included"
    else
        told "RAM of a \`Messenger\` with 16 messages under way"
    fi
done

if [ "$part" = all ]; then
    title "send, result and reports with reqwless and serde-json-core, beside ours on embassy"
    row "flash: theirs (Basic login only)" rival
    told "– with reqwless and serde-json-core"
    row "flash: ours (Digest login)" calls
    row "buffers: theirs (answers up to 3 KB, read whole)" rival.buffers
    row "buffers: ours (answers of any length)" calls.buffers
    row "future: theirs" rival.future
    row "future: ours" calls.future calls.gateway
    row "stack: theirs (16 records are held)" rival.stack
    row "stack: ours (one record is)" calls.stack
    row "functions that can panic: theirs" rival.panics
    told "– functions in it that can panic"
    row "functions that can panic: ours (async fn polled again)" calls.panics
    told "– functions in ours that can panic"
fi

exit "$failed"

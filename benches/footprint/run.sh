#!/usr/bin/env bash
# Measures the client on a microcontroller: links programs for two targets, runs them in QEMU, and prints flash, RAM and panics.
# Fails if a figure is above its limit in the file `limits`, or if a program contains a panic that the file `panics` does not list.
#
#   ./run.sh [held]
#
#   held   omits programs and rows that have no limit
#
# RAM is measured from reset: .data, .bss, and the maximum depth of the stack, which is painted before the program starts.
#
# The limits, and the figures in the READMEs, are compared only where the standard library's core is built from source. A
# README figure may differ by 2 %. The check for panics always runs.
#
# Needs qemu-system-arm, binutils-arm-none-eabi, and Rust for both targets (see ../../examples/firmware-qemu/toolchain.sh).
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

# build_named PROGRAM FEATURES: for the check for panics only. Functions are not merged, so that each panic keeps its caller.
build_named() {
    build "$1" "$2,named" -C "llvm-args=-enable-machine-outliner=never -enable-tail-merge=false"
}

# flash KEY PROGRAM FEATURES: builds a program. Records its flash without that of the empty program, and its static RAM.
flash() {
    build "$2" "$3"
    local text data bss
    read -r text data bss < <(arm-none-eabi-size "$elf" | awk 'END { print $1, $2, $3 }')
    figure[$target.$1]=$((text + data - empty))
    figure[$target.$1.static]=$((data + bss))
}

# run KEY: runs the program, which prints figures and must report success. Records its RAM without that of the simulated gateway and flash.
run() {
    local name value printed
    if ! printed=$(timeout 60 qemu-system-arm -M "${machine[$target]}" -nographic -monitor none -serial none \
        -semihosting-config enable=on,target=native -kernel "$elf" </dev/null 2>&1); then
        echo "$target, $1: the program did not end well: $printed" >&2
        exit 1
    fi
    while read -r name value; do figure[$target.$1.$name]=$value; done <<<"$printed"
    figure[$target.$1.ram]=$((figure[$target.$1.static] + figure[$target.$1.stack] - figure[$target.$1.played]))
}

# measure KEY PROGRAM FEATURES: `flash`, then `run`.
measure() {
    flash "$@"
    run "$1"
}

# Prints each call of a function of the standard library that panics: the caller, the function, and the file in which the call was written,
# even if it was inlined elsewhere. A function of the standard library that calls a panicking function counts as panicking too, but its
# own call is not printed.
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

        # addr2line prints the locations of each address, that of the innermost inlined function first. A location without a line was
        # merged from several. Then only the outermost function counts.
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
            # Functions that are only called by address.
            for (name in known) if (!(name in called)) print "something -> " name
        }' - "$calls" | sort -u)
    # A panic that is only called by address.
    if [ -z "$found" ] && arm-none-eabi-nm -C "$elf" | grep -q 'core::panicking'; then
        found="something -> core::panicking"
    fi
    [ -z "$found" ] || echo "$found"
}

# no_panic NAME: fails if the program contains a panic that is not listed.
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

# Prints the number of functions that call a panicking function.
panicking() {
    panics | sed 's/ -> .*//' | sort -u | wc -l
}

# finds_panic PROGRAM: fails if the check does not find the panic that was added on purpose.
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
        echo "$target: rustup's standard library gives other figures: neither limits nor README are compared" >&2
    fi
    empty=0
    flash empty empty ""
    empty=${figure[$target.empty]}
    # The emulated flash is subtracted, too.
    flash empty-flash empty flash
    measure http client ""
    if [ "$part" = all ]; then
        features=
        for call in send-sms sms-result deliver-status "${others[@]}"; do
            features+=${features:+,}$call
            measure "$call" client "$features"
        done
        measure records client "$nine,track,records"
    else
        measure deliver-status client "$three"
    fi
    measure life client "$three,track"
    measure texts client "$nine,track,texts"
    measure sha256 client "$nine,track,sha256"
    measure all client "$nine,track"
    build_named client "$nine,track"
    no_panic client

    flash everything everything sha256
    no_panic everything
    if [ "$target" = "${targets[0]}" ]; then
        build everything sha256,wrong
        finds_panic everything
    fi

    measure calls embassy embassy
    figure[$target.calls.panics]=$(panicking)
    measure messenger-texts embassy messenger,texts
    measure messenger-defmt embassy messenger,defmt
    measure messenger embassy messenger
    measure messenger-store embassy flash
    figure[$target.messenger-store]=$((figure[$target.messenger-store] - figure[$target.empty-flash]))
    build_named adapter adapter
    no_panic adapter
    if [ "$target" = "${targets[0]}" ]; then
        build_named adapter adapter,wrong
        finds_panic adapter
    fi

    if [ "$part" = all ]; then
        measure rival rival rival
        figure[$target.rival.panics]=$(panicking)
    fi
done

# row TEXT KEY…: prints a row with the sum of the figures of the keys, for each target; -KEY subtracts its figure.
row() {
    local text=$1 target
    shift
    line=$(printf '%-58s' "$text")
    for target in "${targets[@]}"; do
        sum "$target" "$@"
        line+=$(printf ' %11d' "$total")
        figure[$target.last.flash]=$total
    done
    echo "$line"
}

# sum TARGET KEY…
sum() {
    local target=$1 key
    shift
    total=0
    for key in "$@"; do
        case $key in
            -*) total=$((total - figure[$target.${key#-}])) ;;
            *) total=$((total + figure[$target.$key])) ;;
        esac
    done
}

# program TEXT KEY [TOLD]: prints a program's row, flash and RAM for each target. Compares it with the row TOLD, see `told`.
program() {
    local target kind
    line=$(printf '%-58s' "$1")
    for kind in flash ram; do
        for target in "${targets[@]}"; do
            sum "$target" "$2$([ "$kind" = flash ] || echo .ram)"
            line+=$(printf ' %11d' "$total")
            figure[$target.last.$kind]=$total
        done
    done
    echo "$line"
    if [ -n "${3:-}" ]; then
        told "$3" flash
        told "$3" ram
    fi
}

# held NAME [flash|ram]: compares the last row with the limits of that name.
held() {
    local target limit kind=${2:-flash}
    for target in "${targets[@]}"; do
        # The limits do not hold for rustup's standard library, which is not optimised for size.
        if has_target "$target"; then continue; fi
        limit=$(awk -v name="$1" -v target="$target" '$1 == name && $2 == target { print $3 }' "$here/limits")
        if [ -z "$limit" ] || [ "${figure[$target.last.$kind]}" -gt "$limit" ]; then
            echo "$target, $1: ${figure[$target.last.$kind]}, which is more than the limit of ${limit:-nothing}" >&2
            failed=1
        fi
    done
}

# told TEXT [flash|ram]: compares the last row with the row of that text in benches/README.md, and in README.md if that has it.
told() {
    local target page line column number
    for page in benches/README.md README.md; do
        line=$(grep -F -- "| $1 |" "$page" || true)
        if [ -z "$line" ] && [ "$page" = README.md ]; then continue; fi
        column=2
        if [ "${2:-flash}" = ram ]; then column=4; fi
        for target in "${targets[@]}"; do
            column=$((column + 1))
            if has_target "$target"; then continue; fi
            number=$(awk -F'|' -v column="$column" '{ gsub(/[ ,]/, "", $column); print $column }' <<<"$line")
            if ! awk -v told="$number" -v is="${figure[$target.last.${2:-flash}]}" \
                'BEGIN { exit !(told != "" && told >= is * 0.98 && told <= is * 1.02) }'; then
                echo "$target, $page, $1, ${2:-flash}: ${number:-nothing}, measured ${figure[$target.last.${2:-flash}]}" >&2
                failed=1
            fi
        done
    done
}

title() {
    printf '\n%s\n' "$*"
}

printf '%-58s %11s %11s %11s %11s\n' "bytes" flash flash RAM RAM "" thumbv7em thumbv6m thumbv7em thumbv6m
title "Programs over a connection, without a network stack; core alone"
program "HTTP, Digest login (MD5), query_sms_in_queue" http "HTTP, Digest login (MD5), one call"
if [ "$part" = all ]; then
    for call in send-sms sms-result deliver-status "${others[@]}"; do
        program "  + $call" "$call"
    done
fi
program "send, result, reports" deliver-status "– with sending, results and status reports"
program "  + tracker, 16 messages in flight" life "– and with the tracker, 16 messages in flight"
held flash-core-life
held ram-core-life ram
program "all nine calls, tracker, 16 messages in flight" all "all nine calls, HTTP, login, tracker"
held flash-core-all
held ram-core ram
title "client for embassy"
program "send, result, reports" calls "sending, results and reports with the client for embassy"
held flash-embassy-calls
held ram-embassy-calls ram
if [ "$part" = all ]; then
    program "  the same with reqwless and serde-json-core, Basic login" rival "– with reqwless and serde-json-core"
fi
program "Messenger, 16 messages in flight" messenger "\`Messenger\` of the client for embassy, 16 messages in flight"
held flash-messenger
held ram-messenger ram
program "  + its store in flash" messenger-store "– with a \`FlashStore\`"
held flash-messenger-store
held ram-messenger-store ram

printf '\n%-58s %11s %11s\n' "bytes" thumbv7em thumbv6m
title "Flash, added to the programs above"
row "all nine calls: errors as text" texts -all
held flash-texts
told "– added by errors as text"
if [ "$part" = all ]; then
    row "all nine calls: the tracker's records, written and read" records -all
fi
row "all nine calls: SHA-256 beside MD5" sha256 -all
held flash-sha256
told "– added by SHA-256 beside MD5"
row "Messenger: errors as text" messenger-texts -messenger
held flash-messenger-texts
told "– added by its errors as text"
row "Messenger: errors and events logged by defmt" messenger-defmt -messenger
held flash-messenger-defmt
told "– added by logging its errors and events with defmt"

title "RAM of all nine calls, 16 messages in flight"
row "buffers, for responses of any length" all.buffers
row "client: login, response being read" all.client
row "16 slots, 8 early reports" all.slots all.early
row "tracker" all.tracker
row "rest of the stack: frames and copies" all.ram -all.{buffers,client,slots,early,tracker}

title "RAM of send, result and reports for embassy"
row "buffers" calls.buffers
row "gateway" calls.gateway
row "future of the program" calls.future
row "rest of the stack: frames and copies" calls.ram -calls.{buffers,gateway,future}
for store in messenger messenger-store; do
    title "RAM of a $store"
    row "buffers, and room for texts" "$store.buffers" "$store.texts"
    row "16 slots, 8 early reports" "$store.slots" "$store.early"
    if [ "$store" = messenger-store ]; then row "memory lent to the store" "$store.store"; fi
    row "messenger with its gateway" "$store.messenger"
    row "future of the program, Messenger::next in it" "$store.future"
    rest=("$store.ram" "-$store".{buffers,texts,slots,early,messenger,future})
    if [ "$store" = messenger-store ]; then rest+=("-$store.store"); fi
    row "rest of the stack: frames and copies" "${rest[@]}"
done

if [ "$part" = all ]; then
    title "Functions that can panic"
    row "with reqwless and serde-json-core" rival.panics
    told "– functions that can panic, with reqwless and serde-json-core"
    row "with the client for embassy (async fn polled again)" calls.panics
    told "– functions that can panic, with the client for embassy"
fi

exit "$failed"

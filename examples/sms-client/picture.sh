#!/usr/bin/env bash
# Draws picture.svg, the picture in README.md. It shows the output of `send --wait` against the emulator.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --quiet -p sms-client -p gateway-emulator
target=${CARGO_TARGET_DIR:-target}/debug

log=$(mktemp)
"$target/gateway-emulator" --listen 127.0.0.1:0 --speed 20 >"$log" 2>&1 &
trap 'kill $!; rm "$log"' EXIT
until grep -q http:// "$log"; do kill -0 $!; done
SMS_GATEWAY=$(grep -o 'http://[0-9.:]*' "$log" | head -n 1)
export SMS_GATEWAY SMS_GATEWAY_USER=admin SMS_GATEWAY_PASSWORD=admin

{
    cat <<'END'
$ sms-client send --text 'Dear #param#, your order is on its way.' \
      --to +8613800138000=Ann --to '+86 139 0013-9000=Bob' --wait
END
    # The emulator runs, and is polled, at twenty times the speed of a real gateway.
    "$target/sms-client" send --text 'Dear #param#, your order is on its way.' \
        --to +8613800138000=Ann --to '+86 139 0013-9000=Bob' --wait --interval 300ms 2>&1
} | awk '
    function escaped(text) { gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text); return text }
    { line[NR] = escaped($0); if (length($0) > widest) widest = length($0) }
    END {
        width = widest * 8.43 + 32; height = NR * 20 + 28
        printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n", width, height, width, height
        printf "<rect width=\"100%%\" height=\"100%%\" rx=\"8\" fill=\"#1e2430\"/>\n"
        printf "<g font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"14\" fill=\"#d8dee9\" xml:space=\"preserve\">\n"
        for (n = 1; n <= NR; n++)
            printf "<text x=\"16\" y=\"%d\"%s>%s</text>\n", 8 + n * 20, n < 3 ? " fill=\"#8fbcbb\"" : "", line[n]
        printf "</g>\n</svg>\n"
    }' >examples/sms-client/picture.svg

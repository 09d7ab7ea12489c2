# Sourced by run.sh. Sets the gateway's behaviour, and checks that the firmware's log agrees with it.
# shellcheck shell=bash

# The fates of messages to these numbers. The firmware's messages are in src/app/messages.rs.
fates=('13800138000=deliver' '+8613800138001=deliver+temporary:33' '13800138003=deliver+early' '13800138002=undelivered:70')
outcomes='+8613800138001: Delivered, segments delivered: 2 of 2
13800138000: Delivered, segments delivered: 1 of 1
13800138002: Failed (reported: 70), segments delivered: 0 of 1
13800138003: Delivered, segments delivered: 1 of 1'
# The number that the gateway refuses in the scenario `refusals`. Two other messages can share a request with the message to this number.
# The alarm can't, because it needs another alphabet.
refused=13800138001
# The number of the message that never ends as Unresolved, because it may be sent again.
alarm=13800138002
incoming='10000: Pump on?'
balance='Balance 12 EUR'
ports=5

# script_gateway INCOMING: sets `gateway_script` to the emulator's options for the values above, with this incoming message.
script_gateway() {
    local fate
    gateway_script=(--ports "$ports" --ussd "*125#=$balance" --incoming "2:${1/: /:}")
    for fate in "${fates[@]}"; do gateway_script+=(--fate "$fate"); done
}

# The number of failed checks.
wrong=0

# same WHAT EXPECTED FOUND
same() {
    if [ "$2" = "$3" ]; then
        echo "as expected: $1"
    else
        printf '%s, expected:\n%s\nfound:\n%s\n' "$1" "$2" "$3" >&2
        wrong=$((wrong + 1))
    fi
}

# told LOG TEXT: prints the part of each log line after this text, without duplicates.
told() {
    sed -n "s/^ *[0-9.]* INFO  $2//p" "$1" | sort -u
}

# messages LOG BEGIN: prints the id, number, segments and text of each message in a log, with duplicates.
messages() {
    sed -n "s/$2 \([0-9]*\) to \([^:]*\): .* of \([0-9]*\), text: /\1 \2 \3 /p" "$1" | sort
}

# expected TOLD: prints the right outcomes for a run in which requests may get lost. TOLD are the outcomes in the firmware's log. Any
# message may be Unresolved except the alarm, which is sent again. `messages` leaves out Unresolved messages, so its comparison also shows
# that the gateway does not have them.
expected() {
    local outcome number
    while IFS= read -r outcome; do
        number=${outcome%%:*}
        if [ "$number" != "$alarm" ] && grep -qxF "$number: Unresolved" <<<"$1"; then outcome="$number: Unresolved"; fi
        echo "$outcome"
    done <<<"$outcomes"
}

# refused_outcomes: prints the right outcomes if the message to the number `refused` is refused.
refused_outcomes() {
    sed "s/^\(.*$refused\): .*/\1: Failed (Refused(400))/" <<<"$outcomes"
}

# check_life FIRMWARE_LOG GATEWAY_LOG REQUESTS: checks that all outcomes are right, and that the gateway has each message once. Messages may
# be Unresolved only if REQUESTS is `lost`, and the gateway must not have them.
check_life() {
    local firmware=$1 gateway=$2 told right=$outcomes
    told=$(told "$firmware" 'outcome of [0-9]* to ' | sed 's/, text: .*//' | LC_ALL=C sort)
    [ "$3" != lost ] || right=$(expected "$told")
    same outcomes "$right" "$told"
    same 'each message once, and nothing else' "$(messages "$firmware" '.*outcome of')" "$(messages "$gateway" '^message')"
    same 'the message that came in' "$incoming" "$(told "$firmware" 'from ')"
    same 'the USSD reply' "$balance" "$(told "$firmware" 'USSD: ')"
    same 'the ports' "$ports, registered: $ports" "$(told "$firmware" 'ports: ')"
}

# check_closings GATEWAY_LOG: checks that connections were closed at each of the four points of a request (see `closing` in run.sh).
check_closings() {
    local places
    places=$(sed -n 's/^[0-9].*, closed /closed /p' "$1" | sort)
    echo "$places" | uniq -c
    same 'the places where connections closed' 4 "$(uniq <<<"$places" | wc -l)"
}

# above_zero WHAT COUNT
above_zero() {
    echo "$1: $2"
    same "$1 above 0" yes "$([ "$2" -gt 0 ] && echo yes || echo no)"
}

# check_nonces GATEWAY_LOG: checks that nonces expired while the board used them.
check_nonces() {
    above_zero 'nonces that expired' "$(sed -n 's/^challenged: .*, nonces expired: //p' "$1")"
}

# check_refusals GATEWAY_LOG: checks the numbers of accepted and refused submissions. First, four submissions are refused because no port
# is available. One with three messages is then refused because it has too many. One with two of the three is refused because of the number
# `refused`. Finally, the message to this number alone is refused.
check_refusals() {
    same 'the submissions by error_code' $'3 202\n2 400\n1 413\n4 550' \
        "$(sed -n 's|.* POST /api/send_sms 200 error_code ||p' "$1" | sort | uniq -c | sed 's/^ *//')"
}

# check_clocks URL: checks that the times of the gateway's status reports are hours behind the gateway's clock, which started with the
# host's time.
check_clocks() {
    local times
    times=$(client --gateway "$1" deliveries | sed -n 's/.*"time":"\([^"]*\)".*/\1/p')
    above_zero 'status reports' "$(grep -c . <<<"$times" || true)"
    same 'reports of the last six hours' '' \
        "$(awk -v since="$(date -u -d '6 hours ago' '+%F %T')" '$0 > since' <<<"$times")"
}

# check_loss RELAY_LOG: checks that frames were lost and that frames were overtaken. The counts of both directions are added.
check_loss() {
    local what
    for what in lost overtaken; do
        above_zero "frames $what" "$(sed -n "s/^\\([a-z]*\\): .*$what \\([0-9]*\\).*/\\1 \\2/p" "$1" \
            | awk '{ last[$1] = $2 } END { print last["out"] + last["back"] }')"
    done
}

# stages FIRMWARE_LOG: prints a line for each reset: the number of stored messages and their states, as logged after the reset.
stages() {
    awk '/INFO  resets: [1-9]/ { if (after) print stage; after = 1; stage = "?" }
        / messages are stored$/ { stage = $3 " stored" }
        / was [A-Z][a-z]*$/ { stage = stage " " $NF }
        END { if (after) print stage }' "$1"
}

# check_resets FIRMWARE_LOG COUNT: checks that there were COUNT resets, all before the end of the work, and at different stages.
check_resets() {
    local stages
    stages=$(stages "$1")
    echo "what was stored at each reset:"
    echo "$stages"
    same 'the count of resets' "$2" "$(wc -l <<<"$stages")"
    same 'resets that came when all was over' '' "$(grep -E '((Delivered|Unresolved) ){3}Failed' <<<"$stages" || true)"
    same 'resets at three stages or more' yes "$([ "$(sort -u <<<"$stages" | wc -l)" -ge 3 ] && echo yes || echo no)"
}

# client ARGUMENT…: runs the command line client, which prints JSON.
client() {
    SMS_GATEWAY_PASSWORD=admin cargo run --quiet --locked -p sms-client -- --json --user admin "$@"
}

# sum COMMAND…: prints the number and the checksum of the records that the command line client prints, in the firmware's format. The summary
# is left out.
sum() {
    client "$@" | sed '$d' >"$work/records"
    echo "$(wc -l <"$work/records") records, cksum $(cksum <"$work/records")"
}

# check_large FIRMWARE_LOG URL GATEWAY_LOG: checks that the board and another client have read the same records, that the
# records are long enough, and that they are what the gateway has. Ends the gateway.
check_large() {
    local firmware=$1 url=$2 gateway=$3 call length
    for call in results:1000000 inbox:200000; do
        length=${call#*:} call=${call%:*}
        same "the $call" "$(sum --gateway "$url" "$call")" "$(told "$firmware" "$call: ")"
        same "$call of more than $length bytes" yes "$([ "$(wc -c <"$work/records")" -gt "$length" ] && echo yes || echo no)"
        mv "$work/records" "$work/$call"
    done
    end gateway
    same 'the results that the gateway has' "$(sed -n 's/^message \([0-9]*\) to \([0-9]*\): Delivered, .*/\1 \2/p' "$gateway" | cksum)" \
        "$(sed -n 's/.*"user_id":\([0-9]*\),"number":"\([0-9]*\)".*"status":"DELIVERED".*/\1 \2/p' "$work/results" | cksum)"
    same 'the inbox that the gateway has' "$(sed -n 's/^received //p' "$gateway" | cksum)" \
        "$(sed 's/.*"number":\("[^"]*"\).*"text":\(".*"\).*/\1 \2/' "$work/inbox" | cksum)"
}

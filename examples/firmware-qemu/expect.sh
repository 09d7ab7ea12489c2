# Sourced by run.sh: what the gateway is told to do, and whether the firmware tells the same of it.
# shellcheck shell=bash

# What becomes of messages to these numbers (the firmware's are in src/app/messages.rs).
fates=('13800138000=deliver' '+8613800138001=deliver+temporary:33' '13800138003=deliver+early' '13800138002=undelivered:70')
outcomes='+8613800138001: Delivered, segments delivered: 2 of 2
13800138000: Delivered, segments delivered: 1 of 1
13800138002: Failed (reported: 70), segments delivered: 0 of 1
13800138003: Delivered, segments delivered: 1 of 1'
# The number that a gateway refuses, if it refuses one. Two others can share its requests; the alarm is in another alphabet.
refused=13800138001
# The message that never ends as Unresolved: it may be sent again.
alarm=13800138002
incoming='10000: Pump on?'
balance='Balance 12 EUR'
ports=5

# script_gateway INCOMING: puts into `gateway_script` what tells the gateway all this, and lets this message come in.
script_gateway() {
    local fate
    gateway_script=(--ports "$ports" --ussd "*125#=$balance" --incoming "2:${1/: /:}")
    for fate in "${fates[@]}"; do gateway_script+=(--fate "$fate"); done
}

# How many checks have failed.
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

# told LOG TEXT: what follows this text in the firmware's log, each line of it once.
told() {
    sed -n "s/^ *[0-9.]* INFO  $2//p" "$1" | sort -u
}

# messages LOG BEGIN: the messages in a log, by id, number, segments and text, each as often as it is there.
messages() {
    sed -n "s/$2 \([0-9]*\) to \([^:]*\): .* of \([0-9]*\), text: /\1 \2 \3 /p" "$1" | sort
}

# expected TOLD: the outcomes that are right where requests may never reach the gateway: but for the alarm, which is sent again, a
# message may be Unresolved. That the gateway then does not have it, the comparison of the messages shows: they are without it.
expected() {
    local outcome number
    while IFS= read -r outcome; do
        number=${outcome%%:*}
        if [ "$number" != "$alarm" ] && grep -qxF "$number: Unresolved" <<<"$1"; then outcome="$number: Unresolved"; fi
        echo "$outcome"
    done <<<"$outcomes"
}

# refused_outcomes: the outcomes that are right where the message to one number is refused.
refused_outcomes() {
    sed "s/^\(.*$refused\): .*/\1: Failed (Refused(400))/" <<<"$outcomes"
}

# check_life FIRMWARE_LOG GATEWAY_LOG REQUESTS: whether all outcomes are right, and the gateway has each message once, but none that is
# told as Unresolved, which only may be where REQUESTS is `lost`.
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

# check_closings GATEWAY_LOG: whether connections were closed at each of the four places.
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

# check_nonces GATEWAY_LOG: whether nonces expired while the board used them.
check_nonces() {
    above_zero 'nonces that expired' "$(sed -n 's/^challenged: .*, nonces expired: //p' "$1")"
}

# check_refusals GATEWAY_LOG: whether submissions were refused and accepted as often as it takes: no port four times, then three messages
# as too many, two of them for the number that is refused, and that one again alone.
check_refusals() {
    same 'the submissions by error_code' $'3 202\n2 400\n1 413\n4 550' \
        "$(sed -n 's|.* POST /api/send_sms 200 error_code ||p' "$1" | sort | uniq -c | sed 's/^ *//')"
}

# check_clocks URL: whether the status reports of the gateway have times that are hours behind. Its clock began with the host's.
check_clocks() {
    local times
    times=$(client --gateway "$1" deliveries | sed -n 's/.*"time":"\([^"]*\)".*/\1/p')
    above_zero 'status reports' "$(grep -c . <<<"$times" || true)"
    same 'reports of the last six hours' '' \
        "$(awk -v since="$(date -u -d '6 hours ago' '+%F %T')" '$0 > since' <<<"$times")"
}

# check_loss RELAY_LOG: whether frames were lost, and others overtaken, in both directions together.
check_loss() {
    local what
    for what in lost overtaken; do
        above_zero "frames $what" "$(sed -n "s/^\\([a-z]*\\): .*$what \\([0-9]*\\).*/\\1 \\2/p" "$1" \
            | awk '{ last[$1] = $2 } END { print last["out"] + last["back"] }')"
    done
}

# stages FIRMWARE_LOG: for each reset, what was stored of the messages, as the life after it tells.
stages() {
    awk '/INFO  resets: [1-9]/ { if (after) print stage; after = 1; stage = "?" }
        / messages are stored$/ { stage = $3 " stored" }
        / was [A-Z][a-z]*$/ { stage = stage " " $NF }
        END { if (after) print stage }' "$1"
}

# check_resets FIRMWARE_LOG COUNT: whether there were so many resets, all before the end, and at different stages.
check_resets() {
    local stages
    stages=$(stages "$1")
    echo "what was stored at each reset:"
    echo "$stages"
    same 'the count of resets' "$2" "$(wc -l <<<"$stages")"
    same 'resets that came when all was over' '' "$(grep -E '((Delivered|Unresolved) ){3}Failed' <<<"$stages" || true)"
    same 'resets at three stages or more' yes "$([ "$(sort -u <<<"$stages" | wc -l)" -ge 3 ] && echo yes || echo no)"
}

# client ARGUMENT…: what the command line client prints as JSON.
client() {
    SMS_GATEWAY_PASSWORD=admin cargo run --quiet --locked -p sms-client -- --json --user admin "$@"
}

# sum COMMAND…: the records that the command line client prints, without the summary, as the firmware sums them up.
sum() {
    client "$@" | sed '$d' >"$work/records"
    echo "$(wc -l <"$work/records") records, cksum $(cksum <"$work/records")"
}

# check_large FIRMWARE_LOG URL GATEWAY_LOG: whether the board has read all that another client reads, that is as long as it is to be,
# and it is what the gateway has. It ends the gateway.
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

# Sourced by run.sh, in the repository's root. Starts the programs around the board, and ends them when the script ends.
# shellcheck shell=bash disable=SC2034

work=$(mktemp -d)
started=()
declare -A pids readers

clean_up() {
    for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# start NAME COMMAND…: starts a program that prints a line when it is ready, and leaves that line in $ready. The program's further output
# goes to the file NAME.log.
start() {
    local name=$1
    shift
    mkfifo "$work/$name"
    "$@" >"$work/$name" &
    started+=($!)
    pids[$name]=$!
    exec 3<"$work/$name"
    if ! IFS= read -r -t 30 ready <&3; then
        echo "$name did not start" >&2
        exit 1
    fi
    cat <&3 >"$work/$name.log" &
    readers[$name]=$!
    exec 3<&-
}

# end NAME: ends the program, and waits for the rest of its output.
end() {
    kill "${pids[$1]}"
    wait "${readers[$1]}"
}

# start_gateway OPTION…: starts the emulator, and leaves its URL in $ready.
start_gateway() {
    cargo build --quiet --locked -p gateway-emulator
    start gateway cargo run --quiet --locked -p gateway-emulator -- --listen 127.0.0.1:0 "$@"
}

# start_lossy_link SEED: starts the relay and a second QEMU, which has no processor and only emulates the network. Frames between
# the board and the second QEMU go through the relay.
start_lossy_link() {
    local relay=(--quiet --locked --manifest-path "$here/relay/Cargo.toml")
    cargo build "${relay[@]}"
    start relay cargo run "${relay[@]}" -- "$work" "$1"
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

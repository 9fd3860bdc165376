# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # Some variables come from the script, others go to it.
# Servers, load and waiting that bench/compare and bench/growth share. Sourced from the repository's root, with the options already read:
# $servers and $only (names, with commas) and $out (a folder). The script defines start_server NAME, and $sockets for measure_idle. Everything listens on 127.0.0.1 and ends with the script.

# Sets kernel.sched_autogroup_enabled to 0 while it runs, if permitted.

bench=bench/$(basename "$0")
wants() { case ",$only," in *",$1,"*) true ;; *) false ;; esac; }
has() { case ",$servers," in *",$1,"*) true ;; *) false ;; esac; }
say() { printf '%s  %s\n' "$(date +%T)" "$*" >&2; }

[ "$(nproc)" -ge 2 ] || { echo "$bench wants two cores: one for the server under test, one for the rest." >&2; exit 2; }
command -v redis-server >/dev/null || { echo 'redis-server is not installed. Debian: apt-get install redis-server' >&2; exit 2; }
# The cores of the server under test, and of the worker, the generator and Redis. PostgreSQL uses both.
cores=(0 1) both=0,1
under_test=${cores[0]} rest=${cores[1]}

# A socket is a descriptor in the server and another in the generator.
ulimit -n "$(ulimit -Hn)"

build() { dotnet build "$1" -c Release -v q -nologo -clp:"ErrorsOnly;NoSummary" >&2; }
dll() { echo "$1/bin/Release/net10.0/$(basename "${2:-$1}").dll"; }
build_all() {
    local project
    say 'building'
    for project in bench/Konstruct.Load bench/peers/Konstruct.Peers.csproj Konstruct.Gateway Konstruct.LocalServers "$@"; do build "$project"; done
}
load=$(dll bench/Konstruct.Load)

work=$(mktemp -d)
jwt_key=$(head -c 32 /dev/urandom | base64 | tr -d '+/=')
mkdir -p "$out"
started=()
autogroup=/proc/sys/kernel/sched_autogroup_enabled
had_autogroup=$(cat "$autogroup" 2>/dev/null || echo 0)
cleanup() {
    local id
    for id in "${started[@]}"; do kill "$id" 2>/dev/null || true; done
    for id in "${started[@]}"; do wait "$id" 2>/dev/null || true; done
    [ "$had_autogroup" != 1 ] || { echo 1 >"$autogroup"; } 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# With autogroups the kernel divides a core between sessions, not processes, and each PostgreSQL process has its own session: these stalled
# for seconds beside a busy generator, worker and Redis. So autogroups are off during the run, and the setting is restored at the end.
if [ "$had_autogroup" = 1 ] && ! { echo 0 >"$autogroup"; } 2>/dev/null; then
    echo "$bench cannot switch off kernel.sched_autogroup_enabled: whoever uses PostgreSQL is measured too slow. As root: sysctl kernel.sched_autogroup_enabled=0" >&2
fi

# Prints a free port.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null || shuf -i 20000-29999 -n 1; }

# Starts a program on a core; it ends with the script: start NAME CORE COMMAND...; its pid is in $pid_NAME.
start() {
    local name=$1 core=$2; shift 2
    setpriv --pdeathsig TERM taskset -c "$core" "$@" >"$work/$name.log" 2>&1 </dev/null &
    started+=($!)
    printf -v "pid_$name" '%s' $!
}

# Waits until a command succeeds, at most a minute.
await() {
    local what=$1 end=$((SECONDS + 60)); shift
    until "$@" >/dev/null 2>&1; do
        if [ $SECONDS -ge $end ]; then
            echo "$what did not become ready:" >&2
            tail -n 20 "$work"/*.log >&2
            exit 1
        fi
        sleep 0.1
    done
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1" && printf 'GET %s HTTP/1.0\r\n\r\n' "$2" >&3 && head -n 1 <&3 | grep -q ' 200'); }

start_redis() {
    redis_port=$(free_port)
    start redis "$rest" redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --appendonly no --dir "$work" --client-output-buffer-limit 'pubsub 0 0 0'
    await redis grep -q 'Ready to accept' "$work/redis.log"
    export ConnectionStrings__redis="127.0.0.1:$redis_port" OTEL_EXPORTER_OTLP_ENDPOINT=
}

# Publishes answers without a log: start_worker NAME CORES.
start_worker() {
    start "$1" "$2" dotnet "$load" worker --redis "127.0.0.1:$redis_port"
    await 'the worker' grep -q ready "$work/$1.log"
}

# Starts a server under test on a free port.
serve() {
    local name=$1 port; shift
    port=$(free_port)
    printf -v "port_$name" '%s' "$port"
    ASPNETCORE_URLS="http://127.0.0.1:$port" start "$name" "$under_test" "$@"
    await "$name" answers "$port" "$ready_path"
}
stop() {
    local pid_name="pid_$1"
    kill "${!pid_name}" 2>/dev/null || true
    wait "${!pid_name}" 2>/dev/null || true
}
is_started_postgres=
start_postgres() {
    [ -z "$is_started_postgres" ] || return 0
    is_started_postgres=1
    local password=bench
    postgres_port=$(free_port)
    KONSTRUCT_POSTGRES_PASSWORD=$password setpriv --pdeathsig TERM taskset -c $both dotnet "$(dll Konstruct.LocalServers)" postgres --port "$postgres_port" --data "$work/postgres" \
        >"$work/postgres.log" 2>&1 &
    started+=($!)
    await PostgreSQL grep -q "ready on 127.0.0.1:$postgres_port" "$work/postgres.log"
    pid_postgres=$(head -n 1 "$(find "$work/postgres" -name postmaster.pid)")
    ConnectionStrings__konstruct=$(connect_to konstruct konstruct_gateway)
    ConnectionStrings__bench=$(connect_to konstruct postgres)
    export ConnectionStrings__konstruct ConnectionStrings__bench
    # Delays the sweep: the load worker writes no log, so the sweep would find no answers.
    export Chat__SweepAge=00:05:00
    export Chat__CreateMissingConversations=true Chat__StoreTimeout=00:01:00 Auth__Jwt__SigningKey=$jwt_key
    ready_path=/health
    serve_schema konstruct
}
# A connection string: connect_to DATABASE ROLE.
connect_to() { echo "Host=127.0.0.1;Port=$postgres_port;Database=$1;Username=$2;Password=bench"; }
serve_schema() {
    local port
    port=$(free_port)
    env "ConnectionStrings__konstruct-db=$(connect_to "$1" postgres)" "ConnectionStrings__konstruct=$(connect_to "$1" konstruct_gateway)" \
        ASPNETCORE_URLS="http://127.0.0.1:$port" taskset -c "$rest" dotnet "$(dll Konstruct.Gateway)" schema >"$work/schema.log" 2>&1 </dev/null &
    local id=$!
    started+=("$id")
    await 'the schema' answers "$port" /health
    kill "$id"
}

# Starts the gateway under a name: serve_gateway NAME [PROGRAM [DATABASE]].
serve_gateway() {
    start_postgres
    ready_path=/health
    ConnectionStrings__konstruct=$(connect_to "${3:-konstruct}" konstruct_gateway) DOTNET_CONTENTROOT=$PWD/Konstruct.Gateway \
        serve "$1" dotnet "${2:-$(dll Konstruct.Gateway)}"
}
serve_peer() {
    [ "$1" != stored ] || start_postgres
    ready_path=/alive
    serve "$1" dotnet "$(dll bench/peers Konstruct.Peers)" "$1"
}

# The generator reads on the polling thread instead of waking another one: with 1,000 sockets on a shared core, this decides
# whether the generator or the server is measured. Each run is a new process, so code is compiled once, fully, and not again during the run.
generate_with=(DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1 DOTNET_TieredCompilation=0)

# A shared machine can be half as fast a minute later. Waits, at most a minute, until a fixed loop takes about its best time so far.
fastest=
await_speed() {
    local took core again
    for again in {1..20}; do
        took=$(for core in "${cores[@]}"; do
            taskset -c "$core" bash -c 'TIMEFORMAT=%U; time for ((i = 0; i < 200000; i++)); do :; done' 2>&1
        done | sort -n | tail -n 1)
        fastest=$(printf '%s\n' "$took" ${fastest:+"$fastest"} | sort -n | head -n 1)
        awk "BEGIN { exit ($took > 1.25 * $fastest) }" && break
        sleep 2
    done
    echo "$took" >>"$out/speed"
}

# Best time of the watched loop on each core. The loop runs during every measurement and needs only the core: if it takes a fifth longer,
# other work on this machine slowed the measurement by as much.
declare -A best=()
was_slow() {
    local core took slow=1
    while read -r _ core took _; do
        best[$core]=$(printf '%s\n' "$took" ${best[$core]:+"${best[$core]}"} | sort -g | head -n 1)
        awk "BEGIN { exit !($took > 1.2 * ${best[$core]}) }" && { slow=0; say "core $core was slow: $took ms for what takes ${best[$core]} at best"; }
    done < <(grep '^core ' "$work/run.log")
    return $slow
}

# v1, v2 and filled are the same gateway under several names.
program_of() { case $1 in v1 | v2 | other | filled) echo gateway ;; *) echo "$1" ;; esac; }
dialect_of() { case $1 in floor | stored | node) echo relay ;; other | filled) echo v2 ;; *) echo "$1" ;; esac; }
# The gateway requires tokens, as in production; the peers trust every client.
auth=()
auth_of() { case $(program_of "$1") in gateway) auth=(--jwt-key "$jwt_key") ;; *) auth=() ;; esac; }
# A command of the load tool on the generator's cores: generate SECONDS COMMAND OPTIONS...
generate() {
    local limit=$1; shift
    env "${generate_with[@]}" taskset -c "$rest" timeout "$limit" dotnet "$load" "$@" >"$work/run.log" 2>"$work/run.err"
}
unclean() { cat "$work/run.log" "$work/run.err" >&2; echo "$* was not clean" >>"$out/unclean"; }

# Seconds until a run is stopped, and options of every run.
run_limit=180 run_with=()
# run NAME SERVER FILE OPTIONS...
run() {
    local name=$1 server=$2 file=$3; shift 3
    local port="port_$server" pid="pid_$server"
    say "$name: $server"
    auth_of "$server"
    generate "$run_limit" run --url "ws://127.0.0.1:${!port}" --dialect "$(dialect_of "$server")" "${auth[@]}" \
        --watch "server=${!pid}" --watch "worker=$pid_worker" --watch "redis=$pid_redis" --core "${cores[0]}" --core "${cores[1]}" --json "$file" "${run_with[@]}" "$@" ||
        unclean "$name on $server"
}
# Warm-up until the code is fully optimized.
warm_up() {
    local again
    for again in 1 2 3 4; do
        run "warm-up $again" "$1" "$work/warm.json" --conversations 200 --text '/stamp tokens=500 rate=200 delay=0'
        run "warm-up $again" "$1" "$work/warm.json" --conversations 200 --text '/stamp tokens=500 rate=0 burst=50 every=200 delay=0'
        run "warm-up $again" "$1" "$work/warm.json" --conversations 1000 --messages 4 --ramp 3 --text '/stamp tokens=1 rate=0 delay=0'
        was_slow || true
    done
}
start_warm() { start_server "$1"; warm_up "$1"; }
# Silent sockets on each server, started anew: measure_idle SECONDS OPTIONS...
measure_idle() {
    local limit=$1 server port pid; shift
    for server in ${servers//,/ }; do
        start_server "$server"
        port="port_$server" pid="pid_$server"
        say "idle: $server"
        auth_of "$server"
        generate "$limit" idle --url "ws://127.0.0.1:${!port}" --dialect "$(dialect_of "$server")" "${auth[@]}" --sockets "$sockets" "$@" \
            --watch "server=${!pid}" --json "$out/idle.$server.1.json" || unclean "idle on $server"
        stop "$server"
    done
}
each_server() { local server; for server in ${servers//,/ }; do "$@" "$server"; done; }
# The servers alternate within a scenario, so compared runs are half a minute apart, not minutes.
measure() {
    local name=$1 server; shift
    wants "$name" || return 0
    for server in ${servers//,/ }; do
        measure_once "$name" "$server" "$@"
    done
}
# A run on a slow core is set aside and repeated, at most twice.
measure_once() {
    local name=$1 server=$2 file="$out/$1.$2.$i.json" again; shift 2
    for again in 1 2 3; do
        await_speed
        run "$name" "$server" "$file" "$@"
        was_slow || return 0
        echo "$name.$server.$i" >>"$out/slow"
        [ $again -eq 3 ] || mv "$file" "$out/$name.$server.$i.slow-$again.json"
    done
}

forget_results() { rm -f "$out"/*.json "$out/unclean" "$out/speed" "$out/slow"; }

# Prints how fast the cores were, and fails if a run was not clean.
conclude() {
    [ ! -f "$out/speed" ] || sort -n "$out/speed" | awk '{ t[NR] = $1 } END { printf "The same loop took %s to %s CPU-seconds between the runs, %s in the middle.\n", t[1], t[NR], t[int((NR + 1) / 2)] }'
    [ ! -f "$out/slow" ] || echo "$(wc -l <"$out/slow") runs had a core that was more than a fifth slower than at best, and were repeated, twice at most; of $(uniq -c "$out/slow" | awk '$1 == 3' | wc -l) the third counts, slow or not."
    if [ -f "$out/unclean" ]; then
        cat "$out/unclean" >&2
        exit 1
    fi
}

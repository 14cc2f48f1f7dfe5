# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the tests share. A test runs in a subshell, in a folder of its own; fail ends it.

# Why guests cannot run here at all, or nothing.
no_kvm() {
	if [ ! -e /dev/kvm ]; then
		echo "no /dev/kvm"
	elif ! (exec 3<>/dev/kvm) 2>/dev/null; then
		echo "/dev/kvm cannot be opened: $( (exec 3<>/dev/kvm) 2>&1 | sed 's/.*kvm: //')"
	fi
}

run_test() {
	local name=$1 result started=$SECONDS
	mkdir "$work/$name"
	mkdir -m 700 "$work/$name.run"
	export XDG_RUNTIME_DIR=$work/$name.run
	if (cd "$work/$name" && "test_$name") >"$work/$name.out" 2>&1; then
		result="PASS integration/$name"
	elif grep -q '^SKIP: ' "$work/$name.out"; then
		result="SKIP integration/$name: $(sed -n 's/^SKIP: //p' "$work/$name.out")"
	else
		result="FAIL integration/$name: $(sed -n 's/^FAIL: //p' "$work/$name.out" | head -n 1)
$(grep -v '^FAIL: ' "$work/$name.out" | tail -n 60 | cut -c 1-200 | sed 's/^/  | /')"
		: >"$work/failed"
	fi
	flock "$work" printf '%s\n' "$result"
	[ -z "${KEEP:-}" ] || echo "$name $((SECONDS - started)) s" >>"$work/times"
}

fail() {
	echo "FAIL: $*"
	local file
	for file in out err; do
		[ -s $file ] && echo "-- $file:" && tail -n 25 $file
	done
	exit 1
}

skip() {
	echo "SKIP: $*"
	exit 1
}

# ---- running ----

# bulkhead STATUS ARGUMENTS...: runs it with output in out and err, and wants this exit code.
bulkhead() {
	local want=$1 status
	shift
	timeout -k 5 30 "$BULKHEAD" "$@" >out 2>err
	status=$?
	[ $status = "$want" ] || fail "exit code $status, not $want: bulkhead $*"
}

# The same for any command.
expect() {
	local want=$1 status
	shift
	timeout -k 5 30 "$@" >out 2>err
	status=$?
	[ $status = "$want" ] || fail "exit code $status, not $want: $*"
}

# has FILE REGEX..., lacks FILE REGEX...: extended regular expressions.
has() {
	local file=$1 pattern
	shift
	for pattern in "$@"; do
		grep -qE -- "$pattern" "$file" || fail "$file lacks \"$pattern\""
	done
}

lacks() {
	local file=$1 pattern
	shift
	for pattern in "$@"; do
		grep -qE -- "$pattern" "$file" && fail "$file has \"$pattern\""
	done
	return 0
}

# The last line of standard error is the verdict.
verdict() {
	tail -n 1 err | grep -qE -- "$1" || fail "the verdict is not \"$1\": $(tail -n 1 err)"
}

# Waits up to SECONDS until COMMAND succeeds.
within() {
	local seconds=$1 end
	shift
	end=$((${EPOCHREALTIME/./} + seconds * 1000000))
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt $end ] || return 1
		sleep 0.02
	done
}

# start ARGUMENTS...: bulkhead in the background, its process in $supervisor, output in out and err.
start() {
	timeout -k 5 40 "$BULKHEAD" "$@" >out 2>err </dev/null &
	guard=$!
	within 5 find_supervisor || fail "no supervisor: bulkhead $*"
}

find_supervisor() {
	supervisor=$(pgrep -P "$guard")
}

# The process of partition NAME of the supervisor.
partition() {
	pgrep -P "$supervisor" -x "$1"
}

wait_partition() {
	within 5 partition "$1" >/dev/null || fail "no process of partition $1"
}

wait_output() {
	within 10 grep -qE -- "$2" "$1" || fail "$1 never had \"$2\""
}

# finish STATUS: waits for what start has started.
finish() {
	local status
	wait "$guard"
	status=$?
	[ $status = "$1" ] || fail "exit code $status, not $1"
}

gone() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

# Lets users without rights reach the program and the images, wherever the tree is.
make_public() {
	chmod 755 .
	cp "$BULKHEAD" bulkhead
	cp "$(dirname "$BULKHEAD")/bulkhead-bsp" .
	cp "$GUESTS/ending.elf" "$GUESTS/hello.elf" .
	BULKHEAD=$PWD/bulkhead GUESTS=$PWD
}

# Before a command: runs it as a user without rights. make_public comes first.
unprivileged=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all)

# ---- plans ----

# plan FILE PARTITIONS...: a plan of partitions "NAME KEY=VALUE ...;" with memory: 32M.
partition_yaml() {
	printf '  %s:\n    memory: 32M\n' "$1"
	shift
	printf '    %s\n' "$@"
}

# plan_of NAME HOW CORE [NAME HOW CORE...]: partitions with ending.elf, and its ways to end; a HOW of
# "beats=..." is the example's.
plan_of() {
	echo partitions:
	while [ $# -gt 0 ]; do
		case $2 in
		beats=*) partition_yaml "$1" "image: $EXAMPLES/safety-hello.elf" "cmdline: $2" "cpus: [$3]" ;;
		*) partition_yaml "$1" "image: $GUESTS/ending.elf" "cmdline: $2" "cpus: [$3]" ;;
		esac
		shift 3
	done
}

# Skips the test on a host with fewer cores.
need_cores() {
	[ "$(nproc)" -ge "$1" ] || skip "needs $1 cores, this host has $(nproc)"
}

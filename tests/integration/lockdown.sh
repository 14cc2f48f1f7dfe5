# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# The lock-down: what a partition process that was taken over can do, and what is said where the host
# cannot isolate it. compromised.c is the program with such a partition.

# attempt_plan: "bad" is the one taken over; "good", on the same core, must not notice.
attempt_plan() {
	echo partitions:
	partition_yaml bad "image: $GUESTS/hello.elf" 'cpus: {count: 1, on: [0]}'
	partition_yaml good "image: $EXAMPLES/safety-hello.elf" 'cmdline: beats=2' 'cpus: {count: 1, on: [0]}'
}

# Skips the test where nobody can make namespaces, such as in a chroot.
need_namespaces() {
	unshare -Ur true 2>/dev/null || skip "user namespaces cannot be made here"
}

# With the filter each attempt is the process's last.
try_under_filter() {
	local attempt
	attempt_plan >plan.yaml
	sleep 60 &
	local victim=$!
	for attempt in $("$compromised_program" attempts | sed 's/ .*//'); do
		ATTEMPT=$attempt THREAD=$1 VICTIM=$victim expect 4 "$compromised_program" run plan.yaml
		lacks err SUCCEEDED "ATTEMPT $attempt"
		verdict 'bad: died, its process made a system call that its lock-down forbids.*good: ok'
	done
	kill "$victim" || fail "the victim is gone"
}

test_compromised-vcpu() {
	try_under_filter vcpu
}

test_compromised-io() {
	try_under_filter io
}

# Behind the filter namespaces, capabilities and limits hold by themselves.
test_compromised-without-filter() {
	need_namespaces
	local attempt
	attempt_plan >plan.yaml
	sleep 60 &
	local victim=$!
	for attempt in $("$compromised_program" attempts | sed '/ filter-only/d'); do
		NO_FILTER=1 ATTEMPT=$attempt THREAD=vcpu VICTIM=$victim expect 0 \
			"$compromised_program" run plan.yaml
		has err "^ATTEMPT $attempt: "
		lacks err SUCCEEDED
	done
	kill "$victim" || fail "the victim is gone"
}

# Without any lock-down the same attempts succeed: the tests above prove something.
test_compromised-without-lockdown() {
	local attempt
	attempt_plan >plan.yaml
	for attempt in open proc list-root kill fork thread executable-memory make-blocking; do
		ATTEMPT=$attempt THREAD=io expect 0 "$compromised_program" run plan.yaml \
			--set lockdown=off
		has err "^ATTEMPT $attempt: SUCCEEDED"
	done
}

# ---- what the host does not allow ----

# without KIND STATUS ARGUMENTS...: runs bulkhead where no namespaces of that kind can be made, first as
# root of a container, then as somebody without rights.
without() {
	local kind=$1 status=$2 rights
	shift 2
	need_namespaces
	for rights in '' 'setpriv --bounding-set=-all --inh-caps=-all'; do
		expect "$status" unshare -Ur bash -c "echo 0 >/proc/sys/user/max_${kind}_namespaces &&
			exec $rights \"\$@\"" bash "$BULKHEAD" "$@"
		has err "no .*${word[$kind]}.* namespace of its own: user\\.max_${kind}_namespaces .*; raise it"
	done
}

# What `--json` says of the first partition, a line each.
gaps_in_json() {
	sed -n '0,/"not_isolated": \[$/d; /^ *\]/q; s/^ *"\(.*\)",\?$/\1/p' out
}

test_not-isolated() {
	local kind
	local -A word=([user]=user [mnt]='mount \(empty root\)' [pid]=pid [net]=network [ipc]=ipc)
	plan_of a how=off 0 >plan.yaml
	for kind in user mnt pid net ipc; do
		without $kind 0 run plan.yaml --set partitions.a.memory=4M --json
		has err '^bulkhead: a: NOT ISOLATED: '
		sed -n 's/^bulkhead: a: NOT ISOLATED: //p' err >gaps
		[ "$(gaps_in_json)" = "$(cat gaps)" ] || fail "in JSON: $(gaps_in_json)"
		without $kind 3 run plan.yaml --set partitions.a.memory=4M --set lockdown=strict
		has err 'plan.yaml:2:3: a: it cannot be isolated, as lockdown: strict demands: no '
		verdict 'a: could not be created; exit code 3$'
		[ ! -s out ] || fail "a guest has run"
	done
}

# Where all can be applied, strict is no error, and nothing is said; for users without rights, too.
test_isolated() {
	need_namespaces
	plan_of a how=off 0 >plan.yaml
	bulkhead 0 run plan.yaml --set lockdown=strict --json
	lacks err 'NOT ISOLATED'
	[ "$(grep -c '"not_isolated": \[\]' out)" = 2 ] || fail "in JSON something is not isolated"
	expect 0 unshare -Ur setpriv --bounding-set=-all --inh-caps=-all "$BULKHEAD" run plan.yaml \
		--set lockdown=strict --set partitions.a.memory=4M
	lacks err 'NOT ISOLATED'
}

# What the kernel says of a partition process.
test_isolation-seen() {
	need_namespaces
	local pid name
	plan_of a how=spin 0 >plan.yaml
	start run plan.yaml
	wait_output out how=spin
	pid=$(partition a)
	has "/proc/$pid/status" '^CapPrm:.0+$' '^CapEff:.0+$' '^CapBnd:.0+$' '^CapAmb:.0+$' \
		'^NoNewPrivs:.1$' '^Seccomp:.2$' '^NSpid:.[0-9]+.1$'
	for status in /proc/"$pid"/task/*/status; do
		grep -q '^Name:.kvm-' "$status" || has "$status" '^Seccomp:.2$'
	done
	lacks "/proc/$pid/status" '^Uid:.0'
	if [ "$(id -u)" = 0 ]; then
		for name in user mnt pid net ipc; do
			[ "$(readlink "/proc/$pid/ns/$name")" != "$(readlink "/proc/self/ns/$name")" ] ||
				fail "it shares the $name namespace"
		done
		[ -z "$(ls -A "/proc/$pid/root/")" ] || fail "its root is not empty"
	fi
	kill "$supervisor"
	finish 130
}

# The supervisor, less strictly; not at all when the plan says so, nor before a command that may need all.
test_supervisor-locked() {
	local option
	plan_of a how=spin 0 >plan.yaml
	start run plan.yaml
	wait_output out how=spin
	has "/proc/$supervisor/status" '^NoNewPrivs:.1$' '^Seccomp:.2$'
	[ "$(id -u)" != 0 ] || lacks "/proc/$supervisor/status" "$(grep '^CapBnd' /proc/self/status)"
	kill "$supervisor"
	finish 130
	for option in lockdown=off safe_state.command=true; do
		start run plan.yaml --set "$option"
		wait_output out how=spin
		has "/proc/$supervisor/status" '^NoNewPrivs:.0$' '^Seccomp:.0$'
		kill "$supervisor"
		finish 130
	done
}

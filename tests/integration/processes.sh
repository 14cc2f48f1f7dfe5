# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Processes and threads: who runs where, and who takes whom along.

# "NAME CORES" of each thread of process PID.
threads() {
	local status
	for status in /proc/"$1"/task/*/status; do
		sed -n 's/^Name:\t//p; s/^Cpus_allowed_list:\t//p' "$status" | paste -sd ' '
	done
}

test_pinning() {
	need_cores 2
	plan_of rt how=spin 1 other how=spin 0 >plan.yaml
	start run plan.yaml --set partitions.rt.role=safety
	wait_output out '^rt \| how=spin'
	wait_output out '^other \| how=spin'
	threads "$(partition rt)" >rt.threads
	threads "$(partition other)" >other.threads
	has rt.threads '^rt/vcpu0 1$'
	has other.threads '^other/vcpu0 0$'
	# kvm-* are the kernel's own, which inherit the core that made them, and sleep.
	# No core is free here beside the safety partition's: everything else shares the other one.
	[ "$(nproc)" -gt 2 ] || has rt.threads '^rt 0$'
	grep -hvE 'vcpu|^kvm-' rt.threads other.threads | grep -E ' (.*[,-])?1([,-].*)?$' &&
		fail "an I/O thread may run on the safety core"
	# ... and one for the BSP, which a safety partition brings along.
	[ "$(pgrep -P "$supervisor" | wc -l)" = 3 ] || fail "not one process per partition"
	kill "$supervisor"
	finish 130
}

test_pinning-order() {
	need_cores 2
	echo partitions: >plan.yaml
	partition_yaml a "image: $GUESTS/ending.elf" 'cmdline: how=halt' 'cpus: [1, 0]' >>plan.yaml
	start run plan.yaml
	wait_output out how=halt
	threads "$(partition a)" >a.threads
	has a.threads '^a/vcpu0 1$' '^a/vcpu1 0$'
	kill "$supervisor"
	finish 130
}

# A partition that does not answer is killed on a stop, within the supervisor's grace.
test_stop-frozen() {
	local started
	plan_of a how=spin 0 >plan.yaml
	start run plan.yaml
	wait_output out how=spin
	kill -STOP "$(partition a)"
	started=$SECONDS
	kill "$supervisor"
	finish 130
	[ $((SECONDS - started)) -le 5 ] || fail "took $((SECONDS - started)) s"
	verdict 'a: stopped by the user.*exit code 130$'
}

test_stop-twice() {
	plan_of a how=spin 0 >plan.yaml
	start run plan.yaml
	wait_output out how=spin
	kill -STOP "$(partition a)"
	kill "$supervisor"
	sleep 0.7 # within half a second it is the same request: timeout signals the group, too
	kill "$supervisor"
	within 1 gone "$supervisor" || fail "a second signal does not end it at once"
	finish 130
}

test_supervisor-killed() {
	local pids pid
	need_cores 2
	plan_of a how=spin 0 b how=halt 1 >plan.yaml
	start run plan.yaml
	wait_output out '^a \| how=spin'
	wait_output out '^b \| how=halt'
	pids=$(pgrep -P "$supervisor")
	kill -KILL "$supervisor"
	for pid in $pids; do
		within 1 gone "$pid" || fail "process $pid outlives the supervisor"
	done
	finish 137
}

# supervise_fifo: `run -` whose plan is what is written to descriptor 8; its first process in $ahead.
supervise_fifo() {
	mkfifo fifo
	timeout -k 5 40 "$BULKHEAD" run - >out 2>err <fifo &
	guard=$!
	exec 8>fifo
	within 5 find_supervisor || fail "no supervisor"
	within 5 find_ahead || fail "no process before the plan is read"
}

find_ahead() {
	ahead=$(pgrep -P "$supervisor" -f 'not launched yet')
}

test_ahead-of-plan() {
	supervise_fifo
	readlink /proc/"$ahead"/fd/* >fds
	[ "$(grep -c socket: fds)" = 1 ] || fail "not one socket"
	[ "$(wc -l <fds)" = 4 ] || fail "descriptors beside it and the standard ones"
	plan_of a how=spin 0 >&8
	exec 8>&-
	wait_output out how=spin
	[ "$(partition a)" = "$ahead" ] || fail "another process"
	tr '\0' ' ' <"/proc/$ahead/cmdline" >line
	has line '^bulkhead-partition [0-9]+ a *$'
	kill "$supervisor"
	finish 130
}

test_ahead-of-bad-plan() {
	supervise_fifo
	echo 'partitions: {a: {}}' >&8
	exec 8>&-
	finish 2
	[ ! -e "/proc/$ahead" ] || fail "it outlives the supervisor"
}

test_ahead-supervisor-killed() {
	supervise_fifo
	kill -KILL "$supervisor"
	within 1 gone "$ahead" || fail "it outlives the supervisor"
	exec 8>&-
	finish 137
}

# One that would be isolated is no good.
test_ahead-of-lockdown-off() {
	supervise_fifo
	plan_of a how=spin 0 >&8
	echo 'lockdown: off' >&8
	exec 8>&-
	wait_output out how=spin
	[ "$(partition a)" != "$ahead" ] || fail "it was isolated"
	gone "$ahead" || fail "it is still there"
	grep -q "^NSpid:[[:space:]]*[0-9]*$" "/proc/$(partition a)/status" || fail "isolated"
	kill "$supervisor"
	finish 130
}

# A start that fails releases nothing.
test_start-fails() {
	need_cores 2
	plan_of good how=off 0 bad how=off 1 >plan.yaml
	head -c 4096 /dev/zero >zeros
	bulkhead 2 run plan.yaml --set partitions.bad.image=zeros
	[ ! -s out ] || fail "a guest has run"
	has err 'partitions.bad.image'
	verdict 'good: not started; bad: could not be created; exit code 2$'
}

test_descriptors-closed() {
	plan_of a how=spin 0 >plan.yaml
	exec 9</dev/zero
	start run plan.yaml
	exec 9<&-
	wait_output out how=spin
	readlink /proc/"$(partition a)"/fd/* >fds
	grep -E "$GUESTS|plan.yaml" fds && fail "the partition keeps files open"
	kill "$supervisor"
	finish 130
}

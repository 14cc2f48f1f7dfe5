# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Exit codes, the verdict line and --json: one contract for every run. See outcome.yaml, too.

test_exit-3-cores() {
	plan_of a how=off 0 >plan.yaml
	bulkhead 3 run plan.yaml --set 'partitions.a.cpus=[1000]'
	has err 'partitions.a.cpus: this host has no core 1000'
	if [ "$(nproc)" -ge 2 ]; then
		expect 3 taskset -c 0 "$BULKHEAD" run plan.yaml --set 'partitions.a.cpus=[1]'
		has err 'this process may not use core 1'
	fi
}

test_exit-3-memory() {
	bulkhead 3 boot --memory 240G "$GUESTS/hello.elf"
	has err 'want 240G in all, but this host has .* available'
	[ "$(id -u)" = 0 ] || skip "needs root to give up rights"
	make_public
	plan_of a how=off 0 >plan.yaml
	expect 3 sh -c 'ulimit -l 64 && shift && exec "$@"' sh - \
		setpriv --reuid 65534 --clear-groups --inh-caps=-all "$BULKHEAD" run "$PWD/plan.yaml"
	has err 'are to be locked, but this process may lock 64K'
}

test_kvm-not-openable() {
	[ "$(id -u)" = 0 ] || skip "needs root to give up rights"
	make_public
	expect 3 "${unprivileged[@]}" "$BULKHEAD" boot "$GUESTS/hello.elf"
	has err '/dev/kvm cannot be opened: .*; `bulkhead doctor` says'
	expect 3 "${unprivileged[@]}" "$BULKHEAD" doctor
	has out '/dev/kvm'
}

test_exit-4-killed() {
	need_cores 2
	plan_of victim how=spin 0 good 'beats=5 period=200ms' 1 >plan.yaml
	start run plan.yaml
	wait_output out '^good \| beat 1 '
	kill -KILL "$(partition victim)"
	finish 4
	has out '^good \| safety-hello: done'
	verdict 'victim: died, its process was killed by signal 9 \(KILL\).*good: ok.*exit code 4$'
}

# A safety partition that dies ends all of them, its process, too.
test_exit-5-killed() {
	need_cores 2
	plan_of rt how=spin 0 other how=spin 1 >plan.yaml
	start run plan.yaml --set partitions.rt.role=safety
	wait_output out '^rt \| how=spin'
	kill -KILL "$(partition rt)"
	finish 5
	verdict 'rt: died, its process was killed by signal 9 \(KILL\)'
}

test_exit-130() {
	local signal
	plan_of a how=spin 0 >plan.yaml
	for signal in INT TERM HUP; do
		start run plan.yaml
		wait_output out how=spin
		kill -$signal "$supervisor"
		finish 130
		verdict 'a: stopped by the user after [0-9.]+ s; exit code 130$'
	done
}

# Everything that `grep` can hold against the shape of the result.
test_json() {
	need_cores 2
	plan_of good how=off 0 bad 'how=exit code=300 size=2' 1 >plan.yaml
	bulkhead 1 run --json plan.yaml
	has out '^\{$' '^  "exit_code": 1,$' '"name": "good"' '"end": "power-off"' '"name": "bad"' \
		'"end": "exit-code"' '"guest_code": 300' '"guest_code": null' '"role": "non-safety"' \
		'"run_ns": [1-9][0-9]+' '"console_dropped": 0' '"counters": \[' '"name": "port"'
	lacks out 'how='
	has err '^good \| how=off' '^bad \| how=exit'
	"$json_program" <out || fail "standard output is not one JSON value"
	bulkhead 4 boot --json "$GUESTS/ending.elf" --cmdline how=triple-fault
	has out '"end": "fatal"' '"report": ".*triple fault|"how": "triple fault'
	"$json_program" <out || fail "standard output is not one JSON value"
}

# What a guest's kernel tells by pvpanic, and exit codes as QEMU has them: of a testdev machine, on x86.
test_testdev() {
	[ "$(uname -m)" = x86_64 ] || skip "its image is one for x86-64"
	bulkhead 1 boot --json --machine testdev "$GUESTS/testdev.elf" --cmdline how=panic
	has out '"end": "panic"' '"how": "guest panicked \(pvpanic\)"' '"guest_code": null' \
		'"qemu_exit_code": null'
	"$json_program" <out || fail "standard output is not one JSON value"
	bulkhead 1 boot --json "$GUESTS/ending.elf" --cmdline 'how=exit code=7'
	has out '"guest_code": 7' '"qemu_exit_code": 15'
	need_cores 2
	plan_of a how=spin 0 b how=panic 1 | sed '/^ *b:/,$s/ending.elf/testdev.elf/' >plan.yaml
	start run plan.yaml --set partitions.b.machine=testdev
	panicked() { "$BULKHEAD" events --json 2>/dev/null | grep -q "$1"; }
	within 5 panicked '"kind":"panic","text":"guest panicked (pvpanic)"' || fail "there is no event"
	kill "$supervisor"
	finish 130
	verdict 'a: stopped by the user.*; b: failed, guest panicked \(pvpanic\) after'
}

test_stats() {
	plan_of a how=off 0 >plan.yaml
	bulkhead 0 run --stats plan.yaml
	has err '^bulkhead: a: vCPU 0: +[0-9]+ port$'
}

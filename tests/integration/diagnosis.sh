# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# bulkhead inspect, partitions that say nothing, and consoles that are not there.

# Bytes of a raw image: interrupts off and halt; x to port 0x3E8, again and again; itself.
halt_bin() { printf '\372\364\353\375' >halt.bin; }
com3_bin() { printf '\146\272\350\003\260\170\356\353\375' >com3.bin; }
silent_bin() { printf '\353\376' >silent.bin; }

# begin_inspected HOW: a run of partition g with ending.elf and two vCPUs.
begin_inspected() {
	plan_of g "$1" 0 | sed 's/cpus: .*/cpus: {count: 2}/' >plan.yaml
	start run plan.yaml --console none
	within 10 in_state OPERATIONAL || fail "it does not run"
	sleep 0.3
	mv out run.out
	mv err run.err
}

test_inspect() {
	begin_inspected how=spin
	bulkhead 0 inspect
	has out '^g is running: vCPU 0 (spins|runs,) at PC 0x[0-9a-f]+.*; last exits: .*out 0x3f8: ".*how=spin.r.n"$' \
		'^vCPU 0 .*; (32|64)-bit, ring 0, interrupts (on|off); 0 exits in [0-9]+ ms$' \
		'^  RIP ' '^    [0-9a-f]{16}( [?])? guest_main[+]0x' '^vCPU 1 was not started by the guest$' '^COM1: 10 bytes written'
	lacks out '^hint'
	bulkhead 0 inspect g --json
	"$json_program" <out || fail "not JSON"
	has out '"state": "running"' '"last_exits": \[' '"state": "off"' '"summary": "vCPU 0 ' \
		'"port": "com1"' '"written": 10'
	bulkhead 2 inspect nobody
	bulkhead 0 pause g
	bulkhead 0 inspect g
	has out '^g is paused: vCPU 0 spins at PC'
	bulkhead 0 resume g
	bulkhead 0 inspect g
	has out '^g is running: '
	# Its process does not answer, which holds up nobody.
	kill -STOP "$(partition g)"
	bulkhead 1 inspect g
	has err 'g: its process does not answer; see whether it is stopped'
	bulkhead 0 list
	kill -CONT "$(partition g)"
	within 5 "$BULKHEAD" inspect g >out 2>err || fail "it is not inspected any more"
	# Who has no client: the same on standard error.
	kill -USR1 "$supervisor"
	wait_output run.err '^bulkhead: g: vCPU 1 was not started by the guest'
	bulkhead 0 kill g
	finish 0
}

# Many at a time, and an end in the middle of it.
test_inspect-storm() {
	begin_inspected how=flood
	touch answers.{1..8}
	for n in 1 2 3 4 5 6 7 8; do
		(for _ in 1 2 3; do timeout 20 "$BULKHEAD" inspect g --json >>"answers.$n" 2>/dev/null; done) &
	done
	within 10 grep -q '"partition"' answers.* || fail "nobody gets an answer"
	kill "$supervisor"
	finish 130
	wait
}

test_inspect-halted() {
	halt_bin
	timeout 20 "$BULKHEAD" boot halt.bin --type raw --timeout 4s --silence 1s >out 2>err </dev/null &
	wait_output err '^bulkhead: guest: no output for [1-4] s: vCPU 0 halted with interrupts off at PC 0x100002; no exits'
	bulkhead_inspected=$("$BULKHEAD" inspect) || fail "not inspected"
	grep -q 'interrupts off' <<<"$bulkhead_inspected" || fail "not halted: $bulkhead_inspected"
	wait
	[ "$(grep -c 'no output for' err)" = 1 ] || fail "told more than once"
}

# Before the first output it is told without being asked for, once.
test_silence-first() {
	com3_bin
	timeout 20 "$BULKHEAD" boot com3.bin --type raw --timeout 8s >out 2>err </dev/null &
	wait_output err '^bulkhead: guest: no output for [5-9] s: vCPU 0 loops at PC 0x10000[0-9].*; last exits: out 0x3e8: "x+"; used, but nobody owns: 0x3e8 \(COM3, written [0-9]+ times\); it writes to COM3 \(port 0x3e8\), which this partition lacks$'
	wait
	[ "$(grep -c 'no output for' err)" = 1 ] || fail "told more than once"
}

# Who has said something once may be silent; unless told otherwise.
test_silence-later() {
	plan_of g how=spin 0 >plan.yaml
	bulkhead 124 run plan.yaml --timeout 7s
	lacks err 'no output for'
	bulkhead 124 run plan.yaml --timeout 2s --silence 1s
	has err '^bulkhead: g: no output for [1-3] s: vCPU 0 (spins|runs,) at PC'
	[ "$(grep -c 'no output for' err)" = 1 ] || fail "told more than once"
	silent_bin
	bulkhead 124 boot silent.bin --type raw --timeout 6s --silence off
	lacks err 'no output for'
	bulkhead 2 boot silent.bin --type raw --silence soon
	has err 'silence soon: not a time; write it like 10s, or off'
}

# A heartbeat is as good as a word, a pause no silence.
test_silence-signs-of-life() {
	plan_of g beats=100000 0 >plan.yaml
	bulkhead 124 run plan.yaml --timeout 3s --silence 1s
	lacks err 'no output for'
	plan_of g how=spin 0 >plan.yaml
	start run plan.yaml --console none --silence 2s
	within 10 in_state OPERATIONAL || fail "it does not run"
	bulkhead 0 pause g
	mv err run.err
	sleep 3
	lacks run.err 'no output for'
	kill "$supervisor"
	finish 130
}

# Events for whoever has started the run.
test_silence-event() {
	silent_bin
	timeout 20 "$BULKHEAD" boot silent.bin --type raw --print >plan.yaml
	timeout 20 "$BULKHEAD" run plan.yaml --timeout 2s --silence 500ms --events-fd 9 9>events >out 2>err
	has events '"kind":"silence","text":"no output for [0-3] s: vCPU 0 spins at PC 0x100000; no exits"'
}

# One that has ended without a word, and writes where nobody is.
test_silence-at-the-end() {
	printf '\146\272\370\002\260\150\356\146\272\364\000\061\300\356\353\376' >com2.bin
	bulkhead 0 boot com2.bin --type raw
	has err '^bulkhead: guest: no output: it writes to COM2 \(port 0x2f8\), which this partition lacks$'
	bulkhead 0 boot "$GUESTS/hello.elf" --cmdline console=ttyS0
	lacks err 'no output'
	bulkhead 0 boot com2.bin --type raw --json
	has out '"name": "COM2"' '"it writes to COM2 '
}

test_console-lacks() {
	plan_of g how=off 0 | sed 's/cmdline: .*/cmdline: how=off console=ttyS1/' >plan.yaml
	bulkhead 0 check plan.yaml
	has err '^bulkhead: plan.yaml:[0-9]+:[0-9]+: warning: partitions.g.cmdline: console=ttyS1 names a device that this partition lacks \(it has ttyS0\)'
	bulkhead 0 run plan.yaml
	has err 'warning: .*console=ttyS1 names a device'
	sed -i 's/cmdline: .*/&\n    serial: [console, console]/' plan.yaml
	bulkhead 0 check plan.yaml
	lacks err 'names a device'
}

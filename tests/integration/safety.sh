# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What follows a fatal error: safe state, restart, watchdogs. See outcome.yaml, too.

# safety_plan HOW OTHER: a safety partition on core 1 and another on core 0.
safety_plan() {
	plan_of rt "$1" 1 linux "$2" 0
	echo "    role: non-safety"
}

# Keys of partition rt, which the plan has first.
with_rt() {
	sed "/^  rt:/a\\    $1"
}

test_safe-state() {
	need_cores 2
	safety_plan how=triple-fault how=spin | with_rt 'role: safety' >plan.yaml
	cat >>plan.yaml <<-'END'
		safe_state:
		  command: echo "$BULKHEAD_PARTITION|$BULKHEAD_REASON" >told
		  eventfd: 7
	END
	bulkhead 5 run plan.yaml 7>signalled
	has err 'rt: vCPU 0: triple fault.*at PC 0x' 'rt: triple fault; the platform goes to its safe state; all partitions stop$' \
		'safe state: rt: triple fault; bsp_fatal_error entered on core 1 after [0-9.]+ ms; last non-safety vCPU stopped after [0-9.]+ ms$'
	verdict 'rt: died, triple fault.*; linux: stopped for the safe state.*; exit code 5$'
	grep -qx 'rt|triple fault' told || fail "the command was told \"$(cat told)\""
	[ "$(stat -c %s signalled)" = 8 ] || fail "the eventfd was not signalled"
}

test_safe-state-notify() {
	need_cores 2
	command -v perl >/dev/null || skip "needs perl, for a datagram socket"
	safety_plan how=triple-fault how=spin | with_rt 'role: safety' >plan.yaml
	perl -MSocket -e 'socket(S, PF_UNIX, SOCK_DGRAM, 0); bind(S, pack_sockaddr_un("s")); alarm 20;
		recv(S, $m, 4096, 0); print $m' >datagram &
	within 5 test -S s || fail "no socket"
	bulkhead 5 run plan.yaml --set safe_state.notify=s
	wait $!
	has datagram '"event":"safe-state","partition":"rt","reason":"triple fault","event_ns":[0-9]+'
	bulkhead 5 run plan.yaml --set safe_state.notify=nobody
	has err 'safe_state.notify: /.*/nobody: No such file'
}

# The processes die, not the guest: the BSP is called all the same.
test_safe-state-crash() {
	need_cores 2
	safety_plan how=spin how=spin | with_rt 'role: safety' >plan.yaml
	start run plan.yaml
	wait_partition rt
	wait_output out 'rt.*how=spin'
	kill -KILL "$(partition rt)"
	finish 5
	has err 'rt: its process was killed by signal 9' 'bsp_fatal_error entered on core 1 after [0-9.]+ ms'
	verdict 'rt: died, its process was killed by signal 9.*exit code 5$'
}

test_restart-appends() {
	plan_of a how=triple-fault 0 >plan.yaml
	bulkhead 4 run plan.yaml --set 'partitions.a.on_fatal={action: restart, limit: 1}' --log-dir logs \
		--set 'partitions.a.serial=[file:out.txt]'
	[ "$(grep -c how= out.txt)" = 2 ] || fail "out.txt does not have both runs"
	[ "$(grep -c how= logs/a.com1.log)" = 2 ] || fail "the log does not have both runs"
}

# A process that is stopped cannot meet its lost watchdog. The others stop at once all the same.
test_watchdog-of-a-stopped-process() {
	need_cores 2
	safety_plan how=spin how=spin | with_rt 'role: safety' | with_rt 'watchdog: 2s' >plan.yaml
	start run plan.yaml
	wait_output out 'rt.*how=spin'
	kill -STOP "$(partition rt)"
	finish 5
	has err 'rt: its process does not react; it is killed' \
		'safe state: rt: lost watchdog; bsp_fatal_error entered on core 1 .*; last non-safety vCPU stopped after [0-9]{1,3}\.'
}

test_status-page-place() {
	plan_of a how=off 0 | sed '/^  a:/a\    role: safety' >plan.yaml
	bulkhead 0 check plan.yaml --set partitions.a.status_page=0xfed80000
	bulkhead 2 check plan.yaml --set partitions.a.status_page=0x200000
	has err "partitions.a.status_page.address: 0x200000 is taken by memory or a device; give the address"
	bulkhead 2 check plan.yaml --set 'partitions.a.status_page={address: 0xfed80000, irq: 9}'
	has err 'partitions.a.status_page.irq: .* has line 9; give another'
}

restarted() {
	grep -q "a: restart $1\$" err
}

descriptors() {
	find "/proc/$supervisor/fd" -mindepth 1 | wc -l
}

# A terminal program goes on over a restart: the guest writes to the same pseudo-terminal.
test_restart-keeps-pty() {
	local pty
	plan_of a how=cf9 0 >plan.yaml
	start run plan.yaml --set partitions.a.on_reset=restart --set 'partitions.a.serial=[pty]'
	within 10 restarted 1 || fail "no restart"
	pty=$(sed -n 's/.*a: COM1 is //p' err)
	[ "$(wc -l <<<"$pty")" = 1 ] || fail "several pseudo-terminals: $pty"
	exec 4<>"$pty"
	timeout 5 grep -qm 4 how=cf9 <&4 || fail "no output of runs that followed"
	kill "$supervisor"
	finish 130
}

# Nothing of a partition stays with the supervisor when it starts anew.
test_restart-leaks-nothing() {
	local before
	plan_of a how=cf9 0 >plan.yaml
	start run plan.yaml --set partitions.a.on_reset=restart --set 'partitions.a.serial=[pty]' --log-dir logs
	within 10 restarted 2 || fail "no restart 2"
	before=$(descriptors)
	within 20 restarted 22 || fail "no restart 22"
	# One look may come while a process is being started.
	within 2 eval '[ "$(descriptors)" -le "$before" ]' || fail "$before descriptors have become $(descriptors)"
	kill "$supervisor"
	finish 130
}

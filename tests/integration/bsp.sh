# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# The board support package: bsp_init before anything runs, bsp_fatal_error on the core that met the
# error, and what becomes of a BSP that fails. What it does is in the file `mode` (tests/bsp/hooks.c).

BSPS=$out/tests/bsp

# bsp_plan MODE HOW [OTHER]: a safety partition on core 0, another on core 1, and the tests' BSP.
bsp_plan() {
	printf '%s\n' "$1" >mode
	{
		plan_of rt "$2" 0
		echo "    role: safety"
		[ $# -lt 3 ] || plan_of linux "$3" 1 | tail -n +2
		printf 'bsp:\n  path: %s\n  files: [mode]\n' "$BSPS/hooks.so"
	} >plan.yaml
}

# The numbers under KEY in what the JSON of out has of the BSP, a line each, in their order.
json_numbers() {
	sed -nE "/^  \"bsp\"/,/^  \}/s/^ *\"$1\": ([0-9]+),?\$/\\1/p" out
}

test_bsp-init-serial() {
	need_cores 2
	bsp_plan - how=off how=off
	bulkhead 0 run plan.yaml --json
	has err 'bsp: core 0: init on core 0 cpu 0 of rt role 1' 'bsp: core 1: init on core 1 cpu 1 of linux role 0'
	[ "$(grep -c 'init on core' err)" = 2 ] || fail "bsp_init was not called once per core"
	# Each core's bsp_init ends before the next one's starts.
	paste -d '\n' <(json_numbers init_start_ns) <(json_numbers init_end_ns) >times
	[ "$(wc -l <times)" = 4 ] || fail "times of bsp_init are missing"
	sort -nc times || fail "bsp_init ran on two cores at a time: $(paste -sd ' ' times)"
}

test_bsp-init-fails() {
	need_cores 2
	bsp_plan 'init fail 1' how=off how=off
	bulkhead 3 run plan.yaml
	[ ! -s out ] || fail "a guest has run"
	has err 'plan.yaml:[0-9]+:[0-9]+: bsp: bsp_init of .*hooks.so failed on core 1 \(partition linux\): the platform is not ours; nothing was started'
	verdict 'rt: not started; linux: not started; exit code 3$'
	bulkhead 3 run plan.yaml --json
	"$json_program" <out || fail "standard output is not one JSON value"
	has out 'failed on core 1 .*the platform is not ours' '"state": "failed"'
}

test_bsp-init-crashes() {
	bsp_plan 'init crash 0' how=off
	bulkhead 3 run plan.yaml
	[ ! -s out ] || fail "a guest has run"
	has err 'failed on core 0 .*its process was killed by signal 11 \(SEGV\) in bsp_init'
	verdict 'rt: not started; exit code 3$'
}

# What takes long is named.
test_bsp-init-slow() {
	bsp_plan 'init hang' how=off
	sed -i 's/^bsp:/&\n  deadline: 6s/' plan.yaml
	bulkhead 3 run plan.yaml
	has err 'bsp: bsp_init is still being called; Ctrl-C gives up$'
}

test_bsp-init-hangs() {
	bsp_plan 'init hang' how=off
	sed -i 's/^bsp:/&\n  deadline: 200ms/' plan.yaml
	bulkhead 3 run plan.yaml
	has err 'failed on core 0 .*it has not ended within its deadline of 200 ms'
}

# The reason is there whatever is built first, and nothing starts.
test_bsp-refused() {
	bsp_plan - how=off
	bulkhead 2 run plan.yaml --set bsp.path="$BSPS/old-abi.so"
	has err 'bsp: .*old-abi.so: it was built for BSP interface 42, this is 1; rebuild it'
	bulkhead 2 run plan.yaml --set bsp.path="$BSPS/no-fatal.so"
	has err 'bsp: .*no-fatal.so: it has no fatal_error, which is mandatory'
	bulkhead 2 run plan.yaml --set bsp.path="$BSPS/nothing.so"
	has err "bsp: .*nothing.so: it exports no bulkhead_bsp, nor ACRN's"
	bulkhead 2 run plan.yaml --set bsp.path="$GUESTS/ending.elf"
	has err 'bsp: .*ending.elf: it cannot be loaded: '
	[ ! -s out ] || fail "a guest has run"
	verdict 'rt: not started; exit code 2$'
	bulkhead 2 run plan.yaml --set bsp.path=no-such.so
	has err 'bsp: .*no-such.so'
}

test_bsp-fatal-core() {
	need_cores 2
	bsp_plan - how=triple-fault how=spin
	# The other way round, so that it is not core 0 by accident.
	bulkhead 5 run plan.yaml --json --set 'partitions.rt.cpus=[1]' --set 'partitions.linux.cpus=[0]'
	has err 'bsp: core 1: fatal error on core 1 cpu 1 of rt$' \
		'bsp: core 1: bsp_fatal_error was entered [0-9]+ us after the event and halted the core [0-9]+ us later' \
		'safe state: rt: triple fault; bsp_fatal_error entered on core 1 after [0-9.]+ ms'
	lacks err 'fatal error on core 0' 'bsp: shutdown'
	# The event stands twice, for the core and for the safe state: it is the same.
	{ json_numbers event_ns | uniq && json_numbers entered_ns && json_numbers ended_ns; } >times
	[ "$(wc -l <times)" = 3 ] || fail "not one bsp_fatal_error: $(paste -sd ' ' times)"
	sort -nc times || fail "not in this order: event, entry, end: $(paste -sd ' ' times)"
	verdict 'exit code 5$'
}

test_bsp-fatal-returns() {
	bsp_plan 'fatal return' how=triple-fault
	bulkhead 5 run plan.yaml
	has err 'bsp: core 0: bsp_fatal_error was entered .* and returned [0-9]+ us later, which it must not; the vCPU stays parked'
	verdict 'rt: died, triple fault.*exit code 5$'
}

test_bsp-fatal-overstays() {
	bsp_plan 'fatal hang' how=triple-fault
	sed -i 's/^bsp:/&\n  deadline: 300ms/' plan.yaml
	bulkhead 5 run plan.yaml
	has err 'bsp: core 0: bsp_fatal_error was entered .* and has not ended within its deadline of 300 ms; the vCPU stays parked'
	verdict 'rt: died, triple fault.*exit code 5$'
}

# A hook that never sleeps keeps the vCPU's thread off its core: the others stop all the same.
test_bsp-fatal-busy() {
	need_cores 2
	bsp_plan 'fatal hang' how=triple-fault how=spin
	sed -i 's/^bsp:/&\n  deadline: 300ms/' plan.yaml
	bulkhead 5 run plan.yaml
	has err 'last non-safety vCPU stopped after ([0-9]{1,2}|[1-4][0-9]{2})\.[0-9]+ ms'
	verdict 'rt: died, triple fault.*exit code 5$'
}

test_bsp-fatal-crashes() {
	bsp_plan 'fatal crash' how=triple-fault
	bulkhead 5 run plan.yaml
	has err 'bsp: core 0: its process was killed by signal 11 \(SEGV\) in bsp_fatal_error; the vCPU stays parked'
	# Two fatal events at a time: the guest's, and the end of the BSP. Either may be heard of first.
	verdict 'rt: (died, triple fault|stopped for the safe state).*exit code 5$'
}

# A BSP that is not there any more could not take the platform to its safe state.
test_bsp-killed() {
	need_cores 2
	bsp_plan - how=spin how=spin
	start run plan.yaml
	wait_output out '^rt.*how=spin'
	kill -KILL "$(pgrep -P "$supervisor" -x bulkhead-bsp)"
	finish 5
	has err 'bsp: its process was killed by signal 9 \(KILL\); without a BSP'
	verdict 'rt: stopped for the safe state.*linux: stopped for the safe state.*exit code 5$'
}

test_bsp-dies-with-supervisor() {
	local bsp
	bsp_plan - how=spin
	start run plan.yaml
	wait_output out 'how=spin'
	bsp=$(pgrep -P "$supervisor" -x bulkhead-bsp)
	threads "$bsp" >bsp.threads
	has bsp.threads '^bsp/core0 0$'
	kill -KILL "$supervisor"
	within 1 gone "$bsp" || fail "the BSP's process outlives the supervisor"
	finish 137
}

test_bsp-states() {
	need_cores 2
	bsp_plan - how=off how=exit
	bulkhead 0 run plan.yaml
	# enum bsp_partition_state: 1 running, 3 stopped
	has err 'bsp: partition rt is in state 1$' 'bsp: partition rt is in state 3$' \
		'bsp: partition linux is in state 3$' 'bsp: shutdown$'
}

test_bsp-acrn() {
	need_cores 2
	bsp_plan - how=triple-fault how=spin
	bulkhead 5 run plan.yaml --set bsp="$EXAMPLES/bsp-acrn.so"
	has err 'bsp: core 0: bsp_init: core 0 is fine' 'bsp: core 1: bsp_init: core 1 is fine' \
		'bsp: core 0: bsp_fatal_error: core 0 halts' 'core 0: bsp_fatal_error was entered .* and halted the core'
	bulkhead 3 run plan.yaml --set bsp="$BSPS/acrn-panic.so"
	has err 'failed on core 1 \(partition linux\): panic: core 1 is one too many; nothing was started'
}

test_bsp-none-and-builtin() {
	bsp_plan - how=triple-fault
	bulkhead 5 run plan.yaml --set bsp=builtin
	has err 'bsp: core 0: fatal error of rt; the core is halted'
	bulkhead 4 run plan.yaml --set bsp=none --set partitions.rt.on_fatal=stop
	lacks err '^bulkhead: bsp:'
}

test_bsp-example-output() {
	local ns
	bsp_plan - how=triple-fault
	: >output
	sed -i "s|^  path: .*|  path: $EXAMPLES/bsp-output.so|; s|files: .*|files: [{path: output, access: read-write}]|" plan.yaml
	bulkhead 5 run plan.yaml
	has err 'the output was safe [0-9]+ ns after the event of rt'
	has output '^safe +[0-9]+ *$'
	ns=$(tr -dc 0-9 <output)
	[ "$ns" -gt 0 ] && [ "$ns" -lt 1000000000 ] || fail "a reaction time of $ns ns"
	bulkhead 0 run plan.yaml --set partitions.rt.cmdline=how=off
	has output '^off '
	bulkhead 3 run plan.yaml --set bsp.files=[]
	has err 'there is no output to drive'
}

test_bsp-example-host-check() {
	bsp_plan - how=off
	cp "$root/examples/bsp-host-check/host-check.conf" .
	sed -i "s|^  path: .*|  path: $EXAMPLES/bsp-host-check.so|; s|files: .*|files: [host-check.conf, /sys/devices/system/cpu/isolated]|" plan.yaml
	echo "max-gap-us 900000" >host-check.conf
	bulkhead 0 run plan.yaml
	has err 'bsp: core 0: longest interruption in 50 ms: [0-9]+ us'
	echo "max-gap-us 0" >host-check.conf
	bulkhead 3 run plan.yaml
	has err 'it was interrupted for [0-9]+ us, more than max-gap-us 0 allows'
	[ -z "$(cat /sys/devices/system/cpu/isolated)" ] || return 0
	echo "isolated" >host-check.conf
	bulkhead 3 run plan.yaml
	has err 'core 0 .*not among the isolated ones \(there are none\); boot with isolcpus=0'
}

# A partition that dies after it was ready, before anything was released: nothing starts.
test_bsp-init-partition-dies() {
	bsp_plan 'init hang' how=off
	sed -i 's/^bsp:/&\n  deadline: 20s/' plan.yaml
	start run plan.yaml
	wait_partition rt
	within 10 in_state INIT || fail "it is not in INIT"
	sleep 0.3
	kill -KILL "$(partition rt)"
	within 5 gone "$supervisor" || fail "the run goes on without its partition"
	finish 4
	[ ! -s out ] || fail "a guest has run"
	verdict 'rt: died, its process was killed by signal 9'
}

# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# ELF cores of partitions, as gdb reads them, and names in backtraces.

# gdb's view of CORE with the symbols of the guest image ELF, of which gdb wants one for 64 bits.
debug() {
	local elf=$1 core=$2
	command -v gdb >/dev/null || skip "no gdb (package gdb)"
	objcopy -I elf32-i386 -O elf64-x86-64 "$elf" image64.elf
	expect 0 gdb -nx -batch -ex 'info threads' -ex bt -ex 'info registers rip' -ex 'x/2xb $rip' \
		image64.elf "$core"
}

# KVM of AMD hosts resets a vCPU that meets a triple fault.
keeps_registers() {
	! grep -q 'the host.s KVM reset the vCPU' err
}

test_core-fatal() {
	bulkhead 4 boot "$GUESTS/ending.elf" --cmdline how=triple-fault --core-dir cores
	has err '^bulkhead: guest: core: cores/guest.core$'
	keeps_registers || skip "this host's KVM resets a vCPU that meets a triple fault"
	has err '^bulkhead: guest:   backtrace:$' \
		'^bulkhead: guest:     [0-9a-f]{16} triple_fault\+0x[0-9a-f]+$' \
		'^bulkhead: guest:     [0-9a-f]{16} guest_main\+0x[0-9a-f]+$'
	[ "$(stat -c %a cores/guest.core)" = 600 ] || fail "others can read the core"
	# Pages that the guest has not used are holes.
	[ "$(stat -c %b cores/guest.core)" -lt 4096 ] || fail "the core has no holes"
	debug "$GUESTS/ending.elf" cores/guest.core
	has out '^#0 .* triple_fault \(\)' ' in guest_start \(\)' '^rip .*triple_fault' \
		'<triple_fault\+[0-9]+>:	0x0f	0x0b$'
}

test_core-panic() {
	bulkhead 1 boot "$GUESTS/testdev.elf" --machine testdev --cmdline how=panic --core-dir cores --json
	"$json_program" <out || fail "not JSON"
	has out '"report": "vCPU 0: guest panicked .pvpanic., at PC 0x[0-9a-f]+.n  RIP .* guest_main.*  last on com1:.n'
	has err '^bulkhead: guest: vCPU 0: guest panicked' '^bulkhead: guest: core: cores/guest.core$'
	lacks err 'last on com1'
	debug "$GUESTS/testdev.elf" cores/guest.core
	has out '^#[0-9]+ .* in guest_start \(\)'
}

# Of one that runs, that is paused, that has two vCPUs; who asks, and who does not read.
test_core-dump() {
	plan_of g how=spin 0 | sed 's/cpus: .*/cpus: {count: 2}/' >plan.yaml
	start run plan.yaml
	wait_output out 'how=spin'
	mv out run.out
	mv err run.err
	bulkhead 0 dump g g.core
	bulkhead 0 list
	has out ' running '
	debug "$GUESTS/ending.elf" g.core
	has out '^\* 1 +LWP 1 ' '^  2 +LWP 2 ' '^#[0-9]+ .* in guest_start \(\)'
	bulkhead 0 pause g
	bulkhead 0 dump g paused.core --json
	"$json_program" <out || fail "not JSON"
	bulkhead 0 list
	has out ' paused '
	[ "$(stat -c %s g.core)" = "$(stat -c %s paused.core)" ] || fail "the cores differ in size"
	bulkhead 0 resume g
	bulkhead 2 dump g nothing/g.core
	has err 'nothing/g.core cannot be made'
	bulkhead 2 dump nobody nobody.core
	[ -e nobody.core ] && fail "a file was made for nothing"
	mkfifo fifo
	(timeout 5 cat fifo >/dev/null) &
	bulkhead 2 dump g fifo
	has err 'fifo is no regular file'
	bulkhead 0 kill g
	finish 0
}

# SIGQUIT: cores of all, then the end; with names from a list of symbols.
test_core-quit() {
	plan_of a how=spin 0 b how=spin 0 | sed 's/cpus: .*/cpus: {count: 1}/' >plan.yaml
	start run plan.yaml --core-dir cores
	wait_output out '^b.*how=spin'
	kill -QUIT "$supervisor"
	finish 130
	has err '^bulkhead: a: core: cores/a.core$' '^bulkhead: b: core: cores/b.core$'
	debug "$GUESTS/ending.elf" cores/b.core
	has out '^#[0-9]+ .* in guest_start \(\)'
	bulkhead 2 boot "$GUESTS/ending.elf" --symbols nothing.map
	has err 'partitions.guest.symbols: .*nothing.map: No such file or directory'
	echo none >bad.map
	bulkhead 4 boot "$GUESTS/ending.elf" --symbols bad.map --cmdline how=triple-fault
	keeps_registers || return 0
	has err 'bad.map: neither an ELF file nor a System.map; backtraces are without names' \
		'^bulkhead: guest:     [0-9a-f]{16}$'
	nm -n "$GUESTS/ending.elf" >good.map
	bulkhead 4 boot "$GUESTS/ending.elf" --symbols good.map --cmdline how=triple-fault
	has err '^bulkhead: guest:     [0-9a-f]{16} triple_fault\+0x[0-9a-f]+$'
}

# No room, no folder: it is said, and changes nothing else.
test_core-nowhere() {
	bulkhead 2 boot "$GUESTS/ending.elf" --cmdline how=triple-fault --core-dir nothing/cores
	has err 'core-dir: nothing/cores cannot be made'
	mkdir -p cores/guest.core
	bulkhead 4 boot "$GUESTS/ending.elf" --cmdline how=triple-fault --core-dir cores
	has err '^bulkhead: guest: no core: cores: Is a directory$'
}

test_core-suite() {
	printf 'partition: {image: %s/ending.elf}\ncases:\n' "$GUESTS" >s.yaml
	printf -- '- {name: fails, partition: {cmdline: how=exit code=7}}\n' >>s.yaml
	printf -- '- {name: hangs, timeout: 1s, partition: {cmdline: how=spin}}\n' >>s.yaml
	printf -- '- {name: dies, partition: {cmdline: how=triple-fault}}\n' >>s.yaml
	printf -- '- {name: dies-well, partition: {cmdline: how=triple-fault}, expect: {fatal: triple}}\n' >>s.yaml
	bulkhead 2 test s.yaml --cores
	has err 'add --artifacts DIR'
	bulkhead 1 test s.yaml --cores --artifacts art
	[ "$(cd art && echo */guest.core)" = 'dies/guest.core hangs/guest.core' ] ||
		fail "cores: $(cd art && echo */guest.core)"
	has art/hangs/diagnosis.txt '^    [0-9a-f]{16}( [?])? guest_main\+0x'
	has art/dies/registers.txt '^  last on com1:$' '^    how=triple-fault$'
}

# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# check and boot --print: plans that are looked at, printed and replayed.

# A plan that sets every kind of key.
rich_plan() {
	cat <<-YAML
		version: 1
		partitions:
		  rt:
		    role: safety
		    cpus: [0]
		    memory: {size: 32M, lock: false}
		    image: $GUESTS/ending.elf
		    cmdline: 'how=exit "a: b" #c \\ %s'
		    modules: [{path: data, string: "x = 'y'"}, data]
		    serial: [console, file:com2.log]
		    on_fatal: stop
		  other:
		    cpus: {count: 1}
		    memory: 0x2000000
		    image: {path: $GUESTS/ending.elf, type: multiboot}
		    cmdline: how=off
		    serial: ["null", none]
		    on_reset: stop
	YAML
}

test_check-without-kvm() {
	make_public
	plan_of a how=off 0 >plan.yaml
	if [ "$(id -u)" = 0 ]; then
		expect 0 "${unprivileged[@]}" "$BULKHEAD" check "$PWD/plan.yaml"
	else
		bulkhead 0 check plan.yaml
	fi
	has out 'ok: 1 partition$'
	if unshare -m true 2>/dev/null; then
		expect 0 unshare -m sh -c 'mount -t tmpfs none /dev && exec "$0" check plan.yaml' "$BULKHEAD"
	fi
}

test_check-print() {
	echo data >data
	rich_plan >plan.yaml
	bulkhead 0 check --print plan.yaml --set partitions.other.memory=48M
	mv out first.yaml
	has first.yaml 'size: 48M|memory: 48M'
	bulkhead 0 check --print first.yaml
	cmp first.yaml out || fail "the printed plan does not print as itself"
	mkdir elsewhere && cd elsewhere || exit
	bulkhead 0 check --print ../first.yaml
	cmp ../first.yaml out || fail "the printed plan depends on where it is"
	bulkhead 0 check --print --json ../first.yaml
	cp out plan.json
	bulkhead 0 check --print plan.json
	cmp ../first.yaml out || fail "the plan printed as JSON is another"
}

test_print-runs() {
	echo data >data
	rich_plan >plan.yaml
	bulkhead 0 check --print plan.yaml
	cp out printed.yaml
	bulkhead 0 run --timeout 10s printed.yaml
	verdict 'rt: ok, exit code 0.*other: ok, powered off.*exit code 0$'
}

test_check-json() {
	plan_of a how=off 0 >plan.yaml
	bulkhead 0 check --json plan.yaml
	has out '"ok": true' '"exit_code": 0' '"diagnostics": \[\]'
	bulkhead 3 check --host --json --set 'partitions.a.cpus=[1000]' plan.yaml
	has out '"ok": false' '"exit_code": 3' '"field": "partitions.a.cpus"' '"severity": "error"'
}

test_boot-print() {
	echo data >data
	bulkhead 0 boot --print "$GUESTS/ending.elf"
	has out 'size: 512M' 'count: 1' 'type: auto'
	bulkhead 0 boot --print "$GUESTS/boot-info.elf" --module 'data one two' --module data \
		--memory 64M --cpus 2 --type multiboot --cmdline modules=2
	has out 'string:.*one two' 'size: 64M' 'count: 2' 'type: multiboot}?$'
	cp out plan.yaml
	bulkhead 0 check --print plan.yaml
	cmp plan.yaml out || fail "boot --print is no effective plan"
}

test_boot-print-runs() {
	echo data >data
	bulkhead 0 boot --print "$GUESTS/boot-info.elf" --module 'data one two' --cmdline modules=1
	cp out plan.yaml
	bulkhead 0 run --timeout 10s plan.yaml
	has out 'string ".*one two"'
	lacks out '^FAILED'
}

test_boot-device() {
	bulkhead 0 boot --print "$GUESTS/ending.elf" --device rng --device rng,slot=5,name=dice
	has out 'name: rng0' 'name: dice' 'slot: 5'
	cp out plan.yaml
	bulkhead 0 check --print plan.yaml
	cmp plan.yaml out || fail "boot --print is no effective plan"
	# The messages are the plan's, without a place in a text that nobody wrote.
	bulkhead 2 boot "$GUESTS/ending.elf" --device dice --device rng,slots=5
	has err '^bulkhead: partitions.guest.devices.0.type: .*"dice"' \
		'^bulkhead: partitions.guest.devices.1.slots: unknown key; did you mean slot'
	bulkhead 2 boot "$GUESTS/ending.elf" --device rng,slot=5 --device rng,slot=5
	has err '^bulkhead: partitions.guest.devices.1.slot: slot 5 is taken by rng0'
	bulkhead 2 boot "$GUESTS/ending.elf" --device rng,
	has err '^bulkhead boot: --device rng,: a part has no key; write it like'
	bulkhead 0 boot --print "$GUESTS/ending.elf" --share .:here
	has out 'type: fs' "path: $PWD" 'tag: here'
	bulkhead 2 boot "$GUESTS/ending.elf" --share /nowhere
	has err '^bulkhead boot: --share /nowhere: there is no tag; write it as FOLDER:TAG'
	# Nothing is asked of the kernel: it ends as without.
	bulkhead 0 boot --timeout 10s --device rng "$GUESTS/ending.elf" --cmdline how=off
}

# Disks: who has one, has it alone, until its run is over.
test_disks() {
	local first
	truncate -s 1M disk
	bulkhead 0 boot --timeout 20s --disk disk "$GUESTS/ending.elf" --cmdline how=off
	bulkhead 0 boot --timeout 20s --disk disk,cache=none,queues=2,serial=x "$GUESTS/ending.elf" \
		--cmdline how=off
	"$BULKHEAD" boot --timeout 20s --disk disk "$GUESTS/ending.elf" --cmdline how=halt >first.out 2>&1 &
	first=$!
	within 5 grep -q how=halt first.out || fail "the first run has not started"
	bulkhead 2 boot --timeout 9s --disk disk,readonly "$GUESTS/ending.elf" --cmdline how=off
	has err 'devices.0.path: .*/disk: another program writes to it; end that, or give a copy'
	kill -9 $first
	wait $first
	# What the kernel still does for it is waited for.
	bulkhead 0 boot --timeout 9s --disk disk "$GUESTS/ending.elf" --cmdline how=off
}

test_plan-from-stdin() {
	echo data >data
	rich_plan >plan.yaml
	expect 0 sh -c '"$0" run --timeout 10s - <plan.yaml' "$BULKHEAD"
	verdict 'rt: ok.*other: ok'
}

test_run-says-where() {
	plan_of a how=off 0 >plan.yaml
	echo 'no kernel' >text
	bulkhead 2 run plan.yaml --set partitions.a.image=text
	has err 'partitions.a.image: .*text: not recognised'
	verdict 'a: could not be created; exit code 2$'
	bulkhead 2 run plan.yaml --console nobody
	has err '--console: .*"nobody"'
	bulkhead 3 run plan.yaml --log-dir text/x
	has err '--log-dir: text/x'
	bulkhead 2 run plan.yaml --log-dir text
	has err 'text/a.com1.log'
}

# Those that the documents show, with images where this build has them.
test_check-examples() {
	bulkhead 0 check "$root/examples/safety-hello/plan.yaml" \
		--set partitions.safety.image="$EXAMPLES/safety-hello.elf"
	bulkhead 0 check "$root/examples/heartbeat/plan.yaml" \
		--set partitions.safety.image="$EXAMPLES/heartbeat.elf" \
		--set partitions.neighbour.image="$EXAMPLES/safety-hello.elf"
	bulkhead 0 check "$root/configs/shared-memory.yaml" \
		--set partitions.safety.image="$EXAMPLES/link.elf" \
		--set partitions.neighbour.image="$EXAMPLES/link.elf"
}

# The reference plan of the fusa contract, with test images: what it is built of, and what is noted.
test_check-fusa-reference() {
	bulkhead 0 check "$root/configs/fusa-reference.yaml" \
		--set "partitions.zephyr.image=$GUESTS/fusa-machine-0.bin" \
		--set "partitions.linux.image=$GUESTS/fusa-machine-1.bin"
	has out 'fusa-reference.yaml: ok: 2 partitions'
	has err 'note: partitions.zephyr.contract: fusa, as far as KVM goes'
	has err 'note: partitions.linux.contract: fusa, as far as KVM goes'
	bulkhead 2 check "$root/configs/fusa-reference.yaml" \
		--set "partitions.zephyr.image=$GUESTS/fusa-machine-0.bin" \
		--set "partitions.linux.image=$GUESTS/hello.elf"
	has err 'not a bzImage: .* the non-safety partition of the fusa contract runs a Linux bzImage'
	bulkhead 2 check "$root/configs/fusa-reference.yaml" \
		--set 'partitions.zephyr.cpus=[0, 4]' \
		--set "partitions.zephyr.image=$GUESTS/fusa-machine-0.bin" \
		--set "partitions.linux.image=$GUESTS/fusa-machine-1.bin"
	has err 'partitions.zephyr.cpus: 2 vCPUs, but the fusa contract drops INIT and SIPI'
}

# A plan for the architecture that this host's KVM does not run is checked in full, and not run.
test_other-architecture() {
	local this=x86-64 other=arm64 machine=183 address=0x40080000 no_host='serror'
	[ "$(uname -m)" = x86_64 ] ||
		this=arm64 other=x86-64 machine=62 address=0x100000 no_host='inject'
	make_elf image 2 "$machine" "$address" 4096 4096 "$address"
	head -c 100 /dev/zero >overlay
	cat >plan.yaml <<-YAML
		arch: $other
		partitions:
		  a:
		    cpus: {count: 2}
		    memory: 32M
		    image: image
		    on_violation: $no_host
	YAML
	bulkhead 0 check plan.yaml
	has out 'plan.yaml: ok: 1 partition$'
	bulkhead 3 check --host plan.yaml
	has err "plan.yaml:1:7: arch: the plan is for $other, and this host's KVM runs $this guests; run it on an $other host"
	bulkhead 3 run plan.yaml
	has err "arch: the plan is for $other, and"
	bulkhead 3 boot image
	has err "^bulkhead: the image is for $other, and this host's KVM runs $this guests"
	bulkhead 0 boot --print image
	has out "^arch: $other$"
	# What this architecture's image is to that plan.
	bulkhead 2 check --set "partitions.a.image=$GUESTS/hello.elf" plan.yaml
	has err 'e_machine|partition'
	bulkhead 0 check --set "partitions.a.image=$GUESTS/hello.elf" --set "arch=$this" \
		--set partitions.a.on_violation=inject plan.yaml
	[ "$other" = arm64 ] || return 0
	bulkhead 2 check --set 'partitions.a.arm64={overlay: overlay}' plan.yaml
	has err 'partitions.a.arm64.overlay: .*overlay: '
	bulkhead 0 check --print --set 'partitions.a.arm64={gic: v2, psci: 1.0}' plan.yaml
	has out 'arm64: \{gic: v2, its: auto,.* psci: "1.0", overlay: null\}'
}

# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Network devices: tap devices, bridges and passt, as far as a host without unmodified guests shows
# them. Each test has a network namespace of its own.

need_tap() {
	ip tuntap add try0 mode tap 2>/dev/null || skip "no tap devices, or no right to make them"
	ip tuntap del try0 mode tap
}

# A network that passt offers to its guest.
need_passt() {
	need_tap
	command -v passt >/dev/null || skip "no passt (package passt)"
	ip link set lo up
	ip tuntap add outside mode tap
	ip address add 10.9.0.1/24 dev outside
	ip link set outside up
	ip route add default via 10.9.0.2
}

passt_of_run() { pgrep -P "$supervisor" passt; }
has_passt() { passt_of_run >/dev/null; }
# Not by /sys, which is that of the host's network.
no_interface() { ! ip link show "$1" >/dev/null 2>&1; }
ports_of() { ip -o link show master "$1" | wc -l; }

test_net-tap() {
	need_tap
	start boot --net=tap:mine,queues=3 "$GUESTS/ending.elf" --cmdline how=spin
	wait_output out 'how=spin'
	ip link show mine | grep -q '[<,]UP[,>]' || fail "the tap device is not up: $(ip link show mine)"
	bulkhead 2 boot --net=tap:mine "$GUESTS/ending.elf"
	has err 'devices.0.tap: mine is used by another program'
	kill "$supervisor"
	wait "$guard"
	within 5 no_interface mine || fail "the tap device has outlived the run"
	# One that is there stays there.
	ip tuntap add mine mode tap
	bulkhead 0 boot --net=tap:mine "$GUESTS/ending.elf" --cmdline how=off
	no_interface mine && fail "a tap device that was there is gone"
	bulkhead 2 boot --net=tap:mine,queues=2 "$GUESTS/ending.elf"
	has err 'devices.0.tap: mine is no tap device with several queues; make it with: ip tuntap add'
	bulkhead 2 boot --net=tap:lo "$GUESTS/ending.elf"
	has err 'devices.0.tap: lo is no tap device; give another'
}

test_net-bridge() {
	need_tap
	bulkhead 2 boot --net=bridge:br0 "$GUESTS/ending.elf"
	has err 'devices.0.bridge: this host has no bridge br0; make it as root: ip link add br0 type bridge'
	bulkhead 2 boot --net=bridge:lo "$GUESTS/ending.elf"
	has err 'devices.0.bridge: lo is no bridge; give the name of one'
	ip link add br0 type bridge 2>/dev/null || skip "the kernel has no bridges"
	start boot --net=bridge:br0 --net=bridge:br0 "$GUESTS/ending.elf" --cmdline how=spin
	wait_output out 'how=spin'
	[ "$(ports_of br0)" = 2 ] || fail "the bridge has $(ports_of br0) ports, not two"
	kill "$supervisor"
	finish 130
	# One that belongs to it already may stay where it is.
	ip tuntap add mine mode tap
	ip link set mine master br0
	bulkhead 0 boot --net=tap:mine,bridge=br0 "$GUESTS/ending.elf" --cmdline how=off
	ip link add br1 type bridge
	bulkhead 2 boot --net=tap:mine,bridge=br1 "$GUESTS/ending.elf"
	has err 'devices.0.bridge: mine belongs to another bridge; remove it there: ip link set mine nomaster'
}

# Nobody but root makes tap devices; one that was made for him a user may use.
test_net-unprivileged() {
	need_tap
	make_public
	ip tuntap add his mode tap user 65534
	ip link set his up
	"${unprivileged[@]}" test -w /dev/net/tun ||
		skip "ordinary users may not open /dev/net/tun here"
	expect 0 "${unprivileged[@]}" "$BULKHEAD" boot --net=tap:his ending.elf --cmdline how=off
	expect 2 "${unprivileged[@]}" "$BULKHEAD" boot --net=tap:new ending.elf
	has err 'devices.0.tap: a new tap device takes CAP_NET_ADMIN; make one as root: ip tuntap add new'
}

# A locked-down supervisor has its tap devices still, and starts another passt.
test_net-restarts() {
	need_passt
	plan_of a how=triple-fault 0 >plan.yaml
	bulkhead 4 run plan.yaml --set 'partitions.a.on_fatal={action: restart, limit: 2}' \
		--set 'partitions.a.devices=[{type: net, tap: mine, queues: 2}, net]'
	has err 'a: restart 2$'
	lacks err 'cannot be' 'could not'
	verdict 'a: died, triple fault, restarted 2 times'
}

test_net-passt() {
	local pid
	need_passt
	start boot --net=passt,forward=2222:22 "$GUESTS/ending.elf" --cmdline how=spin
	wait_output out 'how=spin'
	pid=$(passt_of_run) || fail "no passt"
	[ "$(id -u)" != 0 ] || grep -q '^Uid:.65534' "/proc/$pid/status" || fail "passt is root"
	grep -q ':08AE ' /proc/net/tcp /proc/net/tcp6 || fail "nobody listens at port 2222"
	kill -KILL "$supervisor"
	within 5 gone "$pid" || fail "passt has outlived the run"
	wait "$guard"
	# Its end is the device's, not the run's.
	start boot --net "$GUESTS/ending.elf" --cmdline how=spin --timeout 2s
	wait_output out 'how=spin'
	kill -KILL "$(passt_of_run)"
	finish 124
	verdict 'guest: stopped by the time limit'
}

test_net-no-passt() {
	need_tap
	bulkhead 3 boot --net "$GUESTS/ending.elf"
	has err 'guest: net0: passt: ' 'devices.0: passt could not start \(exit code 1\); see what it says; it needs'
	expect 2 env PATH=/nonexistent "$BULKHEAD" boot --net "$GUESTS/ending.elf"
	has err 'devices.0: passt is not on this host; install the package passt'
	bulkhead 2 boot --net="socket:$PWD/nobody" "$GUESTS/ending.elf"
	has err 'devices.0.socket: .*/nobody: No such file.*; start it first: passt --socket'
	bulkhead 2 boot --net=tun "$GUESTS/ending.elf"
	has err '--net tun: write passt, tap:NAME, bridge:NAME, socket:PATH or none'
}

# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Folders that are shared through virtiofsd: its start, its end, and its end before the guest's.

# Sets `virtiofsd`, or skips the test.
need_virtiofsd() {
	for virtiofsd in /usr/libexec/virtiofsd /usr/lib/qemu/virtiofsd; do
		[ ! -x $virtiofsd ] || break
	done
	[ -x "$virtiofsd" ] || skip "no virtiofsd (package virtiofsd, or qemu-system-common)"
	[ "$(id -u)" = 0 ] || skip "virtiofsd wants root"
	mkdir share
}

# Those that serve this test's folder, and nobody else's.
servers() { pgrep -f -- "(source=|--shared-dir )$PWD/share"; }
some_servers() { servers >/dev/null; }
no_servers() { local pid; for pid in $(servers); do gone "$pid" || return 1; done; }

test_share-ends-with-run() {
	need_virtiofsd
	start boot --share share:data "$GUESTS/ending.elf" --cmdline how=spin
	wait_output out 'how=spin'
	some_servers || fail "no virtiofsd serves the folder"
	kill -KILL "$supervisor"
	within 5 no_servers || fail "virtiofsd has outlived the run"
}

test_share-server-dies() {
	need_virtiofsd
	start boot --share share:data "$GUESTS/ending.elf" --cmdline how=spin --timeout 3s
	wait_output out 'how=spin'
	# shellcheck disable=SC2046 # several
	kill -KILL $(servers)
	wait_output err 'guest: fs0: the process behind it has gone away; the device has failed'
	finish 124
	[ "$(grep -c 'fs0' err)" = 1 ] || fail "it is said more than once"
	verdict 'guest: stopped by the time limit'
}

# A partition that starts again gets a server of its own again, also from a locked-down supervisor.
test_share-restarts() {
	need_virtiofsd
	plan_of a how=triple-fault 0 >plan.yaml
	bulkhead 4 run plan.yaml --set 'partitions.a.on_fatal={action: restart, limit: 2}' \
		--set "partitions.a.devices=[{type: fs, tag: data, path: $PWD/share}]"
	has err 'a: restart 2$'
	lacks err 'fs0' 'cannot be made'
	verdict 'a: died, triple fault, restarted 2 times'
	within 5 no_servers || fail "virtiofsd has outlived the run"
}

test_share-sockets() {
	need_virtiofsd
	bulkhead 2 boot --device "fs,tag=data,socket=$PWD/nobody" "$GUESTS/ending.elf"
	has err 'devices.0.socket: .*/nobody: No such file.*; start its server first: virtiofsd --socket-path'
	"$virtiofsd" "--socket-path=$PWD/socket" -o "source=$PWD/share" >server.log 2>&1 &
	within 5 test -S socket || fail "virtiofsd makes no socket: $(cat server.log)"
	bulkhead 0 boot --device "fs,tag=data,socket=$PWD/socket" "$GUESTS/ending.elf" --cmdline how=off
	within 5 no_servers || fail "it was not told that its guest has gone"
	# Nobody listens any more.
	bulkhead 2 boot --device "fs,tag=data,socket=$PWD/socket" "$GUESTS/ending.elf" --cmdline how=off
	has err 'devices.0: .*socket: Connection refused; start its server first'
	bulkhead 2 boot --share "$PWD/nowhere:data" "$GUESTS/ending.elf"
	has err 'devices.0.path: .*/nowhere: No such file'
}

# One that listens and says nothing: the start waits for a time, and not longer.
test_share-silent-server() {
	need_virtiofsd
	"$virtiofsd" "--socket-path=$PWD/socket" -o "source=$PWD/share" >server.log 2>&1 &
	within 5 test -S socket || fail "virtiofsd makes no socket: $(cat server.log)"
	kill -STOP $!
	bulkhead 3 boot --device "fs,tag=data,socket=$PWD/socket" "$GUESTS/ending.elf" --cmdline how=off
	has err 'devices.0: fs0 cannot be made: Connection timed out; see what the process behind it says'
	kill -KILL $!
}

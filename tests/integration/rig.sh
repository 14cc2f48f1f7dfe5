# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# bulkhead rig: what it says where it cannot, with programs in place of QEMU and apt. What it does in
# a real emulated machine is tested in tests/rig.

# A folder of programs to be all of PATH: a few of this host's, and those made by fake.
rig_path() {
	local program
	mkdir bin
	for program in sh cat sleep rm mkdir touch; do
		ln -s "$(command -v $program)" bin/$program
	done
	case $(uname -m) in
	x86_64) rig_arch=x86-64 rig_qemu=qemu-system-x86_64 rig_package=qemu-system-x86 rig_deb=amd64 ;;
	*) rig_arch=arm64 rig_qemu=qemu-system-aarch64 rig_package=qemu-system-arm rig_deb=arm64 ;;
	esac
}

# fake PROGRAM LINE...: a shell script in that folder.
fake() {
	local program=bin/$1
	shift
	printf '%s\n' '#!/bin/sh' "$@" >"$program"
	chmod +x "$program"
}

# rig STATUS ARGUMENT...: with that PATH and a cache that is here.
rig() {
	local want=$1
	shift
	expect "$want" env PATH="$PWD/bin" HOME="$PWD" XDG_CACHE_HOME="$PWD/cache" BULKHEAD_CACHE= \
		"$BULKHEAD" rig "$@"
}

test_rig-usage() {
	rig_path
	rig 2 --arch mips -- boot x
	has err '--arch mips: there is no such one; write x86-64 or arm64'
	rig 2 -- list
	has err 'list does not run inside; run, boot, test, check and doctor do'
	rig 2
	rig 2 test x.yaml
	has err '^bulkhead rig: test is no option; write -- before the command: bulkhead rig \[OPTIONS\] -- test \.\.\.$'
	rig 2 --arch arm64 run --timeout 1s plan.yaml
	has err 'write -- before the command: bulkhead rig \[OPTIONS\] -- run \.\.\.$'
	rig 2 -- run nothing.yaml
	has err 'nothing.yaml: the plan cannot be read'
	rig 2 -- run --detach plan.yaml
	has err 'do not work in the rig'
	rig 2 --file nothing -- doctor
	has err '--file: nothing: No such file'
	rig 0 -- test --help
	has out '^Usage: bulkhead test'
	truncate -s 2G large
	rig 2 -- boot large
	has err '/large has 2G, and no more than 1G fits into the rig; make it smaller'
	printf '#!\n' >image
	rig 2 --file "image=/dev/image" -- boot image
	has err '/dev/image is where the emulated machine has its own files'
}

test_rig-nothing-there() {
	rig_path
	rig 3 --arch $rig_arch -- boot "$GUESTS/hello.elf"
	has err "$rig_qemu, which emulates the machine, is not here; install the package $rig_package"
	fake $rig_qemu 'exit 1'
	rig 3 -- boot "$GUESTS/hello.elf"
	has err 'there is no kernel for the rig yet, and without apt-get it cannot be got from Debian; give --kernel'
	rig 3 --kernel nothing -- boot "$GUESTS/hello.elf"
	has err '--kernel: nothing: No such file'
	rig 3 --program bin/$rig_qemu -- boot "$GUESTS/hello.elf"
	has err "--program: bin/$rig_qemu is no static program for $rig_arch"
	fake apt-cache 'exit 1'
	fake dpkg-deb 'exit 1'
	fake apt-get 'echo no network >&2; exit 100'
	rig 3 -- boot "$GUESTS/hello.elf"
	has err '^no network' 'apt-get failed, see above; is there a network'
	fake apt-get 'exit 0'
	rig 3 -- boot "$GUESTS/hello.elf"
	has err "none of apt's sources has the package linux-image-cloud-$rig_deb"
}

# The kernel is got once.
test_rig-kernel() {
	rig_path
	fake $rig_qemu 'echo "$@" >qemu; exit 1'
	fake apt-get 'echo "$@" >>apt; for last; do :; done; case "$*" in
		*download*) touch "${last}_6.1_all.deb" ;; esac'
	fake apt-cache "printf 'Package: x\nDepends: linux-image-6.1-cloud (= 6.1)\n'"
	fake dpkg-deb 'mkdir -p "$3/boot" "$3/lib/modules/6.1" && touch "$3/boot/vmlinuz-6.1"'
	rig 3 -- boot "$GUESTS/hello.elf"
	has err 'downloading linux-image-6.1-cloud' 'the emulated machine did not come up'
	has qemu "-kernel $PWD/cache/bulkhead/rig/$rig_deb/root/boot/vmlinuz-6.1 "
	rm bin/apt-get
	rig 3 -- boot "$GUESTS/hello.elf"
	has err 'the emulated machine did not come up'
}

# The command inside is told how the machine was started, but for --log.
test_rig-environment() {
	rig_path
	ln -s "$(command -v grep)" bin/grep
	fake $rig_qemu 'while [ "$1" != -initrd ]; do shift; done; grep -ao "BULKHEAD_RIG=[^]]*]" "$2" >told; exit 1'
	touch vmlinuz
	rig 3 --kernel vmlinuz --memory 1G --log machine.log --file bin/grep=/grep -- boot "$GUESTS/hello.elf"
	grep -qxF "BULKHEAD_RIG=[\\\"$(realpath "$BULKHEAD")\\\",\\\"rig\\\",\\\"--arch\\\",\\\"$rig_arch\\\",\\\"--kernel=vmlinuz\\\",\\\"--memory=1073741824\\\",\\\"--file=bin/grep=/grep\\\",\\\"--\\\"]" told ||
		fail "not what is told: $(cat told)"
}

# Whoever ends the front ends the machine.
test_rig-ends() {
	local signal front machine
	rig_path
	fake $rig_qemu 'echo $$ >qemu.pid; exec sleep 1000'
	touch vmlinuz
	for signal in INT TERM HUP KILL; do
		rm -f qemu.pid
		# With its signals as a terminal would leave them.
		env --default-signal=INT PATH="$PWD/bin" "$BULKHEAD" rig --kernel vmlinuz -- boot "$GUESTS/hello.elf" \
			>out 2>err </dev/null &
		front=$!
		within 10 test -s qemu.pid || fail "no machine"
		machine=$(cat qemu.pid)
		kill -$signal $front
		wait $front
		case $signal:$? in
		KILL:137 | INT:130 | TERM:130 | HUP:130) ;;
		*) fail "exit code $? after $signal" ;;
		esac
		within 5 gone "$machine" || fail "the machine is left after $signal"
	done
}

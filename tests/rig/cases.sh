# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# What tests/rig/test-x86 and test-arm64 share; they set `arch`, read this, add their cases, and call
# `choose "$@"`, then `run_cases`. A case is a command line run in an emulated machine of
# tests/rig/run, and a judgement of its output and exit code made here. Some are suites that `bulkhead
# test` runs in there, each of whose cases counts here; what a guest reports may be judged once more.
# There may be several machines, of different kinds; all cases of one run in one start of it.
#
# Prints a line `PASS|FAIL|SKIP rig-$arch/CASE` each; what a case printed is kept in
# $BULKHEAD_OUT/rig-$arch/CASE.log. Exit code: 0; 1 when a case failed; 3 without a build.
#
# On a busy host the emulated machine itself may hang, and whatever runs in it. The case that was
# running and those left then get a new machine, up to twice; a case that two machines hang in
# fails. What the kernel of such a machine said is kept in machine-hung-N.log.
#
# What Linux printed is held against golden files; BULKHEAD_ACCEPT=1 writes those anew. Its warnings
# must all be in the dmesg-allowed file.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
rig=$top/tests/rig
golden=$top/tests/golden
group=rig-$arch
export BULKHEAD_OUT=${BULKHEAD_OUT:-$top/build}
export BULKHEAD_CACHE=${BULKHEAD_CACHE:-$BULKHEAD_OUT/cache}
images=$BULKHEAD_CACHE/images
logs=$BULKHEAD_OUT/$group
# The build for the machine's architecture.
built=$BULKHEAD_OUT
[ "$arch" = "$(uname -m | sed 's/aarch64/arm64/; s/x86_64/x86/')" ] || built=$BULKHEAD_OUT/$arch

# ---- cases: name, machine, seconds that it may take, judgement, command line inside ----

cases=() machines=()
declare -A options_of=()
# machine NAME [OPTION OF tests/rig/run]...: what is added from here on runs in such a machine.
machine() {
	local IFS=$'\n'
	machines+=("$1")
	options_of[$1]=${*:2}
}
# add NAME SECONDS JUDGEMENT COMMAND
add() { cases+=("$(printf '%s\t' "$1" "${machines[-1]}" "${@:2}")"); }

# ---- judgements: log file, exit code, what the case gave; they call wrong() ----

wrong() { reasons+=("$*"); }
expect_code() { [ "$2" = "$1" ] || wrong "exit code $2, expected $1"; }
expect_text() { grep -qE -- "$2" "$1" || wrong "no '$2' in the output"; }

# A block of the guest's report (tests/images/guest-init).
block() { sed -n "/^guest: begin $2\$/,/^guest: end\$/{/^guest: /d;p}" "$1"; }

# same LOG BLOCK FILE: the block is what the golden file says.
same() {
	local file=$golden/linux-$3.txt
	if [ "${BULKHEAD_ACCEPT-}" ]; then
		block "$1" "$2" >"$file"
	elif ! block "$1" "$2" | diff -u "$file" - >"$1.diff"; then
		wrong "$2 differs from $(basename "$file"); see $1.diff"
	else
		rm -f "$1.diff"
	fi
}

# warnings_allowed LOG: each warning is one that dmesg-allowed.txt has as a pattern.
warnings_allowed() {
	local line
	while IFS= read -r line; do
		wrong "Linux warns: $line"
	done < <(block "$1" warnings | sed 's/^<[0-4]>\[ *[0-9.]*\] //' |
		grep -vxE -f <(grep -v '^#' "$rig/$allowed"))
}

judge_text() {
	local log=$1 code=$2 expected=$3 text
	shift 3
	expect_code "$expected" "$code"
	for text; do
		expect_text "$log" "$text"
	done
}

# What judges the report of a suite's case: a function and its arguments.
declare -A reports=()

# judge_suite LOG CODE [PREFIX]: each case of a suite counts, with PREFIX before its name.
judge_suite() {
	local log=$1 code=$2 prefix=${3-} verdict name text
	awk -v logs="$logs" '/^@console / { out = logs "/" $2 ".log"; printf "" >out; next }
		out { print >out; next } { print }' "$log" >"$log.suite"
	if [[ $code != [01] ]] || ! grep -qE '^(PASS|FAIL|SKIP) ' "$log.suite"; then
		wrong "exit code $code: $(tail -n 1 "$log.suite")"
	fi
	while read -r verdict name text; do
		name=$prefix${name#"$group/"}
		case $verdict in
		PASS) judge_report "$name" "$text" ;;
		SKIP) echo "SKIP $group/$name $text" ;;
		FAIL) fails "${name%:}" "$text" "all of it: $log" ;;
		'|') echo "     $name $text" ;;
		esac
	done <"$log.suite"
	counted=yes
}

# judge_report NAME TEXT: a case that passed, but for what its guest reports.
judge_report() {
	local reasons=() judgement
	if [ "${reports[$1]-}" ]; then
		read -ra judgement <<<"${reports[$1]}"
		"${judgement[0]}" "$logs/$1.log" "${judgement[@]:1}"
	fi
	if [ ${#reasons[@]} = 0 ]; then
		passes "$1 $2"
	else
		fails "$1" "${reasons[@]}" "all of it: $logs/$1.log"
	fi
}

# A report without a warning.
report_clean() {
	block "$1" warnings >"$1.warnings"
	expect_text "$1" '^guest: begin warnings'
	warnings_allowed "$1"
}

judge_doctor() {
	expect_code 0 "$2"
	expect_text "$1" '"unmodified_kernels": *true'
}

# says LOG PARTITION TEXT...: what the partition said, with the lines that others cut in two in one piece.
says() {
	local log=$1 partition=$2 text
	shift 2
	for text; do
		sed -n "s/^$partition | //p" "$log" | tr -d '\n' | grep -qF "$text" ||
			wrong "$partition does not say '$text'"
	done
}

judge_pair() {
	expect_code 0 "$2"
	says "$1" left 'guest: poweroff' 'guest: the line gave the answer' \
		'guest: the line gave back all'
	says "$1" right 'guest: poweroff' 'guest: the line gave the question'
	says "$1" left 'guest: net served'
	says "$1" right 'guest: net: 3 packets transmitted, 3 packets received' 'guest: net gave all'
	says "$1" left 'guest: ivshmem at 0000:00:04.0, class 0xff4001' \
		'ivshmem: peer 0 reads "greetings from peer 1"' \
		"ivshmem: peer 0 cannot write the other's section" 'guest: ivshmem is as it must be'
	says "$1" right 'ivshmem: peer 1 reads "greetings from peer 0"' \
		"ivshmem: peer 1 cannot write the other's section" 'guest: ivshmem is as it must be'
}

# Whatever was said to be flushed is there; and it was something.
judge_power_cut() {
	local log=$1 disk
	judge_text "$log" "$2" 0 '^power cut after [0-9]{2,} and [0-9]{2,} flushes$' '^guest: poweroff'
	for disk in vda vdb; do
		expect_text "$log" "^disk: /dev/$disk: all [0-9]{2,} blocks are there"
	done
}

# One line for each device of devices.yaml.
judge_devices() {
	local log=$1 n
	expect_code 0 "$2"
	for n in 0 1 2; do
		expect_text "$log" "^guest: hwrng virtio_rng.$n gave 64 bytes"
	done
	expect_text "$log" '^guest: vsock: 100000 bytes there and back, cid 2$'
	expect_text "$log" '^vsock: 100000 bytes there and back, cid 42$'
	expect_text "$log" '^guest: vsock served the host$'
	expect_text "$log" 'guest.devices.0: cid 42 belongs to another guest on this host; give another$'
	expect_text "$log" '^guest: the host writes hello$'
	expect_text "$log" '^guest: share done$'
	expect_text "$log" '^guest: net has address 10.77.0.1$'
	[ "$(sed -n 's/^guest: net gave //p' "$log")" = "$(sed -n 's/^host: large is //p' "$log")" ] ||
		wrong "the guest got another file by its network than the host has"
	expect_text "$log" '^host: the guest was here$'
	[ "$(grep -c 'large is [0-9a-f]*  -$' "$log")" = 2 ] &&
		[ "$(sed -n 's/^[a-z]*: large is //p' "$log" | sort -u | wc -l)" = 1 ] ||
		wrong "the guest reads something else than the host wrote"
	expect_text "$log" '^guest: root is /dev/vda ext4 rw$'
	expect_text "$log" '^guest: root was written to$'
	expect_text "$log" '^guest: vdb has 16384 sectors, serial data-disk, ro 0, cache write back, 2 queues$'
	expect_text "$log" '^guest: vdc has 16384 sectors, serial , ro 1, '
	[ "$(grep -c '^disk: /dev/vdb: 256 blocks written and read' "$log")" = 2 ] ||
		wrong "the guest does not read from its disk what it wrote"
	expect_text "$log" '^guest: vdb discarded, reads 0 bytes$'
	expect_text "$log" '^guest: vdc cannot be written$'
	# Of 8 MiB, what was written after the discard, and a few blocks that tell where it is.
	expect_text "$log" '^host: the disk takes 10[2-9][0-9] KiB$'
	expect_text "$log" '^host: hvc0 said: guest speaks on hvc0$'
	expect_text "$log" '^guest: hvc0 was told: host speaks to hvc0$'
	expect_text "$log" '^host: port org.example.talk said: guest speaks on a port$'
	expect_text "$log" '^guest: the port was told: host speaks to port org.example.talk$'
	expect_text "$log" '^guest: poweroff'
}

# ---- choose ----

# only GLOB CASE: of those that the suite CASE picks, those that match.
only() {
	sed "s|'--filter=[^!'][^']*'||g; s|[[:space:]]*\$| '--filter=$1'|" <<<"$2"
}

# choose [--list | PATTERN...]: those to run, of the patterns of the shell; without, all. NAME:GLOB is
# of the suite NAME those that match.
choose() {
	local line name pattern
	chosen=()
	for line in "${cases[@]}"; do
		name=${line%%$'\t'*}
		if [ "${1-}" = --list ]; then
			echo "$name"
			continue
		fi
		[ $# != 0 ] || chosen+=("$line")
		for pattern; do
			# shellcheck disable=SC2053 # a pattern it is
			[[ $name == ${pattern%%:*} ]] || continue
			[[ $pattern != *:* ]] || line=$(only "${pattern#*:}" "$line")
			chosen+=("$line")
		done
	done
	[ "${1-}" != --list ] || exit 0
	if [ ${#chosen[@]} = 0 ]; then
		echo "test-$arch: no case matches $*; --list lists them" >&2
		exit 2
	fi
	mkdir -p "$logs"
	work=$(mktemp -d "${TMPDIR:-/tmp}/test-$arch.XXXXXX")
	trap 'rm -rf "$work"' EXIT
}

# skip REASON [MACHINE]: what was chosen, or of it what runs in that machine.
skip() {
	local line name on left=()
	for line in "${chosen[@]}"; do
		IFS=$'\t' read -r name on _ <<<"$line"
		if [ $# = 1 ] || [ "$on" = "$2" ]; then
			echo "SKIP $group/$name: $1"
		else
			left+=("$line")
		fi
	done
	chosen=("${left[@]}")
	[ ${#chosen[@]} != 0 ] || exit 0
}

# put FILE NAME: into the emulated machines, under /job or at a path of its own.
files=()
put() { files+=(--file "$1=$2"); }

# Suites: of this machine's kernels, and tests/guest/run.
put_suites() {
	local file
	for file in "$top"/tests/guest/{run,meanwhile,*.yaml}; do
		put "$file" "tests/guest/${file##*/}"
	done
	put "$built/tests/guest" build/tests/guest
	put "$built/examples" build/examples
	put "$rig/suite" suite
	put "$rig/$arch.yaml" suite.yaml
}

# put_third_party SUITE NAME...: that suite of examples/third-party, for third_party, and images of it.
put_third_party() {
	local name file
	put "$top/examples/third-party/$1.yaml" third-party.yaml
	for name in "${@:2}"; do
		for file in "$images/$name"/*; do
			[ ! -f "$file" ] || put "$file" "images/$name/${file##*/}"
		done
	done
}

# third_party GLOB...: runs these cases of it.
third_party() {
	echo "sh ./suite --jobs=3 --retry=1 --var=images=/job/images --var=initrd=/job/guest-initrd" \
		"${@/#/--filter=} third-party.yaml"
}

# put_disks: a root file system of what the guests' initial one has, and the case `power-cut`.
put_disks() {
	local tree=$work/root
	mkdir "$tree"
	(cd "$tree" && cpio -i -d --quiet) <"$work/guest-initrd"
	: >"$tree/on-disk"
	PATH=$PATH:/usr/sbin:/sbin mke2fs -q -t ext4 -d "$tree" "$work/root.img" 24M >/dev/null ||
		{ echo "test-$arch: no root file system made" >&2 && exit 3; }
	put "$work/root.img" root.img
	put "$rig/disks" disks
	put "$rig/power-cut" power-cut
	cat >"$work/power-cut.yaml" <<-END
		partitions:
		  linux:
		    cpus: {count: 1}
		    memory: 192M
		    image: /job/cloud
		    initrd: /job/guest-initrd
		    cmdline: ""
		    devices:
		      - {type: blk, path: /disks/writeback.img}
		      - {type: blk, path: /disks/none.img, cache: none}
	END
	put "$work/power-cut.yaml" power-cut.yaml
}

# put_devices CONSOLE KERNEL...: the case `devices`, and what it takes of a host with one of these kernels:
# modules, loaded in this order, and who talks to the guest.
put_devices() {
	local console=$1 kernel release module file n
	shift
	for kernel; do
		[ -e "$images/$kernel/package" ] || continue
		read -r release _ <"$images/$kernel/package"
		release=${release#linux-image-} n=10
		for module in net/vmw_vsock/{vsock,vmw_vsock_virtio_transport_common} \
			drivers/vhost/{vhost_iotlb,vhost,vhost_vsock} drivers/net/{tun,tap,dummy} \
			drivers/vhost/vhost_net net/llc/llc net/802/stp net/bridge/bridge; do
			file=$((n++))-${module##*/}.ko
			"$top/tests/images/unpack-module" "$images/$kernel/modules/$module".ko* \
				"$work/$release-$file"
			put "$work/$release-$file" "modules/$release/$file"
		done
		"$top/tests/images/unpack-module" "$images/$kernel/modules/drivers/block/loop".ko* \
			"$work/$release-loop.ko"
		put "$work/$release-loop.ko" "modules-disks/$release/loop.ko"
	done
	"$top/tests/images/cc" "$arch" "$work/vsock" "$top/tests/images/vsock.c"
	put "$work/vsock" /bin/vsock
	put "$rig/devices" devices
	put "$rig/pair" pair
	put "$rig/modules.sh" modules.sh
	kernel=passt$([ "$arch" = x86 ] || echo "-$arch")
	"$top/tests/images/fetch" "$kernel"
	put "$images/$kernel/passt" /bin/passt.elf
	"$top/tests/images/fetch-virtiofsd" "$arch"
	put "$images/virtiofsd-$arch/virtiofsd" /bin/virtiofsd
	put "$images/virtiofsd-$arch/loader" "$(cat "$images/virtiofsd-$arch/loader-path")"
	put "$images/virtiofsd-$arch/lib" /lib/virtiofsd
	put "$rig/talk-ports" talk-ports
	put_disks
	cat >"$work/devices.yaml" <<-END
		partitions:
		  linux:
		    cpus: {count: 2}
		    memory: 256M
		    image: /job/cloud
		    initrd: /job/guest-initrd
		    cmdline: $console quiet panic=-1
		      bulkhead.root
		      bulkhead.disks
		      bulkhead.hwrng
		      bulkhead.vsock
		      bulkhead.share
		      bulkhead.ports
		      bulkhead.net=dhcp
		    devices:
		      - net
		      - {type: blk, path: /disks/root.img, slot: 9}
		      - {type: blk, path: /disks/data.img, slot: 10, serial: data-disk, queues: 2, cache: none}
		      - {type: blk, path: /disks/readonly.img, slot: 11, readonly: true}
		      - rng
		      - {type: rng, slot: 7}
		      - {type: rng, transport: mmio}
		      - {type: vsock, cid: 42}
		      - {type: fs, tag: data, path: /job/share, transport: $([ "$arch" = x86 ] && echo pci || echo mmio)}
		      - {type: console, ports: [pty, {name: org.example.talk, to: pty}]}
	END
	put "$work/devices.yaml" devices.yaml
}

# put_pair CONSOLE: the case `pair`, two guests that talk to each other.
put_pair() {
	cat >"$work/pair.yaml" <<-END
		shared:
		  link: {type: ivshmem-v2, peers: [left, right], read_write: 4K, output: 8K, protocol: 0x4001}
		partitions:
		  left:
		    cpus: {count: 1}
		    memory: 192M
		    image: /job/cloud
		    initrd: /job/guest-initrd
		    cmdline: $1 quiet panic=-1 bulkhead.line=ask bulkhead.ivshmem bulkhead.net=10.78.0.1,
		    devices: [{type: ivshmem, region: link, slot: 4}, {type: net, bridge: br0, vhost: on}]
		    serial: [console, "link:right.1"]
		  right:
		    cpus: {count: 1}
		    memory: 192M
		    image: /job/cloud
		    initrd: /job/guest-initrd
		    cmdline: $1 quiet panic=-1 bulkhead.line=answer bulkhead.ivshmem bulkhead.net=10.78.0.2,10.78.0.1
		    devices: [{type: ivshmem, region: link, slot: 4}, {type: net, bridge: br0, vhost: off}]
		    serial: [console, "link:left.1"]
	END
	put "$work/pair.yaml" pair.yaml
}

# ---- run, and judge each as it ends ----

mark=@$RANDOM$RANDOM
passed=0 failed=0
passes() {
	echo "PASS $group/$1"
	passed=$((passed + 1))
}
fails() {
	echo "FAIL $group/$1: $2"
	[ $# -le 2 ] || printf '     %s\n' "${@:3}"
	failed=$((failed + 1))
}

# judge CODE SECONDS: the first of the cases left has ended. One that is no suite, which tries its own
# cases again, and fails gets a second try: emulated machines upset guests now and then (test-x86).
again=()
declare -A first_reason
judge() {
	local code=$1 seconds=$2 case=${left[0]} name judgement log
	IFS=$'\t' read -r name _ _ judgement _ <<<"$case"
	left=("${left[@]:1}")
	log=$logs/$name.log
	reasons=() counted=
	eval "set -- $judgement"
	"$1" "$log" "$code" "${@:2}"
	if [ ${#reasons[@]} != 0 ] && [ ! "$counted" ] && [ ! "${first_reason[$name]-}" ]; then
		first_reason[$name]=${reasons[0]}
		again+=("$case")
		mv "$log" "${log%.log}.first.log"
	elif [ ${#reasons[@]} != 0 ]; then
		fails "$name" "${reasons[@]}" "all of it: $log"
	elif [ "$counted" ]; then
		echo "$group: the suite $name took $seconds s"
	else
		passes "$name ($seconds s)${first_reason[$name]:+ flaky, attempt 2 of 2: ${first_reason[$name]}}"
	fi
}

# The script that runs the cases left, and frames what each prints. SIGKILL is for a bulkhead that
# does not keep its own time.
script() {
	local name seconds command
	for line in "${left[@]}"; do
		IFS=$'\t' read -r name _ seconds _ command <<<"$line"
		echo "echo $mark begin $name; start=\$(date +%s)"
		echo "timeout -s KILL $seconds $command"
		echo "code=\$?; echo; echo $mark end $name \$code \$((\$(date +%s) - start))"
	done
}

# Runs the cases left in a machine of their own until all have ended, or it hangs or ends before;
# `ended` tells how. Each case keeps its own time, so that a machine which says nothing of its end 20
# seconds after that is one that hangs; it has 60 seconds to start in.
run_machine() {
	local line log=/dev/null seconds=0 deadline start=60
	script >"$work/cases"
	echo 125 >"$work/code"
	exec 3< <(
		code=0
		"$rig/run" "$arch" "${options[@]}" --timeout 3600 --log "$logs/machine.log" "${files[@]}" \
			--file "$work/cases=cases" -- sh ./cases &
		trap 'kill $!; exit' TERM
		wait $! || code=$?
		echo "$code" >"$work/code"
	)
	machine=$!
	IFS=$'\t' read -r _ _ seconds _ <<<"${left[0]}"
	deadline=$((SECONDS + start + seconds + 20))
	while [ "$SECONDS" -lt "$deadline" ] &&
		IFS= read -r -t "$((deadline - SECONDS))" line <&3; do
		line=${line%$'\r'}
		case $line in
		"$mark begin "*)
			log=$logs/${line##* }.log
			: >"$log"
			;;
		"$mark end "*)
			read -r _ _ _ code seconds <<<"$line"
			judge "$code" "$seconds"
			log=/dev/null seconds=0
			[ ${#left[@]} = 0 ] || IFS=$'\t' read -r _ _ seconds _ <<<"${left[0]}"
			deadline=$((SECONDS + seconds + 20))
			;;
		*) printf '%s\n' "${line//$'\r'/}" >>"$log" ;;
		esac
	done
	if [ "$SECONDS" -ge "$deadline" ]; then
		kill "$machine" 2>/dev/null || true
		# Until the last of its processes is gone.
		timeout 15 cat <&3 >/dev/null || true
		ended=hung
	else
		ended="ended (code $(cat "$work/code"))"
	fi
	exec 3<&-
	machine=''
}

# Runs the cases left, of the machine ON.
run_left() {
	local on=$1 hangs=0 hung_in='' name
	mapfile -t options < <([ -z "${options_of[$on]}" ] || printf '%s\n' "${options_of[$on]}")
	while run_machine && [ "$ended" = hung ] && [ ${#left[@]} != 0 ]; do
		hangs=$((hangs + 1))
		mv "$logs/machine.log" "$logs/machine-hung-$on-$hangs.log"
		name=${left[0]%%$'\t'*}
		if [ "$hung_in" = "$name" ]; then
			fails "$name" "two emulated machines hung in it" \
				"their messages: $logs/machine-hung-*.log"
			left=("${left[@]:1}")
		fi
		hung_in=$name
		[ ${#left[@]} != 0 ] && [ "$hangs" -le 2 ] || break
		echo "$group: the emulated machine hung in $name; going on in a new one"
	done
	[ "$ended" != 'ended (code 3)' ] || exit 3
	if [ ${#left[@]} != 0 ]; then
		echo "FAIL $group/machine: it $ended with ${#left[@]} cases left; see $logs/machine*.log"
		failed=$((failed + ${#left[@]}))
	fi
	mv "$logs/machine.log" "$logs/machine-$on.log" 2>/dev/null || true
}

run_cases() {
	local on line at
	machine=''
	trap '[ -z "$machine" ] || kill "$machine" 2>/dev/null || true; rm -rf "$work"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	rm -f "$logs"/machine-*.log
	for on in "${machines[@]}"; do
		left=()
		for line in "${chosen[@]}"; do
			IFS=$'\t' read -r _ at _ <<<"$line"
			[ "$at" != "$on" ] || left+=("$line")
		done
		[ ${#left[@]} = 0 ] || run_left "$on"
		left=("${again[@]}") again=()
		[ ${#left[@]} = 0 ] || run_left "$on"
	done
	echo "$group: $passed passed, $failed failed"
	[ "$failed" = 0 ]
}

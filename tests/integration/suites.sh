# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# bulkhead test and bulkhead report: suites on real guests, planted faults, reports.

# suite FILE LINES...: a suite of small partitions that run ending.elf unless they say otherwise.
suite() {
	local file=$1
	shift
	{
		printf 'timeout: 20s\npartition: {image: "%s/ending.elf", memory: 16M}\ncases:\n' "$GUESTS"
		printf '  - %s\n' "$@"
	} >"$file"
}

# counts PASSED FAILED SKIPPED: the last line of what was printed.
counts() {
	tail -n 1 out | grep -qx "$1 passed, $2 failed, $3 skipped" ||
		fail "not $1 passed, $2 failed, $3 skipped: $(tail -n 1 out)"
}

test_suite-bare-images() {
	bulkhead 0 test "$GUESTS/hello.elf" "$GUESTS/log.elf"
	has out '^PASS hello/hello \(' '^PASS log/log \('
	counts 2 0 0
	bulkhead 2 test "$GUESTS/hello.elf" "$GUESTS/../guest/hello.elf"
	has err 'its name is hello, and so is that of'
	bulkhead 1 test nothing.elf
	has out '^FAIL nothing/nothing: not started: partitions.guest.image: .*nothing.elf: No such file or directory; correct the path'
}

# What a bad guest does is told as what it was.
test_suite-planted-faults() {
	printf '\353\376' >silent.bin # jmp itself
	printf '\146\272\005\005\260\001\356\353\376' >pvpanic.bin # out 1 to port 0x505, then the same
	printf '\372\364\353\375' >halt.bin # interrupts off, halt, again
	# h to port 0x2F8, 0 to the exit port; x to port 0x3E8, again and again
	printf '\146\272\370\002\260\150\356\146\272\364\000\061\300\356\353\376' >com2.bin
	printf '\146\272\350\003\260\170\356\353\375' >com3.bin
	suite s.yaml \
		'{name: hang-silent, timeout: 2s, partition: {image: {path: silent.bin, type: raw}}, expect: {console: [hello]}}' \
		'{name: hang-after, timeout: 3s, partition: {cmdline: how=spin}, expect: {console: ["how=spin", done]}}' \
		"{name: panic, partition: {image: $GUESTS/echo.elf}, expect: {console: [ready, {send: \"Kernel panic - not syncing: VFS\"}, never]}}" \
		'{name: pvpanic, partition: {image: {path: pvpanic.bin, type: raw}, machine: testdev}}' \
		'{name: triple-fault, partition: {cmdline: how=triple-fault}}' \
		'{name: flood, partition: {cmdline: how=flood lines=100000000}, expect: {max_output: 16K}}' \
		'{name: flood-time, timeout: 3s, partition: {cmdline: how=flood lines=100000000}}' \
		"{name: silent-success, partition: {image: $GUESTS/hello.elf}, expect: {console: [hello, goodbye]}}" \
		"{name: exits, partition: {image: $GUESTS/storm.elf, cmdline: how=ports}, expect: {max_exits_per_second: 100}}" \
		"{name: wrong-console, plan: {partitions: {g: {cpus: {count: 1}, memory: 16M, image: $GUESTS/hello.elf, serial: [console, console]}}}, expect: {console: [{text: hello, port: com2}]}}" \
		'{name: code, partition: {cmdline: how=exit code=7}}' \
		'{name: reset, partition: {cmdline: how=cf9}}' \
		'{name: halted, timeout: 2s, partition: {image: {path: halt.bin, type: raw}}}' \
		'{name: com2, partition: {image: {path: com2.bin, type: raw}}, expect: {console: [h]}}' \
		'{name: com3-hang, timeout: 2s, partition: {image: {path: com3.bin, type: raw}}, expect: {console: [x]}}' \
		'{name: cmdline, timeout: 2s, silence: 1s, partition: {cmdline: "how=spin console=ttyS2"}, expect: {console: [done]}}' \
		'{name: late, timeout: 10s, partition: {cmdline: how=spin}, expect: {console: [{text: done, within: 300ms, name: booted}]}}' \
		"{name: forbidden, partition: {image: $GUESTS/hello.elf}, expect: {forbid: [{regex: \"^hello from\"}]}}" \
		'{name: no-fatal, partition: {cmdline: how=off}, expect: {fatal: triple fault}}' \
		"{name: no-heartbeat, partition: {image: $GUESTS/hello.elf}, expect: {max_heartbeat_gap: 1s}}" \
		"{name: heartbeat, partition: {image: $EXAMPLES/heartbeat.elf, cmdline: beats=5}, expect: {console: [beats expected], stop: true, max_heartbeat_gap: 1ms}}" \
		"{name: well, partition: {image: $GUESTS/hello.elf}}"
	bulkhead 1 test s.yaml --json report.json --artifacts art
	has out '^FAIL s/hang-silent: not ended within 2.000 s: no output at all, so it hangs before its first; "hello" never showed \(0 of 1 did\); guest: vCPU 0 spins at PC 0x100000; no exits' \
		'^FAIL s/hang-after: not ended within 3.000 s: it hangs, silent for the last (2.[0-9]|3.0) s; "done" never showed \(1 of 2 did\); guest: vCPU 0 (spins|runs,) at PC 0x[0-9a-f]+.*; last exits: .*out 0x3f8: "how=spin.r.n"' \
		'^FAIL s/halted: not ended within 2.000 s: no output at all, .*; guest: vCPU 0 halted with interrupts off at PC 0x100002' \
		'^FAIL s/com2: it ended with exit code 0; "h" never showed \(0 of 1 did\); guest: it writes to COM2 \(port 0x2f8\), which this partition lacks' \
		'^FAIL s/com3-hang: .*no output at all.*vCPU 0 loops at PC 0x10000[0-9].*nobody owns: 0x3e8 \(COM3, written [0-9]+ times\); it writes to COM3 \(port 0x3e8\), which' \
		'^FAIL s/cmdline: .*"done" never showed.*; console=ttyS2 names a device that this partition lacks \(it has ttyS0\)' \
		'^FAIL s/panic: guest.com1 says ".*Kernel panic - not syncing: VFS' \
		'^FAIL s/pvpanic: guest: .*panic' \
		'^FAIL s/triple-fault: guest: triple fault' \
		'^FAIL s/flood: guest.com1 has said more than 16384 bytes' \
		'^FAIL s/flood-time: not ended within 3.000 s: it still writes, [0-9]+ bytes so far' \
		'^FAIL s/silent-success: it ended with exit code 0; "goodbye" never showed \(1 of 2 did\)' \
		'^FAIL s/exits: [0-9]+ exits (per second|in [0-9.]+ s); max_exits_per_second allows 100' \
		'^FAIL s/wrong-console: it ended with exit code 0; "hello" never showed \(0 of 1 did\): g.com2 has said nothing, g.com1 has' \
		'^FAIL s/code: exit code 1, not 0: guest: code 7, by exit port 0xF4' \
		'^FAIL s/reset: exit code 1, not 0: guest: .*0xCF9' \
		'^FAIL s/late: booted did not show within 0.300 s of the start; guest: vCPU 0 (spins|runs,) at PC' \
		'^FAIL s/forbidden: guest.com1 says "hello from .*", and /\^hello from/ is forbidden' \
		'^FAIL s/no-fatal: the fatal error /triple fault/ did not happen: guest: ' \
		'^FAIL s/no-heartbeat: no partition has ever kicked its heartbeat' \
		'^FAIL s/heartbeat: guest: no heartbeat for [0-9.]+ ms; max_heartbeat_gap allows 1.000 ms' \
		'^PASS s/well'
	counts 1 21 0
	has art/triple-fault/registers.txt 'RIP' 'CR3' '^  last on com1:$'
	lacks out 'last on com1'
	[ "$(grep -c '^  [|] *how=triple-fault' out)" = 1 ] || fail "its last lines are not there once"
	has art/hang-after/guest.com1.log '^\[ *[0-9]+\.[0-9]{6}\] how=spin'
	[ "$(stat -c %s art/flood-time/guest.com1.log)" -lt 6000000 ] || fail "the log is not bounded"
	has art/com3-hang/diagnosis.txt '^guest:$' '^  last exits' 'out 0x3e8: "x{16}", which nobody owns' 'RIP' '^COM1: 0 bytes written'
	has art/cmdline/diagnosis.txt '^no output for [1-3] s: vCPU 0 (spins|runs,) at PC'
	has art/com2/result.json '"hints": ' '"name": "COM2"' '"address": 760'
	has art/code/result.json '"cause": "exit-code"' '"guest_code": 7' '"count": '
	has art/code/events.jsonl '"text":"OPERATIONAL"'
	bulkhead 0 check art/well/plan.yaml
	expect 1 sh art/code/repeat.sh
	has out '^FAIL s/code: '
	bulkhead 1 test s.yaml --filter code --artifacts art --cores --require-kvm --rig --silence 2s \
		--timeout 30s --retry 1 --jobs 1
	has art/code/repeat.sh "/bulkhead' 'test' '--timeout=30000000000ns' '--silence=2000000000ns' '--require-kvm' '--rig' 's.yaml' --filter='code'"
	# As it is told inside the rig.
	BULKHEAD_RIG='["/bin/bulkhead", "rig", "--arch", "arm64", "--kernel=a b", "--"]' \
		bulkhead 1 test s.yaml --filter code --artifacts rig
	has out 'emulated: times say nothing'
	has rig/code/repeat.sh "exec '/bin/bulkhead' 'rig' '--arch' 'arm64' '--kernel=a b' '--' 'test' 's.yaml' --filter='code'"
	expect 1 sh art/triple-fault/repeat.sh --artifacts again --cores
	[ -s again/triple-fault/guest.core ] || fail "no core"
}

test_suite-expectations() {
	suite s.yaml \
		'{name: fatal, partition: {cmdline: how=triple-fault}, expect: {fatal: triple fault}}' \
		'{name: code, partition: {cmdline: how=exit code=7}, expect: {guest_code: 7}}' \
		'{name: exit, partition: {cmdline: how=exit code=7}, expect: {exit_code: 1}}' \
		"{name: talk, partition: {image: $GUESTS/echo.elf}, expect: {console: [ready, {send: abc}, {regex: '^.abc.\$', send: quit, within: 15s}]}}" \
		'{name: stopped, partition: {cmdline: how=spin}, expect: {console: ["how=spin"], stop: true}}' \
		"{name: beats, partition: {image: $EXAMPLES/heartbeat.elf, cmdline: beats=5}, expect: {console: [beats expected], stop: true, max_heartbeat_gap: 5s, max_exits_per_second: 1000000}}" \
		'{name: "way-${way}", matrix: {way: [off, exit]}, partition: {cmdline: "how=${way}"}}' \
		"{name: small, matrix: {image: [$GUESTS/hello.elf, $GUESTS/log.elf], memory: [16M, 32M]}, partition: {image: \"\${image}\", memory: \"\${memory}\"}}"
	bulkhead 0 test s.yaml
	counts 12 0 0
	has out '^PASS s/way-exit ' '^PASS s/small:hello.elf,32M '
	bulkhead 0 test --list --filter 'small*' s.yaml
	[ "$(cat out)" = 's/small:hello.elf,16M
s/small:hello.elf,32M
s/small:log.elf,16M
s/small:log.elf,32M' ] || fail "not in this order"
	bulkhead 2 test --filter nobody s.yaml
	has err 'no case matches --filter'
}

# A plan's own cores are its alone; cases with such plans run beside others all the same.
test_suite-exclusive-cores() {
	need_cores 2
	suite s.yaml \
		"{name: alone, matrix: {n: [1, 2, 3]}, plan: {partitions: {g: {cpus: [1], memory: 16M, image: $GUESTS/hello.elf}}}, expect: {console: [hello]}}" \
		"{name: both, plan: {partitions: {a: {cpus: [0], memory: 16M, image: $GUESTS/hello.elf}, b: {cpus: [1], memory: 16M, image: $GUESTS/hello.elf}}}, expect: {console: [{text: hello, partition: a}]}}" \
		"{name: shared, matrix: {n: [1, 2, 3, 4]}, partition: {image: $GUESTS/hello.elf}}"
	bulkhead 0 test s.yaml --jobs 4
	counts 8 0 0
}

test_suite-skips() {
	suite s.yaml \
		"{name: cores, partition: {image: $GUESTS/hello.elf}, needs: {cores: 1000}}" \
		"{name: memory, partition: {image: $GUESTS/hello.elf}, needs: {memory: 900G}}" \
		"{name: core, plan: {partitions: {g: {cpus: [1000], memory: 16M, image: $GUESTS/hello.elf}}}}" \
		'{name: arm, plan: {arch: arm64, partitions: {g: {cpus: {count: 1}, memory: 32M, image: x}}}}'
	bulkhead 77 test s.yaml --junit j.xml
	counts 0 0 4
	has out '^SKIP s/cores: it needs 1000 cores' '^SKIP s/memory: it needs 921600 MiB' \
		'^SKIP s/core: this host cannot run it: partitions.g.cpus: this host has no core 1000' \
		'^SKIP s/arm: it is for arm64'
	has j.xml 'skipped="4"'
	bulkhead 1 test s.yaml --require-kvm --filter core
	has out '^FAIL s/core: this host cannot run it'
	[ "$(id -u)" = 0 ] || skip "needs root to give up rights"
	make_public
	chmod 777 .
	expect 77 "${unprivileged[@]}" "$BULKHEAD" test "$GUESTS/hello.elf"
	has out '^SKIP hello/hello: /dev/kvm: Permission denied; `bulkhead doctor`'
	expect 1 "${unprivileged[@]}" "$BULKHEAD" test --require-kvm "$GUESTS/hello.elf"
	counts 0 1 0
}

test_suite-reports() {
	command -v xmllint >/dev/null || skip "needs xmllint"
	suite s.yaml \
		"{name: ok, matrix: {n: [1, 2, 3, 4, 5]}, partition: {image: $GUESTS/hello.elf}}" \
		"{name: bad, partition: {cmdline: 'how=exit code=3 <&\">'}}" \
		"{name: big, partition: {image: $GUESTS/hello.elf}, needs: {memory: 900G}}"
	bulkhead 1 test s.yaml "$GUESTS/hello.elf" --junit all.xml --json all.json
	counts 6 1 1
	expect 0 xmllint --noout --schema "$root/tests/golden/junit.xsd" all.xml
	BULKHEAD_RIG='[]' bulkhead 1 test s.yaml --junit emulated.xml --json emulated.json
	has emulated.json '"emulated": true'
	has emulated.xml '<property name="emulated" value="true"/>'
	expect 0 xmllint --noout --schema "$root/tests/golden/junit.xsd" emulated.xml
	has all.json '"emulated": false'
	# What it is worth: a wrong file is not valid.
	sed 's/ tests="[0-9]*"//' all.xml >wrong.xml
	expect 3 xmllint --noout --schema "$root/tests/golden/junit.xsd" wrong.xml
	for shard in 1 2 3; do
		timeout 60 "$BULKHEAD" test s.yaml "$GUESTS/hello.elf" --shard $shard/3 \
			--json shard$shard.json >>shards 2>&1
	done
	has shard2.json '"shard": \[$'
	lacks all.json '"shard"'
	bulkhead 2 report merge shard1.json shard3.json --json merged.json
	has err '^bulkhead: shard 2 of 3 is missing; give its report'
	[ ! -e merged.json ] || fail "a report of a part"
	bulkhead 2 report merge shard1.json shard2.json shard3.json shard2.json
	has err '^bulkhead: shard2.json: it is shard 2 of 3, and so is shard2.json'
	sed 's/"bulkhead_report": 1/&, "shard": [1, 2]/' all.json >other.json
	bulkhead 2 report merge shard1.json shard2.json shard3.json other.json
	has err '^bulkhead: other.json: it is shard 1 of 2, but shard1.json is one of 3'
	bulkhead 1 report merge shard3.json shard1.json shard2.json --junit merged.xml --json merged.json
	counts 6 1 1
	expect 0 xmllint --noout --schema "$root/tests/golden/junit.xsd" merged.xml
	diff <(grep -o '"name": "[^"]*"' all.json | sort) <(grep -o '"name": "[^"]*"' merged.json | sort) ||
		fail "shards and all are not the same cases"
	bulkhead 1 report merge all.xml merged.xml --junit both.xml
	counts 12 2 2
	expect 0 xmllint --noout --schema "$root/tests/golden/junit.xsd" both.xml
	echo '<html>' >page.xml
	bulkhead 2 report merge all.xml page.xml
	has err 'page.xml: not a JUnit file'
	lacks merged.json '"shard"'
	bulkhead 1 report merge merged.json all.json
	counts 12 2 2
	bulkhead 2 report merge shard1.json all.xml
	has err 'all.xml:1: not readable as JSON'
	bulkhead 2 report merge "$root/configs/plan.schema.json"
	has err 'not a report of bulkhead test'
	bulkhead 1 test --tap s.yaml
	has out '^TAP version 14$' '^1\.\.7$' '^not ok [0-9] - s/bad$' '^ok [0-9] - s/big # SKIP it needs'
	command -v prove >/dev/null || skip "needs prove"
	# Debian 12's knows version 13, of which 14 is an extension.
	sed 's/^TAP version 14/TAP version 13/' out >t.tap
	prove -e cat t.tap >proved 2>&1
	has proved 'Failed 1/7 subtests|Tests: 7 Failed: 1'
	lacks proved 'Parse errors'
	export GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY=$PWD/summary.md
	bulkhead 1 test s.yaml
	has out '^::error file=s.yaml,line=[0-9]+,title=s/bad::exit code 1, not 0: guest: code 3, by exit port 0xF4%0A'
	has summary.md '^\| s/bad \| failed \|' '^\| s/big \| skipped \|'
}

# A guest that fails once and then does not.
test_suite-flaky() {
	suite s.yaml '{name: sometimes, plan: plan.yaml, set: [partitions.g.memory=16M]}'
	plan_of g how=off 0 | sed 's/cpus: .*/cpus: {count: 1}/' >plan.yaml
	suite bad.yaml '{name: always, partition: {cmdline: how=exit code=3}}'
	bulkhead 1 test bad.yaml --retry 2 --artifacts art
	counts 0 1 0
	[ -d art/always ] && [ -d art/always.3 ] && [ ! -e art/always.4 ] || fail "not three attempts"
	# The image is not there at first.
	sed "s|$GUESTS/ending.elf|$PWD/late.elf|" plan.yaml >p && mv p plan.yaml
	(
		sleep 0.3
		cp "$GUESTS/ending.elf" late.elf
	) &
	bulkhead 0 test s.yaml --retry 100000 --json r.json
	has out '^PASS s/sometimes .* flaky, attempt ' '^1 flaky$'
	has r.json '"flaky": "not started: '
}

test_suite-fail-fast-and-signals() {
	suite s.yaml '{name: bad, partition: {cmdline: how=exit code=3}}' \
		'{name: long, matrix: {n: [1, 2, 3, 4, 5, 6]}, partition: {cmdline: how=spin}}'
	bulkhead 1 test s.yaml --fail-fast --jobs 2 --json r.json
	counts 0 1 6
	has r.json '"text": "not run: bad has failed"'
	timeout -k 5 40 "$BULKHEAD" test s.yaml --filter 'long*' >out 2>err </dev/null &
	guard=$!
	within 10 pgrep -f "name test-[0-9]+-[0-9]+ " >/dev/null || fail "no case runs"
	within 5 find_supervisor || fail "no runner"
	sleep 0.3
	kill -INT "$supervisor"
	finish 130
	counts 0 0 6
	# Killed itself, it takes its cases with it.
	timeout -k 5 40 "$BULKHEAD" test s.yaml --filter 'long*' >out 2>err </dev/null &
	guard=$!
	within 5 find_supervisor || fail "no runner"
	within 10 pgrep -P "$supervisor" >runs || fail "no case runs"
	kill -KILL "$supervisor"
	wait "$guard"
	for run in $(cat runs); do
		within 10 gone "$run" || fail "run $run is left"
	done
}

# A run that does not even react to signals is killed, and everything else goes on.
test_suite-wedged() {
	suite s.yaml '{name: wedged, timeout: 2s, partition: {cmdline: how=spin}}' \
		"{name: well, matrix: {n: [1, 2, 3]}, partition: {image: $GUESTS/hello.elf}}"
	timeout -k 5 60 "$BULKHEAD" test s.yaml --jobs 2 >out 2>err </dev/null &
	guard=$!
	within 5 find_supervisor || fail "no runner"
	within 10 eval 'run=$(pgrep -P "$supervisor" | head -n 1); [ -n "$run" ]' || fail "no case runs"
	sleep 0.5
	kill -STOP "$run" 2>/dev/null
	finish 1
	has out '^FAIL s/wedged: not (ended|started) within 2.000 s'
	counts 3 1 0
	gone "$run" || fail "it is left"
}

test_suite-mistakes() {
	cat >s.yaml <<-'END'
		timeuot: 3s
		cases:
		  - name: a b
		    partition: {image: x.elf, memory: lots}
		  - name: c
		    partition: {image: x.elf}
		    plan: p.yaml
		  - name: d
		    matrix: {n: [1, 2]}
		    partition: {image: "${m}"}
		  - name: e
		    partition: {image: x.elf}
		    expect: {console: [{regex: "("}, {text: a, port: com2}], stop: true}
		  - name: e
		    partition: {image: x.elf}
	END
	bulkhead 2 test s.yaml
	has err '^bulkhead: s.yaml:1:1: timeuot: unknown key; did you mean timeout\?' \
		'^bulkhead: s.yaml:3:11: cases.name: "a b" is no name of a case' \
		'^bulkhead: s.yaml:4:39: partitions.guest.memory.size: "lots" is not a size' \
		'^bulkhead: s.yaml:6:16: cases.partition: the case has a plan, too' \
		'^bulkhead: s.yaml:10:24: "\$\{m\}": there is no such variable, nor axis' \
		'^bulkhead: s.yaml:13:24: cases.expect.console: not a POSIX extended regular expression' \
		'^bulkhead: s.yaml:13:38: cases.expect.console: the plan has no such port' \
		'^bulkhead: s.yaml:14:5: cases.name: "e" is also the case at s.yaml:11:5'
	bulkhead 2 test nothing.yaml
	has err 'nothing.yaml: the suite cannot be read: No such file'
	bulkhead 2 test --shard 3/2 "$GUESTS/hello.elf"
	has err 'not I/N with I from 1 to N'
}

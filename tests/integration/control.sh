# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# The control socket and its commands: list, stop, kill, pause, resume, restart, console, events,
# stats; names, claims of cores, detached runs; and clients that mean harm.

# A plan of two partitions that go on until they are stopped: `one` spins, `two` echoes what it is
# told.
control_plan() {
	plan_of one how=spin 0 two how=spin 1 | sed "/two:/,\$s|ending.elf|echo.elf|"
}

# begin ARGUMENTS...: bulkhead run in the background, without a console, once it is OPERATIONAL. What
# it says is in run.err, so that commands have out and err to themselves.
begin() {
	start run --console none "$@"
	within 10 is_operational || fail "the run is not OPERATIONAL"
	mv out run.out
	mv err run.err
}

# start_control ARGUMENTS...: the plan above.
start_control() {
	control_plan >plan.yaml
	begin plan.yaml "$@"
}

is_operational() {
	"$BULKHEAD" list 2>/dev/null | grep -q OPERATIONAL
}

# state PARTITION: its state, as list has it.
state() {
	"$BULKHEAD" list --json | sed -n "/\"name\": \"$1\"/,/\"state\"/s/.*\"state\": \"\(.*\)\",/\1/p"
}

# state_is PARTITION STATE
state_is() {
	[ "$(state "$1")" = "$2" ] || fail "$1 is $(state "$1"), not $2"
}

test_control-list() {
	need_cores 2
	bulkhead 0 list
	[ ! -s out ] || fail "there is no run to list"
	bulkhead 0 list --json
	[ "$(cat out)" = '[]' ] || fail "not an empty array"
	start_control
	bulkhead 0 list
	has out '^RUN +RUN STATE +PARTITION' '^plan +OPERATIONAL +one +non-safety +running +0 +32M +0 +0$' \
		'^plan +OPERATIONAL +two '
	bulkhead 0 list --json
	"$json_program" <out || fail "not JSON"
	has out '"state": "OPERATIONAL"' '"vcpus": 1' '"locked": false'
	bulkhead 2 list --run other
	has err 'there is no run "other"'
	kill "$supervisor"
	finish 130
	[ -z "$(ls "$XDG_RUNTIME_DIR/bulkhead")" ] || fail "the socket is left behind"
}

test_control-socket-is-private() {
	need_cores 2
	start_control
	[ "$(stat -c %a "$XDG_RUNTIME_DIR/bulkhead")" = 700 ] || fail "the folder is not 0700"
	[ "$(stat -c %a "$XDG_RUNTIME_DIR/bulkhead/plan.sock")" = 600 ] || fail "the socket is not 0600"
	kill "$supervisor"
	finish 130
	chmod 755 "$XDG_RUNTIME_DIR/bulkhead"
	bulkhead 0 run plan.yaml --set partitions.one.cmdline=how=off --set partitions.two.image="$GUESTS/ending.elf" \
		--set partitions.two.cmdline=how=off
	has err "will not see this run: .*/bulkhead: it is not this user's alone; see the folder"
}

test_control-pause-resume() {
	need_cores 2
	start_control
	bulkhead 0 pause one
	has out '^one: paused$'
	state_is one paused
	state_is two running
	bulkhead 1 pause one
	has err '^bulkhead pause: plan: one is paused: it cannot be paused$'
	bulkhead 0 resume one --json
	"$json_program" <out || fail "not JSON"
	has out '"ok": true' '"state": "running"'
	state_is one running
	bulkhead 1 resume one --json
	has out '"ok": false' '"exit_code": 1' 'it cannot be resumed'
	bulkhead 2 pause
	has err 'an argument is missing'
	bulkhead 2 pause three
	has err 'there is no "three"; `bulkhead list` shows'
	bulkhead 0 events --json
	has out '"kind":"state","text":"paused"'
	kill "$supervisor"
	finish 130
}

# A paused guest does nothing; afterwards it goes on where it was.
test_control-paused-guest() {
	need_cores 2
	start_control
	bulkhead 0 pause two
	{ printf 'hello\r'; sleep 0.5; } | timeout 5 "$BULKHEAD" console two >shown 2>err &
	sleep 1
	lacks shown '\[hello\]'
	bulkhead 0 resume two
	within 5 grep -q '\[hello\]' shown || fail "it did not go on: $(cat shown)"
	kill "$supervisor"
	finish 130
	wait
}

in_events() {
	"$BULKHEAD" events 2>/dev/null | grep -q "$1"
}

test_control-stop() {
	need_cores 2
	start_control --set partitions.one.stop_timeout=2s --set partitions.two.stop_timeout=200ms
	"$BULKHEAD" stop one >first.out &
	within 5 in_events 'one .*asked to end itself' || fail "one was not asked"
	bulkhead 1 stop one
	has err 'one is running, and being stopped: it cannot be stopped'
	wait $!
	has first.out '^one: stopped$'
	state_is one stopped
	state_is two running
	bulkhead 1 stop one
	has err 'one is stopped: it cannot be stopped'
	bulkhead 0 stop
	has out '^plan: stopped$'
	finish 0
	has run.err 'one: stopped by command.*exit code 0$'
	bulkhead 2 stop
	has err 'no run is going'
}

# What a guest logs is shown as it happens, made safe, as lines of the run and as events.
test_control-log() {
	need_cores 2
	plan_of one 'hostile=1 lines=3 how=spin' 0 two how=spin 1 |
		sed "/one:/,/two:/s|ending.elf|log.elf|" >plan.yaml
	begin plan.yaml
	within 5 grep -q 'one: guest says: number: 3$' run.err || fail "the last line is missing"
	has run.err '^bulkhead: one: guest says: clears: \?\[2J\?\[1;1H$' \
		'^bulkhead: one: guest says: two lines\?bulkhead: safety: exit code 0$' \
		'^bulkhead: one: guest says: title: \?\]0;mine\?$' \
		'^bulkhead: one: guest says: quotes: "\\", "kind": "fatal"$' \
		'^bulkhead: one: guest says: format: %s%n%s$' \
		'^bulkhead: one: guest says: letters: 21 °C$' \
		'^bulkhead: one: guest says: not letters: \?\?31m \? \?\?\?$' \
		'^bulkhead: one: guest says: x{256}$'
	[ "$(grep -c 'guest says' run.err)" = 11 ] || fail "other lines: $(cat run.err)"
	bulkhead 0 events
	has out 'one +log +two lines\?bulkhead: safety: exit code 0$' 'one +log +number: 3$'
	bulkhead 0 events --json
	while read -r line; do
		"$json_program" <<<"$line" || fail "not JSON: $line"
	done <out
	has out '"kind":"log","text":"letters: 21 °C"' '"kind":"log","text":"x{256}"'
	kill "$supervisor"
	finish 130
}

# A guest that logs without a pause is shown now and then, and how many lines were dropped; nobody
# else's events are lost by it, nor does it slow anybody down.
test_control-log-flood() {
	need_cores 2
	plan_of one 'lines=1000000000' 0 two how=spin 1 |
		sed "/one:/,/two:/s|ending.elf|log.elf|" >plan.yaml
	begin plan.yaml
	within 5 grep -q 'one: [0-9]* lines that its guest logged were dropped' run.err ||
		fail "nobody says that lines were dropped"
	bulkhead 0 pause two
	sleep 1
	bulkhead 0 events
	has out 'two +state +paused$' 'one +log +number: '
	bulkhead 0 stop
	finish 0
	[ "$(grep -c 'guest says' run.err)" -lt 1000 ] || fail "too many lines"
	has run.err '^bulkhead: one: [0-9]+ lines that its guest logged were dropped: it logged faster'
}

# A guest's last words come before its end.
test_control-log-at-the-end() {
	need_cores 1
	bulkhead 0 boot "$GUESTS/log.elf" --cmdline lines=60
	[ "$(grep -c '^bulkhead: guest: guest says: number: ' err)" = 60 ] || fail "not all lines: $(cat err)"
	verdict 'exit code 0$'
	bulkhead 0 boot "$GUESTS/log.elf" --cmdline lines=10000 --json
	"$json_program" <out || fail "not JSON"
	has out '"guest_log_dropped": [1-9][0-9]*'
}

test_control-kill-restart() {
	need_cores 2
	start_control
	bulkhead 0 kill two
	has out '^two: (stopped|failed)$'
	bulkhead 0 restart two
	has out '^two: running$'
	bulkhead 0 list
	has out '^plan .* two .* 1$'
	bulkhead 0 kill plan
	has out '^plan: stopped$'
	finish 0
}

test_control-console() {
	need_cores 2
	local i
	start_control
	# What it said before, then what it says.
	{ printf 'first\r'; sleep 0.3; } | timeout 5 "$BULKHEAD" console two >one.out 2>one.err &
	within 5 grep -q '\[first\]' one.out || fail "no answer: $(cat one.out one.err)"
	timeout 5 "$BULKHEAD" console two --read-only >late.out 2>late.err </dev/null &
	within 5 grep -q '\[first\]' late.out || fail "no replay: $(cat late.out late.err)"
	# Several read. The input is free once who had it sends no more.
	sleep 0.5
	{ printf 'second\r'; sleep 1; } | timeout 5 "$BULKHEAD" console plan/two >two.out 2>two.err &
	for i in one two late; do
		within 5 grep -q '\[second\]' $i.out || fail "$i does not see: $(cat $i.out $i.err)"
	done
	bulkhead 1 console two --port 2 </dev/null
	has err 'two has no such port; it has com1'
	bulkhead 2 console </dev/null
	has err 'several partitions'
	kill "$supervisor"
	finish 130
	wait
	has late.err 'the console is at its end'
}

# Who watches a partition sees its next life, too.
test_control-console-restart() {
	need_cores 2
	start_control --set partitions.two.stop_timeout=200ms
	timeout 20 "$BULKHEAD" console two >shown 2>shown.err < <(sleep 15) &
	within 5 grep -q ready shown || fail "no console: $(cat shown shown.err)"
	bulkhead 0 restart two
	within 10 grep -q 'console: two: restart 1' shown.err || fail "not attached again: $(cat shown.err)"
	within 5 eval '[ "$(grep -c ready shown)" = 2 ]' || fail "it does not show: $(cat shown)"
	bulkhead 0 kill two
	within 5 grep -q 'the console is at its end' shown.err || fail "it waits for a partition that is over"
	kill "$supervisor"
	finish 130
}

test_control-console-keys() {
	need_cores 2
	start_control
	{ sleep 0.5; printf 'here\r'; sleep 0.5; printf '\035'; sleep 0.5; } |
		timeout 10 script -qec "$BULKHEAD console two" /dev/null >shown 2>err ||
		skip "no script(1)"
	has shown 'Ctrl-\] or Ctrl-A d detaches' '\[here\]' 'console: detached'
	state_is two running
	kill "$supervisor"
	finish 130
}

test_control-one-writer() {
	need_cores 2
	start_control
	{ printf 'mine\r'; sleep 2; } | timeout 5 "$BULKHEAD" console two >a.out 2>a.err &
	within 5 grep -q '\[mine\]' a.out || fail "no answer"
	{ printf 'yours\r'; sleep 0.5; } | timeout 5 "$BULKHEAD" console two >b.out 2>b.err &
	within 5 grep -q 'input comes from another console' b.out || fail "two may write: $(cat b.out)"
	lacks a.out '\[yours\]'
	kill "$supervisor"
	finish 130
	wait
}

test_control-events() {
	need_cores 2
	start_control
	timeout 20 "$BULKHEAD" events --follow >followed 2>&1 &
	within 5 grep -q OPERATIONAL followed || fail "the past is missing"
	bulkhead 0 pause one
	within 5 grep -qE ' one +state +paused$' followed || fail "it does not follow"
	bulkhead 0 events two
	lacks out ' one '
	bulkhead 0 events --since 1000
	[ ! -s out ] || fail "events of the future"
	kill "$supervisor"
	finish 130
	wait
	has followed ' end +exit code 130$'
}

has_counters() {
	"$BULKHEAD" stats two | grep -q port
}

test_control-stats() {
	need_cores 2
	start_control
	within 5 has_counters || fail "no counters"
	bulkhead 0 stats two
	has out '^PARTITION +VCPU +COUNT +WHAT' '^two +0 +[1-9][0-9]* +port'
	lacks out '^one'
	bulkhead 0 stats --json
	"$json_program" <out || fail "not JSON"
	has out '"partition": "one"' '"partition": "two"'
	kill -STOP "$(partition one)"
	bulkhead 1 stats one
	has err 'the process of one does not answer'
	bulkhead 0 stats two
	kill -CONT "$(partition one)"
	kill "$supervisor"
	finish 130
}

# A run that is still in INIT: its BSP does not come to an end.
in_state() {
	"$BULKHEAD" list 2>/dev/null | grep -q "$1"
}

test_control-init() {
	bsp_plan 'init hang' how=off
	sed -i 's/^bsp:/&\n  deadline: 20s/' plan.yaml
	start run plan.yaml --console none
	within 10 in_state INIT || fail "it is not listed in INIT"
	mv err run.err
	state_is rt created
	bulkhead 1 pause rt
	has err 'rt is created: it cannot be paused'
	bulkhead 1 console rt </dev/null
	has err 'rt is created: it has no console to attach to'
	bulkhead 0 stop
	finish 0
	has run.err 'rt: not started; exit code 0$'
}

# ---- several runs ----

spinning() {
	plan_of a how=spin 0 | sed 's/cpus: \[0\]/cpus: {count: 1}/'
}

test_control-names() {
	spinning >plan.yaml
	local first
	begin plan.yaml
	first=$supervisor
	timeout 30 "$BULKHEAD" run plan.yaml --console none >out2 2>err2 </dev/null &
	second=$!
	within 10 "$BULKHEAD" list --run plan-2 >/dev/null 2>&1 || fail "no plan-2: $(cat err2)"
	bulkhead 2 run plan.yaml --name plan
	has err '^bulkhead: --name: a run named "plan" is going; stop it, or choose another name$'
	bulkhead 2 run plan.yaml --set name=plan-2
	has err 'name: a run named "plan-2" is going'
	bulkhead 2 run plan.yaml --name a/b
	has err 'this is no name of a run'
	bulkhead 2 pause a
	has err 'several are meant: plan/a, plan-2/a; name one'
	bulkhead 2 kill
	has err 'several are meant: plan/, plan-2/; name one, or give --run'
	bulkhead 0 pause plan-2/a
	bulkhead 0 pause a --run plan
	bulkhead 2 pause plan/a --run plan-2
	has err 'different runs'
	bulkhead 0 kill plan-2
	wait "$second"
	bulkhead 0 kill plan/
	finish 0
	[ ! -e "/proc/$first" ] || fail "it is still there"
}

test_control-claims() {
	need_cores 2
	control_plan >plan.yaml
	begin plan.yaml --name owner
	plan_of c how=off 1 >other.yaml
	bulkhead 3 run other.yaml
	has err "^bulkhead: other.yaml:6:11: partitions.c.cpus: core 1 belongs to run \"owner\" \(process $supervisor\); stop that run"
	sed -i 's/cpus: \[1\]/cpus: {count: 1, on: [1]}/' other.yaml
	bulkhead 3 run other.yaml
	has err 'partitions.c.cpus: core 1 belongs to run "owner"'
	# The dead have no claims.
	kill -KILL "$supervisor"
	finish 137
	plan_of c how=off 1 >other.yaml
	bulkhead 0 run other.yaml --name owner
}

test_control-without-a-place() {
	spinning >plan.yaml
	make_public
	cp plan.yaml public.yaml
	sed -i "s|image: .*|image: $GUESTS/ending.elf|; s/how=spin/how=off/; s/memory: 32M/memory: {size: 32M, lock: false}/" public.yaml
	# A /dev/kvm that anybody may open, for this test alone.
	cp -a /dev/kvm kvm && chmod 666 kvm && [ "$(id -u)" = 0 ] || skip "needs root to make a /dev/kvm"
	local open_kvm=(unshare -m sh -c 'mount --bind kvm /dev/kvm && exec "$@"' sh)
	"${open_kvm[@]}" "${unprivileged[@]}" dd if=/dev/kvm count=0 2>/dev/null || skip "/dev/kvm cannot be mounted over"
	expect 0 "${open_kvm[@]}" "${unprivileged[@]}" env -u XDG_RUNTIME_DIR "$BULKHEAD" run "$PWD/public.yaml"
	has err '^bulkhead: `bulkhead list` and the other commands will not see this run: \$XDG_RUNTIME_DIR is not set'
	expect 3 "${open_kvm[@]}" "${unprivileged[@]}" env -u XDG_RUNTIME_DIR "$BULKHEAD" run --detach "$PWD/public.yaml"
	has err 'the run cannot be reached'
}

# ---- detached ----

test_control-detach() {
	need_cores 2
	control_plan >plan.yaml
	bulkhead 0 run --detach plan.yaml --log-dir logs
	has out '^plan$'
	bulkhead 0 list
	has out 'plan +OPERATIONAL'
	bulkhead 0 kill
	within 5 grep -q 'exit code 0' logs/bulkhead.log || fail "no verdict in the log"
	bulkhead 0 list
	[ ! -s out ] || fail "it is still there"
	bulkhead 2 run --detach plan.yaml --set partitions.one.image=/no-such-file
	has err '/no-such-file: No such file'
	bulkhead 0 run --detach plan.yaml --json --name x
	"$json_program" <out || fail "not JSON"
	has out '"run": "x"' '"pid": '
	# What was started holds nothing of its starter's.
	bulkhead 3 run --detach plan.yaml
	has err 'core 0 belongs to run "x"'
	bulkhead 0 kill x
}

test_control-detach-holds-nothing() {
	need_cores 2
	control_plan >plan.yaml
	text=$(timeout 10 "$BULKHEAD" run --detach plan.yaml 2>&1) || fail "exit code $?: $text"
	bulkhead 0 kill
}

# ---- clients that mean harm ----

test_control-hostile() {
	need_cores 2
	start_control
	timeout 60 "${PYTHON:-python3}" - "$XDG_RUNTIME_DIR/bulkhead/plan.sock" <<-'END' >out 2>err ||
		import socket, sys, os, time, json
		path = sys.argv[1]
		def connect():
		    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
		    s.connect(path)
		    s.settimeout(5)
		    return s
		def ask(method, **params):
		    s = connect()
		    s.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n")
		    f = s.makefile()
		    return json.loads(f.readline())
		def alive():
		    assert ask("status")["result"]["state"] == "OPERATIONAL"
		# A line of a gibibyte.
		s = connect()
		sent = 0
		try:
		    while sent < 1 << 30:
		        sent += s.send(b"x" * 65536)
		except (BrokenPipeError, ConnectionResetError):
		    pass
		assert sent < 1 << 24, sent
		alive()
		# Garbage.
		for i in range(200):
		    s = connect()
		    s.sendall(os.urandom(500) + b"\n")
		    s.close()
		alive()
		# Requests without end, whose answers nobody reads.
		s = connect()
		s.setblocking(False)
		line = b'{"jsonrpc":"2.0","id":1,"method":"events"}\n'
		try:
		    for i in range(100000):
		        s.send(line)
		except BlockingIOError:
		    pass
		alive()
		# Followers that do not read, and more connections than there are places.
		many = []
		for i in range(100):
		    c = connect()
		    try:
		        c.sendall(b'{"jsonrpc":"2.0","id":1,"method":"events","params":{"follow":true}}\n')
		    except (BrokenPipeError, ConnectionResetError):
		        pass # no place for it
		    many.append(c)
		time.sleep(0.2)
		for c in many:
		    c.close()
		alive()
		# Nonsense for every method.
		for method in ("stop", "kill", "pause", "resume", "restart", "stats", "inspect", "attach", "events", "status"):
		    for params in ({"partition": 7}, {"partition": "x" * 3000}, {"x": []}, {"partition": "no"},
		                   {"port": 1 << 40}, {"since": "x"}, {"since": -1 << 62, "y": 0}):
		        answer = ask(method, **params)
		        assert "error" in answer or method == "status", (method, params, answer)
		assert ask("attach", partition="two", port=99)["error"]["code"] == -32602
		assert "result" in ask("events", since=(1 << 63) - 1)
		assert "result" in ask("events", since=-5)
		# Consoles that nobody reads.
		held = []
		for i in range(20):
		    c = connect()
		    c.sendall(b'{"jsonrpc":"2.0","id":1,"method":"attach","params":{"partition":"two"}}\n')
		    held.append(c)
		time.sleep(0.3)
		alive()
	END
		fail "a client did harm: $(cat err)"
	bulkhead 0 list
	has out ' one .* running ' ' two .* running '
	kill "$supervisor"
	finish 130
}

# ---- the safety partition's rights ----

# guarded_plan WORDS...: `rt` is a heartbeat with these words, `two` echoes what it is told.
guarded_plan() {
	cat <<-END
		partitions:
		  rt:
		    role: safety
		    memory: 32M
		    image: $EXAMPLES/heartbeat.elf
		    cmdline: period_ms=100 beats=0 $*
		    cpus: [0]
		    veto: 500ms
		  two:
		    memory: 32M
		    image: $GUESTS/echo.elf
		    cpus: [1]
		    stop_timeout: 200ms
	END
}

start_guarded() {
	guarded_plan "$@" >plan.yaml
	begin plan.yaml
}

is_locked() {
	"$BULKHEAD" list --json | grep -q '"locked": true'
}

test_control-lock() {
	need_cores 2
	local command
	start_guarded lock=1
	within 5 is_locked || fail "it does not lock"
	for command in pause restart stop kill; do
		bulkhead 1 $command two
		has err "^bulkhead $command: plan: two cannot be .*: the safety partition has locked the run"
	done
	bulkhead 1 kill
	state_is two running
	bulkhead 0 stop rt
	# Without the safety partition there is no lock.
	bulkhead 0 stop two
	finish 0
}

test_control-veto() {
	need_cores 2
	start_guarded veto=1
	bulkhead 1 stop rt
	has err '^bulkhead stop: plan: rt vetoes the stop$'
	sleep 0.3 # until it has seen that the request is over
	bulkhead 1 stop
	state_is rt running
	bulkhead 0 stop two
	bulkhead 0 events
	has out ' rt +veto '
	kill "$supervisor"
	finish 130
}

test_control-stop-agreed() {
	need_cores 2
	start_guarded
	local before=$SECONDS
	bulkhead 0 stop rt
	[ $((SECONDS - before)) -lt 5 ] || fail "it was stopped by force"
	has out '^rt: stopped$'
	bulkhead 0 stop
	finish 0
}

# The unit template of systemd: its command line is one that the program takes, and it says READY=1.
test_control-notify() {
	need_cores 2
	control_plan >plan.yaml
	grep -q '^ExecStart=/usr/bin/bulkhead run --name %i --console none /etc/bulkhead/%i.yaml$' \
		"$root/configs/systemd/bulkhead@.service" || fail "the unit has another command line"
	timeout 20 "${PYTHON:-python3}" -c '
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("notify")
s.settimeout(15)
print(s.recv(100).decode())' >ready &
	within 5 test -S notify || fail "no python3"
	NOTIFY_SOCKET=$PWD/notify begin --name x plan.yaml
	within 10 grep -qx READY=1 ready || fail "systemd is not told"
	bulkhead 0 stop --run x --json
	has out '"run": "x"'
	finish 0
}

# A storm of clients is no business of the safety partition's.
test_control-storm() {
	need_cores 2
	plan_of rt beats=0 1 | sed "s|image: .*|image: $EXAMPLES/heartbeat.elf|
		s|cmdline: .*|cmdline: period_ms=100 beats=40|; \$a\    role: safety" >plan.yaml
	begin plan.yaml
	timeout 20 "${PYTHON:-python3}" - "$XDG_RUNTIME_DIR/bulkhead/plan.sock" <<-'END' >storm 2>&1 ||
		import socket, sys, os, time
		end = time.time() + 2
		n = 0
		while time.time() < end:
		    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
		    s.connect(sys.argv[1])
		    try:
		        s.sendall(b'{"jsonrpc":"2.0","id":1,"method":"status"}\n' * 20 + os.urandom(100))
		        n += 1
		    except (BrokenPipeError, ConnectionResetError):
		        pass
		    s.close()
		assert n > 100, n
	END
		fail "$(cat storm)"
	finish 0
	has run.err 'rt: ok, exit code 0'
}

# Two ask for the same while the partition's process does not get to run.
test_control-pause-twice() {
	need_cores 2
	start_control
	kill -STOP "$(partition one)"
	"$BULKHEAD" pause one >first.out 2>&1 &
	"$BULKHEAD" pause one >second.out 2>&1 &
	sleep 0.3
	kill -CONT "$(partition one)"
	within 5 eval '[ "$(state one)" = paused ]' || fail "one is $(state one)"
	bulkhead 0 resume one
	state_is one running
	kill "$supervisor"
	finish 130
	wait
}

# Refused while it is between two starts, or being stopped for one; for nothing else.
restart_taken() {
	"$BULKHEAD" restart a >out 2>err && return
	has err '^bulkhead restart: plan: a is [a-z, ]+: it cannot be restarted$'
	return 1
}

# A restart loop ends when somebody says so, whatever the partition is just doing.
test_control-kill-restart-loop() {
	local i
	plan_of a how=cf9 0 b how=spin 1 >plan.yaml
	need_cores 2
	begin plan.yaml --set partitions.a.on_reset=restart
	for i in 1 2 3 4 5; do
		within 5 restart_taken || fail "it is not restarted"
	done
	bulkhead 0 kill a
	sleep 0.5
	"$BULKHEAD" list | grep -qE ' a .* (failed|stopped) ' || fail "a goes on: $("$BULKHEAD" list)"
	bulkhead 0 kill
	wait "$guard" || [ $? = 1 ] || fail "neither exit code 0 nor 1" # by what its last end was
}

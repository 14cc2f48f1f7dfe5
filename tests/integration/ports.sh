# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Ports with something else behind them than the run's console: other partitions, clients of a
# socket, virtio consoles.

# link_plan HOW-OF-A: partition a, ask.elf, on a line to b, echo.elf.
link_plan() {
	cat <<-END
		partitions:
		  a:
		    cpus: [0]
		    memory: 16M
		    image: $GUESTS/ask.elf
		    cmdline: $1
		    serial: ["link:b.com1"]
		  b:
		    cpus: [1]
		    memory: 16M
		    image: $GUESTS/echo.elf
		    serial: ["link:a.com1"]
	END
}

test_serial-link() {
	need_cores 2
	link_plan lines=100 >plan.yaml
	bulkhead 0 run plan.yaml --timeout 25s --log-dir logs
	verdict 'a: ok, exit code 0 .*; b: ok, exit code 0'
	[ "$(tr -d '\r' <logs/b.com1.log | grep -cE '^\[line [0-9]+\]$')" -ge 100 ] || fail "b's answers"
	has logs/a.com1.log '^line 99' '^quit'
	lacks err 'lost'
}

answers() {
	tr -d '\r' <logs/b.com1.log | grep -c '^\[line'
}

more_answers_than() {
	[ "$(answers)" -gt "$1" ]
}

# A partition that starts again has its line back, and its peer has noticed nothing but silence.
test_serial-link-restart() {
	local before
	need_cores 2
	link_plan lines=1000000 >plan.yaml
	start run plan.yaml --log-dir logs
	within 10 test -s logs/b.com1.log || fail "no sign of b"
	within 10 more_answers_than 5 || fail "no answers before the restart"
	"$BULKHEAD" restart b >/dev/null || fail "restart"
	wait_output err 'b: restart 1'
	before=$(answers)
	within 15 more_answers_than $((before + 5)) || fail "no answers after the restart"
	"$BULKHEAD" kill a >/dev/null
	"$BULKHEAD" kill b >/dev/null
	wait "$guard"
	verdict 'b: stopped .*restarted 1 time'
}

# Whoever floods the line of a peer that does not read, or is gone, is held up for a moment only.
test_serial-link-deaf() {
	need_cores 2
	plan_of a 'how=flood lines=3000' 0 b how=spin 1 >plan.yaml
	links=(--set 'partitions.a.serial=[link:b.com1]' --set 'partitions.b.serial=[link:a.com1]')
	start run plan.yaml "${links[@]}"
	wait_partition a
	within 45 a_is_gone || fail "a is held up"
	"$BULKHEAD" kill b >/dev/null
	wait "$guard"
	has err 'a: [1-9][0-9]* bytes of console output were lost' 'a: ok, exit code 0'
	bulkhead 0 run plan.yaml "${links[@]}" --set partitions.b.cmdline=how=off
	has err 'a: [1-9][0-9]* bytes of console output were lost' 'a: ok, exit code 0'
}

a_is_gone() {
	! partition a >/dev/null
}

test_serial-socket() {
	plan_of a how=spin 0 >plan.yaml
	start run plan.yaml --set 'partitions.a.serial=[socket:con.sock]' \
		--set "partitions.a.image=$GUESTS/echo.elf"
	within 5 test -S con.sock || fail "no socket"
	timeout 20 "${PYTHON:-python3}" - <<-'END' >said 2>&1 || fail "$(cat said)"
		import socket
		def client():
		    s = socket.socket(socket.AF_UNIX)
		    s.settimeout(10)
		    s.connect("con.sock")
		    return s
		def expect(s, what):
		    got = b""
		    while what not in got:
		        more = s.recv(4096)
		        assert more, "the end, after %r" % got
		        got += more
		one = client()
		one.sendall(b"from one\r")
		expect(one, b"[from one]")
		two = client()
		two.sendall(b"from two\r")
		two.settimeout(0.3)
		try:
		    assert not two.recv(100), "two is served beside one"
		except TimeoutError:
		    pass
		two.settimeout(10)
		one.close()
		expect(two, b"[from two]")
		two.sendall(b"quit\r")
		expect(two, b"[quit]")
	END
	finish 0
	[ ! -e con.sock ] || fail "the socket is left over"
}

test_serial-socket-in-use() {
	timeout 20 "${PYTHON:-python3}" -c '
import socket, time
s = socket.socket(socket.AF_UNIX)
s.bind("used.sock")
s.listen()
left = socket.socket(socket.AF_UNIX)
left.bind("left.sock")
left.close()
open("ready", "w").close()
time.sleep(15)' &
	within 5 test -e ready || fail "no python3"
	plan_of a how=off 0 >plan.yaml
	bulkhead 2 run plan.yaml --set 'partitions.a.serial=[socket:used.sock]'
	has err 'a.serial.0: .*/used.sock is in use, or no socket; end who listens there'
	[ -S used.sock ] || fail "somebody's socket was removed"
	bulkhead 0 run plan.yaml --set 'partitions.a.serial=[socket:left.sock]'
	touch file
	bulkhead 2 run plan.yaml --set 'partitions.a.serial=[socket:file]'
	has err 'a.serial.0: .*/file is there, and no socket; remove it'
	bulkhead 2 run plan.yaml --set 'partitions.a.serial=[socket:no/socket]'
	has err 'no/socket cannot be created: No such file'
	kill %1
}

# Its ports beside the serial ones, though this guest has no driver for them.
test_console-device() {
	local port
	plan_of a how=off 0 >plan.yaml
	bulkhead 0 run plan.yaml --log-dir logs \
		--set 'partitions.a.devices=[{type: console, ports: [console, {name: agent, socket: s}, pty]}]'
	has out '^a \| how=off'
	has err 'a: hvc1 is /dev/pts/'
	for port in com1 hvc0 agent hvc1; do
		[ -e logs/a.$port.log ] || fail "there is no log of $port: $(ls logs)"
	done
	[ ! -e s ] || fail "the socket is left over"
	bulkhead 0 boot "$GUESTS/hello.elf" --device console
	has out '^guest \| hello'
	bulkhead 0 boot "$GUESTS/hello.elf" --device 'console,ports=[pty]'
	has out '^hello'
}

test_console-device-attach() {
	plan_of a how=spin 0 >plan.yaml
	start run plan.yaml --set 'partitions.a.devices=[{type: console, ports: [{name: agent, to: pty}]}]'
	wait_output out 'how=spin'
	"$BULKHEAD" console a --port com1 --read-only </dev/null >shown 2>&1 &
	within 5 grep -q how=spin shown || fail "com1 is not shown"
	kill %2 2>/dev/null || kill $!
	bulkhead 1 console a --port hvc0
	has err 'a has no such port; it has com1, agent'
	timeout 0.5 "$BULKHEAD" console a --port agent --read-only </dev/null >shown 2>err-agent
	grep -q 'bulkhead console: plan/a' err-agent || fail "agent: $(cat err-agent)"
	"$BULKHEAD" kill a >/dev/null
	wait "$guard"
}

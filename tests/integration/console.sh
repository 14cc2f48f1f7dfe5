# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Consoles: told apart, kept, and never able to hold up a guest.

flood_line='0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY'

# What partition NAME has on the console, in one piece: a line that its guest takes long to finish
# may stand there in parts.
console_of() {
	sed -n "s/^$1 | //p" out | tr -d '\n'
}

test_prefixes() {
	need_cores 2
	plan_of one 'how=flood lines=300' 0 two 'how=flood lines=300' 1 >plan.yaml
	bulkhead 0 run plan.yaml
	grep -vE '^(one|two) \| [0-9A-Za-z=]+$' out && fail "mixed or foreign lines"
	{ printf how=flood; for _ in {1..300}; do printf %s "$flood_line"; done; } >whole
	console_of one | cmp - whole || fail "the console of one"
	console_of two | cmp - whole || fail "the console of two"
}

test_console-option() {
	need_cores 2
	plan_of one 'how=flood lines=2' 0 two 'how=flood lines=3' 1 >plan.yaml
	bulkhead 0 run plan.yaml --console two
	[ "$(tr -d '\r' <out | grep -cx "$flood_line")" = 3 ] || fail "not the console of two alone"
	bulkhead 0 run plan.yaml --console none
	[ ! -s out ] || fail "--console none has output"
	bulkhead 0 run plan.yaml --console all
	has out '^one \| how=flood' '^two \| how=flood'
	bulkhead 0 boot "$GUESTS/hello.elf"
	has out '^hello from'
}

test_log-dir() {
	need_cores 2
	plan_of one 'how=flood lines=40' 0 two 'how=flood lines=50' 1 >plan.yaml
	bulkhead 0 run plan.yaml --log-dir logs --console none
	tr -d '\r' <logs/one.com1.log >one
	{ echo how=flood; for _ in {1..40}; do echo "$flood_line"; done; } | cmp - one ||
		fail "the log is not what the guest wrote"
	[ "$(grep -c "$flood_line" logs/two.com1.log)" = 50 ] || fail "the log of two"
	bulkhead 0 run plan.yaml --log-dir logs
	has out '^two \| how=flood'
	mkfifo logs/three.com1.log
	sed -i 's/two:/three:/' plan.yaml
	bulkhead 2 run plan.yaml --log-dir logs
	has err 'three.com1.log cannot be opened'
}

test_stdin() {
	local boot=("$BULKHEAD" boot "$GUESTS/echo.elf" --timeout 10s)
	printf 'one\nquit\n' >keys
	"${boot[@]}" <keys >out 2>err || fail "input from a file"
	has out '^\[one\]' '^\[quit\]'
	{ sleep 0.3; cat keys; } | "${boot[@]}" >out 2>err || fail "input from a pipe"
	has out '^\[one\]'
	"$BULKHEAD" boot "$GUESTS/ending.elf" --cmdline how=off <&- >out 2>err || fail "no stdin"
	"$BULKHEAD" boot "$GUESTS/ending.elf" --cmdline how=off <. >out 2>err || fail "a directory"
	has out how=off
	"${boot[@]}" --timeout 300ms </dev/null >out 2>err
	[ $? = 124 ] || fail "the end of input ended the guest"
}

# ---- output that nobody takes ----

# Lines enough to overrun every buffer between the guest and a reader.
flood_plan() {
	plan_of a 'how=flood lines=1600' 0
}

dropped() {
	sed -n 's/.*"console_dropped": \([0-9]*\),*$/\1/p' "$1"
}

test_stdout-gone() {
	flood_plan >plan.yaml
	timeout 20 "$BULKHEAD" run plan.yaml 2>err </dev/null | true
	[ "${PIPESTATUS[0]}" = 0 ] || fail "the reader's end ended the guest"
	timeout 20 "$BULKHEAD" run plan.yaml 2>err </dev/null | head -n 2 >out
	has out 'how=flood'
}

test_stdout-stalled() {
	flood_plan >plan.yaml
	mkfifo pipe
	exec 3<>pipe
	head -c 65536 /dev/zero >&3 # full, and never read
	timeout -k 1 20 "$BULKHEAD" run plan.yaml 2>err >pipe </dev/null 3>&- ||
		fail "exit code $? with a reader that does not read"
	has err 'a: [1-9][0-9]* bytes of console output were lost'
	verdict 'a: ok, exit code 0'
}

test_stdout-full() {
	plan_of a 'how=flood lines=100' 0 >plan.yaml
	"$BULKHEAD" run plan.yaml --timeout 10s </dev/null >/dev/full 2>err || fail "/dev/full"
	has err 'a: [0-9]+ bytes of console output were lost'
	"$BULKHEAD" run plan.yaml --json --timeout 10s </dev/null >out 2>/dev/full || fail "stderr full"
	[ "$(dropped out)" -gt 6000 ] || fail "lost bytes are not counted: $(cat out)"
}

test_stdout-closed() {
	plan_of a 'how=flood lines=100' 0 >plan.yaml
	"$BULKHEAD" run plan.yaml --timeout 10s </dev/null >&- 2>err || fail "exit code $? without stdout"
	verdict 'exit code 0$'
	"$BULKHEAD" run plan.yaml --timeout 10s </dev/null >out 2>&- || fail "exit code $? without stderr"
	[ "$(grep -c "^$flood_line" out)" = 100 ] || fail "output is missing without stderr"
	"$BULKHEAD" run plan.yaml --timeout 10s <&- >&- 2>&- || fail "exit code $? without all three"
}

# ---- serial ports ----

test_serial-file() {
	plan_of a 'how=flood lines=20' 0 >plan.yaml
	echo old >com1.log
	bulkhead 0 run plan.yaml --set 'partitions.a.serial=[file:com1.log]'
	[ ! -s out ] || fail "a file port has output on the console"
	[ "$(grep -c "$flood_line" com1.log)" = 20 ] || fail "com1.log"
	lacks com1.log old
	bulkhead 0 run plan.yaml --set 'partitions.a.serial=[{file: /dev/full}]'
	bulkhead 0 run plan.yaml --set 'partitions.a.serial=["null"]'
	[ ! -s out ] || fail "a null port has output"
	bulkhead 0 run plan.yaml --set 'partitions.a.serial=[none]'
	bulkhead 0 run plan.yaml --set 'partitions.a.serial=[none, console]'
}

test_serial-pty() {
	local name
	plan_of a how=spin 0 >plan.yaml
	start run plan.yaml --set 'partitions.a.serial=[pty]' --set "partitions.a.image=$GUESTS/echo.elf"
	wait_output err 'a: COM1 is /dev/pts/'
	name=$(sed -n 's/.*COM1 is //p' err)
	stty -F "$name" raw -echo
	exec 4<>"$name"
	printf 'over the pty\r' >&4
	timeout 5 grep -qm 1 -F '[over the pty]' <&4 || fail 'no answer on the pty'
	printf 'quit\r' >&4
	exec 4>&-
	finish 0
}

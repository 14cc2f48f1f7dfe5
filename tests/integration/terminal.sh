# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# The interactive console, on a terminal that pty.c provides.

# Opens a terminal with ARGUMENTS of bulkhead on it; descriptor 3 is its keyboard, $supervisor the
# process. Output in out.
open_terminal() {
	mkfifo keyboard
	timeout -k 5 30 "$pty_program" "$BULKHEAD" "$@" <keyboard >out 2>err &
	guard=$!
	exec 3>keyboard
	within 5 find_on_terminal || fail "no supervisor on the terminal"
}

# timeout, pty, its shell, bulkhead
find_on_terminal() {
	local pid=$guard
	for _ in 1 2 3; do
		pid=$(pgrep -P "$pid") || return 1
	done
	supervisor=$pid
}

type_keys() {
	printf '%b' "$1" >&3
}

close_terminal() {
	finish "$1"
	exec 3>&-
	has err '^terminal: raw, then restored$'
}

echo_on_terminal() {
	open_terminal boot "$GUESTS/echo.elf"
	wait_output out ready
}

test_terminal-typing() {
	echo_on_terminal
	type_keys 'hello\r'
	wait_output out '\[hello\]'
	type_keys '\003x\r' # Ctrl-C is the guest's
	wait_output out "\\[$(printf '\003')x\\]"
	type_keys '\001\001y\r'
	wait_output out "\\[$(printf '\001')y\\]"
	type_keys '\001h'
	wait_output out 'Ctrl-A x'
	type_keys 'quit\r'
	close_terminal 0
	has out 'guest: ok, exit code 0'
}

# Its size goes to the guest, should it ask; a change of it is no reason to end.
test_terminal-resized() {
	open_terminal boot "$GUESTS/echo.elf" --device console
	wait_output out ready
	kill -WINCH "$supervisor"
	sleep 0.2
	kill -WINCH "$supervisor"
	type_keys '\001h' # the keyboard is the virtio console's
	wait_output out 'Ctrl-A x'
	type_keys '\001x'
	close_terminal 130
}

test_terminal-quit() {
	echo_on_terminal
	type_keys '\001x'
	close_terminal 130
	has out 'stopped by the user'
}

test_terminal-term() {
	echo_on_terminal
	kill -TERM "$supervisor"
	close_terminal 130
}

test_terminal-partition-killed() {
	echo_on_terminal
	kill -KILL "$(partition guest)"
	close_terminal 4
}

test_terminal-supervisor-killed() {
	local child
	echo_on_terminal
	child=$(partition guest)
	kill -KILL "$supervisor"
	close_terminal 137
	within 1 gone "$child" || fail "the partition outlives the supervisor"
}

test_terminal-bad-image() {
	echo 'no kernel' >text
	mkfifo keyboard
	exec 3<>keyboard
	timeout 20 "$pty_program" "$BULKHEAD" boot text <keyboard >out 2>err
	[ $? = 2 ] || fail "exit code $?, not 2"
	has out 'not recognised as bzImage'
	has err 'then restored$'
}

# With prefixes the terminal is left alone, and Ctrl-C ends the run.
test_terminal-shared() {
	need_cores 2
	plan_of one how=spin 0 two how=spin 1 >plan.yaml
	open_terminal run plan.yaml
	wait_output out 'one .*how=spin'
	wait_output out 'two .*how=spin'
	type_keys '\003'
	finish 130
	exec 3>&-
	has err '^terminal: not raw, then restored$'
	has out "$(printf '\033')\\[[0-9]+mone \\|$(printf '\033')\\[0m how=spin"
}

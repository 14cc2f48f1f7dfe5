/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead console: a port of a running partition, on this terminal. */
#include "cli/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>

/* Ctrl-], as telnet and virsh have it; and Ctrl-A d, for those who come from `bulkhead run`. */
#define KEY_DETACH 0x1D
#define KEY_ESCAPE 0x01

#define BUFFER_SIZE 16384

struct console_options {
	const char *run;
	const char *port;
	bool read_only;
	bool json;
};

#define FIELD(f) offsetof(struct console_options, f)

static const struct option_spec console_specs[] = {
	{"port", "PORT", OPTION_STRING, FIELD(port),
		"com1 or 1, com2 or 2, a console of a device (hvc0), or the name of a port. Default: "
		"that which `bulkhead run` shows."},
	{"read-only", NULL, OPTION_FLAG, FIELD(read_only), "Only show; leave input to others."},
	{"run", "RUN", OPTION_STRING, FIELD(run), "The run, where several are going."},
	{"json", NULL, OPTION_FLAG, FIELD(json), "Errors as one JSON object on standard output."},
	{0},
};

struct session {
	int fd;        /* the console; blocking */
	bool terminal; /* stdin is one, and raw */
	bool keys;     /* stdin is read */
	bool escaped;  /* Ctrl-A was pressed */
	bool detached;
	bool mid_line; /* what was shown last was no newline */
};

static struct termios terminal_before;

/* Ends by a signal as without us, but for the terminal. */
static void restore_and_die(int number)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
	signal(number, SIG_DFL);
	raise(number);
}

static void make_raw(struct session *s)
{
	struct termios raw;

	if (!s->keys || !isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &terminal_before))
		return;
	raw = terminal_before;
	cfmakeraw(&raw);
	signal(SIGTERM, restore_and_die);
	signal(SIGHUP, restore_and_die);
	signal(SIGINT, restore_and_die);
	signal(SIGQUIT, restore_and_die);
	/* From the background it is refused, SIGTTOU being ignored: then it is not ours to read. */
	if (tcgetpgrp(STDIN_FILENO) == getpgrp() && !tcsetattr(STDIN_FILENO, TCSANOW, &raw))
		s->terminal = true;
	else
		s->keys = false;
}

/* Obeys the keys in the SIZE bytes typed and removes them; how many bytes are the guest's. */
static size_t take_keys(struct session *s, char *bytes, size_t size)
{
	size_t kept = 0;

	for (size_t i = 0; i < size && !s->detached; i++) {
		char byte = bytes[i];

		if (byte == KEY_DETACH || (s->escaped && (byte == 'd' || byte == 'D'))) {
			s->detached = true;
		} else if (!s->escaped && byte == KEY_ESCAPE) {
			s->escaped = true;
			continue;
		} else {
			/* Twice is once for the guest; before another key it means nothing. */
			bytes[kept++] = byte;
		}
		s->escaped = false;
	}
	return kept;
}

/* False when the console is gone. */
static bool send_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		}
	}
	return true;
}

static bool read_keys(struct session *s)
{
	char bytes[256];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0) { /* the end of input is not the end of the guest's output */
		s->keys = false;
		shutdown(s->fd, SHUT_WR);
		return true;
	}
	if (s->terminal)
		n = (ssize_t)take_keys(s, bytes, (size_t)n);
	return send_all(s->fd, bytes, (size_t)n);
}

/* Shows what came. False at the end. */
static bool show(struct session *s)
{
	char bytes[BUFFER_SIZE];
	ssize_t n = recv(s->fd, bytes, sizeof(bytes), 0);

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	s->mid_line = bytes[n - 1] != '\n';
	return fwrite(bytes, 1, (size_t)n, stdout) == (size_t)n && fflush(stdout) == 0;
}

static void carry(struct session *s)
{
	bool going = true;

	while (going && !s->detached) {
		struct pollfd p[2] = {{.fd = s->fd, .events = POLLIN},
			{.fd = s->keys ? STDIN_FILENO : -1, .events = POLLIN}};

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return;
		if (p[0].revents)
			going = show(s);
		if (going && p[1].revents)
			going = read_keys(s);
	}
}

/* Leaves the JSON behind: from the answer on the connection is the console. */
static enum bh_exit attach(struct client *c, const char *partition, const struct console_options *o,
	struct diags *diags)
{
	json_t *params = json_pack("{s:s, s:b}", "partition", partition, "writer", !o->read_only);
	json_t *answer = NULL;
	enum bh_exit code;

	if (o->port)
		json_object_set_new(params, "port", json_string(o->port));
	code = client_call(c, "attach", params, diags, &answer);

	json_decref(answer);
	return code;
}

static void run_session(struct client *c, const char *partition, const struct console_options *o)
{
	struct session s = {.fd = c->fd, .keys = !o->read_only};
	const char *line_end;

	make_raw(&s);
	line_end = s.terminal ? "\r\n" : "\n";
	fprintf(stderr, "bulkhead console: %s/%s%s%s", c->run, partition,
		s.terminal     ? "; Ctrl-] or Ctrl-A d detaches, Ctrl-A Ctrl-A sends Ctrl-A"
		: o->read_only ? ", read-only; Ctrl-C ends this"
			       : "",
		line_end);
	/* What came with the answer is the console's first. */
	s.mid_line = c->in_size && c->in[c->in_size - 1] != '\n';
	fwrite(c->in, 1, c->in_size, stdout);
	fflush(stdout);
	carry(&s);
	if (s.terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
	fprintf(stderr, "%sbulkhead console: %s\n", s.mid_line ? "\n" : "",
		s.detached ? "detached" : "the console is at its end");
}

static int console_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct console_options *o = options;
	const char *partition, *name = operand_count ? operands[0] : NULL;
	struct client c;
	struct diags diags;
	enum bh_exit code;

	diags_init(&diags);
	code = client_find(o->run, name, TARGET_PARTITION, &diags, &c, &partition);
	/* Without a name, the only partition of the only run. */
	if (!code && !partition) {
		const json_t *list = json_object_get(c.status, "partitions");

		partition = json_text(json_array_get(list, 0), "name");
		if (json_array_size(list) != 1)
			code = (enum bh_exit)command_usage_error(
				&command_console, "run %s has several partitions; name one", c.run);
	}
	if (!code)
		code = attach(&c, partition, o, &diags);
	if (!code)
		run_session(&c, partition, o);
	client_close(&c);
	return client_finish(&command_console, o->json, code, &diags);
}

const struct command command_console = {
	.name = "console",
	.synopsis = "[OPTIONS] [NAME]",
	.summary = "Show a partition's console, and type into it.",
	.details =
		"Starts with the last 64 KiB of what the guest wrote, then follows. Several may "
		"show a console; one has its input: `bulkhead run` where that reads the terminal, "
		"else the first who types, until it detaches. On a terminal, Ctrl-] or Ctrl-A d "
		"detaches; the partition goes on. NAME is a partition's, or RUN/PARTITION.",
	.options = console_specs,
	.options_size = sizeof(struct console_options),
	.operands_max = 1,
	.run = console_run,
};

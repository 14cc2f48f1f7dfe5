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

/*
 * How often a partition that may be started again is looked at; and how many times one that runs
 * on, when its console was closed: it may be about to end.
 */
#define LOOK_MS   100
#define LOOKS_MAX 20

struct session {
	const struct console_options *options;
	const char *partition;
	struct client client;
	int fd;        /* the console; blocking */
	bool terminal; /* stdin is one, and raw */
	bool keys;     /* stdin is read */
	bool escaped;  /* Ctrl-A was pressed */
	bool detached;
	bool mid_line;  /* what was shown last was no newline */
	unsigned looks; /* since the console was closed */
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
static enum bh_exit attach(struct session *s, struct diags *diags)
{
	json_t *params = json_pack("{s:s, s:b}", "partition", s->partition, "writer", s->keys);
	struct client *c = &s->client;
	json_t *answer = NULL;
	enum bh_exit code;

	if (s->options->port)
		json_object_set_new(params, "port", json_string(s->options->port));
	code = client_call(c, "attach", params, diags, &answer);
	json_decref(answer);
	if (code)
		return code;
	s->fd = c->fd;
	return BH_EXIT_OK;
}

/* What came with the answer is the console's first. */
static void show_first(struct session *s)
{
	const struct client *c = &s->client;

	s->mid_line = c->in_size && c->in[c->in_size - 1] != '\n';
	fwrite(c->in, 1, c->in_size, stdout);
	fflush(stdout);
}

/* ---- over restarts ---- */

static json_int_t restarts(const struct session *s)
{
	const json_t *p = status_partition(s->client.status, s->partition);

	return json_integer_value(json_object_get(p, "restarts"));
}

/* Time passes. The terminal is read for the keys that end this: there is no guest for others. */
static void pause_for_keys(struct session *s)
{
	struct pollfd p = {.fd = s->terminal && s->keys ? STDIN_FILENO : -1, .events = POLLIN};
	char bytes[256];
	ssize_t n;

	if (poll(&p, 1, LOOK_MS) <= 0)
		return;
	n = read(STDIN_FILENO, bytes, sizeof(bytes));
	if (n > 0)
		take_keys(s, bytes, (size_t)n);
	else if (n == 0)
		s->keys = false;
}

/* Connects to the run anew. False: it is over, or the partition, and will not be started again. */
static bool look(struct session *s)
{
	const json_t *p;
	struct client next;
	struct diags diags;
	const char *name, *state;
	bool found, starting, active;

	diags_init(&diags);
	found = client_find(s->client.run, s->partition, TARGET_PARTITION, &diags, &next, &name) ==
		BH_EXIT_OK;
	diags_fini(&diags);
	if (!found)
		return false;
	p = status_partition(next.status, s->partition);
	state = json_text(p, "state");
	starting = json_is_true(json_object_get(p, "restarting")) || strcmp(state, "created") == 0;
	active = !starting && strcmp(state, "stopped") != 0 && strcmp(state, "failed") != 0;
	/* Its last life is told from the next by their number; that has a console once it runs. */
	if (active && json_integer_value(json_object_get(p, "restarts")) != restarts(s)) {
		client_close(&s->client);
		s->client = next;
		return true;
	}
	client_close(&next);
	return starting || (active && s->looks++ < LOOKS_MAX);
}

/* Attaches to the partition when it has been started again. False: it will not be. */
static bool follow(struct session *s)
{
	const char *line_end = s->terminal ? "\r\n" : "\n";
	json_int_t before = restarts(s);
	struct diags diags;
	bool ok = true;

	s->looks = 0;
	while (ok && !s->detached && restarts(s) == before) {
		pause_for_keys(s);
		ok = s->detached || look(s);
	}
	if (!ok || s->detached)
		return false;
	fprintf(stderr, "%sbulkhead console: %s: restart %" JSON_INTEGER_FORMAT "%s",
		s->mid_line ? line_end : "", s->partition, restarts(s), line_end);
	diags_init(&diags);
	/* One that has ended already may be started once more. */
	if (attach(s, &diags))
		s->fd = -1;
	else
		show_first(s);
	diags_fini(&diags);
	return true;
}

static void run_session(struct session *s)
{
	const char *line_end = s->terminal ? "\r\n" : "\n";

	fprintf(stderr, "bulkhead console: %s/%s%s%s", s->client.run, s->partition,
		s->terminal ? "; Ctrl-] or Ctrl-A d detaches, Ctrl-A Ctrl-A sends Ctrl-A"
		: s->options->read_only ? ", read-only; Ctrl-C ends this"
					: "",
		line_end);
	show_first(s);
	do {
		if (s->fd >= 0)
			carry(s);
	} while (!s->detached && follow(s));
	if (s->terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
	fprintf(stderr, "%sbulkhead console: %s\n", s->mid_line ? "\n" : "",
		s->detached ? "detached" : "the console is at its end");
}

static int console_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct console_options *o = options;
	const char *partition, *name = operand_count ? operands[0] : NULL;
	AUTO_FREE char *own_name = NULL;
	struct session s = {.options = o, .fd = -1, .keys = !o->read_only};
	struct client *c = &s.client;
	struct diags diags;
	enum bh_exit code;

	diags_init(&diags);
	code = client_find(o->run, name, TARGET_PARTITION, &diags, c, &partition);
	/* Without a name, the only partition of the only run. */
	if (!code && !partition) {
		const json_t *list = json_object_get(c->status, "partitions");

		partition = json_text(json_array_get(list, 0), "name");
		if (json_array_size(list) != 1)
			code = (enum bh_exit)command_usage_error(&command_console,
				"run %s has several partitions; name one", c->run);
	}
	/* It may be a part of the status, which is replaced. */
	s.partition = own_name = partition ? strdup(partition) : NULL;
	if (!code)
		code = s.partition ? attach(&s, &diags) : BH_EXIT_HOST;
	if (!code) {
		make_raw(&s);
		run_session(&s);
	}
	client_close(c);
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
		"detaches; the partition goes on. When it is started again, so is this. NAME is a partition's, or RUN/PARTITION.",
	.options = console_specs,
	.options_size = sizeof(struct console_options),
	.operands_max = 1,
	.run = console_run,
};

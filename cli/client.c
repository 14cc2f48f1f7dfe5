/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/client.h"

#include "cli/checks.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* A supervisor answers at once, unless it is stopped or its core is taken. */
#define ANSWER_PATIENCE_MS 5000

/* More than the largest answer: the supervisor's own limit is 1 MiB. */
#define LINE_MAX_BYTES (4u << 20)

#define READ_SIZE 65536

/* ---- one connection ---- */

void client_close(struct client *c)
{
	fd_close(&c->fd);
	json_decref(c->status);
	json_decref(c->events);
	free(c->in);
	*c = (struct client){.fd = -1};
}

static int time_left(uint64_t deadline_ns)
{
	uint64_t now = monotonic_ns();

	if (deadline_ns == UINT64_MAX)
		return -1;
	return deadline_ns <= now ? 0
				  : (int)min_u64((deadline_ns - now + 999999) / 1000000, INT_MAX);
}

/* Takes the first complete line of what came. NULL: there is none. The caller frees it. */
static char *take_line(struct client *c)
{
	char *end = c->in ? memchr(c->in, '\n', c->in_size) : NULL;
	size_t size = end ? (size_t)(end - c->in) : 0;
	char *line = end ? strndup(c->in, size) : NULL;

	if (!line)
		return NULL;
	c->in_size -= size + 1;
	memmove(c->in, end + 1, c->in_size);
	return line;
}

/* Reads until a line is complete. 0; -ETIMEDOUT; -ENODATA at the end; -EPROTO; or what poll said.
 */
static int read_line(struct client *c, uint64_t deadline_ns, char **ret_line)
{
	while (!(*ret_line = take_line(c))) {
		struct pollfd p = {.fd = c->fd, .events = POLLIN};
		int ready = poll(&p, 1, time_left(deadline_ns));
		char *in;
		ssize_t n;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return ready ? -errno : -ETIMEDOUT;
		if (c->in_size > LINE_MAX_BYTES)
			return -EPROTO;
		in = realloc(c->in, c->in_size + READ_SIZE);
		if (!in)
			return -ENOMEM;
		c->in = in;
		n = recv(c->fd, in + c->in_size, READ_SIZE, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return -ENODATA;
		c->in_size += (size_t)n;
	}
	return 0;
}

/* The next message of the supervisor; *RET_MESSAGE is the caller's. Errors as read_line. */
static int read_message(struct client *c, uint64_t deadline_ns, json_t **ret_message)
{
	AUTO_FREE char *line = NULL;
	int ret = read_line(c, deadline_ns, &line);

	if (ret)
		return ret;
	*ret_message = json_loads(line, 0, NULL);
	return json_is_object(*ret_message) ? 0 : -EPROTO;
}

static bool is_event(const json_t *message)
{
	return strcmp(json_text(message, "method"), "event") == 0;
}

static enum bh_exit unreachable(struct client *c, int error, struct diags *diags)
{
	json_int_t pid = json_integer_value(json_object_get(c->status, "pid"));

	c->ended = error == -ENODATA || error == -EPIPE;
	if (!diags)
		return BH_EXIT_HOST;
	if (error == -ETIMEDOUT)
		diag_error(diags, NULL, NULL,
			"%s: its supervisor (process %" JSON_INTEGER_FORMAT
			") does not answer; see whether it is stopped",
			c->run, pid);
	else if (c->ended)
		diag_error(diags, NULL, NULL, "%s: the run has ended", c->run);
	else
		diag_error(diags, NULL, NULL, "%s: its supervisor cannot be reached: %s; try again",
			c->run, strerror(-error));
	return BH_EXIT_HOST;
}

static int send_request(struct client *c, const char *method, json_t *params)
{
	json_t *request = json_pack("{s:s, s:I, s:s, s:o*}", "jsonrpc", "2.0", "id", ++c->next_id,
		"method", method, "params", params);
	AUTO_FREE char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	AUTO_FREE char *line = NULL;
	int size = text ? asprintf(&line, "%s\n", text) : -1;

	json_decref(request);
	if (size < 0) {
		line = NULL;
		return -ENOMEM;
	}
	/* A request is small and the socket empty: it fits. */
	if (send(c->fd, line, (size_t)size, MSG_NOSIGNAL) == size)
		return 0;
	return errno == ECONNRESET ? -EPIPE : -errno;
}

/* The answer to the request that was sent last; events that come before it are kept. */
static int read_answer(struct client *c, json_t **ret_answer)
{
	uint64_t deadline = monotonic_ns() + ANSWER_PATIENCE_MS * (uint64_t)1000000;
	json_t *message;
	int ret;

	while ((ret = read_message(c, deadline, &message)) == 0) {
		if (!is_event(message)) {
			*ret_answer = message;
			return 0;
		}
		json_array_append(c->events, json_object_get(message, "params"));
		json_decref(message);
	}
	return ret;
}

enum bh_exit client_call(struct client *c, const char *method, json_t *params, struct diags *diags,
	json_t **ret_result)
{
	json_t *answer, *error, *result;
	int ret = send_request(c, method, params);

	if (!ret)
		ret = read_answer(c, &answer);
	if (ret)
		return unreachable(c, ret, diags);
	error = json_object_get(answer, "error");
	result = json_object_get(answer, "result");
	if (result)
		*ret_result = json_incref(result);
	else if (diags)
		diag_error(diags, NULL, NULL, "%s: %s", c->run, json_text(error, "message"));
	json_decref(answer);
	return result ? BH_EXIT_OK : BH_EXIT_GUEST_FAILED;
}

enum bh_exit client_next_event(struct client *c, int timeout_ms, json_t **ret_event)
{
	uint64_t deadline =
		timeout_ms < 0 ? UINT64_MAX : monotonic_ns() + (uint64_t)timeout_ms * 1000000;

	*ret_event = NULL;
	for (;;) {
		json_t *event = json_array_get(c->events, 0), *message;
		int ret;

		if (event) {
			*ret_event = json_incref(event);
			json_array_remove(c->events, 0);
			return BH_EXIT_OK;
		}
		ret = read_message(c, deadline, &message);
		if (ret == -ETIMEDOUT)
			return BH_EXIT_OK;
		if (ret)
			return unreachable(c, ret, NULL);
		if (is_event(message))
			json_array_append(c->events, json_object_get(message, "params"));
		json_decref(message);
	}
}

/* ---- all runs ---- */

/* Connects to RUN and learns its state. A dead run's socket is no news. */
static bool client_open(int dir_fd, const char *run, struct diags *diags, struct client *ret)
{
	*ret = (struct client){.fd = rundir_connect(dir_fd, run), .events = json_array()};
	snprintf(ret->run, sizeof(ret->run), "%s", run);
	if (ret->fd >= 0) {
		if (client_call(ret, "status", NULL, NULL, &ret->status) == BH_EXIT_OK)
			return true;
		if (ret->ended) { /* just now */
			client_close(ret);
			return false;
		}
		diag_warning(diags, NULL, NULL,
			"%s: its supervisor does not answer; see whether it is stopped", run);
	} else if (ret->fd != -ECONNREFUSED && ret->fd != -ENOENT) {
		diag_warning(diags, NULL, NULL, "%s: its supervisor cannot be reached: %s", run,
			strerror(-ret->fd));
	}
	client_close(ret);
	return false;
}

unsigned clients_connect(struct diags *diags, struct client **ret_clients)
{
	AUTO_FREE char(*names)[RUN_NAME_MAX] = NULL;
	char path[PATH_MAX];
	AUTO_CLOSE int dir_fd = rundir_open(false, path);
	int count = dir_fd < 0 ? dir_fd : rundir_list(dir_fd, &names);
	struct client *clients;
	unsigned live = 0;

	*ret_clients = NULL;
	if (count == -ENOENT)
		return 0;
	if (count == -ENXIO)
		diag_warning(diags, NULL, NULL,
			"runs are found in $XDG_RUNTIME_DIR, which is not set; set it");
	else if (count == -EPERM)
		diag_warning(diags, NULL, NULL,
			"%s is not this user's alone; see its owner and permissions (0700)", path);
	else if (count < 0)
		diag_warning(diags, NULL, NULL, "%s cannot be read: %s", path, strerror(-count));
	if (count <= 0)
		return 0;
	clients = calloc((size_t)count, sizeof(*clients));
	for (int i = 0; clients && i < count; i++)
		live += client_open(dir_fd, names[i], diags, &clients[live]);
	*ret_clients = clients;
	return live;
}

/* ---- which run ---- */

json_t *status_partition(const json_t *status, const char *name)
{
	const json_t *list = json_object_get(status, "partitions");

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *p = json_array_get(list, i);

		if (strcmp(json_text(p, "name"), name) == 0)
			return p;
	}
	return NULL;
}

/* What the command is about, in parts. */
struct target {
	char run[RUN_NAME_MAX]; /* empty: any */
	const char *name;       /* of a partition, or a run if that is wanted; NULL: a run */
	bool only_partition;    /* NAME cannot be a run's */
	unsigned kinds;
};

/* "a, b/c" of what is meant by T among the COUNT CLIENTS. How many it is. */
static unsigned find_candidates(const struct target *t, const struct client *clients,
	unsigned count, char *ret_list, size_t size)
{
	unsigned found = 0;
	size_t used = 0;

	ret_list[0] = '\0';
	for (unsigned i = 0; i < count; i++) {
		const char *run = clients[i].run;
		bool here = !t->run[0] || strcmp(t->run, run) == 0;
		bool is_run = t->kinds & TARGET_RUN && !t->only_partition &&
			      (!t->name || strcmp(t->name, run) == 0) && here;
		bool is_partition = here && t->name && t->kinds & TARGET_PARTITION &&
				    status_partition(clients[i].status, t->name);

		if (is_run && used < size)
			used += (size_t)snprintf(ret_list + used, size - used, "%s%s%s",
				used ? ", " : "", run, t->kinds & TARGET_PARTITION ? "/" : "");
		if (is_partition && used < size)
			used += (size_t)snprintf(ret_list + used, size - used, "%s%s/%s",
				used ? ", " : "", run, t->name);
		found += is_run + is_partition;
	}
	return found;
}

/* Takes --run and NAME apart. False, with a diagnostic, when they do not go together. */
static bool target_parse(const char *run, const char *name, struct target *t, struct diags *diags)
{
	const char *slash = name ? strchr(name, '/') : NULL;
	size_t length = slash ? (size_t)(slash - name) : 0;

	t->name = slash ? slash + 1 : name;
	t->only_partition = slash && slash[1];
	if (run)
		snprintf(t->run, sizeof(t->run), "%s", run);
	else if (slash)
		snprintf(t->run, sizeof(t->run), "%.*s", (int)min_u64(length, RUN_NAME_MAX - 1),
			name);
	if (t->name && !t->name[0])
		t->name = NULL;
	if (run && slash && (strlen(run) != length || strncmp(run, name, length) != 0)) {
		diag_error(
			diags, NULL, "--run", "%s and %s are different runs; name one", run, name);
		return false;
	}
	return true;
}

static bool run_is_going(const char *run, const struct client *clients, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(run, clients[i].run) == 0)
			return true;
	}
	return false;
}

static void say_not_found(
	const struct target *t, const struct client *clients, unsigned count, struct diags *diags)
{
	struct target all = {.kinds = TARGET_RUN};
	char runs[256];

	find_candidates(&all, clients, count, runs, sizeof(runs));
	if (!count)
		diag_error(diags, NULL, NULL, "no run is going; start one with `bulkhead run`");
	else if (t->name && (!t->run[0] || run_is_going(t->run, clients, count)))
		diag_error(diags, NULL, NULL,
			"there is no \"%s\"%s%s; `bulkhead list` shows what there is", t->name,
			t->run[0] ? " in run " : "", t->run);
	else
		diag_error(diags, NULL, NULL, "there is no run \"%s\"; these are going: %s", t->run,
			runs);
}

/* The one client of the COUNT that T means. */
static struct client *choose(
	const struct target *t, struct client *clients, unsigned count, bool *ret_is_run)
{
	for (unsigned i = 0; i < count; i++) {
		struct client *c = &clients[i];
		bool here = !t->run[0] || strcmp(t->run, c->run) == 0;

		*ret_is_run = !t->name || !status_partition(c->status, t->name);
		if (here && t->name && t->kinds & TARGET_PARTITION && !*ret_is_run)
			return c;
		if (here && t->kinds & TARGET_RUN && !t->only_partition &&
			(!t->name || strcmp(t->name, c->run) == 0))
			return c;
	}
	return NULL;
}

enum bh_exit client_find(const char *run, const char *name, unsigned kinds, struct diags *diags,
	struct client *ret_client, const char **ret_partition)
{
	struct target t = {.kinds = kinds};
	struct client *clients = NULL, *chosen;
	unsigned count, found = 0;
	char list[512];
	bool is_run = false;

	*ret_client = (struct client){.fd = -1};
	*ret_partition = NULL;
	if (!target_parse(run, name, &t, diags))
		return BH_EXIT_USAGE;
	/* Without a name, a command for partitions is for all of a run. */
	if (!t.name)
		t.kinds |= TARGET_RUN;
	count = clients_connect(diags, &clients);
	found = find_candidates(&t, clients, count, list, sizeof(list));
	chosen = found == 1 ? choose(&t, clients, count, &is_run) : NULL;
	if (!found)
		say_not_found(&t, clients, count, diags);
	else if (found > 1)
		diag_error(diags, NULL, NULL, "several are meant: %s; name one%s", list,
			t.name ? "" : ", or give --run");
	if (chosen) {
		*ret_client = *chosen;
		*chosen = (struct client){.fd = -1};
		*ret_partition = is_run ? NULL : t.name;
	}
	for (unsigned i = 0; i < count; i++)
		client_close(&clients[i]);
	free(clients);
	return chosen ? BH_EXIT_OK : BH_EXIT_USAGE;
}

/* ---- output ---- */

const char *json_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

void json_print(json_t *o)
{
	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
}

int client_finish(const struct command *cmd, bool json, enum bh_exit code, struct diags *diags)
{
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "bulkhead %s: ", cmd->name);
	if (json && code != BH_EXIT_OK)
		diags_print_json(diags, code);
	else
		diags_print(diags, stderr, prefix);
	diags_fini(diags);
	return (int)code;
}

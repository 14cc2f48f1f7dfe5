/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The run's name, claims and socket; what the socket offers is in supervisor/methods.c.
 */
#include "supervisor/control.h"

#include "supervisor/methods.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A default name that is taken gets -2, -3 and so on. */
#define NAME_SUFFIX_MAX 99

/* ---- the name ---- */

/* "dir/demo.yaml" is the run "demo". */
static void default_name(const struct run *run, char ret_name[RUN_NAME_MAX])
{
	const struct run_options *o = run->options;
	const char *path = run->plan->from_file ? run->plan->path : "run";
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	AUTO_FREE char *stem = strdup(o->default_name ?: base);
	char *dot = stem && !o->default_name ? strrchr(stem, '.') : NULL;

	if (dot && dot != stem)
		*dot = '\0';
	run_name_from(stem ?: "run", ret_name);
}

/* Listens under NAME; -EADDRINUSE when a live run has it. */
static int try_name(struct control *c, const char *name)
{
	int fd = rundir_listen(c->dir_fd, name);

	if (fd < 0)
		return fd;
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->listen_fd = fd;
	return 0;
}

/* Listens under the first name of BASE, BASE-2, BASE-3... that is free. */
static int try_names(struct control *c, const char *base)
{
	char name[RUN_NAME_MAX];
	int ret = try_name(c, base);

	for (unsigned i = 2; ret == -EADDRINUSE && i <= NAME_SUFFIX_MAX; i++) {
		snprintf(name, sizeof(name), "%.*s-%u", RUN_NAME_MAX - 4, base, i);
		ret = try_name(c, name);
	}
	return ret;
}

static int name_taken(const struct run *run, const char *name, struct diags *diags)
{
	const struct diag_loc *loc = run->options->name ? NULL : &run->plan->name_loc;

	diag_error(diags, loc, run->options->name ? "--name" : "name",
		"a run named \"%s\" is going; stop it, or choose another name", name);
	return -EINVAL;
}

/* Without a place for the socket the run goes on, unless nothing else could reach it. */
static int no_socket(struct run *run, int error, struct diags *diags)
{
	const char *path = run->control->dir;
	const char *why = error == -ENXIO   ? "$XDG_RUNTIME_DIR is not set"
			  : error == -EPERM ? "it is not this user's alone"
					    : strerror(-error);
	const char *remedy = error == -ENXIO ? "set it to a folder of yours"
					     : "see the folder and its permissions (0700)";

	if (run->options->detach) {
		diag_error(diags, NULL, "--detach", "the run cannot be reached: %s%s%s; %s", path,
			*path ? ": " : "", why, remedy);
		return error;
	}
	if (!run->options->quiet)
		run_say(run,
			"`bulkhead list` and the other commands will not see this run: %s%s%s; %s",
			path, *path ? ": " : "", why, remedy);
	return 0;
}

static int start_listening(struct run *run, struct diags *diags)
{
	struct control *c = run->control;
	const char *wanted = run->options->name ?: run->plan->name;
	int ret;

	if (wanted && !run_name_valid(wanted)) {
		diag_error(diags, run->options->name ? NULL : &run->plan->name_loc,
			run->options->name ? "--name" : "name",
			"this is no name of a run; use up to %d letters, digits, '.', '_' and '-'",
			RUN_NAME_MAX - 1);
		return -EINVAL;
	}
	if (wanted)
		snprintf(c->name, sizeof(c->name), "%s", wanted);
	else
		default_name(run, c->name);
	c->dir_fd = rundir_open(true, c->dir);
	if (c->dir_fd < 0)
		return no_socket(run, c->dir_fd, diags);
	if (wanted) {
		ret = try_name(c, wanted);
	} else {
		char base[RUN_NAME_MAX];

		memcpy(base, c->name, sizeof(base));
		ret = try_names(c, base);
	}
	if (ret == -EADDRINUSE)
		return name_taken(run, c->name, diags);
	return ret ? no_socket(run, ret, diags) : 0;
}

/* ---- cores ---- */

/* Says that CORE, which FIELD at LOC wants, is another run's. */
static int core_taken(struct diags *diags, const struct diag_loc *loc, const char *field,
	unsigned core, const struct claim_owner *owner)
{
	char who[RUN_NAME_MAX + 64];

	if (owner->run[0])
		snprintf(who, sizeof(who), "run \"%s\" (process %d)", owner->run, owner->pid);
	else if (owner->pid)
		snprintf(who, sizeof(who), "another run (process %d)", owner->pid);
	else
		snprintf(who, sizeof(who), "another run");
	diag_error(diags, loc, field,
		"core %u belongs to %s; stop that run, or choose another core", core, who);
	return -EBUSY;
}

/* The cores that P names: its own are claimed, those that it shares must be nobody's. */
static int claim_cores(struct control *c, const struct plan_partition *p, struct diags *diags)
{
	char field[PLAN_FIELD_MAX];
	struct claim_owner owner;
	int ret = 0;

	for (unsigned i = 0; i < p->cpus.core_count; i++) {
		unsigned core = p->cpus.cores[i];
		int err = p->cpus.shared ? 0 : claims_take(c->claims, core, &owner);

		if (p->cpus.shared && CPU_ISSET(core % CPU_SETSIZE, &c->claimed) &&
			core_claimed(core, &owner))
			err = -EBUSY;
		if (err == -EBUSY)
			core_taken(diags, &p->locs[PLAN_KEY_CPUS], plan_field(p, "cpus", field),
				core, &owner);
		else if (err)
			diag_error(diags, &p->locs[PLAN_KEY_CPUS], plan_field(p, "cpus", field),
				"core %u cannot be claimed: %s; %s", core, strerror(-err),
				diag_remedy(-err) ?: DOCTOR_REMEDY);
		if (err)
			ret = err;
	}
	return ret;
}

/* Notes what is claimed now, which is all of others. */
static void find_claimed(struct control *c)
{
	cpu_set_t allowed;

	CPU_ZERO(&c->claimed);
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return;
	for (unsigned core = 0; core < PLAN_CORES_MAX && core < CPU_SETSIZE; core++) {
		if (CPU_ISSET(core, &allowed) && core_claimed(core, NULL))
			CPU_SET(core, &c->claimed);
	}
}

static int start_claims(struct run *run, struct diags *diags)
{
	struct control *c = run->control;
	const struct plan *plan = run->plan;
	struct claim_owner owner;
	int ret = claims_create(run->loop, c->name, &c->claims);

	if (ret) {
		diag_error(diags, NULL, NULL, "cores cannot be claimed: %s; %s", strerror(-ret),
			diag_remedy(-ret) ?: DOCTOR_REMEDY);
		return ret;
	}
	find_claimed(c);
	for (unsigned i = 0; i < plan->partition_count; i++) {
		int err = claim_cores(c, &plan->partitions[i], diags);

		if (err)
			ret = err;
	}
	for (unsigned i = 0; i < plan->housekeeping_count; i++) {
		unsigned core = plan->housekeeping[i];

		if (CPU_ISSET(core % CPU_SETSIZE, &c->claimed) && core_claimed(core, &owner))
			ret = core_taken(
				diags, &plan->housekeeping_loc, "housekeeping", core, &owner);
	}
	return ret;
}

void control_exclude_claimed(const struct run *run, cpu_set_t *cores)
{
	cpu_set_t left = *cores;

	if (!run->control)
		return;
	for (int core = 0; core < CPU_SETSIZE; core++) {
		if (CPU_ISSET(core, &run->control->claimed))
			CPU_CLR(core, &left);
	}
	if (CPU_COUNT(&left))
		*cores = left;
}

/* ---- start and end ---- */

int control_start(struct run *run, struct diags *diags)
{
	struct control *c = calloc(1, sizeof(*c));
	int ret;

	if (!c) {
		diag_error(diags, NULL, NULL, "no memory for the control socket; free some");
		return -ENOMEM;
	}
	run->control = c;
	c->run = run;
	c->dir_fd = c->listen_fd = -1;
	ret = start_listening(run, diags);
	if (!ret)
		ret = start_claims(run, diags);
	if (!ret && c->listen_fd >= 0) {
		ret = methods_serve(c);
		if (ret)
			diag_error(diags, NULL, NULL, "the control socket cannot be served: %s; %s",
				strerror(-ret), diag_remedy(-ret) ?: DOCTOR_REMEDY);
	}
	return ret;
}

/* systemd's protocol for services of Type=notify [sd_notify(3)]. */
static void notify_systemd(void)
{
	static const char ready[] = "READY=1";
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = path ? strlen(path) : 0;
	AUTO_CLOSE int fd = -1;

	if (!length || length >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		(void)!sendto(fd, ready, strlen(ready), MSG_DONTWAIT | MSG_NOSIGNAL,
			(const struct sockaddr *)&address,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
}

void control_operational(struct run *run)
{
	int fd = run->options->ready_fd;

	run->control->operational_ns = monotonic_ns();
	if (fd > 0) {
		dprintf(fd, "%s\n", run->control->name);
		close(fd);
	}
	notify_systemd();
}

void control_stop(struct run *run)
{
	struct control *c = run->control;
	bool listened;

	if (!c)
		return;
	listened = c->listen_fd >= 0;
	if (c->operational_ns)
		run_event(run, NULL, "end", "exit code %d", (int)run_exit_code(run));
	if (c->server)
		methods_stop(c);
	else
		fd_close(&c->listen_fd);
	if (listened)
		rundir_remove(c->dir_fd, c->name);
	claims_destroy(c->claims);
	fd_close(&c->dir_fd);
	free(c);
	run->control = NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is behind the ports of a partition: the run's console, files, pseudo-terminals, sockets, and
 * serial ports of other partitions. What others have opened meanwhile (a pseudo-terminal's name, a
 * socket's, the other end of a link) stays the same when a partition starts again.
 */
#include "supervisor/child_files.h"

#include "lib/size.h"
#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* Clients that wait until the one before them is gone. */
#define BACKLOG 16

/* As much as a pipe can be made to keep; its writer may go on meanwhile. */
#define STALE_MAX MIB

static void open_failed(struct child_files *f, unsigned i, const char *path)
{
	const struct plan_partition *p = f->child->plan;
	char key[PLAN_PORT_KEY_MAX];

	child_open_failed(f, plan_port_key(p, i, key), &plan_port(p, i)->loc, path);
}

/* A file to write to. A partition that starts again goes on in its files. */
static int open_output(struct child_files *f, const char *path)
{
	int mode = f->child->restarts ? O_APPEND : O_TRUNC;

	return child_keep(
		f, open(path, O_WRONLY | O_CREAT | mode | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666));
}

static void open_log(struct child_files *f, unsigned i)
{
	const char *dir = f->child->run->options->log_dir;
	struct partition_port *p = &f->launch.ports[i];
	char path[PATH_MAX];

	if (!dir || plan_log_path(dir, f->child->plan, i, path))
		return; /* one that is too long has been refused before */
	p->log_fd = open_output(f, path);
	if (p->log_fd < 0)
		child_open_failed(f, "serial", NULL, path);
}

/* ---- the run's console ---- */

static void open_console_port(struct child_files *f, unsigned i)
{
	struct partition_port *p = &f->launch.ports[i];
	struct run *run = f->child->run;
	bool alone = run->console_child >= 0;

	for (unsigned k = 0; k < run->options->port_count; k++) {
		const struct run_port *to = &run->options->ports[k];

		if (strcmp(to->partition, f->child->plan->name) != 0 ||
			plan_port_find(f->child->plan, to->port) != (int)i)
			continue;
		p->out_fd = p->in_fd = to->fd;
		return;
	}
	if (run->console_out < 0 || (alone && run->console_child != (int)f->child->index))
		return;
	p->out_fd = run->console_out;
	if (!alone || plan_port_main(f->child->plan) != (int)i) {
		p->flags |= PORT_PREFIX;
		if (isatty(run->console_out) && !getenv("NO_COLOR"))
			p->flags |= PORT_COLOUR;
		return;
	}
	p->in_fd = run->console_in;
	if (run->has_terminal) {
		p->flags |= PORT_TERMINAL;
		p->window = terminal_window(run);
		f->launch.has_termios = 1;
		f->launch.termios = run->termios;
	}
}

/* ---- pseudo-terminals ---- */

/*
 * A pseudo-terminal, raw, whose name is printed. Its slave stays open here, so that the master
 * never reports a hang-up when a terminal program comes or goes.
 */
static int make_pty(struct child *child, unsigned i)
{
	int *master = &child->port_fds[i], *slave = &child->port_others[i];
	char name[64], title[PLAN_PORT_TITLE_MAX];
	struct termios raw;

	fd_close(slave);
	*master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (*master < 0 || unlockpt(*master) || ptsname_r(*master, name, sizeof(name)))
		return -1;
	*slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*slave < 0 || tcgetattr(*slave, &raw))
		return -1;
	cfmakeraw(&raw);
	tcsetattr(*slave, TCSANOW, &raw);
	run_say(child->run, "%s: %s is %s", child->plan->name,
		plan_port_title(child->plan, i, title), name);
	return 0;
}

static void open_pty(struct child_files *f, unsigned i)
{
	int *master = &f->child->port_fds[i];

	if (*master >= 0 || make_pty(f->child, i) == 0) {
		/* Two copies of it: each direction has its own watch. */
		f->launch.ports[i].out_fd = f->launch.ports[i].in_fd = *master;
		return;
	}
	open_failed(f, i, "a pseudo-terminal");
	fd_close(master);
}

/* ---- sockets ---- */

/* A socket at which nobody listens is left over. */
static bool is_stale(const struct sockaddr_un *address)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	return fd >= 0 && !lstat(address->sun_path, &st) && S_ISSOCK(st.st_mode) &&
	       connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
	       errno == ECONNREFUSED;
}

/* The listening socket at PATH, or -1 with errno. */
static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct sockaddr *at = (const struct sockaddr *)&address;
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int ret;

	if (fd < 0)
		return -1;
	memcpy(address.sun_path, path, strnlen(path, sizeof(address.sun_path) - 1));
	ret = bind(fd, at, sizeof(address));
	if (ret && errno == EADDRINUSE && is_stale(&address) && !unlink(path))
		ret = bind(fd, at, sizeof(address));
	else if (ret && errno != EADDRINUSE)
		return -1;
	if (ret) {
		errno = EADDRINUSE;
		return -1;
	}
	if (listen(fd, BACKLOG))
		return -1;
	ret = fd;
	fd = -1;
	return ret;
}

static void open_socket(struct child_files *f, unsigned i, const char *path)
{
	const struct plan_partition *p = f->child->plan;
	char key[PLAN_PORT_KEY_MAX], field[PLAN_FIELD_MAX];
	int *fd = &f->child->port_fds[i];

	if (*fd < 0)
		*fd = listen_at(path);
	if (*fd < 0 && errno == EADDRINUSE) {
		diag_error(f->diags, &plan_port(p, i)->loc,
			plan_field(p, plan_port_key(p, i, key), field),
			"%s is in use, or no socket; end who listens there, or give another path",
			path);
		return;
	}
	if (*fd < 0) {
		open_failed(f, i, path);
		return;
	}
	f->launch.ports[i].in_fd = *fd;
	f->launch.ports[i].flags |= PORT_LISTEN;
}

/* ---- links ---- */

/*
 * A pipe each way: it holds 64 KiB whatever they are written by, which is a character or two at a
 * time, where a socket holds some forty writes.
 */
static int link_ports(int *ret_a_in, int *ret_a_out, int *ret_b_in, int *ret_b_out)
{
	int ab[2], ba[2];

	if (pipe2(ab, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	*ret_b_in = ab[0];
	*ret_a_out = ab[1];
	if (pipe2(ba, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	*ret_a_in = ba[0];
	*ret_b_out = ba[1];
	return 0;
}

int run_link_ports(struct run *run)
{
	const struct plan *plan = run->plan;
	int ret = 0;

	for (unsigned i = 0; i < run->child_count * PLAN_SERIAL_PORTS && !ret; i++) {
		unsigned port = i % PLAN_SERIAL_PORTS, other, other_port;
		struct child *a = &run->children[i / PLAN_SERIAL_PORTS], *b;

		if (a->plan->serial[port].kind != PLAN_PORT_LINK || a->port_fds[port] >= 0 ||
			!plan_link_find(plan, &a->plan->serial[port], &other, &other_port))
			continue;
		b = &run->children[other];
		ret = link_ports(&a->port_fds[port], &a->port_others[port],
			&b->port_fds[other_port], &b->port_others[other_port]);
	}
	return ret;
}

/* What the other end sent while nobody was here is lost, as on a line. */
static void open_link(struct child_files *f, unsigned i)
{
	struct partition_port *p = &f->launch.ports[i];
	char stale[4096];
	size_t total = 0;
	ssize_t n;

	p->in_fd = f->child->port_fds[i];
	p->out_fd = f->child->port_others[i];
	p->flags |= PORT_EARLY;
	while (total < STALE_MAX && (n = read(p->in_fd, stale, sizeof(stale))) > 0)
		total += (size_t)n;
}

/* ---- all of them ---- */

static void open_port(struct child_files *f, unsigned i, const struct plan_port *port)
{
	struct partition_port *p = &f->launch.ports[i];

	open_log(f, i);
	if (port->name)
		p->flags |= PORT_PATIENT;
	switch (port->kind) {
	case PLAN_PORT_NONE:
	case PLAN_PORT_NULL:
	case PLAN_PORT_TESTDEV:
		break;
	case PLAN_PORT_CONSOLE:
		open_console_port(f, i);
		break;
	case PLAN_PORT_PTY:
		open_pty(f, i);
		break;
	case PLAN_PORT_FILE:
		p->out_fd = open_output(f, port->path);
		if (p->out_fd < 0)
			open_failed(f, i, port->path);
		break;
	case PLAN_PORT_SOCKET:
		open_socket(f, i, port->path);
		break;
	case PLAN_PORT_LINK:
		open_link(f, i);
		break;
	}
}

void child_open_ports(struct child_files *f)
{
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		const struct plan_port *port = plan_port(f->child->plan, i);

		if (port)
			open_port(f, i, port);
	}
}

void child_close_ports(struct child *child)
{
	for (unsigned i = 0; i < PLAN_PORTS_MAX; i++) {
		const struct plan_port *port = plan_port(child->plan, i);

		if (port && port->kind == PLAN_PORT_SOCKET && child->port_fds[i] >= 0)
			unlink(port->path);
		fd_close(&child->port_fds[i]);
		fd_close(&child->port_others[i]);
	}
}

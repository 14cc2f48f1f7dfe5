/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/claims.h"

#include "lib/util.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

/* How long an owner may take to say its name; one that is stopped does not. */
#define ANSWER_PATIENCE_MS 500

/* Those who ask at the same moment; more find out without the name. */
#define BACKLOG 8

#define ANSWERS_PER_TURN 8

/*
 * All claims are behind one descriptor of the loop, however many cores there are. What happens to
 * one is an accept and a line, so nothing more is kept of it than its descriptor.
 */
struct claims {
	struct loop *loop;
	struct loop_watch watch; /* an epoll instance with all sockets */
	char answer[RUN_NAME_MAX + 16];
	unsigned count;
	int *fds;
};

static socklen_t claim_address(unsigned core, struct sockaddr_un *ret)
{
	int n;

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	n = snprintf(ret->sun_path + 1, sizeof(ret->sun_path) - 1, "bulkhead/core/%u", core);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

/* ---- the owner's side ---- */

static void answer_one(struct claims *c, int listen_fd)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		(void)!send(fd, c->answer, strlen(c->answer), MSG_DONTWAIT | MSG_NOSIGNAL);
		close(fd);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		/* No descriptor to answer with: the claims hold all the same, and who asks still
		 * learns our process number from the kernel. */
		loop_unwatch(c->loop, &c->watch);
	}
}

static void claims_ready(struct loop_watch *w, uint32_t revents)
{
	struct claims *c = container_of(w, struct claims, watch);
	struct epoll_event events[ANSWERS_PER_TURN];
	int n = epoll_wait(w->fd, events, ANSWERS_PER_TURN, 0);

	(void)revents;
	for (int i = 0; i < n; i++)
		answer_one(c, events[i].data.fd);
}

int claims_create(struct loop *loop, const char *run, struct claims **ret_claims)
{
	struct claims *c = calloc(1, sizeof(*c));
	int ret;

	if (!c)
		return -ENOMEM;
	c->loop = loop;
	c->watch = LOOP_WATCH_INIT;
	c->watch.events = POLLIN;
	c->watch.ready = claims_ready;
	snprintf(c->answer, sizeof(c->answer), "%.*s %d\n", RUN_NAME_MAX - 1, run, getpid());
	c->watch.fd = epoll_create1(EPOLL_CLOEXEC);
	ret = c->watch.fd < 0 ? -errno : loop_watch(loop, &c->watch);
	if (ret)
		claims_destroy(c);
	else
		*ret_claims = c;
	return ret;
}

void claims_destroy(struct claims *c)
{
	if (!c)
		return;
	loop_unwatch(c->loop, &c->watch);
	fd_close(&c->watch.fd);
	for (unsigned i = 0; i < c->count; i++)
		close(c->fds[i]);
	free(c->fds);
	free(c);
}

static int claim_socket(const struct claims *c, unsigned core)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct epoll_event event = {.events = EPOLLIN};
	struct sockaddr_un address;
	socklen_t size = claim_address(core, &address);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, size) || listen(fd, BACKLOG))
		return -errno;
	event.data.fd = fd;
	return epoll_ctl(c->watch.fd, EPOLL_CTL_ADD, fd, &event) ? -errno : fd_release(&fd);
}

int claims_take(struct claims *c, unsigned core, struct claim_owner *ret_owner)
{
	int *fds = reallocarray(c->fds, c->count + 1, sizeof(*fds));
	int fd;

	if (!fds)
		return -ENOMEM;
	c->fds = fds;
	fd = claim_socket(c, core);
	if (fd >= 0) {
		fds[c->count++] = fd;
		return 0;
	}
	if (fd != -EADDRINUSE)
		return fd;
	/* Bound, but nobody listens: it is just being claimed, or given back. */
	if (!core_claimed(core, ret_owner))
		*ret_owner = (struct claim_owner){0};
	return -EBUSY;
}

/* ---- asking ---- */

/* What the owner at FD says of itself, which anybody could: checked, and the kernel's word counts.
 */
static void ask(int fd, struct claim_owner *ret)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char text[RUN_NAME_MAX + 32] = "", *end;
	struct ucred peer;
	socklen_t size = sizeof(peer);
	ssize_t n = 0;

	*ret = (struct claim_owner){0};
	if (poll(&p, 1, ANSWER_PATIENCE_MS) > 0)
		n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	text[n > 0 ? n : 0] = '\0';
	end = strchr(text, ' ');
	if (end) {
		*end = '\0';
		if (run_name_valid(text))
			snprintf(ret->run, sizeof(ret->run), "%.*s", RUN_NAME_MAX - 1, text);
		ret->pid = (pid_t)strtol(end + 1, NULL, 10);
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0)
		ret->pid = peer.pid;
}

bool core_claimed(unsigned core, struct claim_owner *ret_owner)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	socklen_t size = claim_address(core, &address);

	if (ret_owner)
		*ret_owner = (struct claim_owner){0};
	if (fd < 0)
		return false;
	if (connect(fd, (const struct sockaddr *)&address, size))
		return errno == EAGAIN; /* so many ask that it does not keep up */
	if (ret_owner)
		ask(fd, ret_owner);
	return true;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/share.h"

#include "lib/util.h"
#include "supervisor/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Where distributions have it: it is in nobody's $PATH. */
static const char *const places[] = {"/usr/libexec/virtiofsd", "/usr/lib/qemu/virtiofsd",
	"/usr/lib/virtiofsd", "/usr/lib/virtiofsd/virtiofsd"};

#define PACKAGES                                                                                   \
	"install the package virtiofsd, or where there is none (Debian 12) qemu-system-common"

/* What a virtiofsd can do: there are two programs of that name. */
struct server_kind {
	bool has_shared_dir; /* the newer one, with options of its own; else -o source=... */
	bool has_readonly;
};

/* Says what is wrong with the device, and that there is no socket. */
#define FAILED(o, ...)                                                                             \
	(diag_error((o)->files->diags, &(o)->device->loc,                                          \
		 plan_field((o)->files->child->plan, (o)->key, (char[PLAN_FIELD_MAX]){0}),         \
		 __VA_ARGS__),                                                                     \
		-1)

/* ---- the program ---- */

static int find_server(char ret_path[PATH_MAX])
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (access(places[i], X_OK))
			continue;
		snprintf(ret_path, PATH_MAX, "%s", places[i]);
		return 0;
	}
	return helper_find("virtiofsd", ret_path);
}

/* What it says of itself. False when it cannot be asked. */
static bool ask_server(const char *path, struct server_kind *ret_kind)
{
	char command[PATH_MAX + 16], help[16384];
	size_t n;
	FILE *f;

	snprintf(command, sizeof(command), "%s --help 2>&1", path);
	f = popen(command, "re");
	if (!f)
		return false;
	n = fread(help, 1, sizeof(help) - 1, f);
	help[n] = '\0';
	pclose(f);
	ret_kind->has_shared_dir = strstr(help, "--shared-dir");
	ret_kind->has_readonly = strstr(help, "--readonly");
	return n;
}

/* The older one takes a list separated by commas. Owned by the caller; NULL: no memory. */
static char *source_option(const char *path)
{
	char *text = malloc(sizeof("source=") + 2 * strlen(path)), *out = text;

	if (!text)
		return NULL;
	out = stpcpy(out, "source=");
	for (; *path; path++) {
		if (*path == ',' || *path == '\\')
			*out++ = '\\';
		*out++ = *path;
	}
	*out = '\0';
	return text;
}

/* LISTENER is what it takes its one connection from. 0 or a negative errno. */
static int start_server(
	const struct opening *o, const char *path, const struct server_kind *kind, int listener)
{
	const struct child *child = o->files->child;
	AUTO_FREE char *source = source_option(o->device->fs.path);
	char *argv[9] = {(char *)"virtiofsd"}, fd[32];
	const struct helper_program program = {
		.child = o->files->child,
		.device = (unsigned)(o->device - child->plan->devices),
		.path = path,
		.argv = argv,
		.fd = listener,
		.remedy = "see what it says",
		.ready_fd = -1,
	};
	unsigned n = 1;

	if (!source)
		return -ENOMEM;
	snprintf(fd, sizeof(fd), "--fd=%d", listener);
	argv[n++] = fd;
	if (kind->has_shared_dir) {
		argv[n++] = (char *)"--shared-dir";
		argv[n++] = o->device->fs.path;
		argv[n++] = (char *)"--log-level";
		argv[n++] = (char *)"warn";
		if (o->device->fs.readonly)
			argv[n++] = (char *)"--readonly";
	} else {
		argv[n++] = (char *)"-o";
		argv[n++] = source;
		argv[n++] = (char *)"-o";
		argv[n++] = (char *)"log_level=err";
	}
	return helper_start(&program);
}

/* ---- the socket ---- */

static int connect_to(const struct sockaddr_un *address)
{
	/* Without waiting for somebody who listens and does not accept. */
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return fd;
	close(fd);
	return -errno;
}

/*
 * A server wants a socket that listens, and takes one connection. Nobody else reaches it: it has a
 * name only in a folder of ours, and only for as long as connecting takes. The connection, or a
 * negative errno; *RET_LISTENER is the caller's.
 */
static int make_connection(int *ret_listener)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char folder[] = "/tmp/bulkhead-XXXXXX";
	AUTO_CLOSE int listener = -1;
	int fd;

	if (!mkdtemp(folder))
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/fs", folder);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (const struct sockaddr *)&address, sizeof(address)) ||
		listen(listener, 1))
		fd = -errno;
	else
		fd = connect_to(&address);
	unlink(address.sun_path);
	rmdir(folder);
	if (fd >= 0)
		*ret_listener = fd_release(&listener);
	return fd;
}

int share_start(const struct opening *o)
{
	AUTO_CLOSE int listener = -1;
	AUTO_CLOSE int fd = -1;
	struct server_kind kind;
	char path[PATH_MAX];
	int ret;

	if (find_server(path))
		return FAILED(
			o, "there is no virtiofsd to serve %s; " PACKAGES, o->device->fs.path);
	if (!ask_server(path, &kind))
		return FAILED(o, "%s says nothing when asked for --help; " PACKAGES, path);
	if (o->device->fs.readonly && !kind.has_readonly)
		return FAILED(o,
			"%s has no --readonly; install a newer virtiofsd, or remove readonly and "
			"share a folder that is mounted read-only",
			path);
	fd = make_connection(&listener);
	if (fd < 0)
		return FAILED(o, "no socket can be made for its server: %s; %s", strerror(-fd),
			diag_remedy(-fd) ?: "make /tmp writable");
	ret = start_server(o, path, &kind, listener);
	if (ret)
		return FAILED(o, "%s cannot be started: %s; %s", path, strerror(-ret),
			diag_remedy(-ret) ?: "see its permissions");
	return fd_release(&fd);
}

int share_connect(const struct opening *o)
{
	const char *path = o->device->fs.socket;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	/* The plan's schema knows how long it may be. */
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	fd = connect_to(&address);
	if (fd >= 0)
		return fd;
	if (fd == -EAGAIN)
		return FAILED(
			o, "%s: its server serves somebody else; start one for each device", path);
	return FAILED(o,
		"%s: %s; start its server first: virtiofsd --socket-path=%s --shared-dir "
		"FOLDER",
		path, strerror(-fd), path);
}

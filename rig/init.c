/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Process 1. When all is told it waits: the front ends the machine. Where nothing can be told it
 * says why on the kernel's console and restarts the machine, which QEMU takes as its end.
 */
#include "rig/init.h"

#include "lib/util.h"
#include "rig/inside.h"
#include "rig/rig.h"
#include "rig/wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define PORT_WAIT_MS 20000

/* ---- the system ---- */

static void complain(const char *what)
{
	fprintf(stderr, "bulkhead rig-init: %s: %s\n", what, strerror(errno));
}

void init_mount(void)
{
	static const struct {
		const char *type, *at, *data;
	} mounts[] = {
		{"proc", "/proc", NULL},
		{"sysfs", "/sys", NULL},
		{"devtmpfs", "/dev", NULL},
		{"devpts", "/dev/pts", "ptmxmode=0666"},
		{"tmpfs", "/dev/shm", NULL},
	};
	static const char *const links[][2] = {{"/proc/self/fd", "/dev/fd"},
		{"/proc/self/fd/0", "/dev/stdin"}, {"/proc/self/fd/1", "/dev/stdout"},
		{"/proc/self/fd/2", "/dev/stderr"}};

	umask(022);
	for (unsigned i = 0; i < ARRAY_SIZE(mounts); i++) {
		mkdir(mounts[i].at, 0755);
		if (mount(mounts[i].type, mounts[i].at, mounts[i].type, 0, mounts[i].data))
			complain(mounts[i].at);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(links); i++)
		(void)!symlink(links[i][0], links[i][1]);
}

/* They are numbered in the order in which they can be loaded. */
void init_load_modules(void)
{
	struct dirent **found = NULL;
	int count = scandir(INSIDE_MODULES, &found, NULL, alphasort);
	char path[PATH_MAX];

	for (int i = 0; i < count; i++) {
		AUTO_CLOSE int fd = -1;

		snprintf(path, sizeof(path), "%s/%s", INSIDE_MODULES, found[i]->d_name);
		free(found[i]);
		fd = strstr(path, ".ko") ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		if (fd >= 0 && syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)
			complain(path);
	}
	free(found);
}

void init_network(const char *hostname)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

	if (sethostname(hostname, strnlen(hostname, 64)))
		complain("sethostname");
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo))
		complain("lo");
}

/* ---- the port ---- */

/* Whether the port that the kernel calls NAME is the front's. */
static bool is_our_port(const char *name)
{
	char path[PATH_MAX], text[64] = "";
	AUTO_FCLOSE FILE *f = NULL;

	snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", name);
	f = fopen(path, "re");
	return f && fgets(text, sizeof(text), f) && strcmp(text, INSIDE_PORT "\n") == 0;
}

static int find_port(void)
{
	AUTO_CLOSEDIR DIR *dir = opendir("/sys/class/virtio-ports");
	const struct dirent *e;
	char path[PATH_MAX];

	while (dir && (e = readdir(dir))) {
		snprintf(path, sizeof(path), "/dev/%s", e->d_name);
		if (is_our_port(e->d_name))
			return open(path, O_RDWR | O_CLOEXEC);
	}
	return -1;
}

int init_open_port(void)
{
	const struct timespec step = {.tv_nsec = 5000000};

	for (unsigned ms = 0; ms < PORT_WAIT_MS; ms += 5) {
		int fd = find_port();

		if (fd >= 0)
			return fd;
		nanosleep(&step, NULL);
	}
	return -1;
}

/* ---- all of it ---- */

static void give_up(int port, const char *text)
{
	if (port < 0 || wire_write(port, WIRE_FAILED, text, strlen(text))) {
		fprintf(stderr, "bulkhead rig-init: %s\n", text);
		sync();
		reboot(RB_AUTOBOOT);
	}
	for (;;)
		pause();
}

static void run_command(const json_t *job, int port)
{
	char text[256];
	int code = init_run(job, port);

	if (code < 0) {
		snprintf(text, sizeof(text), "%s cannot be started inside: %s",
			json_string_value(json_array_get(json_object_get(job, "argv"), 0)),
			strerror(-code));
		give_up(port, text);
	}
	init_send_outputs(job, port);
	wire_write_u32(port, WIRE_EXIT, (uint32_t)code);
}

void rig_init(void (*hold)(void))
{
	json_t *job;
	int port;

	if (getpid() != 1)
		return;
	init_mount();
	init_load_modules();
	job = json_load_file(INSIDE_JOB, 0, NULL);
	init_network(json_string_value(json_object_get(job, "hostname")) ?: "rig");
	port = init_open_port();
	if (port < 0)
		give_up(port,
			"this kernel has no virtio console port; give --modules, the folder of "
			"its modules");
	if (!job)
		give_up(port, "the command is not there");
	if (access("/dev/kvm", F_OK) == 0)
		hold();
	else if (json_is_true(json_object_get(job, "kvm")))
		give_up(port,
			"the emulated machine's kernel has no KVM; give another with --kernel, "
			"and --modules");
	run_command(job, port);
	for (;;)
		pause();
}

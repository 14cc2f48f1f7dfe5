/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Machines that are known to work: an AMD processor with nested paging, and QEMU's virt board with
 * EL2.
 */
#include "rig/emulator.h"

#include "lib/util.h"
#include "rig/inside.h"
#include "rig/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

struct kind {
	const char *program, *package;
	const char *machine, *cpu;
	const char *append; /* to the kernel's command line */
};

static const struct kind kinds[] = {
	[PLAN_ARCH_X86_64] =
		{
			.program = "qemu-system-x86_64",
			.package = "qemu-system-x86",
			.machine = "q35",
			/*
			 * QEMU emulates virtualization with nested paging for AMD's processors
			 * only, and without the intercept of XSETBV: KVM never learns what a guest
			 * has put into XCR0. So there is no XSAVE here, and with it no AVX.
			 */
			.cpu = "EPYC,+svm,+npt,-xsave,-xsaveopt,-xgetbv1,-avx,-avx2,-fma,-f16c",
			/* Its emulated TSC is far faster to read than an HPET. */
			.append = "console=ttyS0 tsc=reliable",
		},
	[PLAN_ARCH_ARM64] =
		{
			.program = "qemu-system-aarch64",
			.package = "qemu-system-arm",
			.machine = "virt,virtualization=on,gic-version=3",
			.cpu = "cortex-a57",
			.append = "console=ttyAMA0",
		},
};

#define WORDS_MAX 128
#define TEXT_MAX  256

struct line {
	const char *argv[WORDS_MAX];
	unsigned count;
};

static void add(struct line *l, const char *word)
{
	if (l->count < WORDS_MAX - 1)
		l->argv[l->count++] = word;
}

static void add2(struct line *l, const char *option, const char *value)
{
	add(l, option);
	add(l, value);
}

/* Two ends of a pair of sockets. */
static int make_pair(int *ret_ours, int *ret_theirs)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	*ret_ours = pair[0];
	*ret_theirs = pair[1];
	return 0;
}

const char *emulator_program(enum plan_arch arch, const char **ret_package)
{
	*ret_package = kinds[arch].package;
	return kinds[arch].program;
}

static pid_t start_qemu(const struct emulator_spec *spec, int wire, int log, int errors)
{
	const struct kind *k = &kinds[spec->arch];
	const int keep[] = {wire, log, spec->initrd_fd};
	struct line l = {.count = 0};
	struct tool t = {.argv = l.argv,
		.out = errors,
		.err = errors,
		.keep = keep,
		.keep_count = ARRAY_SIZE(keep)};
	char cpus[16], memory[32], initrd[32], append[TEXT_MAX], chars[2][64];

	snprintf(cpus, sizeof(cpus), "%u", spec->cpus);
	snprintf(memory, sizeof(memory), "%lluM", (unsigned long long)(spec->memory / MIB));
	snprintf(initrd, sizeof(initrd), "/proc/self/fd/%d", spec->initrd_fd);
	snprintf(chars[0], sizeof(chars[0]), "socket,id=log,fd=%d", log);
	snprintf(chars[1], sizeof(chars[1]), "socket,id=wire,fd=%d", wire);
	snprintf(append, sizeof(append), "%s panic=-1 rdinit=%s -- %s", k->append, INSIDE_PROGRAM,
		INSIDE_INIT);
	add(&l, k->program);
	add2(&l, "-M", k->machine);
	add2(&l, "-cpu", k->cpu);
	add2(&l, "-accel", "tcg,thread=multi");
	add2(&l, "-smp", cpus);
	add2(&l, "-m", memory);
	add(&l, "-nodefaults");
	add(&l, "-no-user-config");
	add(&l, "-no-reboot");
	add2(&l, "-display", "none");
	add2(&l, "-kernel", spec->kernel);
	add2(&l, "-initrd", initrd);
	add2(&l, "-append", append);
	add2(&l, "-chardev", chars[0]);
	add2(&l, "-serial", "chardev:log");
	add2(&l, "-chardev", chars[1]);
	add2(&l, "-device", "virtio-serial-pci");
	add2(&l, "-device", "virtserialport,chardev=wire,name=" INSIDE_PORT);
	for (unsigned i = 0; i < spec->extra_count; i++)
		add(&l, spec->extra[i]);
	return tool_start(&t);
}

int emulator_start(const struct emulator_spec *spec, struct emulator *ret_emulator)
{
	struct emulator m = {.pidfd = -1, .wire_fd = -1, .log_fd = -1, .errors_fd = -1};
	AUTO_CLOSE int wire = -1, log = -1, errors = -1;
	int ret = make_pair(&m.wire_fd, &wire);

	if (!ret)
		ret = make_pair(&m.log_fd, &log);
	if (!ret)
		ret = make_pair(&m.errors_fd, &errors);
	if (!ret) {
		m.pid = start_qemu(spec, wire, log, errors);
		ret = m.pid < 0 ? m.pid : 0;
	}
	if (!ret) {
		m.pidfd = (int)syscall(SYS_pidfd_open, m.pid, 0);
		ret = m.pidfd < 0 ? -errno : 0;
	}
	if (ret) {
		emulator_end(&m);
		return ret;
	}
	*ret_emulator = m;
	return 0;
}

void emulator_end(struct emulator *m)
{
	if (m->pid > 0) {
		kill(m->pid, SIGKILL);
		while (waitpid(m->pid, NULL, 0) < 0 && errno == EINTR) {
		}
	}
	m->pid = 0;
	fd_close(&m->pidfd);
	fd_close(&m->wire_fd);
	fd_close(&m->log_fd);
	fd_close(&m->errors_fd);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program, with a partition process that was taken over: once the guest runs, one of its
 * threads tries something forbidden. For tests of the lock-down; linked from the program's own
 * objects, with two of their functions wrapped (ld --wrap): that is where the attacker's code runs.
 *
 *   ATTEMPT=NAME   what it tries, in the partition whose name is "bad"
 *   THREAD=vcpu    in a vCPU's thread, on its first port write; io: in the I/O thread, on the first
 *                  output of the guest
 *   NO_FILTER=1    without the system call filter: what lies behind it must hold by itself
 *
 * The outcome is said on standard error: "ATTEMPT NAME: errno text" or "ATTEMPT NAME: SUCCEEDED",
 * unless the process is killed. Called with "attempts" it lists their names.
 */
#include "cli/commands.h"
#include "lib/sandbox.h"
#include "lib/util.h"
#include "partition/console.h"
#include "partition/partition.h"
#include "partition/protocol.h"
#include "vmm/machine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

/* ---- attempts: 0 when it got what it wanted, else -1 with errno ---- */

static int try_open(void)
{
	return open("/etc/passwd", O_RDONLY) < 0 ? -1 : 0;
}

static int try_create(void)
{
	return open("/bulkhead-was-here", O_WRONLY | O_CREAT, 0600) < 0 ? -1 : 0;
}

static int try_proc(void)
{
	return open("/proc/1/status", O_RDONLY) < 0 ? -1 : 0;
}

static int try_list_root(void)
{
	char names[512];
	int fd = open("/", O_RDONLY | O_DIRECTORY);
	long n = fd < 0 ? -1 : syscall(SYS_getdents64, fd, names, sizeof(names));

	/* Two entries, "." and "..", of 24 bytes each, are an empty folder. */
	errno = n == 48 ? ENOENT : errno;
	return n > 48 ? 0 : -1;
}

static int try_connect(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	return fd < 0 ? -1 : connect(fd, (void *)&to, sizeof(to));
}

/* The abstract socket that the test listens on, outside. */
static int try_abstract_socket(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *name = getenv("LISTENER") ?: "none";

	memcpy(to.sun_path + 1, name, strlen(name));
	return fd < 0 ? -1
		      : connect(fd, (void *)&to,
				(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
					    strlen(name)));
}

/* The process that the test names, then all others: signal 0 only asks whether it could be sent. */
static int try_kill(void)
{
	pid_t victim = atoi(getenv("VICTIM") ?: "0");

	if (victim > 1 && kill(victim, 0) == 0)
		return 0;
	for (pid_t pid = 2; pid < 70000; pid++) {
		if (pid != getpid() && syscall(SYS_tgkill, pid, pid, 0) == 0)
			return 0;
		/* Our own threads have ids, but are no processes. */
	}
	return -1;
}

static int try_ptrace(void)
{
	for (pid_t pid = 2; pid < 70000; pid++) {
		if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0)
			return 0;
	}
	return -1;
}

static int try_read_process(void)
{
	char byte;
	struct iovec local = {&byte, 1}, remote = {(void *)&try_open, 1};

	return process_vm_readv(atoi(getenv("VICTIM") ?: "2"), &local, 1, &remote, 1, 0) == 1 ? 0
											      : -1;
}

static int try_fork(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -1 : 0;
}

static void *nothing(void *arg)
{
	return arg;
}

static int try_thread(void)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, nothing, NULL);
	return errno ? -1 : 0;
}

static int try_exec(void)
{
	char *const argv[] = {(char *)(uintptr_t) "sh", "-c", "echo SUCCEEDED >&2", NULL};

	return execve("/bin/sh", argv, environ);
}

static int try_exec_self(void)
{
	char *const argv[] = {(char *)(uintptr_t) "x", NULL};

	return execve("/proc/self/exe", argv, environ);
}

static int try_mount(void)
{
	return mount("none", "/", "tmpfs", 0, NULL);
}

static int try_chroot(void)
{
	return chroot("/");
}

static int try_unshare(void)
{
	return unshare(CLONE_NEWNS);
}

static int try_user_namespace(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -1 : 0;
}

static int try_setuid(void)
{
	return (int)syscall(SYS_setuid, 0);
}

static int try_capability(void)
{
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 0, 0, 0);
}

static int try_raise_limit(void)
{
	const struct rlimit limit = {1000, 1000};

	return setrlimit(RLIMIT_NPROC, &limit);
}

static int try_bpf(void)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 4};

	attr.max_entries = 1;
	return (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)) < 0 ? -1 : 0;
}

static int try_io_uring(void)
{
	struct io_uring_params params = {0};

	return (int)syscall(SYS_io_uring_setup, 4, &params) < 0 ? -1 : 0;
}

static int try_executable_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? -1
		       : 0;
}

static int try_make_executable(void)
{
	static _Alignas(4096) char page[4096];

	return mprotect(page, sizeof(page), PROT_READ | PROT_EXEC);
}

/* Another VM: KVM itself is what attacks on the host would go through. */
static int try_create_vm(void)
{
	for (int fd = 0; fd < 64; fd++) {
		if (ioctl(fd, KVM_CREATE_VM, 0) >= 0)
			return 0;
	}
	return -1;
}

static int try_type_into_terminal(void)
{
	for (int fd = 0; fd < 64; fd++) {
		if (ioctl(fd, TIOCSTI, "x") == 0)
			return 0;
	}
	return -1;
}

/* A descriptor that it shares with others, so that their writes wait. */
static int try_make_blocking(void)
{
	return fcntl(STDERR_FILENO, F_SETFL, fcntl(STDERR_FILENO, F_GETFL) & ~O_NONBLOCK);
}

static const struct attempt {
	const char *name;
	int (*run)(void);
	bool filter_only; /* nothing but the filter forbids it */
} attempts[] = {
	{"open", try_open, false},
	{"create", try_create, false},
	{"proc", try_proc, false},
	{"list-root", try_list_root, false},
	{"connect", try_connect, false},
	{"abstract-socket", try_abstract_socket, false},
	{"kill", try_kill, false},
	{"ptrace", try_ptrace, false},
	{"read-process", try_read_process, false},
	{"fork", try_fork, false},
	{"thread", try_thread, false},
	{"exec", try_exec, false},
	{"exec-self", try_exec_self, false},
	{"mount", try_mount, false},
	{"chroot", try_chroot, false},
	{"unshare", try_unshare, false},
	{"user-namespace", try_user_namespace, false},
	{"setuid", try_setuid, false},
	{"capability", try_capability, false},
	{"raise-limit", try_raise_limit, false},
	{"bpf", try_bpf, true},
	{"io-uring", try_io_uring, true},
	{"executable-memory", try_executable_memory, true},
	{"make-executable", try_make_executable, true},
	{"make-blocking", try_make_blocking, true},
	{"create-vm", try_create_vm, false},
	{"type-into-terminal", try_type_into_terminal, false},
};

static void attempt(const char *thread)
{
	static atomic_bool done;
	const char *wanted_thread = getenv("THREAD"), *name = getenv("ATTEMPT");
	char line[200];

	if (!name || !wanted_thread || strcmp(wanted_thread, thread) != 0 ||
		atomic_exchange(&done, true))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(attempts); i++) {
		const struct attempt *a = &attempts[i];

		if (strcmp(a->name, name) != 0)
			continue;
		errno = 0;
		snprintf(line, sizeof(line), "ATTEMPT %s: %s\n", name,
			a->run() == 0 ? "SUCCEEDED" : strerror(errno));
		(void)!write(STDERR_FILENO, line, strlen(line));
	}
}

/* ---- where the attacker's code runs ---- */

static bool compromised;

bool __real_machine_write(const struct machine *m, enum window_space space, uint64_t addr,
	unsigned size, uint64_t value);
bool __wrap_machine_write(const struct machine *m, enum window_space space, uint64_t addr,
	unsigned size, uint64_t value);
bool __wrap_machine_write(const struct machine *m, enum window_space space, uint64_t addr,
	unsigned size, uint64_t value)
{
	if (compromised)
		attempt("vcpu");
	return __real_machine_write(m, space, addr, size, value);
}

void __real_console_pump(struct console *c);
void __wrap_console_pump(struct console *c);
void __wrap_console_pump(struct console *c)
{
	if (compromised)
		attempt("io");
	__real_console_pump(c);
}

int __real_plan_partition_decode(
	const void *buf, size_t size, struct plan_partition **ret_partition);
int __wrap_plan_partition_decode(
	const void *buf, size_t size, struct plan_partition **ret_partition);
int __wrap_plan_partition_decode(
	const void *buf, size_t size, struct plan_partition **ret_partition)
{
	int ret = __real_plan_partition_decode(buf, size, ret_partition);

	compromised = !ret && strcmp((*ret_partition)->name, "bad") == 0;
	return ret;
}

void __real_sandbox_filter_apply(struct sandbox_filter *filter, struct diags *gaps);
void __wrap_sandbox_filter_apply(struct sandbox_filter *filter, struct diags *gaps);
void __wrap_sandbox_filter_apply(struct sandbox_filter *filter, struct diags *gaps)
{
	if (getenv("NO_FILTER"))
		sandbox_filter_destroy(filter);
	else
		__real_sandbox_filter_apply(filter, gaps);
}

const struct command *const cli_commands[] = {&command_run, NULL};

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[0], PARTITION_ARGV0) == 0)
		return partition_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], "attempts") == 0) {
		for (unsigned i = 0; i < ARRAY_SIZE(attempts); i++)
			printf("%s%s\n", attempts[i].name,
				attempts[i].filter_only ? " filter-only" : "");
		return 0;
	}
	signal(SIGPIPE, SIG_IGN);
	return commands_dispatch(cli_commands, argc, argv);
}

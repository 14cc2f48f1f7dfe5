/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Namespaces, the empty root, capabilities and limits: namespaces(7), user_namespaces(7),
 * pid_namespaces(7), capabilities(7), pivot_root(2).
 *
 * A user namespace comes first and gives the power to make the others: the process is born into it,
 * or, with CAP_SYS_ADMIN, becomes nobody and then makes it. No uid is mapped into it: nobody can
 * make a user namespace below, and no file is ever ours.
 */
#include "lib/sandbox.h"

#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* ---- capabilities ---- */

struct caps {
	uint64_t effective, permitted, inheritable;
};

#define CAP_BIT(cap) ((uint64_t)1 << (cap))

static int caps_get(struct caps *ret_caps)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	*ret_caps = (struct caps){
		.effective = (uint64_t)data[1].effective << 32 | data[0].effective,
		.permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted,
		.inheritable = (uint64_t)data[1].inheritable << 32 | data[0].inheritable,
	};
	return 0;
}

static int caps_set(const struct caps *caps)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	for (unsigned i = 0; i < ARRAY_SIZE(data); i++)
		data[i] = (struct __user_cap_data_struct){
			.effective = (uint32_t)(caps->effective >> 32 * i),
			.permitted = (uint32_t)(caps->permitted >> 32 * i),
			.inheritable = (uint32_t)(caps->inheritable >> 32 * i),
		};
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static bool has_cap(unsigned cap)
{
	struct caps caps;

	return !caps_get(&caps) && caps.effective & CAP_BIT(cap);
}

/* What an exec shall leave of a new user namespace's powers. */
static int caps_keep_over_exec(void)
{
	static const unsigned kept[] = {CAP_SYS_ADMIN, CAP_SYS_CHROOT, CAP_SETPCAP};
	struct caps caps;
	int ret = caps_get(&caps);

	for (unsigned i = 0; i < ARRAY_SIZE(kept); i++)
		caps.inheritable |= CAP_BIT(kept[i]);
	if (!ret)
		ret = caps_set(&caps);
	for (unsigned i = 0; !ret && i < ARRAY_SIZE(kept); i++) {
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept[i], 0, 0))
			ret = -errno;
	}
	return ret;
}

/* Only an exec could give any of these back, and after no_new_privs not even that: no error. */
static void caps_empty_bounding_set(void)
{
	for (unsigned cap = 0; !prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); cap++) {
	}
}

static void caps_drop(struct diags *gaps)
{
	const struct caps none = {0};
	int ret;

	caps_empty_bounding_set();
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	ret = caps_set(&none);
	if (ret)
		diag_warning(gaps, NULL, NULL, "it keeps its capabilities: %s; see dmesg",
			strerror(-ret));
}

/* ---- spawn ---- */

/* What runs in the child before the exec uses system calls only, and a stack of this size. */
#define SPAWN_STACK 16384

struct spawning {
	const struct sandbox_spawn *spawn;
	bool keep_caps;
	sigset_t signals; /* as the caller had them */
	int error;        /* set by the child: memory is shared until its exec */
};

/* Its frame, on a stack inside another one's, is never left as AddressSanitizer expects. */
__attribute__((no_sanitize_address)) static int spawned(void *arg)
{
	struct spawning *s = arg;
	const struct sandbox_spawn *spawn = s->spawn;
	int fd;

	if (s->keep_caps && caps_keep_over_exec())
		goto fail;
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		goto fail;
	for (unsigned i = 0; i < spawn->fd_count; i++) {
		if (spawn->fds[i] >= 0 && fcntl(spawn->fds[i], F_SETFD, 0))
			goto fail;
	}
	execve(spawn->path, spawn->argv, spawn->envp);
fail:
	s->error = errno ? errno : EPERM;
	_exit(127);
}

/* As vfork: returns when the child has executed the program, or failed to. */
static int spawn_with(struct spawning *s, unsigned namespaces, pid_t *ret_pid, int *ret_pidfd)
{
	_Alignas(16) char stack[SPAWN_STACK];
	int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD | (int)namespaces;
	int pidfd = -1;
	pid_t pid;

	s->error = 0;
	s->keep_caps = namespaces & CLONE_NEWUSER;
	pid = clone(spawned, stack + sizeof(stack), flags, s, &pidfd);
	if (pid < 0)
		return -errno;
	if (s->error) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
		}
		close(pidfd);
		return -s->error;
	}
	*ret_pid = pid;
	*ret_pidfd = pidfd;
	return 0;
}

/* Namespaces that a process must be born into. */
static unsigned birth_namespaces(void)
{
	return CLONE_NEWPID | (has_cap(CAP_SYS_ADMIN) ? 0 : CLONE_NEWUSER);
}

int sandbox_spawn(const struct sandbox_spawn *spawn, pid_t *ret_pid, int *ret_pidfd)
{
	struct spawning s = {.spawn = spawn};
	sigset_t all;
	int ret = -EPERM;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &s.signals);
	if (spawn->isolate)
		ret = spawn_with(&s, birth_namespaces(), ret_pid, ret_pidfd);
	if (ret)
		ret = spawn_with(&s, 0, ret_pid, ret_pidfd);
	pthread_sigmask(SIG_SETMASK, &s.signals, NULL);
	return ret;
}

void sandbox_take_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
}

/* ---- gaps ---- */

/* Stands for an error of its own: the root is no mount point, as only that of a chroot is not. */
#define IN_CHROOT EXDEV

#define REASON_SIZE 300

enum kind { KIND_USER, KIND_MOUNT, KIND_PID, KIND_NET, KIND_IPC, KIND_COUNT };

_Static_assert(KIND_COUNT == SANDBOX_NAMESPACES, "one error of each");

static const struct {
	const char *name, *limit, *option;
	unsigned flag;
} kinds[KIND_COUNT] = {
	[KIND_USER] = {"user", "user", "USER_NS", CLONE_NEWUSER},
	[KIND_MOUNT] = {"mount (empty root)", "mnt", "NAMESPACES", CLONE_NEWNS},
	[KIND_PID] = {"pid", "pid", "PID_NS", CLONE_NEWPID},
	[KIND_NET] = {"network", "net", "NET_NS", CLONE_NEWNET},
	[KIND_IPC] = {"ipc", "ipc", "IPC_NS", CLONE_NEWIPC},
};

/* True when the file NAME of SYSCTLS (/proc/sys) holds a number that is VALUE. */
static bool sysctl_is(int sysctls, const char *name, char value)
{
	AUTO_CLOSE int fd = openat(sysctls, name, O_RDONLY | O_CLOEXEC);
	char line[3];

	return fd >= 0 && read(fd, line, sizeof(line)) == 2 && line[0] == value;
}

/* Why this kind of namespace was refused with ERROR, and what to do. */
static void explain_refusal(int sysctls, enum kind kind, int error, char text[REASON_SIZE])
{
	const size_t size = REASON_SIZE;
	if (error == ENOSPC)
		snprintf(text, size,
			"user.max_%s_namespaces is reached, or 0; raise it (sysctl), in a container on "
			"the host, too",
			kinds[kind].limit);
	else if (error == IN_CHROOT)
		snprintf(text, size,
			"this is a chroot whose root is no mount point; make it one (mount --bind DIR "
			"DIR) before the chroot");
	else if (error == EINVAL)
		snprintf(text, size, "this kernel has none; use one with CONFIG_%s",
			kinds[kind].option);
	else if (sysctl_is(sysctls, "kernel/unprivileged_userns_clone", '0'))
		snprintf(text, size,
			"ordinary users may not make any (kernel.unprivileged_userns_clone is 0); set it "
			"to 1 (sysctl), or run as root");
	else if (sysctl_is(sysctls, "kernel/apparmor_restrict_unprivileged_userns", '1'))
		snprintf(text, size,
			"AppArmor takes their power from programs without a profile "
			"(kernel.apparmor_restrict_unprivileged_userns is 1); set it to 0 (sysctl), or "
			"give this program a profile that has userns");
	else
		snprintf(text, size,
			"%s, by a container's rules or in a chroot; give the container CAP_SYS_ADMIN, or a "
			"seccomp profile that allows clone and unshare with namespaces",
			strerror(error));
}

/* One gap for all that were refused for the same reason. */
static void say_refused(int sysctls, const int errors[KIND_COUNT], struct diags *gaps)
{
	bool said[KIND_COUNT] = {false};

	for (unsigned i = 0; i < KIND_COUNT; i++) {
		char names[96] = "", why[REASON_SIZE];

		if (!errors[i] || said[i])
			continue;
		for (unsigned k = i; k < KIND_COUNT; k++) {
			size_t used = strlen(names);

			/* Each kind has a limit of its own; but without the first there is none. */
			if (errors[k] != errors[i] ||
				(k != i && errors[k] == ENOSPC && i != KIND_USER))
				continue;
			said[k] = true;
			snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
				kinds[k].name);
		}
		explain_refusal(sysctls, i, errors[i], why);
		diag_warning(gaps, NULL, NULL, "no %s namespace of its own: %s", names, why);
	}
}

/* ---- namespaces ---- */

static int birth_probe(void *arg)
{
	(void)arg;
	_exit(0);
}

/* Why sandbox_spawn had to do without namespaces. */
static int birth_error(void)
{
	_Alignas(16) char stack[SPAWN_STACK];
	int flags = CLONE_VM | CLONE_VFORK | SIGCHLD | (int)birth_namespaces();
	pid_t pid = clone(birth_probe, stack + sizeof(stack), flags, NULL);

	if (pid < 0)
		return errno;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
	}
	return EPERM; /* it could have been one; nobody tried */
}

/* True in a user namespace without any uid, as sandbox_spawn makes them. */
static bool uids_unmapped(void)
{
	AUTO_CLOSE int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	char byte;

	return fd >= 0 && read(fd, &byte, 1) == 0;
}

/* An empty, read-only file system becomes the root, and all others go away. 0 or an errno. */
static int enter_empty_root(void)
{
	/* Any folder serves as the place where the new root stands for a moment. */
	static const char place[] = "/proc";

	/* Nothing that is mounted or unmounted here may show outside. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		return errno == EINVAL ? IN_CHROOT : errno;
	if (mount("none", place, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		    "mode=555,nr_inodes=1") ||
		chdir(place))
		return errno;
	/* With the same folder twice the old root ends up on top of the new one: it is unmounted
	 * there [pivot_root(2), NOTES]. */
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		return umount2(".", MNT_DETACH) || chdir("/") ? errno : 0;
	/* An initial ramfs cannot be left, only covered; no path leads below it. */
	if (errno != EINVAL || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		return errno;
	return 0;
}

/* Makes the namespaces that a process can make for itself, and notes what was refused. */
static void make_namespaces(int errors[KIND_COUNT])
{
	static const enum kind own[] = {KIND_MOUNT, KIND_NET, KIND_IPC};
	int all = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(own); i++)
		all |= (int)kinds[own[i]].flag;
	if (unshare(all)) {
		for (unsigned i = 0; i < ARRAY_SIZE(own); i++) {
			if (unshare((int)kinds[own[i]].flag))
				errors[own[i]] = errno;
		}
	}
}

/*
 * Root becomes nobody, but keeps the power to make namespaces where ordinary users may not.
 */
static void leave_root(struct diags *gaps)
{
	struct caps caps;

	if (geteuid() != 0 && getuid() != 0)
		return;
	prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	setgroups(0, NULL);
	if (setresgid(SANDBOX_NOBODY, SANDBOX_NOBODY, SANDBOX_NOBODY) ||
		setresuid(SANDBOX_NOBODY, SANDBOX_NOBODY, SANDBOX_NOBODY)) {
		/* EINVAL: root of a user namespace without such a user, so nobody's root outside.
		 */
		if (errno != EINVAL)
			diag_warning(gaps, NULL, NULL,
				"it runs as root: %s; give the container CAP_SETUID and CAP_SETGID",
				strerror(errno));
		return;
	}
	if (!caps_get(&caps)) {
		caps.effective = caps.permitted;
		caps_set(&caps);
	}
}

void sandbox_limit(const struct sandbox_limit *limits, unsigned count, struct diags *gaps)
{
	for (unsigned i = 0; i < count; i++) {
		int resource = limits[i].resource;
		struct rlimit limit;

		if (getrlimit((__rlimit_resource_t)resource, &limit))
			continue;
		limit.rlim_max = min_u64(limit.rlim_max, limits[i].value);
		limit.rlim_cur = min_u64(limit.rlim_cur, limits[i].value);
		if (setrlimit((__rlimit_resource_t)resource, &limit))
			diag_warning(gaps, NULL, NULL, "limit %d is not set: %s; see dmesg",
				resource, strerror(errno));
	}
}

void sandbox_reduce(uint64_t keep_caps, struct diags *gaps)
{
	struct caps caps;
	int ret = caps_get(&caps);

	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++) {
		if (!(keep_caps & CAP_BIT(cap)))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	}
	caps.effective &= keep_caps;
	caps.permitted &= keep_caps;
	caps.inheritable &= keep_caps;
	if (!ret)
		ret = caps_set(&caps);
	if (!ret && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		ret = -errno;
	if (ret)
		diag_warning(
			gaps, NULL, NULL, "it keeps its privileges: %s; see dmesg", strerror(-ret));
}

/*
 * A user namespace of its own gives the power to make the others, and takes away that over whatever
 * is not made in it. Where there can be none, root makes the others by its own power.
 */
void sandbox_enter_user(struct sandbox_entry *ret_entry, struct diags *gaps)
{
	*ret_entry = (struct sandbox_entry){
		.sysctls = open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC)};
	if (getpid() != 1)
		ret_entry->errors[KIND_PID] = birth_error();
	if (geteuid() != 0 && uids_unmapped())
		return; /* born into one */
	leave_root(gaps);
	if (unshare(CLONE_NEWUSER))
		ret_entry->errors[KIND_USER] = errno;
}

/* The reasons as they are, and not as they show. */
static void find_causes(int errors[KIND_COUNT])
{
	/* In a chroot there can be no user namespace either. */
	if (errors[KIND_USER] && errors[KIND_MOUNT] == IN_CHROOT)
		errors[KIND_USER] = IN_CHROOT;
	/* Without it, ordinary users have no power to make the others. */
	for (unsigned i = 0; errors[KIND_USER] && i < KIND_COUNT; i++)
		errors[i] = errors[i] ? errors[KIND_USER] : 0;
}

void sandbox_enter_rest(struct sandbox_entry *entry, struct diags *gaps)
{
	int *errors = entry->errors;

	make_namespaces(errors);
	if (!errors[KIND_MOUNT])
		errors[KIND_MOUNT] = enter_empty_root();
	find_causes(errors);
	caps_drop(gaps);
	/* No way back: neither by executing a file nor through a process that traces this one. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		diag_warning(gaps, NULL, NULL, "it may gain privileges or be traced: %s; see dmesg",
			strerror(errno));
	say_refused(entry->sysctls, errors, gaps);
	fd_close(&entry->sysctls);
}

void sandbox_enter(struct diags *gaps)
{
	struct sandbox_entry entry;

	sandbox_enter_user(&entry, gaps);
	sandbox_enter_rest(&entry, gaps);
}

/* Not in sandbox_filter.c: who tests what remains without a filter takes sandbox_filter_apply's
 * place. */
void sandbox_filter_finish(struct sandbox_filter *filter, int error, struct diags *gaps)
{
	if (!error) {
		sandbox_filter_apply(filter, gaps);
		return;
	}
	sandbox_filter_destroy(filter);
	diag_warning(gaps, NULL, NULL, "any system call is allowed: %s; %s", strerror(-error),
		diag_remedy(-error) ?: "see `bulkhead doctor`");
}

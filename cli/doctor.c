/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bulkhead doctor: what this host has for partitions, feature by feature: state, why it matters,
 * how to fix it. What is looked at is in doctor_kvm.c and doctor_resources.c; here is how it is
 * shown.
 */
#include "cli/doctor.h"

#include "cli/commands.h"
#include "partition/partition.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <pwd.h>
#include <stdarg.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct doctor_options {
	bool json;
};

static const struct option_spec doctor_specs[] = {
	{"json", NULL, OPTION_FLAG, offsetof(struct doctor_options, json),
		"Print one JSON object."},
	{0},
};

/* ---- features ---- */

struct feature *feature_add(
	struct features *f, enum feature_state state, const char *name, const char *why)
{
	struct feature *it;

	if (f->count < FEATURES_MAX)
		f->count++;
	it = &f->items[f->count - 1];
	*it = (struct feature){.state = state, .why = why};
	snprintf(it->name, sizeof(it->name), "%s", name);
	return it;
}

void feature_found(struct feature *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->found, sizeof(f->found), fmt, ap);
	va_end(ap);
}

void feature_fix(struct feature *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->fix, sizeof(f->fix), fmt, ap);
	va_end(ap);
}

const char *feature_state_name(enum feature_state state)
{
	static const char *const names[] = {
		[FEATURE_OK] = "ok",
		[FEATURE_WARNING] = "warning",
		[FEATURE_MISSING] = "missing",
	};

	return names[state];
}

/* ---- output ---- */

/* What fails, and how: "int3, crc32 end in X; movbe ends in Y". */
static void verdict_failures(const struct host_kvm_report *kvm, FILE *out)
{
	bool done[HOST_KVM_INSTRUCTIONS_MAX] = {false};
	const char *semicolon = "";

	for (unsigned i = 0; i < kvm->instruction_count; i++) {
		const struct host_kvm_instruction *first = &kvm->instructions[i];
		unsigned names = 0;

		if (done[i] || !host_kvm_failed(first))
			continue;
		fputs(semicolon, out);
		for (unsigned j = i; j < kvm->instruction_count; j++) {
			const struct host_kvm_instruction *it = &kvm->instructions[j];

			if (!host_kvm_failed(it) || strcmp(it->outcome, first->outcome) != 0)
				continue;
			done[j] = true;
			fprintf(out, "%s%s", names++ ? ", " : "", it->name);
		}
		fprintf(out, " %s in %s", names > 1 ? "end" : "ends", first->outcome);
		semicolon = "; ";
	}
}

static const struct feature *first_missing(const struct features *f)
{
	for (unsigned i = 0; i < f->count; i++) {
		if (f->items[i].state == FEATURE_MISSING)
			return &f->items[i];
	}
	return NULL;
}

void doctor_verdict(
	const struct host_kvm_report *kvm, const struct features *f, char verdict[VERDICT_MAX])
{
	const struct feature *missing = first_missing(f);
	FILE *out;

	verdict[0] = '\0';
	out = fmemopen(verdict, VERDICT_MAX, "w");
	if (!out)
		return;
	if (kvm->kind == HOST_KVM_FULL) {
		fputs("Unmodified kernels can run here.", out);
	} else if (host_kvm_runs_partitions(kvm)) {
		fputs("Unmodified kernels cannot run here: ", out);
		verdict_failures(kvm, out);
		fputs("; freestanding images can.", out);
	} else {
		fprintf(out, "Partitions cannot run here: %s%s%s.",
			missing ? missing->name : HOST_KVM_DEVICE, missing ? ": " : "",
			missing ? missing->found : " cannot be used");
	}
	fclose(out);
	verdict[VERDICT_MAX - 1] = '\0';
}

static void print_human(const struct features *f, const char *verdict)
{
	enum { STATE_COLUMNS = 9, NOTE_COLUMN = 17 };
	unsigned column = 0;
	char label[64];

	for (unsigned i = 0; i < f->count; i++)
		column = (unsigned)max_u64(column, strlen(f->items[i].name));
	column += 2 + STATE_COLUMNS + 2;
	for (unsigned i = 0; i < f->count; i++) {
		const struct feature *it = &f->items[i];

		snprintf(label, sizeof(label), "%-*s%s", STATE_COLUMNS,
			feature_state_name(it->state), it->name);
		print_columns(stdout, label, column, it->found);
		if (it->state == FEATURE_OK)
			continue;
		snprintf(label, sizeof(label), "%*swhy:", STATE_COLUMNS, "");
		print_columns(stdout, label, NOTE_COLUMN, it->why);
		snprintf(label, sizeof(label), "%*sfix:", STATE_COLUMNS, "");
		if (it->fix[0])
			print_columns(stdout, label, NOTE_COLUMN, it->fix);
	}
	printf("\n%s\n", verdict);
}

static json_t *kvm_json(const struct host_kvm_report *kvm)
{
	static const char *const access[] = {
		[HOST_KVM_USABLE] = "usable",
		[HOST_KVM_NO_DEVICE] = "no-device",
		[HOST_KVM_DENIED] = "denied",
		[HOST_KVM_BUSY] = "busy",
		[HOST_KVM_WRONG_API] = "wrong-api",
		[HOST_KVM_ERROR] = "error",
	};
	json_t *caps = json_object(), *traits = json_object(), *guests = json_array();

	for (unsigned i = 0; i < kvm->cap_count; i++)
		json_object_set_new(caps, kvm->caps[i].name, json_integer(kvm->caps[i].value));
	for (unsigned i = 0; i < kvm->trait_count; i++)
		json_object_set_new(traits, kvm->traits[i].name, json_string(kvm->traits[i].found));
	for (unsigned i = 0; i < kvm->instruction_count; i++) {
		const struct host_kvm_instruction *it = &kvm->instructions[i];
		const char *result = !it->tried ? "untried" : it->ok ? "ok" : "failed";

		json_array_append_new(guests, json_pack("{s:s, s:s, s:s}", "name", it->name,
						      "result", result, "outcome", it->outcome));
	}
	return json_pack("{s:s, s:s, s:i, s:i, s:o, s:o, s:o, s:I, s:I}", "device", HOST_KVM_DEVICE,
		"access", access[kvm->access], "errno", kvm->error, "api_version", kvm->api_version,
		"capabilities", caps, "traits", traits, "guests", guests, "exit_ns",
		(json_int_t)kvm->exit_ns, "instructions_per_second",
		(json_int_t)kvm->instructions_per_second);
}

static json_t *report_json(
	const struct host_kvm_report *kvm, const struct features *f, const char *verdict)
{
	json_t *failed = json_array(), *features = json_array();

	for (unsigned i = 0; i < kvm->instruction_count; i++) {
		const struct host_kvm_instruction *it = &kvm->instructions[i];

		if (host_kvm_failed(it))
			json_array_append_new(failed, json_string(it->name));
	}
	for (unsigned i = 0; i < f->count; i++) {
		const struct feature *it = &f->items[i];

		json_array_append_new(
			features, json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", it->name, "state",
					  feature_state_name(it->state), "found", it->found, "why",
					  it->why, "fix", it->fix));
	}
	return json_pack("{s:o, s:s, s:b, s:b, s:s, s:o, s:o}", "kvm", kvm_json(kvm), "kind",
		host_kvm_kind_name(kvm->kind), "partitions", host_kvm_runs_partitions(kvm),
		"unmodified_kernels", kvm->kind == HOST_KVM_FULL, "reason", verdict,
		"failed_instructions", failed, "features", features);
}

/* ---- the command ---- */

/* 0, or why this process gets no io_uring: the sysctl, a seccomp filter, an old kernel. */
static int try_io_uring(void)
{
	char params[120] = {0}; /* struct io_uring_params; zeroed it asks for nothing special */
	long fd = syscall(SYS_io_uring_setup, 1, params);

	if (fd < 0)
		return errno;
	close((int)fd);
	return 0;
}

/* What the kernel has said, owned by the caller; NULL when it may not be read. */
static char *read_kernel_log(void)
{
	enum { READ_ALL = 3, BUFFER_SIZE = 10 }; /* syslog(2) */
	int size = klogctl(BUFFER_SIZE, NULL, 0);
	AUTO_FREE char *text = size > 0 ? calloc(1, (size_t)size + 1) : NULL;
	char *ret = text;

	if (!text || klogctl(READ_ALL, text, size) < 0)
		return NULL;
	text = NULL;
	return ret;
}

/* From the file and not by getpwuid(3), which a static binary does not have. */
static void user_name(char *buf, size_t size)
{
	AUTO_FCLOSE FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *pw;

	snprintf(buf, size, "$USER"); /* the shell that the fix is pasted into knows */
	while (f && (pw = fgetpwent(f))) {
		if (pw->pw_uid == geteuid()) {
			snprintf(buf, size, "%s", pw->pw_name);
			return;
		}
	}
}

static int doctor_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct doctor_options *o = options;
	static struct host_kvm_report kvm;
	static struct features features;
	char verdict[VERDICT_MAX], user[64];
	AUTO_FREE char *kernel_log = read_kernel_log();
	struct doctor_host host = {.root = "",
		.kvm = &kvm,
		.user = user,
		.arch = partition_host_arch(),
		.kernel_log = kernel_log};
	struct stat st;
	int ret;

	(void)operand_count;
	(void)operands;
	ret = partition_probe(HOST_KVM_DEVICE, &kvm);
	if (ret) {
		fprintf(stderr, "bulkhead doctor: cannot make a process for the probe: %s\n",
			strerror(-ret));
		return BH_EXIT_HOST;
	}
	if (stat(HOST_KVM_DEVICE, &st) == 0) {
		host.device_mode = st.st_mode;
		host.device_group = st.st_gid;
	}
	user_name(user, sizeof(user));
	host.io_uring_error = try_io_uring();
	doctor_check_kvm(&host, &features);
	doctor_check_resources(&host, &features);
	doctor_verdict(&kvm, &features, verdict);
	if (o->json) {
		json_t *root = report_json(&kvm, &features, verdict);

		json_dumpf(root, stdout, JSON_INDENT(2));
		json_decref(root);
		putchar('\n');
	} else {
		print_human(&features, verdict);
	}
	return host_kvm_runs_partitions(&kvm) ? BH_EXIT_OK : BH_EXIT_HOST;
}

const struct command command_doctor = {
	.name = "doctor",
	.synopsis = "[OPTIONS]",
	.summary = "Tell what partitions can do on this host, and what to do about the rest.",
	.details =
		"Runs tiny guests on /dev/kvm to find out which kinds of guest can run here: some "
		"KVMs run small freestanding images, but not the kernels of distributions. Ends "
		"with 0 when partitions can run at all, and with 3 when they cannot.",
	.options = doctor_specs,
	.options_size = sizeof(struct doctor_options),
	.run = doctor_run,
};

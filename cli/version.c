/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead version: what this binary is, for bug reports and for scripts. */
#include "cli/commands.h"
#include "partition/probe.h"

#include <jansson.h>
#include <sys/utsname.h>

struct version_options {
	bool json;
};

static const struct option_spec version_specs[] = {
	{"json", NULL, OPTION_FLAG, offsetof(struct version_options, json),
		"Print one JSON object."},
	{0},
};

/* Sanitizers are noted because such a binary is many times slower. */
#if defined(__SANITIZE_ADDRESS__)
#define BUILD_SANITIZER "address"
#elif defined(__SANITIZE_THREAD__)
#define BUILD_SANITIZER "thread"
#else
#define BUILD_SANITIZER "none"
#endif

#ifdef __clang__
#define BUILD_COMPILER "clang " __clang_version__
#else
#define BUILD_COMPILER "gcc " __VERSION__
#endif

static int version_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct version_options *o = options;
	unsigned kvm_api = partition_kvm_api_version();
	struct utsname host;

	(void)operand_count;
	(void)operands;
	if (uname(&host) != 0)
		return BH_EXIT_HOST;
	if (o->json) {
		json_t *root = json_pack("{s:s, s:s, s:i, s:s, s:s}", "version", BULKHEAD_VERSION,
			"arch", host.machine, "kvm_api", (int)kvm_api, "compiler", BUILD_COMPILER,
			"sanitizer", BUILD_SANITIZER);

		json_dumpf(root, stdout, JSON_INDENT(2));
		json_decref(root);
		putchar('\n');
		return BH_EXIT_OK;
	}
	printf("bulkhead %s\n", BULKHEAD_VERSION);
	printf("%-14s%s\n%-14s%u\n%-14s%s\n%-14s%s\n", "architecture", host.machine, "KVM API",
		kvm_api, "compiler", BUILD_COMPILER, "sanitizer", BUILD_SANITIZER);
	return BH_EXIT_OK;
}

const struct command command_version = {
	.name = "version",
	.synopsis = "[OPTIONS]",
	.summary = "Show the version and how this binary was built.",
	.options = version_specs,
	.options_size = sizeof(struct version_options),
	.run = version_run,
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* bulkhead dump: an ELF core of a running partition. */
#include "cli/client.h"

#include "lib/corefile.h"
#include "lib/util.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

struct dump_options {
	const char *run;
	bool json;
};

#define FIELD(f) offsetof(struct dump_options, f)

static const struct option_spec dump_specs[] = {
	{"run", "RUN", OPTION_STRING, FIELD(run), "The run, where several are going."},
	{"json", NULL, OPTION_FLAG, FIELD(json), "Print the result as one JSON object."},
	{0},
};

/* From ANSWER on the connection is the core. */
static int receive(const struct client *c, const json_t *answer, int file)
{
	json_int_t max = json_integer_value(json_object_get(answer, "size_max"));
	const struct corefile_source source = {.head = c->in ?: "",
		.head_size = c->in_size,
		.in = c->fd,
		.max = max > 0 ? (uint64_t)max : 0};
	uint64_t size;

	return corefile_receive(&source, file, &size);
}

/* A file that may be removed again; or -1, with the reason in DIAGS. */
static int open_file(const char *path, struct diags *diags)
{
	int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC, 0600);
	int error = errno;
	struct stat st;

	if (file < 0) {
		diag_error(diags, NULL, NULL, "%s cannot be made: %s; name a file that can", path,
			strerror(error));
		return -1;
	}
	if (fstat(file, &st) || !S_ISREG(st.st_mode)) {
		diag_error(diags, NULL, NULL,
			"%s is no regular file; name one, or one that is not there yet", path);
		fd_close(&file);
	}
	return file;
}

static enum bh_exit dump_to(
	struct client *c, const char *partition, const char *path, struct diags *diags)
{
	AUTO_CLOSE int file = open_file(path, diags);
	json_t *answer = NULL;
	enum bh_exit code;
	int ret = 0;

	if (file < 0)
		return BH_EXIT_USAGE;
	code = client_call(c, "dump", json_pack("{s:s}", "partition", partition), diags, &answer);
	if (!code)
		ret = receive(c, answer, file);
	json_decref(answer);
	if (ret == -ENODATA)
		diag_error(diags, NULL, NULL,
			"%s/%s: the core is not complete; `bulkhead events` says why", c->run,
			partition);
	else if (ret == -EFBIG)
		diag_error(diags, NULL, NULL,
			"%s/%s: the core is larger than one of this partition can be, or than a file "
			"may be; see `ulimit -f`",
			c->run, partition);
	else if (ret)
		diag_error(diags, NULL, NULL, "%s cannot be written: %s; %s", path, strerror(-ret),
			diag_remedy(-ret) ?: "see whether there is room");
	if (code || ret)
		unlink(path);
	return ret ? BH_EXIT_HOST : code;
}

static int dump_run(const void *options, unsigned operand_count, char *const *operands)
{
	const struct dump_options *o = options;
	const char *partition;
	struct client c;
	struct diags diags;
	enum bh_exit code;

	(void)operand_count;
	diags_init(&diags);
	code = client_find(o->run, operands[0], TARGET_PARTITION, &diags, &c, &partition);
	if (!code)
		code = dump_to(&c, partition, operands[1], &diags);
	if (!code && o->json)
		json_print(json_pack("{s:b, s:s, s:s, s:s}", "ok", 1, "run", c.run, "partition",
			partition, "file", operands[1]));
	client_close(&c);
	return client_finish(&command_dump, o->json, code, &diags);
}

const struct command command_dump = {
	.name = "dump",
	.synopsis = "[OPTIONS] NAME FILE",
	.summary = "Write an ELF core of a running partition to FILE.",
	.details =
		"gdb and crash open it (docs/debugging.md). The guest stands still meanwhile, and its "
		"watchdog does not count; then it goes on. NAME is a partition's, or RUN/PARTITION "
		"where several runs have one of that name.\n\nExit code 1 when it was refused, which "
		"the message explains; 2 when there is no such partition, or several; 3 when the core "
		"could not be written.",
	.options = dump_specs,
	.options_size = sizeof(struct dump_options),
	.operands_min = 2,
	.operands_max = 2,
	.run = dump_run,
};

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A suite's text; and, behind the first NUL byte, what a guest says, which the first case's
 * patterns are looked for in.
 */
#include "suite/match.h"

#include "lib/util.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void matched(void *ctx, const struct suite_step *step, const struct match_port *port)
{
	(void)ctx;
	(void)step;
	(void)port;
}

static void say(const struct suite_expect *expect, const char *bytes, size_t size)
{
	AUTO_FREE struct match_port *port = calloc(1, sizeof(*port));
	struct matcher m = {.expect = expect, .panics = true, .matched = matched};
	AUTO_FREE char *tail = NULL;

	if (!port)
		return;
	port->partition = "guest";
	strcpy(port->port, "com1");
	if (matcher_init(&m) == 0) {
		matcher_start(&m, port);
		matcher_feed(&m, port, bytes, size / 2);
		matcher_feed(&m, port, bytes + size / 2, size - size / 2);
		matcher_finish(&m, port);
		tail = match_port_tail(port, 5);
	}
	matcher_fini(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	const char *nul = size ? memchr(bytes, '\0', size) : NULL;
	const struct suite_text text = {.name = "suite",
		.dir = "/suites",
		.text = bytes,
		.size = nul ? (size_t)(nul - bytes) : size};
	const struct suite_options options = {.arch = PLAN_ARCH_X86_64};
	struct suite *suite = NULL;
	struct diags diags;

	diags_init(&diags);
	if (suite_load_text(&text, &options, &diags, &suite) != (diags.errors ? -22 : 0))
		abort();
	diags_fini(&diags);
	if (suite && nul)
		say(&suite->cases[0].expect, nul + 1, size - text.size - 1);
	suite_destroy(suite);
	return 0;
}

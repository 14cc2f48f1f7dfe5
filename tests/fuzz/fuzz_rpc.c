/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a client writes to the control socket, line by line: requests are taken apart, and whatever
 * they hold comes back in answers that are one line of valid JSON each.
 */
#include "supervisor/rpc.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* LINE, which is consumed, is an answer with this id. */
static void check_answer(char *line, const json_t *id)
{
	size_t size = line ? strlen(line) : 0;
	json_t *answer, *back;

	assert(size && line[size - 1] == '\n' && !memchr(line, '\n', size - 1));
	answer = json_loadb(line, size - 1, 0, NULL);
	assert(answer);
	back = json_object_get(answer, "id");
	assert(id ? json_equal(back, id) : json_is_null(back));
	json_decref(answer);
	free(line);
}

static void take_line(const char *line, size_t size)
{
	struct rpc_request r;
	const char *why = NULL;
	json_t *id = NULL;
	int code = rpc_parse(line, size, &r, &why, &id);

	if (code) {
		assert(code < 0 && why);
		check_answer(rpc_error(id, code, why), id);
		json_decref(id);
		return;
	}
	assert(r.method && (!r.params || json_is_object(r.params)));
	check_answer(rpc_result(r.id, json_pack("{s:o}", "method", rpc_text(r.method))), r.id);
	check_answer(rpc_error(r.id, RPC_ERROR_METHOD, r.method), r.id);
	rpc_request_fini(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	char *copy = malloc(size + 1);

	assert(copy);
	/* Any bytes as text, too: names of files are. */
	memcpy(copy, text, size);
	copy[size] = '\0';
	check_answer(rpc_error(NULL, 1, copy), NULL);
	free(copy);
	while (size) {
		const char *end = memchr(text, '\n', size);
		size_t line = end ? (size_t)(end - text) : size;

		if (line <= RPC_LINE_MAX)
			take_line(text, line);
		size -= line + (end != NULL);
		text += line + (end != NULL);
	}
	return 0;
}

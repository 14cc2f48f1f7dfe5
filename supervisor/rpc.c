/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/rpc.h"

#include <string.h>

#define LINE_FLAGS (JSON_COMPACT | JSON_ENCODE_ANY)

/* ---- requests ---- */

static bool is_id(const json_t *id)
{
	return json_is_string(id) || json_is_number(id) || json_is_null(id);
}

static int refuse(int code, const char *why, const char **ret_why)
{
	*ret_why = why;
	return code;
}

/* What is wrong with the request ROOT, or 0. */
static int check_request(const json_t *root, const char **ret_why)
{
	const json_t *version = json_object_get(root, "jsonrpc");
	const json_t *id = json_object_get(root, "id");
	const json_t *params = json_object_get(root, "params");

	if (json_is_array(root))
		return refuse(RPC_ERROR_REQUEST, "batches are not taken; send one request per line",
			ret_why);
	if (!json_is_object(root))
		return refuse(RPC_ERROR_REQUEST, "a request is an object", ret_why);
	if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0)
		return refuse(RPC_ERROR_REQUEST, "\"jsonrpc\" has to be \"2.0\"", ret_why);
	if (id && !is_id(id))
		return refuse(
			RPC_ERROR_REQUEST, "\"id\" has to be a string, a number or null", ret_why);
	if (!json_is_string(json_object_get(root, "method")))
		return refuse(RPC_ERROR_REQUEST, "\"method\" has to be a string", ret_why);
	if (params && !json_is_object(params))
		return refuse(RPC_ERROR_PARAMS, "\"params\" has to be an object", ret_why);
	return 0;
}

int rpc_parse(const char *line, size_t size, struct rpc_request *ret, const char **ret_why,
	json_t **ret_id)
{
	json_t *root = json_loadb(line, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	json_t *id = json_object_get(root, "id");
	int code;

	if (!root) {
		*ret_id = NULL;
		return refuse(RPC_ERROR_PARSE,
			"this is no JSON; send one request per line, in UTF-8", ret_why);
	}
	code = check_request(root, ret_why);
	if (code) {
		*ret_id = is_id(id) ? json_incref(id) : NULL;
		json_decref(root);
		return code;
	}
	*ret = (struct rpc_request){.root = root,
		.method = json_string_value(json_object_get(root, "method")),
		.params = json_object_get(root, "params"),
		.id = id};
	return 0;
}

void rpc_request_fini(struct rpc_request *r)
{
	json_decref(r->root);
	*r = (struct rpc_request){0};
}

/* ---- responses ---- */

/* MESSAGE as a line; it is consumed. */
static char *line_of(json_t *message)
{
	size_t size = message ? json_dumpb(message, NULL, 0, LINE_FLAGS) : 0;
	char *line = size ? malloc(size + 2) : NULL;

	if (line) {
		json_dumpb(message, line, size, LINE_FLAGS);
		memcpy(line + size, "\n", 2);
	}
	json_decref(message);
	return line;
}

static json_t *id_or_null(json_t *id)
{
	return id ? json_incref(id) : json_null();
}

char *rpc_result(json_t *id, json_t *result)
{
	return line_of(json_pack(
		"{s:s, s:o, s:o}", "jsonrpc", "2.0", "id", id_or_null(id), "result", result));
}

char *rpc_error(json_t *id, int code, const char *message)
{
	return line_of(json_pack("{s:s, s:o, s:{s:i, s:o}}", "jsonrpc", "2.0", "id", id_or_null(id),
		"error", "code", code, "message", rpc_text(message)));
}

char *rpc_notification(const char *method, json_t *params)
{
	return line_of(
		json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", method, "params", params));
}

json_t *rpc_text(const char *text)
{
	json_t *string = json_string(text);
	AUTO_FREE char *copy = NULL;
	bool plain = string != NULL;

	for (const char *c = text; plain && *c; c++)
		plain = (unsigned char)*c >= ' ' && *c != 0x7F;
	if (plain)
		return string;
	json_decref(string);
	copy = strdup(text);
	for (char *c = copy; c && *c; c++) {
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7F)
			*c = '?';
	}
	return json_string(copy ?: "?");
}

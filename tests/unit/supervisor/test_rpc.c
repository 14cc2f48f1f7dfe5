/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/rpc.h"
#include "tests/unit/unit.h"

#include <string.h>

static int parse(const char *line, struct rpc_request *r, json_t **ret_id)
{
	const char *why = NULL;
	int code = rpc_parse(line, strlen(line), r, &why, ret_id);

	ck_assert(!code || why);
	return code;
}

START_TEST(a_request_is_taken_apart)
{
	struct rpc_request r;
	json_t *id;

	ck_assert_int_eq(parse("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"kill\","
			       "\"params\":{\"partition\":\"a\"}}",
				 &r, &id),
		0);
	ck_assert_str_eq(r.method, "kill");
	ck_assert_int_eq(json_integer_value(r.id), 7);
	ck_assert_str_eq(json_string_value(json_object_get(r.params, "partition")), "a");
	rpc_request_fini(&r);
	ck_assert_int_eq(
		parse(" {\"method\":\"x\",\"jsonrpc\":\"2.0\",\"id\":null}\r", &r, &id), 0);
	ck_assert(json_is_null(r.id));
	ck_assert_ptr_null(r.params);
	rpc_request_fini(&r);
	ck_assert_int_eq(parse("{\"method\":\"x\",\"jsonrpc\":\"2.0\"}", &r, &id), 0);
	ck_assert_ptr_null(r.id);
	rpc_request_fini(&r);
}
END_TEST

static const struct {
	const char *line;
	int code;
	int id; /* 0: null */
} wrong[] = {
	{"", RPC_ERROR_PARSE, 0},
	{"{", RPC_ERROR_PARSE, 0},
	{"{\"jsonrpc\":\"2.0\",\"method\":\"\xff\"}", RPC_ERROR_PARSE, 0},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"method\":\"b\"}", RPC_ERROR_PARSE, 0},
	{"{\"jsonrpc\":\"2.0\",\"id\":1e999,\"method\":\"a\"}", RPC_ERROR_PARSE, 0},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"} x", RPC_ERROR_PARSE, 0},
	{"7", RPC_ERROR_REQUEST, 0},
	{"\"status\"", RPC_ERROR_REQUEST, 0},
	{"[]", RPC_ERROR_REQUEST, 0},
	{"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}]", RPC_ERROR_REQUEST, 0},
	{"{\"id\":3,\"method\":\"a\"}", RPC_ERROR_REQUEST, 3},
	{"{\"jsonrpc\":\"1.0\",\"id\":3,\"method\":\"a\"}", RPC_ERROR_REQUEST, 3},
	{"{\"jsonrpc\":2.0,\"id\":3,\"method\":\"a\"}", RPC_ERROR_REQUEST, 3},
	{"{\"jsonrpc\":\"2.0\",\"id\":3}", RPC_ERROR_REQUEST, 3},
	{"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":4}", RPC_ERROR_REQUEST, 3},
	{"{\"jsonrpc\":\"2.0\",\"id\":[3],\"method\":\"a\"}", RPC_ERROR_REQUEST, 0},
	{"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"a\",\"params\":[1]}", RPC_ERROR_PARAMS, 3},
	{"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"a\",\"params\":null}", RPC_ERROR_PARAMS, 3},
};

START_TEST(wrong_requests_are_told_what_is_wrong)
{
	struct rpc_request r;
	json_t *id = NULL;

	ck_assert_int_eq(parse(wrong[_i].line, &r, &id), wrong[_i].code);
	ck_assert_int_eq(json_integer_value(id), wrong[_i].id);
	json_decref(id);
}
END_TEST

START_TEST(depth_has_a_limit)
{
	char line[RPC_LINE_MAX + 1];
	struct rpc_request r;
	json_t *id;

	memset(line, '[', RPC_LINE_MAX);
	line[RPC_LINE_MAX] = '\0';
	ck_assert_int_eq(parse(line, &r, &id), RPC_ERROR_PARSE);
}
END_TEST

START_TEST(answers_are_one_line)
{
	json_t *id = json_string("a\nb");
	char *line = rpc_result(id, json_pack("{s:o}", "text", rpc_text("x\ny\x7f\xc3\xa4")));

	ck_assert_str_eq(line, "{\"jsonrpc\":\"2.0\",\"id\":\"a\\nb\","
			       "\"result\":{\"text\":\"x?y???\"}}\n");
	free(line);
	line = rpc_error(NULL, RPC_ERROR_PARSE, "\xff!");
	ck_assert_str_eq(line, "{\"jsonrpc\":\"2.0\",\"id\":null,"
			       "\"error\":{\"code\":-32700,\"message\":\"?!\"}}\n");
	free(line);
	line = rpc_notification("event", json_pack("{s:i}", "seq", 1));
	ck_assert_str_eq(
		line, "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"seq\":1}}\n");
	free(line);
	json_decref(id);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("supervisor/rpc");
	TCase *t = tcase_create("rpc");

	tcase_add_test(t, a_request_is_taken_apart);
	tcase_add_loop_test(t, wrong_requests_are_told_what_is_wrong, 0,
		(int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_test(t, depth_has_a_limit);
	tcase_add_test(t, answers_are_one_line);
	suite_add_tcase(s, t);
	return s;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/device_option.h"
#include "lib/util.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

/* What TEXT is as JSON, or what is wrong with it. Freed by the caller. */
static char *parsed(const char *text, const char *type, const char *first)
{
	json_t *device = NULL;
	const char *error = NULL;
	char *json;

	if (device_option_parse(text, type, first, &device, &error))
		return strdup(error);
	json = json_dumps(device, JSON_COMPACT);
	json_decref(device);
	return json;
}

static const struct {
	const char *text, *type, *first, *json;
} good[] = {
	{"rng", NULL, "type", "{\"type\":\"rng\"}"},
	{"rng,slot=5,name=r", NULL, "type", "{\"type\":\"rng\",\"slot\":\"5\",\"name\":\"r\"}"},
	{"disk.img,readonly", "blk", "path",
		"{\"type\":\"blk\",\"path\":\"disk.img\",\"readonly\":true}"},
	{"a,,b.img,serial=x=y,,z", "blk", "path",
		"{\"type\":\"blk\",\"path\":\"a,b.img\",\"serial\":\"x=y,z\"}"},
	{"console,ports=[null, pty,file:a,,b],slot=2", NULL, "type",
		"{\"type\":\"console\",\"ports\":[\"null\",\"pty\",\"file:a,b\"],\"slot\":\"2\"}"},
	{"console,ports=[]", NULL, "type", "{\"type\":\"console\",\"ports\":[]}"},
	/* Brackets within a value are text. */
	{"disk[1.img,serial=]", "blk", "path",
		"{\"type\":\"blk\",\"path\":\"disk[1.img\",\"serial\":\"]\"}"},
	{"x,a=", NULL, "type", "{\"type\":\"x\",\"a\":\"\"}"},
	/* What the plan refuses. */
	{",slot=5", NULL, "type", "{\"type\":\"\",\"slot\":\"5\"}"},
};

START_TEST(is_a_mapping_of_a_plan)
{
	AUTO_FREE char *json = parsed(good[_i].text, good[_i].type, good[_i].first);

	ck_assert_str_eq(json, good[_i].json);
}
END_TEST

static const struct {
	const char *text, *says;
} bad[] = {
	{"", "it is empty"},
	{"rng,", "a part has no key"},
	{"rng,=5", "a part has no key"},
	{"rng,slot=5,slot=6", "given twice"},
	{"rng,type=blk", "given twice"},
	{"rng,name=\xFF", "not UTF-8"},
	{"\xC0", "not UTF-8"},
	{"rng,ports=[a,\xFF]", "not UTF-8"},
};

START_TEST(malformed_ones_are_refused)
{
	AUTO_FREE char *error = parsed(bad[_i].text, NULL, "type");

	ck_assert_msg(strstr(error, bad[_i].says), "%s", error);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("cli/device_option");
	TCase *t = tcase_create("device_option");

	tcase_add_loop_test(t, is_a_mapping_of_a_plan, 0, ARRAY_SIZE(good));
	tcase_add_loop_test(t, malformed_ones_are_refused, 0, ARRAY_SIZE(bad));
	suite_add_tcase(s, t);
	return s;
}

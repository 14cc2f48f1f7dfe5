/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames, and the files that come in them: those who send them may be anybody. */
#include "lib/file.h"
#include "lib/util.h"
#include "rig/outputs.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

static char folder[] = "/tmp/test-outputs.XXXXXX";
static struct rig_output list[] = {
	{.path = (char[]){"out"}, .to = (char[]){"/out"}, .folder = true},
	{.path = (char[]){"report"}, .to = (char[]){"/report"}},
};
static struct rig_job job = {.outputs = list, .output_count = ARRAY_SIZE(list)};
static struct outputs o;

static void setup(void)
{
	strcpy(folder, "/tmp/test-outputs.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	o = (struct outputs){.job = &job, .file.fd = -1};
}

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(system(command), 0);
}

static void name(enum wire_type type, unsigned index, unsigned mode, const char *path)
{
	uint8_t bytes[256];
	size_t head = type == WIRE_FILE ? 8 : 4;

	wire_put_u32(bytes, index);
	wire_put_u32(bytes + 4, mode);
	memcpy(bytes + head, path, strlen(path));
	outputs_take(&o,
		&(struct wire_frame){.type = type, .size = head + strlen(path), .bytes = bytes});
}

static void data(const char *text)
{
	outputs_take(&o,
		&(struct wire_frame){
			.type = WIRE_DATA, .size = strlen(text), .bytes = (const uint8_t *)text});
}

START_TEST(files)
{
	char text[16];
	struct stat st;

	name(WIRE_FOLDER, 0, 0, "");
	name(WIRE_FOLDER, 0, 0, "case");
	name(WIRE_FILE, 0, 0700, "case/repeat.sh");
	data("one ");
	data("two");
	name(WIRE_FILE, 1, 0644, "");
	data("<xml/>");
	ck_assert_int_eq(outputs_finish(&o), 0);
	ck_assert_int_eq(file_read_line("out/case/repeat.sh", text, sizeof(text)), 0);
	ck_assert_str_eq(text, "one two");
	ck_assert_int_eq(stat("out/case/repeat.sh", &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	ck_assert_int_eq(file_read_line("report", text, sizeof(text)), 0);
	ck_assert_str_eq(text, "<xml/>");
}
END_TEST

static void zeroes_and(size_t size, size_t at, uint8_t byte)
{
	AUTO_FREE uint8_t *bytes = calloc(1, size);

	ck_assert_ptr_nonnull(bytes);
	bytes[at] = byte;
	outputs_take(&o, &(struct wire_frame){.type = WIRE_DATA, .size = size, .bytes = bytes});
}

/* Cores are mostly holes, and stay it; each byte is where it was. */
START_TEST(holes)
{
	uint8_t byte = 0;
	struct stat st;
	int fd;

	name(WIRE_FOLDER, 0, 0, "");
	name(WIRE_FILE, 0, 0644, "core");
	data("ELF");
	for (unsigned i = 0; i < 128; i++)
		zeroes_and(WIRE_BYTES_MAX, 5000, i == 64);
	zeroes_and(777, 0, 0);
	name(WIRE_FILE, 0, 0644, "other"); /* no hole of its own */
	data("x");
	ck_assert_int_eq(outputs_finish(&o), 0);
	ck_assert_int_eq(stat("out/core", &st), 0);
	ck_assert_int_eq(st.st_size, 3 + 128 * WIRE_BYTES_MAX + 777);
	ck_assert_int_lt(st.st_blocks * 512, st.st_size / 4);
	fd = open("out/core", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(pread(fd, &byte, 1, 3 + 64 * WIRE_BYTES_MAX + 5000), 1);
	ck_assert_uint_eq(byte, 1);
	close(fd);
	ck_assert_int_eq(stat("out/other", &st), 0);
	ck_assert_int_eq(st.st_size, 1);
}
END_TEST

/* Nothing leads out of an output. */
START_TEST(hostile)
{
	static const char *const paths[] = {
		"../x", "a/../../x", ".", "..", "link/x", "link", "", "a/./x"};

	name(WIRE_FOLDER, 0, 0, "");
	name(WIRE_FOLDER, 0, 0, "a");
	ck_assert_int_eq(outputs_finish(&o), 0);
	ck_assert_int_eq(symlink("..", "out/link"), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(paths); i++) {
		o.error = 0;
		name(WIRE_FILE, 0, 0644, paths[i]);
		data("evil");
		ck_assert_msg(o.error, "%s was taken", paths[i]);
	}
	ck_assert_int_ne(access("x", F_OK), 0);
	/* An absolute path is one below the output. */
	o.error = 0;
	name(WIRE_FILE, 0, 0644, "/y");
	ck_assert_int_eq(outputs_finish(&o), 0);
	ck_assert_int_eq(access("out/y", F_OK), 0);
	name(WIRE_FILE, 2, 0644, "x");
	ck_assert_int_eq(o.error, -EBADMSG);
}
END_TEST

START_TEST(frames)
{
	static struct wire_reader r;
	uint8_t header[8];
	struct wire_frame f;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(wire_write(pair[0], WIRE_OUTPUT, "hello", 5), 0);
	ck_assert_int_eq(wire_write_u32(pair[0], WIRE_EXIT, 0x01020304), 0);
	ck_assert_int_gt(wire_read(&r, pair[1]), 0);
	ck_assert_int_eq(wire_next(&r, &f), 1);
	ck_assert_uint_eq(f.type, WIRE_OUTPUT);
	ck_assert_uint_eq(f.size, 5);
	ck_assert_int_eq(memcmp(f.bytes, "hello", 5), 0);
	ck_assert_int_eq(wire_next(&r, &f), 1);
	ck_assert_uint_eq(wire_u32(&f, 0), 0x01020304);
	ck_assert_uint_eq(wire_u32(&f, 1), 0);
	ck_assert_int_eq(wire_next(&r, &f), 0);
	/* In pieces, and too large. */
	wire_put_u32(header, WIRE_DATA);
	wire_put_u32(header + 4, WIRE_BYTES_MAX + 1);
	ck_assert_int_eq(write(pair[0], header, 3), 3);
	ck_assert_int_gt(wire_read(&r, pair[1]), 0);
	ck_assert_int_eq(wire_next(&r, &f), 0);
	ck_assert_int_eq(write(pair[0], header + 3, 5), 5);
	ck_assert_int_gt(wire_read(&r, pair[1]), 0);
	ck_assert_int_eq(wire_next(&r, &f), -EBADMSG);
	close(pair[0]);
	ck_assert_int_eq(wire_read(&r, pair[1]), 0);
	close(pair[1]);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("rig/outputs");
	TCase *t = tcase_create("outputs");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, files);
	tcase_add_test(t, holes);
	tcase_add_test(t, hostile);
	tcase_add_test(t, frames);
	suite_add_tcase(s, t);
	return s;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/event.h"
#include "lib/util.h"
#include "tests/unit/unit.h"

#include <sys/eventfd.h>

/* Also of one that blocks: a wait would be a timeout. */
START_TEST(never_waits)
{
	int fd = eventfd(2, EFD_CLOEXEC | (_i ? EFD_NONBLOCK : 0));

	ck_assert_int_ge(fd, 0);
	ck_assert(event_take(fd));
	ck_assert(!event_take(fd));
	ck_assert_int_eq(eventfd_write(fd, 1), 0);
	ck_assert(event_take(fd));
	ck_assert(!event_take(fd));
	close(fd);
	ck_assert(!event_take(-1));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("lib/event");
	TCase *t = tcase_create("event");

	tcase_add_loop_test(t, never_waits, 0, 2);
	suite_add_tcase(s, t);
	return s;
}

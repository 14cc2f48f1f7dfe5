/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/ipc.h"
#include "partition/handover.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int sockets[2];
static struct partition_launch sent, received;
static struct plan *plan;
static struct plan_partition *received_plan;

/* A new file, told from others by its inode. */
static int new_file(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void setup(void)
{
	static const char text[] = "partitions: {guest: {cpus: {count: 1}, memory: 1G, image: i}}";
	const struct plan_options options = {0};
	struct diags diags;

	ck_assert_int_eq(ipc_pair(sockets), 0);
	memset(&sent, 0, sizeof(sent));
	sent.version = PARTITION_LAUNCH_VERSION;
	sent.size = sizeof(sent);
	/* No descriptor anywhere. */
	memset(&sent.kvm_fd, 0xFF,
		offsetof(struct partition_launch, ports) -
			offsetof(struct partition_launch, kvm_fd));
	for (unsigned i = 0; i < PLAN_SERIAL_PORTS; i++)
		sent.ports[i] = (struct partition_port){.out_fd = -1, .in_fd = -1, .log_fd = -1};
	received_plan = NULL;
	diags_init(&diags);
	ck_assert_int_eq(
		plan_load_text("plan.yaml", "/", text, strlen(text), &options, &diags, &plan), 0);
	diags_fini(&diags);
}

static void teardown(void)
{
	close(sockets[0]);
	close(sockets[1]);
	plan_destroy(plan);
	plan_partition_destroy(received_plan);
}

static void assert_same_file(int a, int b)
{
	struct stat x, y;

	ck_assert_int_eq(fstat(a, &x), 0);
	ck_assert_int_eq(fstat(b, &y), 0);
	ck_assert_uint_eq(x.st_ino, y.st_ino);
	ck_assert_int_ne(a, b);
}

START_TEST(each_descriptor_arrives_in_its_field)
{
	sent.index = 7;
	sent.kvm_fd = new_file();
	sent.overlay_fd = new_file();
	sent.alarm_fds[PLAN_VCPUS_MAX - 1] = new_file();
	sent.module_fds[PLAN_MODULES_MAX - 1] = new_file();
	sent.ports[0].out_fd = new_file();
	sent.ports[0].in_fd = sent.ports[0].out_fd;
	sent.ports[1].log_fd = new_file();
	ck_assert_int_eq(handover_send(sockets[0], &sent, plan->partitions), 0);
	ck_assert_int_eq(handover_receive(sockets[1], &received, &received_plan), 0);
	ck_assert_uint_eq(received.index, 7);
	ck_assert_str_eq(received_plan->name, "guest");
	assert_same_file(received.kvm_fd, sent.kvm_fd);
	assert_same_file(received.overlay_fd, sent.overlay_fd);
	assert_same_file(
		received.alarm_fds[PLAN_VCPUS_MAX - 1], sent.alarm_fds[PLAN_VCPUS_MAX - 1]);
	assert_same_file(
		received.module_fds[PLAN_MODULES_MAX - 1], sent.module_fds[PLAN_MODULES_MAX - 1]);
	assert_same_file(received.ports[0].out_fd, sent.ports[0].out_fd);
	assert_same_file(received.ports[0].in_fd, sent.ports[0].out_fd);
	assert_same_file(received.ports[1].log_fd, sent.ports[1].log_fd);
	ck_assert_int_eq(received.image_fd, -1);
	ck_assert_int_eq(received.alarm_fds[0], -1);
	ck_assert_int_eq(received.ports[1].in_fd, -1);
	ck_assert_int_eq(fcntl(received.kvm_fd, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(the_most_descriptors_there_can_be)
{
	int file = new_file();

	for (unsigned i = 0; i < PLAN_VCPUS_MAX; i++)
		sent.alarm_fds[i] = file;
	for (unsigned i = 0; i < PLAN_MODULES_MAX; i++)
		sent.module_fds[i] = file;
	sent.kvm_fd = sent.line_fd = sent.shared_fd = sent.status_fd = sent.status_irq_fd =
		sent.image_fd = sent.initrd_fd = sent.overlay_fd = file;
	for (unsigned i = 0; i < PLAN_SERIAL_PORTS; i++)
		sent.ports[i] =
			(struct partition_port){.out_fd = file, .in_fd = file, .log_fd = file};
	ck_assert_int_eq(handover_send(sockets[0], &sent, plan->partitions), 0);
	ck_assert_int_eq(handover_receive(sockets[1], &received, &received_plan), 0);
	assert_same_file(received.ports[PLAN_SERIAL_PORTS - 1].log_fd, file);
	assert_same_file(received.module_fds[0], file);
}
END_TEST

START_TEST(more_than_a_message_brings)
{
	int file = new_file(), other = new_file();
	const unsigned count = 2 * IPC_FDS_MAX + 5;

	for (unsigned i = 0; i < count; i++)
		sent.region_fds[i] = i % 50 ? file : other;
	sent.kvm_fd = file;
	sent.ports[1].log_fd = other;
	ck_assert_int_eq(handover_send(sockets[0], &sent, plan->partitions), 0);
	ck_assert_int_eq(handover_receive(sockets[1], &received, &received_plan), 0);
	for (unsigned i = 0; i < count; i++)
		assert_same_file(received.region_fds[i], i % 50 ? file : other);
	ck_assert_int_eq(received.region_fds[count], -1);
	assert_same_file(received.kvm_fd, file);
	assert_same_file(received.ports[1].log_fd, other);
}
END_TEST

START_TEST(descriptors_that_do_not_come)
{
	struct partition_launch liar = sent;
	int file = new_file();

	for (unsigned i = 0; i < IPC_FDS_MAX; i++)
		liar.region_fds[i] = file;
	ck_assert_int_eq(handover_send(sockets[0], &liar, plan->partitions), 0);
	/* The second message is another. */
	ck_assert_int_eq(ipc_send(sockets[0], MSG_START, NULL, 0), 0);
	ck_assert_int_eq(handover_receive(sockets[1], &received, &received_plan), 0);
	plan_partition_destroy(received_plan);
	received_plan = NULL;
	ck_assert_int_eq(handover_receive(sockets[1], &received, &received_plan), -EPROTO);
	ck_assert_ptr_null(received_plan);
}
END_TEST

START_TEST(nothing_to_do)
{
	close(sockets[0]);
	ck_assert_int_eq(handover_receive(sockets[1], &received, &received_plan), -ENODATA);
	sockets[0] = dup(sockets[1]);
}
END_TEST

START_TEST(what_is_no_launch)
{
	struct ipc_fds fds = {.count = 1};

	ck_assert_int_eq(ipc_send(sockets[0], MSG_START, NULL, 0), 0);
	ck_assert_int_eq(handover_receive(sockets[1], &received, &received_plan), -EPROTO);
	ck_assert_int_eq(ipc_send(sockets[0], MSG_LAUNCH, NULL, 0), 0);
	ck_assert_int_eq(handover_receive(sockets[1], &received, &received_plan), -EPROTO);
	fds.list[0] = new_file(); /* empty */
	ck_assert_int_eq(ipc_send_fds(sockets[0], MSG_LAUNCH, NULL, 0, &fds), 0);
	ck_assert_int_eq(handover_receive(sockets[1], &received, &received_plan), -EPROTO);
	sent.version++;
	ck_assert_int_eq(handover_send(sockets[0], &sent, plan->partitions), 0);
	ck_assert_int_eq(handover_receive(sockets[1], &received, &received_plan), -EPROTO);
	ck_assert_ptr_null(received_plan);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("partition/handover");
	TCase *t = tcase_create("handover");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, each_descriptor_arrives_in_its_field);
	tcase_add_test(t, the_most_descriptors_there_can_be);
	tcase_add_test(t, more_than_a_message_brings);
	tcase_add_test(t, descriptors_that_do_not_come);
	tcase_add_test(t, nothing_to_do);
	tcase_add_test(t, what_is_no_launch);
	suite_add_tcase(s, t);
	return s;
}

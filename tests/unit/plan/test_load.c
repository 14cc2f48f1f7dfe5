/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/util.h"
#include "plan/plan.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

/* A complete partition, and the start of one, to which the cases add. */
#define A "partitions:\n  a:\n    cpus: [1]\n    memory: 64M\n    image: i\n"
#define I "partitions:\n  a:\n    image: i\n"

/* clang-format would indent this table one way or the other, by what is in it. */
/* clang-format off */

/* A plan that is refused, the override to apply or NULL, and the complaints. */
static const struct bad_plan {
	const char *text;
	const char *set;
	const char *complaints;
} bad_plans[] = {
	{"", NULL, "plan.yaml:1:1: empty; write a plan\n"},
	{"# only a comment\n", NULL, "plan.yaml:1:1: empty; write a plan\n"},
	{"- a\n", NULL, "plan.yaml:1:1: a list instead of a plan; start it with partitions:\n"},
	{"partitions:\n", NULL,
		"plan.yaml:1:12: partitions: there is no partition; add one, as NAME: {cpus: ..., memory: ..., image: ...}\n"},
	{"partitions: {}\n", NULL,
		"plan.yaml:1:13: partitions: there is no partition; add one, as NAME: {cpus: ..., memory: ..., image: ...}\n"},
	{"partitions: [a]\n", NULL,
		"plan.yaml:1:13: partitions: this is a list; give each partition under its name, as NAME: {cpus: ..., memory: ..., image: ...}\n"},
	{"partitions:\n"
	 "\ta: b\n",
		NULL,
		"plan.yaml:2:1: not valid YAML: a tab stands where YAML allows only spaces; indent with spaces\n"},
	{"partitions: [a\n", NULL,
		"plan.yaml:2:1: not valid YAML: did not find expected ',' or ']', while parsing a flow sequence that starts in line 1; correct the syntax\n"},
	{"partitions: {a: \"x}\n", NULL,
		"plan.yaml:2:1: not valid YAML: found unexpected end of stream, while scanning a quoted scalar that starts in line 1; correct the syntax\n"},
	{"partitions: \377\n", NULL,
		"plan.yaml:1:13: not readable as YAML: invalid leading UTF-8 octet; save the text as UTF-8 without control characters\n"},
	{A "---\n"
	   "version: 1\n",
		NULL, "plan.yaml:6:1: a second document starts here; keep one document per file\n"},
	{"version: 2\n" A, NULL,
		"plan.yaml:1:10: version: version \"2\" of the format is not known; use 1\n"},
	{"verison: 1\n" A, NULL, "plan.yaml:1:1: verison: unknown key; did you mean version?\n"},
	{"colour: red\n" A, NULL,
		"plan.yaml:1:1: colour: unknown key; use version, arch, name, semantics, bsp, safe_state, lockdown, housekeeping, partitions or shared\n"},
	{"[x]: 1\n" A, NULL,
		"plan.yaml:1:1: a key is a list or a mapping; use a name as the key\n"},
	{"housekeeping: [0]\n"
	 "housekeeping: [1]\n"
	 "partitions: {a: {cpus: [2], memory: 2M, image: i}}\n",
		NULL,
		"plan.yaml:2:1: housekeeping: given twice, first at plan.yaml:1:1; remove one of the two\n"},
	{"partitions:\n"
	 "  a:\n",
		NULL,
		"plan.yaml:2:5: partitions.a: nothing instead of the partition's keys; give at least cpus, memory and image\n"},
	{"partitions:\n"
	 "  Linux 1: {cpus: [1], memory: 64M, image: i}\n",
		NULL,
		"plan.yaml:2:3: partitions.Linux 1: not a partition name; use up to 32 of a-z, 0-9, - and _, the first a letter\n"},
	{"partitions:\n"
	 "  a: {role: safety}\n",
		NULL,
		"plan.yaml:2:6: partitions.a.cpus: missing; add this key\n"
		"plan.yaml:2:6: partitions.a.memory: missing; add this key\n"
		"plan.yaml:2:6: partitions.a.image: missing; add this key\n"},
	{A "    memroy: 1G\n", NULL,
		"plan.yaml:6:5: partitions.a.memroy: unknown key; did you mean memory?\n"},
	{A "    frobnicate: 1\n", NULL,
		"plan.yaml:6:5: partitions.a.frobnicate: unknown key; use role, contract, debug, machine, cpus, nested, arm64, memory, image, cmdline, initrd, symbols, modules, serial, devices, on_fatal, on_violation, on_reset, watchdog, status_page, stop_timeout or veto\n"},
	{A "    cpus: [2]\n", NULL,
		"plan.yaml:6:5: partitions.a.cpus: given twice, first at plan.yaml:3:5; remove one of the two\n"},
	{A "  a: {cpus: [2], memory: 64M, image: i}\n", NULL,
		"plan.yaml:6:3: partitions.a: given twice, first at plan.yaml:2:3; remove one of the two\n"},
	{A "    <<: *x\n", NULL,
		"plan.yaml:6:5: merge keys (<<) are not supported; write the keys out, or alias whole values\n"},
	{A "    cmdline: *x\n", NULL,
		"plan.yaml:6:14: alias *x names nothing that is complete at this point; put &x before it\n"},
	{A "    cmdline: &x [*x]\n", NULL,
		"plan.yaml:6:18: alias *x names nothing that is complete at this point; put &x before it\n"},
	{A "    cmdline: !!str x\n", NULL,
		"plan.yaml:6:14: tags (!) are not supported; remove it\n"},
	{A "    cmdline: \"a\\nb\"\n", NULL,
		"plan.yaml:6:14: partitions.a.cmdline: control character 0x0A at byte 2; remove it\n"},
	{A "    cmdline: \"a\\0b\"\n", NULL,
		"plan.yaml:6:14: the text contains a NUL character; remove it\n"},
	{A "    cmdline:\n", NULL,
		"plan.yaml:6:13: partitions.a.cmdline: no value; give text (\"\" for none)\n"},
	{A "    cmdline: [a, b]\n", NULL,
		"plan.yaml:6:14: partitions.a.cmdline: this is a list; give text (\"\" for none)\n"},
	{A "    role: saftey\n", NULL,
		"plan.yaml:6:11: partitions.a.role: unknown value \"saftey\"; use non-safety or safety\n"},
	{A "    contract: fuse\n", NULL,
		"plan.yaml:6:15: partitions.a.contract: unknown value \"fuse\"; use standard or fusa\n"},
	{A "    on_fatal: reboot\n", NULL,
		"plan.yaml:6:15: partitions.a.on_fatal: unknown value \"reboot\"; use stop, safe-state, restart, park-vcpu or spin\n"},
	{A "    initrd: dir/\n", NULL,
		"plan.yaml:6:13: partitions.a.initrd: the path names no file; give the path of a file\n"},
	{A "    on_reset: null\n", NULL,
		"plan.yaml:6:15: partitions.a.on_reset: no value; give fail, stop or restart\n"},
	{"{}", NULL, "plan.yaml:1:1: partitions: missing; add this key\n"},
	{"partitions: {a: {cpus: [1], memory: 64M, image: i, 1: 2}}", NULL,
		"plan.yaml:1:52: partitions.a.1: unknown key; use role, contract, debug, machine, cpus, nested, arm64, memory, image, cmdline, initrd, symbols, modules, serial, devices, on_fatal, on_violation, on_reset, watchdog, status_page, stop_timeout or veto\n"},
	{"x: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n", NULL,
		"plan.yaml:1:35: nested more than 32 deep; no plan needs that\n"},
	{I "    cpus: [1]\n"
	   "    memory: 512X\n",
		NULL,
		"plan.yaml:5:13: partitions.a.memory: \"512X\" is not a size; give a size such as 512M\n"},
	{I "    cpus: [1]\n"
	   "    memory: 1M\n",
		NULL, "plan.yaml:5:13: partitions.a.memory: 1M is too little; give at least 2M\n"},
	{I "    cpus: [1]\n"
	   "    memory: 241G\n",
		NULL, "plan.yaml:5:13: partitions.a.memory: 241G is too much; give at most 240G\n"},
	{I "    cpus: [1]\n"
	   "    memory: 99999999999T\n",
		NULL,
		"plan.yaml:5:13: partitions.a.memory: 99999999999T is too much; give at most 240G\n"},
	{I "    cpus: [1]\n"
	   "    memory: 2097153\n",
		NULL,
		"plan.yaml:5:13: partitions.a.memory: 2097153 is not a multiple of 4K; give a multiple\n"},
	{I "    cpus: [1]\n"
	   "    memory: {hugepages: 2M}\n",
		NULL, "plan.yaml:5:13: partitions.a.memory.size: missing; add this key\n"},
	{I "    cpus: [1]\n"
	   "    memory: {size: 65M, hugepages: 2M}\n",
		NULL,
		"plan.yaml:5:20: partitions.a.memory: 65M is not a multiple of its 2M hugepages; give a multiple, or smaller pages\n"},
	{I "    cpus: [1]\n"
	   "    memory: {size: 1536M, hugepages: 1G, lock: yes}\n",
		NULL,
		"plan.yaml:5:48: partitions.a.memory.lock: \"yes\" is neither true nor false; write true or false without quotes\n"
		"plan.yaml:5:20: partitions.a.memory: 1536M is not a multiple of its 1G hugepages; give a multiple, or smaller pages\n"},
	{I "    memory: 64M\n"
	   "    cpus: 2\n",
		NULL,
		"plan.yaml:5:11: partitions.a.cpus: 2 may mean one core or a number of vCPUs; write [2] to own core 2, or {count: 2} for 2 vCPUs on shared cores\n"},
	{I "    memory: 64M\n"
	   "    cpus: []\n",
		NULL, "plan.yaml:5:11: partitions.a.cpus: no core is listed; list at least one\n"},
	{I "    memory: 64M\n"
	   "    cpus: two\n",
		NULL,
		"plan.yaml:5:11: partitions.a.cpus: \"two\" is not a core or range of cores; write [2, 3] or 2-3\n"},
	{I "    memory: 64M\n"
	   "    cpus: 3-2\n",
		NULL,
		"plan.yaml:5:11: partitions.a.cpus: \"3-2\" is not a core or range of cores; write [2, 3] or 2-3\n"},
	{I "    memory: 64M\n"
	   "    cpus: [1, 0-1]\n",
		NULL,
		"plan.yaml:5:15: partitions.a.cpus: core 1 is listed twice; list each core once\n"},
	{I "    memory: 64M\n"
	   "    cpus: [1024]\n",
		NULL,
		"plan.yaml:5:12: partitions.a.cpus: there is no core 1024 on any host we know; give cores from 0 to 1023\n"},
	{I "    memory: 64M\n"
	   "    cpus: 0-64\n",
		NULL, "plan.yaml:5:11: partitions.a.cpus: 65 vCPUs; a partition has at most 64\n"},
	{I "    memory: 64M\n"
	   "    cpus: {count: 65}\n",
		NULL, "plan.yaml:5:19: partitions.a.cpus.count: 65 is too much; give at most 64\n"},
	{I "    memory: 64M\n"
	   "    cpus: {count: 0, on: [x]}\n",
		NULL,
		"plan.yaml:5:19: partitions.a.cpus.count: 0 is too little; give at least 1\n"
		"plan.yaml:5:27: partitions.a.cpus.on: \"x\" is not a core or range of cores; write [2, 3] or 2-3\n"},
	{I "    memory: 64M\n"
	   "    role: safety\n"
	   "    cpus: {count: 1}\n",
		NULL,
		"plan.yaml:6:11: partitions.a.cpus: a safety partition (plan.yaml:5:11) cannot share cores; list the cores that it owns, such as [2, 3]\n"},
	{A "  b: {cpus: [2, 1], memory: 64M, image: i}\n", NULL,
		"plan.yaml:6:13: partitions.b.cpus: core 1 is owned twice: partition a (plan.yaml:3:11) has it too; remove it from one of the two\n"},
	{A "  b: {cpus: {count: 2, on: 0-1}, memory: 64M, image: i}\n", NULL,
		"plan.yaml:6:13: partitions.b.cpus: core 1 cannot be shared: partition a (plan.yaml:3:11) owns it; remove it from one of the two\n"},
	{"partitions:\n"
	 "  b: {cpus: {count: 2, on: 0-1}, memory: 64M, image: i}\n"
	 "  a: {cpus: [1], memory: 64M, image: i}\n",
		NULL,
		"plan.yaml:3:13: partitions.a.cpus: core 1 cannot be owned: partition b (plan.yaml:2:13) shares it; remove it from one of the two\n"},
	{"housekeeping: 0-1\n" A, NULL,
		"plan.yaml:4:11: partitions.a.cpus: core 1 is for housekeeping (plan.yaml:1:15); remove it from one of the two\n"},
	{"partitions:\n"
	 "  a: {role: safety, cpus: [1], memory: 64M, image: i}\n"
	 "  b: {role: safety, cpus: [2], memory: 64M, image: i}\n",
		NULL,
		"plan.yaml:3:13: partitions.b.role: a second safety partition beside a (plan.yaml:2:13); make one of them non-safety\n"},
	{A "    serial: console\n", NULL,
		"plan.yaml:6:13: partitions.a.serial: this is text; give a list, such as [console] or [console, file:log.txt]\n"},
	{A "    serial: [console, tty]\n", NULL,
		"plan.yaml:6:23: partitions.a.serial.1: unknown port \"tty\"; use console, none, null, pty, file:PATH, socket:PATH or link:PARTITION.PORT\n"},
	{A "    serial: [pty, pty, pty]\n", NULL,
		"plan.yaml:6:13: partitions.a.serial: 3 ports; give at most 2\n"},
	{A "    serial: [\"file:\"]\n", NULL,
		"plan.yaml:6:14: partitions.a.serial.0: the path names no file; give the path of a file\n"},
	{A "    modules: m\n", NULL,
		"plan.yaml:6:14: partitions.a.modules: this is text; give a list, such as [a.bin, {path: b.bin, string: x}]\n"},
	{A "    modules: [{string: x}]\n", NULL,
		"plan.yaml:6:15: partitions.a.modules.0.path: missing; add this key\n"},
	{"partitions:\n"
	 "  a:\n"
	 "    image: {path: j, type: efi}\n"
	 "    cpus: [1]\n"
	 "    memory: 64M\n",
		NULL,
		"plan.yaml:3:28: partitions.a.image.type: unknown value \"efi\"; use auto, multiboot, multiboot2, elf, bzimage, raw or arm64-image\n"},
	{"partitions:\n"
	 "  a:\n"
	 "    image: {path: i, load_address: here}\n"
	 "    cpus: [1]\n"
	 "    memory: 64M\n",
		NULL,
		"plan.yaml:3:36: partitions.a.image.load_address: \"here\" is not an address; give an address such as 0x100000\n"},
	{A, "partitions.linx.memory=1G",
		"--set 'partitions.linx.memory=1G': the plan has no partition linx; name one that it has, such as a\n"},
	{A, "partitions.a.memroy=1G",
		"--set 'partitions.a.memroy=1G': partitions.a.memroy: unknown key; did you mean memory?\n"},
	{A, "partitions.a.memory=1X",
		"--set 'partitions.a.memory=1X': partitions.a.memory: \"1X\" is not a size; give a size such as 512M\n"},
	{A, "partitions.a.memory",
		"--set 'partitions.a.memory': not KEY=VALUE; write it like partitions.NAME.memory=1G\n"},
	{A, "=1G", "--set '=1G': not KEY=VALUE; write it like partitions.NAME.memory=1G\n"},
	{A, "partitions.a.memory=",
		"--set 'partitions.a.memory=': no value after =; write null or \"\" if that is what is meant\n"},
	{A, "partitions..memory=1G",
		"--set 'partitions..memory=1G': the key has an empty part; write it like partitions.NAME.memory=1G\n"},
	{A, "partitions.a.cmdline=[x",
		"--set 'partitions.a.cmdline=[x': not valid YAML: did not find expected ',' or ']', while parsing a flow sequence; correct the syntax\n"},
	{A, "partitions.a.cpus.3=4",
		"--set 'partitions.a.cpus.3=4': cpus is a list of 1; use an index from 0 to 1, or set the list\n"},
	{A, "partitions.a.serial.1=pty",
		"--set 'partitions.a.serial.1=pty': the plan gives no serial list; set it as a whole, such as serial=[console, pty]\n"},
	{A, "partitions.a.modules.1=m",
		"--set 'partitions.a.modules.1=m': the plan gives no modules list; set it as a whole, such as modules=[FIRST, SECOND]\n"},
	{A "    serial: []\n", "partitions.a.serial.1=pty",
		"--set 'partitions.a.serial.1=pty': serial is empty; use index 0, or set the list\n"},
	{A, "partitions.a.cmdline.x=4",
		"--set 'partitions.a.cmdline.x=4': partitions.a.cmdline: this is a mapping; give text (\"\" for none)\n"},
	{A, "partitions.a.cpus.x=4",
		"--set 'partitions.a.cpus.x=4': cpus is a list of 1; use an index from 0 to 1, or set the list\n"},
	{A "  b: {cpus: [2], memory: 64M, image: i}\n", "partitions.b.cpus=[1]", "--set 'partitions.b.cpus=[1]': partitions.b.cpus: core 1 is owned twice: partition a (plan.yaml:3:11) has it too; remove it from one of the two\n"},
	{I "    role: safty\n"
	   "    cpus: [x]\n"
	   "    memory: 1\n"
	   "    modules: [{}]\n",
		NULL,
		"plan.yaml:4:11: partitions.a.role: unknown value \"safty\"; use non-safety or safety\n"
		"plan.yaml:5:12: partitions.a.cpus: \"x\" is not a core or range of cores; write [2, 3] or 2-3\n"
		"plan.yaml:6:13: partitions.a.memory: 1 is too little; give at least 2M\n"
		"plan.yaml:7:15: partitions.a.modules.0.path: missing; add this key\n"},
};

/* clang-format on */

static int load_set(const char *text, const char *const *sets, unsigned set_count,
	struct diags *diags, struct plan **ret_plan)
{
	const struct plan_options options = {.overrides = sets, .override_count = set_count};

	return plan_load_text("plan.yaml", "/plans", text, strlen(text), &options, diags, ret_plan);
}

static struct plan *load(const char *text)
{
	struct plan *plan = NULL;
	struct diags diags;

	diags_init(&diags);
	if (load_set(text, NULL, 0, &diags, &plan))
		diags_print(&diags, stderr, "");
	diags_fini(&diags);
	ck_assert_ptr_nonnull(plan);
	return plan;
}

/* What PRINT writes of PLAN; the caller frees it. */
static char *printed(const struct plan *plan, void (*print)(const struct plan *, FILE *))
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	print(plan, f);
	fclose(f);
	return text;
}

START_TEST(bad_plans_are_refused)
{
	const struct bad_plan *bad = &bad_plans[_i];
	AUTO_FREE char *text = NULL;
	struct plan *plan = NULL;
	struct diags diags;
	size_t size;
	FILE *f;

	diags_init(&diags);
	ck_assert_int_eq(load_set(bad->text, &bad->set, bad->set ? 1 : 0, &diags, &plan), -EINVAL);
	ck_assert_ptr_null(plan);
	f = open_memstream(&text, &size);
	diags_print(&diags, f, "");
	fclose(f);
	ck_assert_str_eq(text, bad->complaints);
	diags_fini(&diags);
}
END_TEST

START_TEST(defaults_are_filled_in)
{
	struct plan *plan = load("partitions:\n"
				 "  rt: {role: safety, cpus: [3, 1], memory: 64M, image: rt.elf}\n"
				 "  linux: {cpus: {count: 4}, memory: 1G, image: /boot/vmlinuz}\n");
	const struct plan_partition *rt = &plan->partitions[0], *linux_ = &plan->partitions[1];

	ck_assert_uint_eq(plan->partition_count, 2);
	ck_assert_uint_eq(plan->housekeeping_count, 0);
	ck_assert_str_eq(rt->name, "rt");
	ck_assert_int_eq(rt->role, PLAN_SAFETY);
	ck_assert(!rt->cpus.shared);
	ck_assert_uint_eq(rt->cpus.vcpus, 2);
	ck_assert_uint_eq(rt->cpus.core_count, 2);
	ck_assert_uint_eq(rt->cpus.cores[0], 3);
	ck_assert_uint_eq(rt->cpus.cores[1], 1);
	ck_assert_uint_eq(rt->memory, 64 * MIB);
	ck_assert_int_eq(rt->hugepages, PLAN_HUGEPAGES_NONE);
	ck_assert(rt->lock);
	ck_assert_str_eq(rt->image, "/plans/rt.elf");
	ck_assert_int_eq(rt->image_type, PLAN_IMAGE_AUTO);
	ck_assert_uint_eq(rt->load_address, 0x100000);
	ck_assert_uint_eq(rt->entry, 0x100000);
	ck_assert_str_eq(rt->cmdline, "");
	ck_assert_ptr_null(rt->initrd);
	ck_assert_uint_eq(rt->module_count, 0);
	ck_assert_int_eq(rt->serial[0].kind, PLAN_PORT_CONSOLE);
	ck_assert_int_eq(rt->serial[1].kind, PLAN_PORT_NONE);
	ck_assert_int_eq(rt->on_fatal, PLAN_FATAL_SAFE_STATE);
	ck_assert_int_eq(rt->on_reset, PLAN_RESET_FAIL);
	ck_assert_uint_eq(rt->locs[PLAN_KEY_MEMORY].line, 2);
	ck_assert_uint_eq(rt->locs[PLAN_KEY_MEMORY].column, 44);
	ck_assert_uint_eq(rt->locs[PLAN_KEY_CMDLINE].column, 3);
	ck_assert_ptr_eq(rt->locs[PLAN_KEY_MEMORY].file, plan->path);

	ck_assert_int_eq(linux_->role, PLAN_NON_SAFETY);
	ck_assert(linux_->cpus.shared);
	ck_assert_uint_eq(linux_->cpus.vcpus, 4);
	ck_assert_uint_eq(linux_->cpus.core_count, 0);
	ck_assert_str_eq(linux_->image, "/boot/vmlinuz");
	ck_assert_int_eq(linux_->on_fatal, PLAN_FATAL_STOP);
	plan_destroy(plan);
}
END_TEST

/* Every key, in the less usual of its forms. */
static const char all_keys[] =
	"version: 1\n"
	"housekeeping: 0, 4-5\n"
	"partitions:\n"
	"  rt_1-x:\n"
	"    role: safety\n"
	"    contract: standard\n"
	"    cpus: [2-3, 1]\n"
	"    memory: &m {size: 0x4000000, hugepages: 2M, lock: false}\n"
	"    image: {path: .//x/./rt.bin, type: raw, load_address: 2M, entry: 0x200010}\n"
	"    cmdline: \"null \\u2028 \\\"\\\\ \\U0001F600 \\x85 é\"\n"
	"    modules: [a, {path: ../b, string: 'x: [y], # z'}]\n"
	"    serial: [null, file:com2.log]\n"
	"    on_fatal: stop\n"
	"    on_reset: stop\n"
	"  on:\n"
	"    cpus: {count: 64, on: 4}\n"
	"    memory: *m\n"
	"    image: {path: i, type: bzimage}\n"
	"    cmdline: 'null'\n"
	"    initrd: \"null\"\n"
	"    serial: []\n"
	"  c: {cpus: 6-7, memory: 2097152, image: '0x1', initrd: ~, serial: [none, pty]}\n";

START_TEST(all_keys_are_read)
{
	struct plan *plan = load(all_keys);
	const struct plan_partition *rt = &plan->partitions[0], *on = &plan->partitions[1];

	ck_assert_uint_eq(plan->housekeeping_count, 3);
	ck_assert_uint_eq(plan->housekeeping[2], 5);
	ck_assert_uint_eq(rt->cpus.vcpus, 3);
	ck_assert_uint_eq(rt->cpus.cores[2], 1);
	ck_assert_uint_eq(rt->memory, 64 * MIB);
	ck_assert_int_eq(rt->hugepages, PLAN_HUGEPAGES_2M);
	ck_assert(!rt->lock);
	ck_assert_str_eq(rt->image, "/plans/x/rt.bin");
	ck_assert_int_eq(rt->image_type, PLAN_IMAGE_RAW);
	ck_assert_uint_eq(rt->load_address, 0x200000);
	ck_assert_uint_eq(rt->entry, 0x200010);
	ck_assert_str_eq(rt->cmdline, "null \u2028 \"\\ \U0001F600 \xC2\x85 é");
	ck_assert_uint_eq(rt->module_count, 2);
	ck_assert_str_eq(rt->modules[0].string, "");
	ck_assert_str_eq(rt->modules[1].path, "/plans/../b");
	ck_assert_str_eq(rt->modules[1].string, "x: [y], # z");
	ck_assert_uint_eq(rt->modules[1].loc.column, 18);
	ck_assert_int_eq(rt->serial[0].kind, PLAN_PORT_NULL);
	ck_assert_int_eq(rt->serial[1].kind, PLAN_PORT_FILE);
	ck_assert_str_eq(rt->serial[1].path, "/plans/com2.log");
	ck_assert_int_eq(rt->on_fatal, PLAN_FATAL_STOP);
	ck_assert_int_eq(rt->on_reset, PLAN_RESET_STOP);
	ck_assert_uint_eq(on->cpus.vcpus, 64);
	ck_assert_uint_eq(on->cpus.core_count, 1);
	ck_assert_uint_eq(on->cpus.cores[0], 4);
	ck_assert_uint_eq(on->memory, 64 * MIB);
	ck_assert_uint_eq(on->locs[PLAN_KEY_ROLE].line, 15);
	ck_assert_str_eq(on->cmdline, "null");
	ck_assert_str_eq(on->initrd, "/plans/null");
	ck_assert_int_eq(on->serial[0].kind, PLAN_PORT_NONE);
	ck_assert_ptr_null(plan->partitions[2].initrd);
	ck_assert_int_eq(plan->partitions[2].serial[1].kind, PLAN_PORT_PTY);
	plan_destroy(plan);
}
END_TEST

/* The bytes that stand for PLAN without its places; *RET_SIZE of them, for the caller to free. */
static char *essence(struct plan *plan, size_t *ret_size)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_size);

	for (unsigned i = 0; i < plan->partition_count; i++) {
		struct plan_partition *p = &plan->partitions[i];
		void *buf = NULL;
		size_t size = 0;

		memset(p->locs, 0, sizeof(p->locs));
		for (unsigned j = 0; j < PLAN_SERIAL_PORTS; j++)
			p->serial[j].loc = (struct diag_loc){0};
		for (unsigned j = 0; j < p->module_count; j++)
			p->modules[j].loc = (struct diag_loc){0};
		ck_assert_int_eq(plan_partition_encode(p, &buf, &size), 0);
		fwrite(buf, 1, size, f);
		free(buf);
	}
	fwrite(plan->housekeeping, sizeof(unsigned), plan->housekeeping_count, f);
	fclose(f);
	return text;
}

/* JSON leaves line separators as they are, which YAML reads as line breaks. */
static void check_replay(const char *set, void (*print)(const struct plan *, FILE *))
{
	AUTO_FREE char *text1 = NULL, *text2 = NULL, *bytes1 = NULL, *bytes2 = NULL;
	struct plan *first = NULL, *second;
	struct diags diags;
	size_t size1, size2;

	diags_init(&diags);
	ck_assert_int_eq(load_set(all_keys, &set, set ? 1 : 0, &diags, &first), 0);
	text1 = printed(first, print);
	second = load(text1);
	text2 = printed(second, print);
	ck_assert_str_eq(text1, text2);
	bytes1 = essence(first, &size1);
	bytes2 = essence(second, &size2);
	ck_assert_uint_eq(size1, size2);
	ck_assert_mem_eq(bytes1, bytes2, size1);
	plan_destroy(first);
	plan_destroy(second);
	diags_fini(&diags);
}

START_TEST(printed_yaml_replays)
{
	check_replay(NULL, plan_print_yaml);
}
END_TEST

START_TEST(printed_json_replays)
{
	check_replay("partitions.rt_1-x.cmdline=a \"b\" é", plan_print_json);
}
END_TEST

START_TEST(yaml_is_printed_for_people)
{
	struct plan *plan = load("housekeeping: 0\n" A "    initrd: i.img\n"
				 "    cmdline: console=ttyS0,115200\n"
				 "    modules: [m]\n");
	AUTO_FREE char *text = printed(plan, plan_print_yaml);

	ck_assert_str_eq(text,
		"version: 1\n"
		"arch: x86-64\n"
		"name: null\n"
		"semantics: acrn\n"
		"bsp: {path: none, deadline: 1s, files: []}\n"
		"safe_state: {stop: all, command: null, notify: null, eventfd: null}\n"
		"lockdown: auto\n"
		"housekeeping: [0]\n"
		"partitions:\n"
		"  a:\n"
		"    role: non-safety\n"
		"    contract: standard\n"
		"    debug: false\n"
		"    machine: {type: standard, pvpanic: auto, fw_cfg: auto, chr_testdev: auto, debug_port: auto, test_ports: auto, hpet: auto, mp_table: auto, bios_pic: auto}\n"
		"    cpus: [1]\n"
		"    nested: false\n"
		"    memory: {size: 64M, hugepages: none, lock: true}\n"
		"    image: {path: /plans/i, type: auto, load_address: 0x100000, entry: 0x100000}\n"
		"    cmdline: \"console=ttyS0,115200\"\n"
		"    initrd: /plans/i.img\n"
		"    symbols: null\n"
		"    modules:\n"
		"      - {path: /plans/m, string: \"\"}\n"
		"    serial: [console, none]\n"
		"    devices: []\n"
		"    on_fatal: {action: stop}\n"
		"    on_violation: ignore\n"
		"    on_reset: fail\n"
		"    watchdog: null\n"
		"    status_page: {address: null, irq: null}\n"
		"    stop_timeout: 10s\n"
		"    veto: null\n");
	plan_destroy(plan);
}
END_TEST

START_TEST(overrides_replace_and_add)
{
	static const char *const sets[] = {
		"partitions.a.memory.lock=false", /* beside the short form of the size */
		"partitions.a.cmdline=console=ttyS0,115200 panic=-1",
		"partitions.a.serial=[console, pty]",
		"partitions.a.serial.0=null",
		"partitions.a.modules.0={path: m, string: s}",
		"partitions.a.modules.1=n",
		"partitions.b={cpus: [2], memory: 2M, image: j}",
		"partitions.b.memory=4M",
		"partitions.b.initrd=null",
		"housekeeping=0",
	};
	const struct plan_partition *a, *b;
	struct plan *plan = NULL;
	struct diags diags;

	diags_init(&diags);
	ck_assert_int_eq(load_set(A, sets, ARRAY_SIZE(sets), &diags, &plan), 0);
	ck_assert_uint_eq(diags.count, 0);
	a = &plan->partitions[0];
	b = &plan->partitions[1];
	ck_assert_uint_eq(a->memory, 64 * MIB);
	ck_assert(!a->lock);
	ck_assert_uint_eq(a->locs[PLAN_KEY_MEMORY].line, 4);
	ck_assert_str_eq(a->cmdline, "console=ttyS0,115200 panic=-1");
	ck_assert_str_eq(a->locs[PLAN_KEY_CMDLINE].file,
		"--set 'partitions.a.cmdline=console=ttyS0,115200 panic=-1'");
	ck_assert_uint_eq(a->locs[PLAN_KEY_CMDLINE].line, 0);
	ck_assert_int_eq(a->serial[0].kind, PLAN_PORT_NULL);
	ck_assert_int_eq(a->serial[1].kind, PLAN_PORT_PTY);
	ck_assert_uint_eq(a->module_count, 2);
	ck_assert_str_eq(a->modules[0].string, "s");
	ck_assert_str_eq(a->modules[1].path, "/plans/n");
	ck_assert_str_eq(b->name, "b");
	ck_assert_uint_eq(b->memory, 4 * MIB);
	ck_assert_uint_eq(plan->housekeeping_count, 1);
	plan_destroy(plan);
	diags_fini(&diags);
}
END_TEST

START_TEST(overrides_leave_aliases_alone)
{
	const char *set = "partitions.b.memory.size=4M";
	struct plan *plan = NULL;
	struct diags diags;

	diags_init(&diags);
	ck_assert_int_eq(load_set("partitions:\n"
				  "  a: {cpus: [1], memory: &m {size: 2M}, image: i}\n"
				  "  b: {cpus: [2], memory: *m, image: i}\n",
				 &set, 1, &diags, &plan),
		0);
	ck_assert_uint_eq(plan->partitions[0].memory, 2 * MIB);
	ck_assert_uint_eq(plan->partitions[1].memory, 4 * MIB);
	plan_destroy(plan);
	diags_fini(&diags);
}
END_TEST

/* Text that is small but stands for a lot must be refused soon, or cost little. */
START_TEST(bombs_are_harmless)
{
	static char text[(1 << 20) + 1];
	struct plan *plan = NULL;
	struct diags diags;
	size_t n;

	diags_init(&diags);
	memset(text, '[', sizeof(text));
	ck_assert_int_eq(
		plan_load_text("p", "/", text, sizeof(text) - 1, NULL, &diags, &plan), -EINVAL);
	ck_assert_int_eq(
		plan_load_text("p", "/", text, sizeof(text), NULL, &diags, &plan), -EINVAL);
	ck_assert_str_eq(diags.items[1].text, "larger than 1 MiB; no plan needs that");

	n = (size_t)sprintf(text, "a0: &a0 [x, x]\n");
	for (unsigned i = 1; i < 60; i++)
		n += (size_t)sprintf(text + n, "a%u: &a%u [*a%u, *a%u]\n", i, i, i - 1, i - 1);
	sprintf(text + n, "partitions: {a: {cpus: *a59, memory: *a59, image: *a59}}\n");
	ck_assert_int_eq(load_set(text, NULL, 0, &diags, &plan), -EINVAL);

	n = 0;
	for (unsigned i = 0; i < 300; i++)
		n += (size_t)sprintf(text + n, "k%u: x\n", i);
	ck_assert_int_eq(load_set(text, NULL, 0, &diags, &plan), -EINVAL);
	ck_assert_str_eq(diags.items[diags.count - 1].text,
		"more than 256 keys in one mapping; remove some");
	diags_fini(&diags);
}
END_TEST

START_TEST(files_are_read)
{
	char path[] = "/tmp/bulkhead-plan-XXXXXX";
	int fd = mkstemp(path);
	struct plan *plan = NULL;
	struct diags diags;

	diags_init(&diags);
	ck_assert_int_eq(write(fd, A, strlen(A)), (ssize_t)strlen(A));
	close(fd);
	ck_assert_int_eq(plan_load(path, NULL, &diags, &plan), 0);
	ck_assert_str_eq(plan->path, path);
	ck_assert_str_eq(plan->partitions[0].image, "/tmp/i");
	plan_destroy(plan);
	plan = NULL;
	unlink(path);
	ck_assert_int_eq(plan_load(path, NULL, &diags, &plan), -EINVAL);
	ck_assert_ptr_null(plan);
	ck_assert_str_eq(diags.items[0].file, path);
	ck_assert_str_eq(diags.items[0].text,
		"the plan cannot be read: No such file or directory; give the path of a YAML file, "
		"or - for standard input");
	diags_fini(&diags);
	plan_destroy(NULL);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *s = suite_create("plan/load");
	TCase *t = tcase_create("load");

	tcase_add_loop_test(t, bad_plans_are_refused, 0, ARRAY_SIZE(bad_plans));
	tcase_add_test(t, defaults_are_filled_in);
	tcase_add_test(t, all_keys_are_read);
	tcase_add_test(t, printed_yaml_replays);
	tcase_add_test(t, printed_json_replays);
	tcase_add_test(t, yaml_is_printed_for_people);
	tcase_add_test(t, overrides_replace_and_add);
	tcase_add_test(t, overrides_leave_aliases_alone);
	tcase_add_test(t, bombs_are_harmless);
	tcase_add_test(t, files_are_read);
	suite_add_tcase(s, t);
	return s;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "partition/choice.h"

#include "lib/util.h"
#include "partition/partition.h"
#include "vmm/arch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* ---- from the plan ---- */

static void wish(const struct plan_partition *p, struct machine *m)
{
	static const enum machine_gic gics[] = {
		[PLAN_GIC_AUTO] = MACHINE_GIC_AUTO,
		[PLAN_GIC_V2] = MACHINE_GIC_V2,
		[PLAN_GIC_V3] = MACHINE_GIC_V3,
	};
	static const enum machine_wish wishes[] = {
		[PLAN_WISH_AUTO] = MACHINE_AUTO,
		[PLAN_WISH_OFF] = MACHINE_OFF,
		[PLAN_WISH_ON] = MACHINE_ON,
	};
#define PSCI(major, minor) ((uint32_t)(major) << 16 | (minor))
	static const uint32_t pscis[] = {
		[PLAN_PSCI_AUTO] = 0,
		[PLAN_PSCI_0_2] = PSCI(0, 2),
		[PLAN_PSCI_1_0] = PSCI(1, 0),
		[PLAN_PSCI_1_1] = PSCI(1, 1),
		[PLAN_PSCI_1_2] = PSCI(1, 2),
		[PLAN_PSCI_1_3] = PSCI(1, 3),
	};

	m->nested = p->nested;
	m->arm64 = (struct machine_arm64){
		.gic = gics[p->arm64.gic],
		.its = wishes[p->arm64.its],
		.pmu = wishes[p->arm64.pmu],
		.sve = wishes[p->arm64.sve],
		.pauth = wishes[p->arm64.pauth],
		.psci = pscis[p->arm64.psci],
	};
}

static const struct diag_loc *loc_of(const struct plan_partition *p, const char *key)
{
	if (strcmp(key, "nested") == 0)
		return &p->locs[PLAN_KEY_NESTED];
	return &p->locs[strncmp(key, "arm64", 5) == 0 ? PLAN_KEY_ARM64 : PLAN_KEY_PARTITION];
}

int choice_make(const struct plan_partition *p, int kvm_fd, struct machine *m, struct diags *diags)
{
	struct arch_refusal refusal;
	char field[PLAN_FIELD_MAX];
	int ret;

	wish(p, m);
	if (kvm_fd < 0) {
		machine_assume(m);
		return 0;
	}
	ret = arch_machine_choose(kvm_fd, m, &refusal);
	if (ret == -EOPNOTSUPP)
		diag_error(diags, loc_of(p, refusal.key), plan_field(p, refusal.key, field), "%s",
			refusal.why);
	else if (ret)
		diag_error(diags, &p->locs[PLAN_KEY_PARTITION], p->name,
			"this host's KVM cannot be asked what it has for a machine: %s; see what "
			"`bulkhead doctor` says",
			strerror(-ret));
	return ret;
}

/* ---- in words ---- */

/* Appends what one LIST has; PREFIX comes before the first. */
static void append(char *buf, const char *prefix, bool *first, const char *what)
{
	size_t used = strlen(buf);

	snprintf(buf + used, CHOICE_TEXT_MAX - used, "%s%s", *first ? prefix : ", ", what);
	*first = false;
}

char *choice_describe(
	const struct plan_partition *p, const struct machine *m, char buf[CHOICE_TEXT_MAX])
{
	const struct {
		const char *key, *name;
		bool open; /* the plan leaves it open */
		bool there;
	} parts[] = {
		{"gic", "GICv3", !p->arm64.gic, m->arm64.gic == MACHINE_GIC_V3},
		/* Without a GICv3 nobody looks for an ITS. */
		{"its", "ITS", !p->arm64.its,
			m->arm64.its == MACHINE_ON || m->arm64.gic != MACHINE_GIC_V3},
		{"psci", "", !p->arm64.psci, true},
		{"pmu", "PMU", !p->arm64.pmu, m->arm64.pmu == MACHINE_ON},
		{"sve", "SVE", !p->arm64.sve, m->arm64.sve == MACHINE_ON},
		{"pauth", "pointer authentication", !p->arm64.pauth, m->arm64.pauth == MACHINE_ON},
	};
	bool first = true;

	static_assert(CHOICE_TEXT_MAX >= MACHINE_CHOICE_MAX, "the machine's own words fit");
	machine_describe_choice(m, buf);
	if (!*buf)
		return buf;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (parts[i].open && !parts[i].there)
			append(buf, "; this host's KVM has no ", &first, parts[i].name);
	}
	first = true;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (!parts[i].open)
			append(buf, "; as the plan says: ", &first, parts[i].key);
	}
	return buf;
}

/* ---- for those who may not see machines ---- */

enum plan_arch partition_host_arch(void)
{
	return arch_guest == GUEST_ARM64 ? PLAN_ARCH_ARM64 : PLAN_ARCH_X86_64;
}

int partition_check_host(const struct plan_partition *p, const char *device, struct diags *diags)
{
	AUTO_CLOSE int kvm_fd = open(device, O_RDWR | O_CLOEXEC);
	AUTO_FREE struct machine *m = calloc(1, sizeof(*m));
	char text[CHOICE_TEXT_MAX], field[PLAN_FIELD_MAX];
	int ret;

	if (kvm_fd < 0)
		return -errno;
	if (!m)
		return -ENOMEM;
	ret = machine_init(m, arch_guest, p->memory, p->cpus.vcpus);
	if (!ret)
		ret = choice_make(p, kvm_fd, m, diags);
	if (!ret && *choice_describe(p, m, text))
		diag_note(diags, &p->locs[PLAN_KEY_ARM64], plan_field(p, "arm64", field),
			"its machine has %s", text);
	return ret;
}

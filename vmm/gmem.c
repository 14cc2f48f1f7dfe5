/* SPDX-License-Identifier: BSD-3-Clause */
#include "vmm/gmem.h"

#include "lib/util.h"

#include <errno.h>
#include <string.h>

#define GMEM_PAGE 4096

int gmem_add(struct gmem *g, gpa_t base, uint64_t size, void *hva)
{
	if (!size || add_overflows(base, size) || (base | size) % GMEM_PAGE)
		return -EINVAL;
	for (unsigned i = 0; i < g->count; i++) {
		if (ranges_overlap(base, size, g->slots[i].base, g->slots[i].size))
			return -EEXIST;
	}
	if (g->count == GMEM_SLOTS_MAX)
		return -ENOSPC;
	g->slots[g->count++] = (struct gmem_slot){.base = base, .size = size, .hva = hva};
	return 0;
}

void *gmem_slice(const struct gmem *g, gpa_t gpa, uint64_t len)
{
	for (unsigned i = 0; i < g->count; i++) {
		const struct gmem_slot *s = &g->slots[i];

		if (gpa >= s->base && gpa - s->base <= s->size && len <= s->size - (gpa - s->base))
			return s->hva + (gpa - s->base);
	}
	return NULL;
}

int gmem_read(const struct gmem *g, gpa_t gpa, void *buf, uint64_t len)
{
	const void *src = gmem_slice(g, gpa, len);

	if (!src)
		return -EFAULT;
	memcpy(buf, src, len);
	return 0;
}

int gmem_write(struct gmem *g, gpa_t gpa, const void *buf, uint64_t len)
{
	void *dst = gmem_slice(g, gpa, len);

	if (!dst)
		return -EFAULT;
	memcpy(dst, buf, len);
	return 0;
}

int gmem_zero(struct gmem *g, gpa_t gpa, uint64_t len)
{
	void *dst = gmem_slice(g, gpa, len);

	if (!dst)
		return -EFAULT;
	memset(dst, 0, len);
	return 0;
}

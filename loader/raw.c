/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Raw images: the whole file at an address of the plan's, started on x86 in protected mode
 * with all general registers 0, on arm64 as a Linux Image is. Never chosen by recognition: the plan
 * says so.
 */
#include "loader/load.h"

int raw_load(struct load *l)
{
	const struct loader_request *req = l->req;
	struct image image = {.entry = req->entry};
	struct piece p = {.what = "raw image",
		.base = req->load_address,
		.mem_size = l->size,
		.data = l->data,
		.file_size = l->size};
	int ret;

	if (add_overflows(p.base, p.mem_size))
		return load_error(l, &req->image,
			"load address %#jx plus size %#jx passes the end of the address space; choose a lower address",
			(uintmax_t)p.base, (uintmax_t)p.mem_size);
	ret = image_add(l, &image, &p);
	if (!ret)
		ret = image_check_entry(l, &image);
	if (!ret)
		ret = image_load(l, &image);
	if (!ret)
		ret = load_finish(l, image.entry);
	return ret;
}

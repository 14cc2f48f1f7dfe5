/* SPDX-License-Identifier: BSD-3-Clause */
/* Tree overlays, as dtc -@ makes them of sources with /plugin/. Internal to fdt/; one thread. */
#ifndef FDT_OVERLAY_H
#define FDT_OVERLAY_H

#include "fdt/fdt.h"

/*
 * Applies OVERLAY to the finished tree FDT, which has ROOM bytes and ends up packed. 0, or -EINVAL
 * with an error that names the overlay's file; FDT is then no tree any more.
 */
int overlay_apply(void *fdt, size_t room, const struct fdt_overlay *overlay, struct diags *diags);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The smallest image: that it was loaded and entered at all, however that was done. */
#include "guest.h"

int guest_main(void)
{
	static unsigned zero;
	static unsigned seven = 7;

	kprintf("hello from an image without an operating system\n");
	return zero == 0 && seven == 7 ? 0 : 1;
}

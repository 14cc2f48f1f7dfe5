/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The floor of the bench: the least program that runs a guest (bare.c). It loads an ELF32 image,
 * writes COM1 to standard output and the number of exits to user space to standard error. No
 * threads.
 */
#include "tests/bench/bare.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct bare b;

	if (kvm < 0 || argc != 2)
		err(EXIT_FAILURE, "/dev/kvm");
	bare_create(kvm, argv[1], 0, &b);
	fprintf(stderr, "%lu\n", bare_run(&b));
	return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outb PORT VALUE: one byte to an x86 I/O port. Debian's kernels have no /dev/port, so the guests
 * of the tests need a program to reach the exit port.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: outb PORT VALUE\n");
		return 2;
	}
	unsigned short port = (unsigned short)strtoul(argv[1], NULL, 0);

	if (ioperm(port, 1, 1)) {
		perror("outb: ioperm");
		return 1;
	}
	outb((unsigned char)strtoul(argv[2], NULL, 0), port);
	return 0;
}

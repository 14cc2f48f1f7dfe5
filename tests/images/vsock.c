/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sockets between a guest and its host, from either side:
 *
 *   vsock serve PORT          takes one connection and sends back what comes, until its end
 *   vsock ask CID PORT SIZE   sends SIZE bytes to who serves there, and compares what comes back
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#define TRIES 100 /* a tenth of a second each */

static int fail(const char *what)
{
	fprintf(stderr, "vsock: %s: %s\n", what, strerror(errno));
	return 1;
}

static int serve(unsigned port)
{
	const struct sockaddr_vm address = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port};
	int listener = socket(AF_VSOCK, SOCK_STREAM, 0), fd;
	char buf[4096];
	ssize_t n;

	if (listener < 0 || bind(listener, (const void *)&address, sizeof(address)) ||
		listen(listener, 1))
		return fail("listen");
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		return fail("accept");
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		if (write(fd, buf, (size_t)n) != n)
			return fail("write");
	}
	return 0;
}

static int connect_to(unsigned cid, unsigned port)
{
	const struct sockaddr_vm address = {
		.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port};

	for (unsigned i = 0; i < TRIES; i++) {
		int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

		if (fd < 0 || connect(fd, (const void *)&address, sizeof(address)) == 0)
			return fd;
		close(fd);
		usleep(100000);
	}
	return -1;
}

static int ask(unsigned cid, unsigned port, size_t size)
{
	uint8_t sent[4096], got[4096];
	int fd = connect_to(cid, port);

	if (fd < 0)
		return fail("connect");
	for (size_t done = 0; done < size;) {
		size_t n = size - done < sizeof(sent) ? size - done : sizeof(sent), back = 0;

		for (size_t i = 0; i < n; i++)
			sent[i] = (uint8_t)((done + i) * 7 + (done >> 8));
		if (write(fd, sent, n) != (ssize_t)n)
			return fail("write");
		while (back < n) {
			ssize_t some = read(fd, got + back, n - back);

			if (some <= 0)
				return fail("read");
			back += (size_t)some;
		}
		if (memcmp(sent, got, n) != 0) {
			fprintf(stderr, "vsock: other bytes came back\n");
			return 1;
		}
		done += n;
	}
	printf("vsock: %zu bytes there and back, cid %u\n", size, cid);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve((unsigned)strtoul(argv[2], NULL, 0));
	if (argc == 5 && strcmp(argv[1], "ask") == 0)
		return ask((unsigned)strtoul(argv[2], NULL, 0), (unsigned)strtoul(argv[3], NULL, 0),
			strtoul(argv[4], NULL, 0));
	fprintf(stderr, "usage: vsock serve PORT | vsock ask CID PORT SIZE\n");
	return 2;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For guests with an unmodified Linux: talks to the other peer of an ivshmem function, version 2,
 * through its files in sysfs, as a driver in user space does. Each writes a line into its output
 * section, waits until the other's state says that it has done so, and prints what it reads there.
 *
 * Usage: ivshmem FOLDER, such as /sys/bus/pci/devices/0000:00:01.0. Exit code 0: all as it must be.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ID             0 /* registers, in words */
#define PEERS          1
#define STATE          4
#define CAP_READ_WRITE 0x08
#define CAP_OUTPUT     0x10
#define PAGE           4096
#define LIMIT_S        60
#define TEXT_MAX       64

static volatile uint8_t *map(const char *folder, const char *name, size_t *ret_size)
{
	char path[256];
	struct stat st;
	void *at;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return NULL;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	*ret_size = (size_t)st.st_size;
	close(fd);
	return at == MAP_FAILED ? NULL : at;
}

/* The sizes in the vendor-specific capability. */
static int read_sizes(const char *folder, uint64_t *ret_read_write, uint64_t *ret_output)
{
	uint8_t config[256];
	char path[256];
	unsigned at;
	int fd;

	snprintf(path, sizeof(path), "%s/config", folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, config, sizeof(config)) != sizeof(config))
		return -1;
	close(fd);
	for (at = config[0x34]; at >= 0x40 && at < 0xE0; at = config[at + 1]) {
		if (config[at] != 9)
			continue;
		memcpy(ret_read_write, config + at + CAP_READ_WRITE, 8);
		memcpy(ret_output, config + at + CAP_OUTPUT, 8);
		return 0;
	}
	return -1;
}

/* By words: it may be mapped as device memory. */
static void put_text(volatile uint8_t *to, const char *text)
{
	uint32_t words[TEXT_MAX / 4] = {0};

	memcpy(words, text, strlen(text));
	for (unsigned i = 0; i < TEXT_MAX / 4; i++)
		((volatile uint32_t *)to)[i] = words[i];
}

static void get_text(const volatile uint8_t *from, char text[TEXT_MAX + 1])
{
	uint32_t words[TEXT_MAX / 4];

	for (unsigned i = 0; i < TEXT_MAX / 4; i++)
		words[i] = ((const volatile uint32_t *)from)[i];
	memcpy(text, words, TEXT_MAX);
	text[TEXT_MAX] = '\0';
}

/* Until it is not STATE any more. */
static int wait_state(const volatile uint32_t *state, uint32_t is)
{
	time_t start = time(NULL);

	while (*state == is) {
		if (time(NULL) - start > LIMIT_S) {
			printf("ivshmem: the other stays in state %u\n", *state);
			return -1;
		}
		usleep(10000);
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t read_write, output;
	size_t registers_size, size;
	char text[TEXT_MAX + 1];
	volatile uint32_t *registers, *states;
	volatile uint8_t *memory, *outputs;
	uint32_t id, other;

	if (argc != 2 || read_sizes(argv[1], &read_write, &output))
		return 2;
	registers = (volatile uint32_t *)map(argv[1], "resource0", &registers_size);
	memory = map(argv[1], "resource2", &size);
	if (!registers || !memory) {
		perror("ivshmem: mapping it");
		return 1;
	}
	id = registers[ID];
	other = !id;
	states = (volatile uint32_t *)memory;
	outputs = memory + PAGE + read_write;
	printf("ivshmem: peer %u of %u\n", id, registers[PEERS]);
	snprintf(text, sizeof(text), "greetings from peer %u", id);
	put_text(outputs + id * output, text);
	put_text(outputs + other * output + TEXT_MAX, "forged");
	registers[STATE] = 1;
	if (wait_state(&states[other], 0))
		return 1;
	get_text(outputs + other * output, text);
	printf("ivshmem: peer %u reads \"%s\"\n", id, text);
	get_text(outputs + other * output + TEXT_MAX, text);
	printf("ivshmem: peer %u %s the other's section\n", id,
		*text ? "has written" : "cannot write");
	fflush(stdout);
	registers[STATE] = 2;
	/* It has read, too, or has ended since. */
	return wait_state(&states[other], 1) || *text;
}

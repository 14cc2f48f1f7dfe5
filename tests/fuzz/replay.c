/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The main of a fuzz target built without libFuzzer: runs every file of the corpus directories
 * given as arguments through it, and says how many there were. A crash is the failure.
 */
#include "lib/file.h"
#include "lib/util.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* From a heap copy of the exact size, so that a sanitizer sees a read past the end. */
static int replay_file(int dir, const char *name)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	AUTO_FREE uint8_t *data = NULL;
	struct stat st;
	size_t size;

	if (fd < 0 || fstat(fd, &st))
		return -1;
	if (!S_ISREG(st.st_mode))
		return 0;
	size = (size_t)st.st_size;
	data = malloc(size ? size : 1);
	if (!data || file_read_all(fd, data, size))
		return -1;
	LLVMFuzzerTestOneInput(data, size);
	return 1;
}

/* How many inputs there were; -1 when something could not be read. */
static int replay_dir(const char *path)
{
	AUTO_CLOSEDIR DIR *dir = opendir(path);
	struct dirent *e;
	int count = 0;

	if (!dir)
		return -1;
	while ((e = readdir(dir))) {
		int ret = e->d_name[0] == '.' ? 0 : replay_file(dirfd(dir), e->d_name);

		if (ret < 0) {
			fprintf(stderr, "%s/%s cannot be read\n", path, e->d_name);
			return -1;
		}
		count += ret;
	}
	return count;
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];
	int total = 0;

	if (!strncmp(name, "fuzz_", 5))
		name += 5;
	for (int i = 1; i < argc; i++) {
		int count = replay_dir(argv[i]);

		if (count < 0) {
			printf("FAIL fuzz/%s: %s cannot be read\n", name, argv[i]);
			return 1;
		}
		total += count;
	}
	if (!total) {
		printf("FAIL fuzz/%s: no inputs; name its corpus directories\n", name);
		return 1;
	}
	printf("PASS fuzz/%s: %d inputs\n", name, total);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/bench/doorbell.h"

#include "tests/bench/process.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define PATH_SIZE 4096

/* The first two cores that this process may use. */
static bool find_cores(int ret_cores[2])
{
	cpu_set_t set;
	int found = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		return false;
	for (int core = 0; core < CPU_SETSIZE && found < 2; core++) {
		if (CPU_ISSET(core, &set))
			ret_cores[found++] = core;
	}
	return found == 2;
}

static int write_plan(const char *path, const char *image, const int cores[2])
{
	FILE *f = fopen(path, "we");
	int ret;

	if (!f)
		return -errno;
	fputs("shared: {bell: {type: ivshmem-v2, peers: [a, b]}}\npartitions:\n", f);
	for (int i = 0; i < 2; i++)
		fprintf(f, "  %c: {cpus: [%d], memory: 32M, image: %s, serial: [%s]}\n", "ab"[i],
			cores[i], image, i ? "\"null\"" : "console");
	ret = ferror(f) ? -EIO : 0;
	return fclose(f) ? -EIO : ret;
}

int doorbell_measure(
	const char *out, bool floor, double *ret_us, char ret_report[PROCESS_REPORT_MAX])
{
	char image[PATH_SIZE], program[PATH_SIZE], plan[PATH_SIZE], numbers[2][16];
	char *bulkhead[] = {program, "run", plan, "--console", "a", NULL};
	char *bare[] = {program, image, numbers[0], numbers[1], NULL};
	uint64_t first, last, end;
	struct process p;
	int ret, err, cores[2];

	if (!find_cores(cores))
		return -ENODEV;
	for (int i = 0; i < 2; i++)
		snprintf(numbers[i], sizeof(numbers[i]), "%d", cores[i]);
	snprintf(image, sizeof(image), "%s/tests/bench/doorbell.elf", out);
	snprintf(plan, sizeof(plan), "%s/tests/bench/doorbell.yaml", out);
	snprintf(program, sizeof(program), "%s/%s", out,
		floor ? "tests/bench/floor_doorbell" : "bulkhead");
	ret = floor ? 0 : write_plan(plan, image, cores);
	if (!ret)
		ret = process_start(floor ? bare : bulkhead, STDOUT_FILENO, &p);
	if (ret)
		return ret;
	ret = process_wait_byte(&p, 'S', &first);
	if (!ret)
		ret = process_wait_byte(&p, 'E', &last);
	err = process_finish(&p, ret != 0, &end, ret_report);
	if (ret || err)
		return ret ? ret : err;
	*ret_us = (double)(last - first) / 1e3 / DOORBELL_ROUNDS;
	return 0;
}

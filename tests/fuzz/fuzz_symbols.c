/* SPDX-License-Identifier: BSD-3-Clause */
/* Symbol tables of files that are anything, and a report that is anything, named by them. */
#include "lib/symbolise.h"
#include "lib/util.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

/* The first so many bytes are addresses to look for; what follows is the file, then the report. */
#define HEAD 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_CLOSE int fd = memfd_create("symbols", MFD_CLOEXEC);
	AUTO_FREE char *text = size < HEAD ? NULL : malloc(size - HEAD + 1);
	struct symbols *symbols;
	uint64_t addresses[2], offset, at;
	const char *name;
	char *named;

	if (!text || fd < 0)
		return 0;
	memcpy(addresses, data, HEAD);
	memcpy(text, data + HEAD, size - HEAD);
	text[size - HEAD] = '\0';
	if (write(fd, text, size - HEAD) < 0 || symbols_load(fd, &symbols))
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
		name = symbols_find(symbols, addresses[i], &offset);
		assert(!name || strlen(name) < size);
		assert(!name || (symbols_get(symbols, name, &at)));
	}
	symbolise_wanted(text);
	named = symbolise(text, symbols);
	assert(named && strlen(named) >= strlen(text));
	free(named);
	symbols_free(symbols);
	return 0;
}

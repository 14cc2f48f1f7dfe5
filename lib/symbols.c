/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/symbols.h"

#include "lib/util.h"

#include <errno.h>
#include <gelf.h>
#include <string.h>

/* Tables that are read at once: a kernel with everything in it has some 20 MiB. */
#define TABLE_MAX   (256 * MIB)
#define NAMES_MAX   (256 * MIB)
#define NAME_LENGTH 255 /* longer ones are cut */

/* A function without a size goes on until the next one, but no further than this. */
#define UNSIZED_MAX MIB

struct symbol {
	uint64_t address;
	uint64_t size; /* 0: not known */
	uint32_t name; /* in names */
	bool global;
};

struct symbols {
	struct symbol *list;
	size_t count, room;
	char *names;
	size_t names_size, names_room;
};

/* ---- the list ---- */

/* Makes ARRAY, of elements of SIZE bytes, one of *ROOM > NEEDED. */
static void *grow(void *array, size_t size, size_t needed, size_t *room)
{
	size_t wanted = max_u64(2 * *room, needed + 4096);
	void *grown = reallocarray(array, wanted, size);

	if (grown)
		*room = wanted;
	return grown;
}

/* What code is not called: labels of the compiler, marks of arm64's kinds of code, padding. */
static bool is_no_name(const char *name)
{
	return !*name || *name == '$' || *name == '.' || strncmp(name, "__pfx_", 6) == 0;
}

static int add(struct symbols *s, struct symbol symbol, const char *name)
{
	size_t length = strnlen(name, NAME_LENGTH);

	if (is_no_name(name) || s->count == SYMBOLS_MAX || s->names_size > NAMES_MAX)
		return 0;
	if (s->count == s->room) {
		struct symbol *list = grow(s->list, sizeof(*list), s->count, &s->room);

		if (!list)
			return -ENOMEM;
		s->list = list;
	}
	if (s->names_room - s->names_size <= length) {
		char *names = grow(s->names, 1, s->names_size + length, &s->names_room);

		if (!names)
			return -ENOMEM;
		s->names = names;
	}
	symbol.name = (uint32_t)s->names_size;
	memcpy(s->names + s->names_size, name, length);
	s->names[s->names_size + length] = '\0';
	s->names_size += length + 1;
	s->list[s->count++] = symbol;
	return 0;
}

/* Of those at one place the last counts: the one with a size, the one that others know. */
static int compare(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	if (!x->size != !y->size)
		return x->size ? 1 : -1;
	if (x->global != y->global)
		return x->global ? 1 : -1;
	return x->name < y->name ? -1 : x->name > y->name;
}

/* ---- ELF ---- */

static bool is_code(Elf *elf, const GElf_Sym *sym)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);
	Elf_Scn *scn;
	GElf_Shdr section;

	if ((type != STT_FUNC && type != STT_NOTYPE && type != STT_GNU_IFUNC) ||
		sym->st_shndx == SHN_UNDEF || sym->st_shndx >= SHN_LORESERVE)
		return false;
	scn = elf_getscn(elf, sym->st_shndx);
	return scn && gelf_getshdr(scn, &section) && section.sh_flags & SHF_EXECINSTR;
}

static int add_table(struct symbols *s, Elf *elf, Elf_Scn *scn, const GElf_Shdr *header)
{
	Elf_Scn *names = elf_getscn(elf, header->sh_link);
	GElf_Shdr names_header;
	Elf_Data *data;
	GElf_Sym sym;
	int ret = 0;

	if (header->sh_size > TABLE_MAX || !names || !gelf_getshdr(names, &names_header) ||
		names_header.sh_size > TABLE_MAX)
		return -EINVAL;
	data = elf_getdata(scn, NULL);
	for (int i = 0; !ret && data && gelf_getsym(data, i, &sym); i++) {
		const char *name;

		if (!is_code(elf, &sym))
			continue;
		name = elf_strptr(elf, header->sh_link, sym.st_name);
		if (name)
			ret = add(s,
				(struct symbol){.address = sym.st_value,
					.size = sym.st_size,
					.global = GELF_ST_BIND(sym.st_info) == STB_GLOBAL},
				name);
	}
	return ret;
}

static int add_tables(struct symbols *s, Elf *elf, GElf_Word type)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr header;
	int ret = 0;

	while (!ret && (scn = elf_nextscn(elf, scn))) {
		if (gelf_getshdr(scn, &header) && header.sh_type == type)
			ret = add_table(s, elf, scn, &header);
	}
	return ret;
}

static int load_elf(struct symbols *s, int fd)
{
	Elf *elf;
	int ret;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF)
		ret = -EINVAL;
	else
		ret = add_tables(s, elf, SHT_SYMTAB);
	if (!ret && !s->count)
		ret = add_tables(s, elf, SHT_DYNSYM);
	elf_end(elf);
	return ret;
}

/* ---- lists ---- */

/* "ffffffff81000000 T _stext"; false: it is no such line. */
static bool parse_line(
	const char *line, uint64_t *ret_address, char *ret_type, const char **ret_name)
{
	char *end;

	errno = 0;
	*ret_address = strtoull(line, &end, 16);
	if (end == line || errno || end[0] != ' ' || !end[1] || end[2] != ' ')
		return false;
	*ret_type = end[1];
	*ret_name = end + 3;
	return true;
}

static int load_list(struct symbols *s, int fd)
{
	AUTO_CLOSE int copy = dup(fd);
	AUTO_FCLOSE FILE *f = copy < 0 ? NULL : fdopen(copy, "r");
	char line[1024];
	int ret = 0;

	if (!f)
		return -errno;
	copy = -1;
	while (!ret && fgets(line, sizeof(line), f)) {
		const char *name;
		uint64_t address;
		char type;

		line[strcspn(line, "\r\n\t")] = '\0';
		if (!parse_line(line, &address, &type, &name))
			return -EINVAL;
		if (strchr("tTwW", type))
			ret = add(s, (struct symbol){.address = address, .global = type == 'T'},
				name);
	}
	return ret;
}

/* ---- the whole ---- */

int symbols_load(int fd, struct symbols **ret_symbols)
{
	struct symbols *s;
	char magic[SELFMAG];
	ssize_t n = pread(fd, magic, sizeof(magic), 0);
	int ret;

	if (n < 0)
		return -errno;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	ret = n == SELFMAG && memcmp(magic, ELFMAG, SELFMAG) == 0 ? load_elf(s, fd)
								  : load_list(s, fd);
	if (!ret && !s->count)
		ret = -ENOENT;
	if (ret) {
		symbols_free(s);
		return ret;
	}
	qsort(s->list, s->count, sizeof(s->list[0]), compare);
	*ret_symbols = s;
	return 0;
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	free(s->list);
	free(s->names);
	free(s);
}

const char *symbols_find(const struct symbols *s, uint64_t address, uint64_t *ret_offset)
{
	size_t low = 0, high = s->count;
	const struct symbol *found;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->list[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	found = &s->list[low - 1];
	if (address - found->address >= (found->size ?: UNSIZED_MAX))
		return NULL;
	*ret_offset = address - found->address;
	return s->names + found->name;
}

bool symbols_get(const struct symbols *s, const char *name, uint64_t *ret_address)
{
	for (size_t i = 0; i < s->count; i++) {
		if (strcmp(s->names + s->list[i].name, name) != 0)
			continue;
		*ret_address = s->list[i].address;
		return true;
	}
	return false;
}

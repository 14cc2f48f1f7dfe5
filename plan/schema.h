/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of all keys of a plan. Parser, printers, reference and JSON Schema walk it; a new key
 * is one line in a plan/schema*.c and one field in struct plan_partition.
 */
#ifndef PLAN_SCHEMA_H
#define PLAN_SCHEMA_H

#include "plan/arena.h"
#include "plan/plan.h"
#include "plan/tree.h"

#include <jansson.h>

enum key_type {
	KEY_ENUM,         /* one of names[]; an enum at offset */
	KEY_SIZE,         /* uint64_t at offset, in bytes */
	KEY_ADDRESS,      /* uint64_t at offset */
	KEY_TIME,         /* uint64_t at offset, in nanoseconds */
	KEY_BOOL,         /* bool at offset */
	KEY_STRING,       /* char * at offset */
	KEY_PATH,         /* char * at offset, made absolute */
	KEY_COUNT,        /* unsigned at offset */
	KEY_GROUP,        /* a mapping of FIELDS, or the value of the field named SHORTHAND */
	KEY_VERSION,      /* from here on: one key each, which has its own code */
	KEY_PARTITIONS,   /* a mapping from names to mappings of FIELDS */
	KEY_HOUSEKEEPING, /* a set of cores */
	KEY_CPUS,         /* a set of cores, or a mapping of FIELDS */
	KEY_CPUS_ON,      /* a set of cores */
	KEY_BSP,          /* a word of names[] or a path */
	KEY_LIST,         /* a list of FIELDS, or of values of the field SHORTHAND; or of variants,
			   * or of their names */
	KEY_NAMED,        /* a mapping from names to variants */
	KEY_PORTS, /* a list of port words, or of mappings of FIELDS: an array at offset, of MAX
		    * elements, or that of LIST */
	KEY_NODE,  /* whatever it is: a const struct node * at offset, which somebody else
		    * reads. FIELDS are what it may have if it is a mapping; names[], for
		    * documents, what else it may be: "path", "list" */
};

/* An array in a plan: KEY_LIST, KEY_NAMED. Each element has its place, a struct diag_loc. */
struct key_list {
	size_t count;        /* offset of the unsigned that counts the elements */
	size_t element_size; /* bytes */
	size_t element_loc;  /* offset of the place in an element */
	const char *what;    /* for messages: "modules" */
	const char *example;
	/*
	 * NULL, or the keys of an element depend on its type, which is the first key of each
	 * variant: one for each of that key's names.
	 */
	const struct key *const *variants;
	size_t element_type; /* offset of that enum in an element */
	size_t element_name; /* KEY_NAMED: offset of its name, a char *, in an element */
};

/* min, max and multiple are checked for numbers: sizes, addresses, times, counts; max for the bytes
 * of a path. */
struct key {
	const char *name;
	enum key_type type;
	bool required;
	bool nullable;       /* null is a value, meaning none: texts, paths, numbers */
	bool raw_image_only; /* without meaning for other image types */
	bool restart_only;   /* without meaning for other on_fatal actions */
	bool arm64_only;     /* printed in plans for arm64 alone, which may have it */
	size_t offset;       /* in the struct that the key's table fills in */
	const char *def;     /* the default as one would write it: scalar types only */
	const char *def_doc; /* the default in words, when code must find it or DEF stands for it */
	size_t place;        /* offset of the struct diag_loc that keeps its place; 0: none */
	uint64_t min, max, multiple;
	const char *const *names; /* ends with NULL */
	const struct key *fields; /* ends with a key without name */
	const char *shorthand;    /* KEY_GROUP: NULL when it is always a mapping */
	const struct key_list *list;
	const char *help; /* one paragraph, Markdown */
};

/* The top level fills in struct plan, a partition struct plan_partition. */
extern const struct key plan_keys[];
extern const struct key partition_keys[]; /* plan/schema_partition.c */

/* Of a partition's groups (plan/schema_machine.c). */
extern const struct key arm64_keys[];
extern const struct key machine_keys[];

/* The devices of a partition (plan/schema_devices.c), the regions of a plan
 * (plan/schema_shared.c). */
extern const struct key_list devices_list;
extern const struct key_list regions_list;

/* The ports of one of its virtio consoles (plan/schema_ports.c), and the keys of such a port; those
 * of a serial port. */
extern const struct key_list ports_list;
extern const struct key console_port_keys[];
extern const struct key serial_port_keys[];

extern const char *const arch_names[];
extern const char *const role_names[];
extern const char *const contract_names[];
extern const char *const image_type_names[];
extern const char *const hugepages_names[];
extern const char *const port_words[]; /* by enum plan_port_kind */
extern const char *const on_fatal_names[];
extern const char *const on_reset_names[];
extern const char *const bsp_names[];
extern const char *const access_names[];
extern const char *const device_type_names[]; /* by enum plan_device_type */
extern const char *const region_type_names[]; /* by enum plan_region_type */

const struct key *key_find(const struct key *keys, const char *name);

/* The key that NAME looks like a misspelling of, or NULL. */
const struct key *key_suggest(const struct key *keys, const char *name);

/* Whether machines of ARCH may have PART. */
bool machine_part_of(enum plan_arch arch, enum plan_machine_part part);

/* The key of a part of a machine: "hpet". */
const char *machine_part_name(enum plan_machine_part part);

#define PARTITION_NAME_MAX 32
bool partition_name_valid(const char *name);

/* The name of a virtio console's channel (plan/validate_ports.c). */
bool port_name_valid(const char *name);

#define PLAN_STRING_MAX 4095 /* bytes in a string or path */

/* A plan and what its pointers point to; struct plan is what callers see. */
struct plan_box {
	struct arena arena;
	struct plan plan;
};

/* One partition that came as bytes. */
struct partition_box {
	struct arena arena;
	struct plan_partition partition;
};

struct parse {
	struct arena *arena; /* the plan's */
	struct diags *diags;
	const char *dir; /* absolute */
};

/* Fills in PLAN from the tree; every problem goes to p->diags. */
void parse_plan(struct parse *p, const struct node *root, struct plan *plan);

/* The parsers of the keys that have code of their own (plan/parse_values.c). FIELD names the key.
 */
void parse_housekeeping(
	struct parse *p, const struct node *n, struct plan *plan, const char *field);
void parse_cpus(struct parse *p, const struct key *key, const struct node *n,
	struct plan_partition *part, const char *field);
void parse_cpus_on(
	struct parse *p, const struct node *n, struct plan_cpus *cpus, const char *field);
void parse_list(struct parse *p, const struct key *key, const struct node *n, void *base,
	const char *field);
void parse_named(struct parse *p, const struct key *key, const struct node *n, void *base,
	const char *field);
void parse_bsp(struct parse *p, const struct key *key, const struct node *n, struct plan_bsp *bsp,
	const char *field);
void parse_ports(struct parse *p, const struct key *key, const struct node *n, void *base,
	const char *field);

/* The partitions of a plan, each with its defaults (plan/parse_partition.c). */
void parse_partitions(struct parse *p, const struct key *key, const struct node *n,
	struct plan *plan, const char *field);

/* Names of devices by type and number; slots that are free, in the plan's order
 * (plan/parse_partition.c). */
void parse_device_defaults(struct parse *p, const struct plan *plan, struct plan_partition *part);

/* Gives each peer of a region a device for it, and tells the devices of their regions
 * (plan/shared.c). */
void parse_shared_devices(struct parse *p, struct plan *plan);

/* What is wrong with the keys of MAP themselves: those given twice, and, unless KEYS is NULL, those
 * that are none of KEYS. */
void check_keys(struct parse *p, const struct key *keys, const struct node *map, const char *field);

/*
 * The plan in the tree ROOT, as if it had been read from a file NAME, which becomes its path; paths
 * in it start from DIR, which is absolute. OPTIONS' overrides are not looked at. 0 and *RET_PLAN,
 * or -EINVAL with every error in DIAGS.
 */
int plan_from_tree(const struct node *root, const char *name, const char *dir,
	const struct plan_options *options, struct diags *diags, struct plan **ret_plan);

/*
 * Reads PATH ("-": standard input), but not much more than TREE_TEXT_MAX bytes. 0 and a buffer of
 * the caller's, or a negative errno.
 */
int text_read(const char *path, char **ret_text, size_t *ret_size);

/* DIR (NULL: the working directory) as an absolute path, the caller's; NULL when it cannot be told
 * or is not UTF-8. */
char *absolute_dir(const char *dir);

/* Documents from a table of keys: sections of Markdown with TITLE, and a JSON Schema. */
void schema_print_keys(const char *title, const struct key *keys, FILE *f);
json_t *schema_json(const struct key *keys);

/* All FIELDS from the mapping MAP into BASE. */
void parse_fields(struct parse *p, const struct key *fields, const struct node *map, void *base,
	const char *field);

/* One value of KEY into BASE. */
void parse_value(struct parse *p, const struct key *key, const struct node *n, void *base,
	const char *field);

/* The text of a scalar; NULL, with an error that says to give WANTED, when N is something else. */
const char *parse_scalar(
	struct parse *p, const struct node *n, const char *field, const char *wanted);

/* TEXT as an absolute path in the plan's arena; NULL with an error. */
char *parse_path(struct parse *p, const char *text, const struct diag_loc *loc, const char *field);

/* "FIELD.NAME", or NAME at the top level. */
const char *field_join(char buf[PLAN_FIELD_MAX], const char *field, const char *name);

/* What concerns several keys or several partitions. */
void validate_plan(const struct plan *plan, struct diags *diags);

/* What a plan for one architecture cannot have of the other's (plan/validate_arch.c). */
void validate_arch(const struct plan *plan, struct diags *diags);

/* The devices of a partition (plan/validate_devices.c). */
void validate_devices(const struct plan_partition *part, struct diags *diags);

/* The files behind disks: what they are, and that nobody else has those that are written to. */
void check_disks(const struct plan *plan, struct diags *diags);

/* The folders and sockets of its devices (plan/files_fs.c). */
void check_fs_files(const struct plan_partition *part, struct diags *diags);

/* No two guests have one cid. */
void validate_cids(const struct plan *plan, struct diags *diags);

/* Regions, and who has part in them (plan/validate_shared.c). */
void validate_shared(const struct plan *plan, struct diags *diags);

/* Ports that are linked, and names of ports (plan/validate_ports.c). */
void validate_ports(const struct plan *plan, struct diags *diags);
/* Network devices of all partitions (plan/validate_net.c). */
void validate_nets(const struct plan *plan, struct diags *diags);

/* The address of a device that the plan gives none: always the same one. */
#define PLAN_MAC_TEXT 18
void net_default_mac(
	const char *plan, const char *partition, const char *device, char ret_text[PLAN_MAC_TEXT]);

/* Its part for plans with contract: fusa (plan/validate_fusa.c). */
void validate_fusa(const struct plan *plan, struct diags *diags);

/* "plan.yaml:3:5", for the other offender in a message. */
#define LOC_TEXT_MAX 320
const char *loc_text(const struct diag_loc *loc, char buf[LOC_TEXT_MAX]);

/* The same behind what it belongs to, " (plan.yaml:3:5)"; nothing when it is not known. */
#define LOC_PLACE_MAX (LOC_TEXT_MAX + 4)
const char *loc_place(const struct diag_loc *loc, char buf[LOC_PLACE_MAX]);

/*
 * Takes the first core or range from a list as Linux writes it, "0-3,6": *TEXT moves past it.
 * 1 and the range; 0 at the end of the list; -EINVAL when it is none; -ERANGE beyond 32 bits.
 */
int corelist_next(const char **text, unsigned *ret_first, unsigned *ret_last);

#endif

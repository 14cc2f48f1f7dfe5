/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of a suite's keys, and what suite/load.c and its parts have in common. */
#ifndef SUITE_SCHEMA_H
#define SUITE_SCHEMA_H

#include "plan/schema.h"
#include "suite/suite.h"

/* One `set` of a case. */
struct suite_set {
	char *text;
	struct diag_loc loc;
};

/* A suite as its text has it. */
struct suite_source {
	char *name;
	uint64_t timeout_ns, silence_ns;
	const struct node *partition; /* what inline partitions have that do not say; NULL: none */
	const struct node *expect;    /* the same of cases */
	const struct node *variables; /* NULL: none */
	const struct node *cases;
};

/* A case, likewise, after its matrix was expanded. */
struct suite_case_source {
	struct suite_case result;
	const struct node *matrix;
	const struct node *plan; /* NULL: none; as the next */
	const struct node *partition;
	unsigned set_count;
	struct suite_set *sets;
};

extern const struct key suite_keys[]; /* fill in struct suite_source */
extern const struct key suite_case_keys[];

/* What a name may consist of. */
bool suite_name_char(char c);

/* ---- suite/check.c ---- */

/* Whether what C expects, which has its plan, can be; gives it what it has by default. */
void check_expect(struct suite_case *c, struct diags *diags);

/* ---- suite/expand.c ---- */

/* One value of one axis of a matrix. */
struct matrix_choice {
	const char *axis;
	const char *value;
	const char *label; /* VALUE as it stands in a case's name */
};

#define MATRIX_AXES_MAX 8

/* The variables of a suite are as axes of one value, which all cases have. */
struct variables {
	unsigned count;
	struct matrix_choice choices[SUITE_VARS_MAX];
};

struct matrix {
	unsigned axis_count;
	const struct node_item *axes[MATRIX_AXES_MAX];
	unsigned total; /* combinations; 1 without axes */
};

struct expansion {
	struct arena *arena; /* of the nodes that come out */
	struct diags *diags;
	struct variables variables;
	unsigned nodes; /* made so far */
};

/* Reads a suite's variables into E; NODE may be NULL. OPTIONS has values that go before. */
void variables_read(
	struct expansion *e, const struct node *node, const struct suite_options *options);

/* A copy of N in which ${VARIABLE} is its value. NULL with an error, or without memory. */
struct node *variables_apply(struct expansion *e, const struct node *n);

/* Reads the matrix of a case; NODE may be NULL. False with an error. */
bool matrix_read(
	struct expansion *e, const struct node *node, const char *field, struct matrix *ret_matrix);

/* Combination NUMBER (from 0), the last axis changing fastest. */
void matrix_choose(struct expansion *e, const struct matrix *m, unsigned number,
	struct matrix_choice ret_choices[MATRIX_AXES_MAX]);

/*
 * A copy of the case MAP, without its matrix, in which ${AXIS} is that axis's value, as ${VARIABLE}
 * is a variable's; in its name, the label. A name that uses no axis gets all labels behind it. NULL
 * with an error, or without memory.
 */
struct node *matrix_apply(struct expansion *e, const struct matrix *m,
	const struct matrix_choice *choices, const struct node *map);

#endif

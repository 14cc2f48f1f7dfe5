/* SPDX-License-Identifier: BSD-3-Clause */
/* Diagnostics as JSON: the same list, for a machine to read. */
#ifndef LIB_DIAG_JSON_H
#define LIB_DIAG_JSON_H

#include "lib/diag.h"

#include <jansson.h>

/*
 * An array of {severity, message, file?, line?, column?, field?}; owned by the caller. NULL without
 * memory.
 */
json_t *diags_json(const struct diags *diags);

#endif

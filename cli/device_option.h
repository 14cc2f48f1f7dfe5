/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices on the command line, "TYPE,KEY=VALUE,KEY=[A,B],KEY": a plan's `devices` with other
 * punctuation. What the keys mean, and what is wrong with them, is for the plan to say.
 */
#ifndef CLI_DEVICE_OPTION_H
#define CLI_DEVICE_OPTION_H

#include <jansson.h>

/*
 * TEXT as a mapping of a plan's `devices`. Its first part is the value of the key FIRST; further
 * parts are KEY=VALUE, or KEY, which means KEY=true. A value in brackets is a list. A comma that is
 * no separator is written twice. TYPE is the device's type where FIRST is another key, else NULL.
 *
 * 0 and *RET_DEVICE, owned by the caller; -EINVAL and *RET_ERROR, "cause; remedy", static: TEXT is
 * malformed; -ENOMEM.
 */
int device_option_parse(const char *text, const char *type, const char *first, json_t **ret_device,
	const char **ret_error);

#endif

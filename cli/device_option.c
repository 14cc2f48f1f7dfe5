/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/device_option.h"

#include "lib/util.h"

#include <errno.h>
#include <string.h>

#define WRITE_IT "write it like blk,path=disk.img,readonly"

/*
 * Cuts the next part off *REST, up to a comma that is neither doubled nor in brackets; doubled
 * commas become single ones. *REST is NULL after the last.
 */
static char *next_part(char **rest)
{
	char *part = *rest, *in = part, *out = part;
	unsigned depth = 0;

	for (; *in; *out++ = *in++) {
		if (*in == '[' && (depth || in == part || in[-1] == '='))
			depth++;
		else if (*in == ']' && depth)
			depth--;
		else if (*in == ',' && !depth && in[1] == ',')
			in++;
		else if (*in == ',' && !depth)
			break;
	}
	*rest = *in ? in + 1 : NULL;
	*out = '\0';
	return part;
}

/* VALUE, which is written into: a list if it stands in brackets, else text. NULL: no UTF-8. */
static json_t *parse_value(char *value)
{
	size_t length = strlen(value);
	json_t *list;
	char *rest;

	if (length < 2 || value[0] != '[' || value[length - 1] != ']')
		return json_string(value);
	value[length - 1] = '\0';
	list = json_array();
	rest = length > 2 ? value + 1 : NULL;
	while (rest) {
		char *item = next_part(&rest);

		item += strspn(item, " ");
		if (json_array_append_new(list, parse_value(item))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* Adds KEY, to which VALUE (NULL: true) is given. NULL, or what is wrong. */
static const char *add(json_t *device, const char *key, char *value)
{
	if (!*key)
		return "a part has no key; " WRITE_IT;
	if (json_object_get(device, key))
		return "a key is given twice; remove one of the two";
	if (json_object_set_new(device, key, value ? parse_value(value) : json_true()))
		return "an argument is not UTF-8 text";
	return NULL;
}

int device_option_parse(const char *text, const char *type, const char *first, json_t **ret_device,
	const char **ret_error)
{
	AUTO_FREE char *copy = strdup(text);
	json_t *device = json_object();
	const char *error = NULL;
	char *rest = copy;

	if (!copy || !device) {
		json_decref(device);
		return -ENOMEM;
	}
	if (type)
		json_object_set_new(device, "type", json_string(type));
	error = *text ? add(device, first, next_part(&rest)) : "it is empty; " WRITE_IT;
	while (rest && !error) {
		char *part = next_part(&rest);
		char *value = strchr(part, '=');

		if (value)
			*value++ = '\0';
		error = add(device, part, value);
	}
	if (error) {
		json_decref(device);
		*ret_error = error;
		return -EINVAL;
	}
	*ret_device = device;
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/diag_json.h"

static json_t *diag_json(const struct diag *d)
{
	static const char *const severities[] = {
		[DIAG_ERROR] = "error", [DIAG_WARNING] = "warning", [DIAG_NOTE] = "note"};
	json_t *o =
		json_pack("{s:s, s:s}", "severity", severities[d->severity], "message", d->text);

	if (d->file)
		json_object_set_new(o, "file", json_string(d->file));
	if (d->file && d->line) {
		json_object_set_new(o, "line", json_integer(d->line));
		json_object_set_new(o, "column", json_integer(d->column));
	}
	if (d->field)
		json_object_set_new(o, "field", json_string(d->field));
	return o;
}

json_t *diags_json(const struct diags *diags)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < diags->count; i++)
		json_array_append_new(list, diag_json(&diags->items[i]));
	return list;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The effective plan, every key written out, as JSON or YAML: a JSON value is built by the table of
 * schema.c, and the YAML is that value in block style. JSON gives sizes in bytes; YAML as people
 * write them, and replays exactly.
 */
#include "lib/size.h"
#include "plan/schema.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <strings.h>

static json_t *object_of(const struct key *keys, const void *base, bool human);
static json_t *value_of(const struct key *key, const void *base, bool human);

static json_t *cores_of(const unsigned *cores, unsigned count)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++)
		json_array_append_new(list, json_integer(cores[i]));
	return list;
}

static json_t *cpus_of(const struct plan_cpus *cpus)
{
	json_t *object;

	if (!cpus->shared)
		return cores_of(cpus->cores, cpus->core_count);
	object = json_object();
	json_object_set_new(object, "count", json_integer(cpus->vcpus));
	if (cpus->core_count)
		json_object_set_new(object, "on", cores_of(cpus->cores, cpus->core_count));
	return object;
}

/* The keys of the element AT of a list. */
static const struct key *fields_of(const struct key *key, const char *at)
{
	const struct key_list *list = key->list;

	return list->variants ? list->variants[*(const unsigned *)(at + list->element_type)]
			      : key->fields;
}

static json_t *list_of(const struct key *key, const void *base, bool human)
{
	unsigned count = *(const unsigned *)((const char *)base + key->list->count);
	const char *at = *(const char *const *)((const char *)base + key->offset);
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++, at += key->list->element_size) {
		const struct key *fields = fields_of(key, at);

		/* What has but one field is that value. */
		json_array_append_new(list, key->shorthand && !fields[1].name
						    ? value_of(fields, at, human)
						    : object_of(fields, at, human));
	}
	return list;
}

/* NULL when there are none. */
static json_t *named_of(const struct key *key, const void *base, bool human)
{
	unsigned count = *(const unsigned *)((const char *)base + key->list->count);
	const char *at = *(const char *const *)((const char *)base + key->offset);
	json_t *object = count ? json_object() : NULL;

	for (unsigned i = 0; i < count; i++, at += key->list->element_size)
		json_object_set_new(object, *(char *const *)(at + key->list->element_name),
			object_of(fields_of(key, at), at, human));
	return object;
}

/* A word; or a mapping of what there is to say. */
static json_t *port_of(const struct plan_port *port)
{
	json_t *o;

	if (port->kind <= PLAN_PORT_TESTDEV && !port->name)
		return json_string(port_words[port->kind]);
	o = json_object();
	if (port->name)
		json_object_set_new(o, "name", json_string(port->name));
	if (port->kind == PLAN_PORT_FILE)
		json_object_set_new(o, "file", json_string(port->path));
	else if (port->kind == PLAN_PORT_SOCKET)
		json_object_set_new(o, "socket", json_string(port->path));
	else if (port->kind == PLAN_PORT_LINK)
		json_object_set_new(o, "link", json_string(port->link));
	else
		json_object_set_new(o, "to", json_string(port_words[port->kind]));
	return o;
}

static json_t *ports_of(const struct key *key, const void *base)
{
	const char *array = (const char *)base + key->offset;
	const struct plan_port *ports =
		key->list ? *(const struct plan_port *const *)array : (const void *)array;
	unsigned count = key->list ? *(const unsigned *)((const char *)base + key->list->count)
				   : (unsigned)key->max;
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++)
		json_array_append_new(list, port_of(&ports[i]));
	return list;
}

static json_t *partitions_of(const struct plan *plan, const struct key *key, bool human)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < plan->partition_count; i++)
		json_object_set_new(object, plan->partitions[i].name,
			object_of(key->fields, &plan->partitions[i], human));
	return object;
}

static json_t *number_of(const struct key *key, uint64_t v, bool human)
{
	char buf[QUANTITY_MAX];

	if (!v && key->nullable)
		return json_null();
	if (key->type == KEY_TIME)
		return json_string(format_duration(v, buf));
	if (!human || key->type == KEY_COUNT)
		return json_integer((json_int_t)v);
	if (key->type == KEY_SIZE)
		return json_string(format_size(v, buf));
	snprintf(buf, sizeof(buf), "0x%" PRIx64, v);
	return json_string(buf);
}

/* NULL: the key is not printed. */
static json_t *value_of(const struct key *key, const void *base, bool human)
{
	const void *at = (const char *)base + key->offset;
	const struct plan_partition *part = base;
	const struct plan *plan = base;
	const struct plan_bsp *bsp = at;

	switch (key->type) {
	case KEY_ENUM:
		return json_string(key->names[*(const unsigned *)at]);
	case KEY_SIZE:
	case KEY_ADDRESS:
	case KEY_TIME:
		if (key->raw_image_only && part->image_type != PLAN_IMAGE_AUTO &&
			part->image_type != PLAN_IMAGE_RAW)
			return NULL;
		return number_of(key, *(const uint64_t *)at, human);
	case KEY_BOOL:
		return json_boolean(*(const bool *)at);
	case KEY_STRING:
	case KEY_PATH:
		return *(char *const *)at ? json_string(*(char *const *)at) : json_null();
	case KEY_GROUP:
		if (key->arm64_only && part->arch != PLAN_ARCH_ARM64)
			return NULL;
		return object_of(key->fields, base, human);
	case KEY_VERSION:
		return json_integer(1);
	case KEY_PARTITIONS:
		return partitions_of(plan, key, human);
	case KEY_HOUSEKEEPING:
		return plan->housekeeping_count
			       ? cores_of(plan->housekeeping, plan->housekeeping_count)
			       : NULL;
	case KEY_CPUS:
		return cpus_of(&part->cpus);
	case KEY_COUNT:
		if (key->restart_only && part->on_fatal != PLAN_FATAL_RESTART)
			return NULL;
		return number_of(key, *(const unsigned *)at, human);
	case KEY_BSP:
		return json_string(bsp->kind == PLAN_BSP_FILE ? bsp->path : key->names[bsp->kind]);
	case KEY_LIST:
		return list_of(key, base, human);
	case KEY_NAMED:
		return named_of(key, base, human);
	case KEY_PORTS:
		return ports_of(key, base);
	case KEY_CPUS_ON:
	case KEY_NODE:
		break; /* a part of KEY_CPUS; not in plans */
	}
	return NULL;
}

static json_t *object_of(const struct key *keys, const void *base, bool human)
{
	json_t *object = json_object();

	for (; keys->name; keys++) {
		json_t *value = value_of(keys, base, human);

		if (value)
			json_object_set_new(object, keys->name, value);
	}
	return object;
}

void plan_print_json(const struct plan *plan, FILE *f)
{
	json_t *object = object_of(plan_keys, plan, false);

	json_dumpf(object, f, JSON_INDENT(2));
	fputc('\n', f);
	json_decref(object);
}

/* ---- YAML ---- */

/* True when TEXT is the same string without quotes, in block and flow, to any YAML reader. */
static bool plain_safe(const char *text)
{
	static const char *const words[] = {
		"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return false;
	for (const char *s = text; *s; s++)
		if (!isascii(*s) || (!isalnum((unsigned char)*s) && !strchr("/_.-", *s)))
			return false;
	if (isdigit((unsigned char)*text))
		return (parse_size(text, &v) == 0 || parse_duration(text, &v) == 0) &&
		       strspn(text, "0123456789") != strlen(text);
	return isalpha((unsigned char)*text) || *text == '/';
}

/* The character at *TEXT, which is valid UTF-8, and steps past it. */
static uint32_t utf8_next(const unsigned char **text)
{
	const unsigned char *s = *text;
	unsigned more = *s < 0x80 ? 0 : *s < 0xE0 ? 1 : *s < 0xF0 ? 2 : 3;
	uint32_t c = more ? *s & (0x3Fu >> more) : *s;

	for (s++; more; more--, s++)
		c = c << 6 | (*s & 0x3F);
	*text = s;
	return c;
}

/* Escapes what a YAML reader may refuse or take for a line break [YAML 1.1 5.1, 5.4]. */
static void print_quoted(const char *text, FILE *f)
{
	const unsigned char *s = (const unsigned char *)text;

	fputc('"', f);
	while (*s) {
		const unsigned char *start = s;
		uint32_t c = utf8_next(&s);

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", (int)c);
		else if ((c >= 0x20 && c < 0x7F) || (c >= 0xA0 && c < 0x2000) ||
			 (c >= 0x3000 && c < 0xD800) || (c >= 0x10000 && c < 0xE0000))
			fwrite(start, 1, (size_t)(s - start), f);
		else
			fprintf(f, c < 0x10000 ? "\\u%04" PRIX32 : "\\U%08" PRIX32, c);
	}
	fputc('"', f);
}

static void print_text(const char *text, FILE *f)
{
	if (plain_safe(text))
		fputs(text, f);
	else
		print_quoted(text, f);
}

static void print_flow(json_t *v, FILE *f)
{
	const char *key, *separator = "";
	json_t *inner;
	size_t i;

	if (json_is_string(v)) {
		print_text(json_string_value(v), f);
	} else if (json_is_array(v)) {
		fputc('[', f);
		json_array_foreach(v, i, inner)
		{
			fputs(i ? ", " : "", f);
			print_flow(inner, f);
		}
		fputc(']', f);
	} else if (json_is_object(v)) {
		fputc('{', f);
		json_object_foreach(v, key, inner)
		{
			fputs(separator, f);
			print_text(key, f);
			fputs(": ", f);
			print_flow(inner, f);
			separator = ", ";
		}
		fputc('}', f);
	} else {
		json_dumpf(v, f, JSON_ENCODE_ANY);
	}
}

/* A list of mappings, or a mapping with such a list or a mapping in it. */
static bool holds_objects(json_t *v)
{
	const char *key;
	json_t *inner;
	size_t i;

	json_array_foreach(v, i, inner) if (json_is_object(inner)) return true;
	json_object_foreach(
		v, key, inner) if (json_is_object(inner) || holds_objects(inner)) return true;
	return false;
}

/* The keys of OBJECT, one a line; mappings and lists of mappings are indented below their key. */
static void print_block(json_t *object, int indent, FILE *f)
{
	const char *key;
	json_t *v, *inner;
	size_t i;

	json_object_foreach(object, key, v)
	{
		fprintf(f, "%*s", indent, "");
		print_text(key, f);
		fputc(':', f);
		if (json_is_object(v) && (holds_objects(v) || indent == 2)) {
			fputc('\n', f);
			print_block(v, indent + 2, f);
		} else if (json_is_array(v) && holds_objects(v)) {
			json_array_foreach(v, i, inner)
			{
				fprintf(f, "\n%*s- ", indent + 2, "");
				print_flow(inner, f);
			}
			fputc('\n', f);
		} else {
			fputc(' ', f);
			print_flow(v, f);
			fputc('\n', f);
		}
	}
}

void plan_print_yaml(const struct plan *plan, FILE *f)
{
	json_t *object = object_of(plan_keys, plan, true);

	print_block(object, 0, f);
	json_decref(object);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A scanner of XML [XML 1.0] that knows tags, comments, CDATA, processing instructions and nothing
 * else: enough to find elements and copy them. No entities are expanded and no files read.
 */
#include "suite/junit.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum token { TOKEN_END, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_EMPTY, TOKEN_OTHER, TOKEN_WRONG };

struct scanner {
	const char *at, *end;
	const char *tag; /* the latest one's '<', and what follows its '>' */
	const char *tag_end;
};

/* Behind TEXT, or NULL. */
static const char *behind(const struct scanner *s, const char *text)
{
	const char *found = memmem(s->at, (size_t)(s->end - s->at), text, strlen(text));

	return found ? found + strlen(text) : NULL;
}

static bool starts(const struct scanner *s, const char *text)
{
	return (size_t)(s->end - s->at) >= strlen(text) && memcmp(s->at, text, strlen(text)) == 0;
}

/* Behind the '>' of the tag at s->at; a '>' in quotes is none. */
static const char *end_of_tag(const struct scanner *s)
{
	char quote = 0;

	for (const char *c = s->at; c < s->end; c++) {
		if (quote)
			quote = *c == quote ? 0 : quote;
		else if (*c == '"' || *c == '\'')
			quote = *c;
		else if (*c == '>')
			return c + 1;
	}
	return NULL;
}

static enum token next(struct scanner *s)
{
	enum token token = TOKEN_OPEN;

	s->at = memchr(s->at, '<', (size_t)(s->end - s->at));
	if (!s->at)
		return TOKEN_END;
	s->tag = s->at;
	if (starts(s, "<!--") || starts(s, "<![CDATA[") || starts(s, "<?")) {
		s->at = behind(s, s->at[1] == '?' ? "?>" : s->at[2] == '-' ? "-->" : "]]>");
		return s->at ? TOKEN_OTHER : TOKEN_WRONG;
	}
	if (starts(s, "<!")) /* a document type may define entities: we copy, and would not know */
		return TOKEN_WRONG;
	s->tag_end = end_of_tag(s);
	if (!s->tag_end)
		return TOKEN_WRONG;
	if (s->at[1] == '/')
		token = TOKEN_CLOSE;
	else if (s->tag_end[-2] == '/')
		token = TOKEN_EMPTY;
	s->at = s->tag_end;
	return token;
}

static bool is_tag(const struct scanner *s, const char *name)
{
	const char *at = s->tag + 1 + (s->tag[1] == '/');
	size_t n = strlen(name);

	return (size_t)(s->tag_end - at) > n && memcmp(at, name, n) == 0 &&
	       (isspace((unsigned char)at[n]) || at[n] == '>' || at[n] == '/');
}

/* The attribute NAME of the latest tag: where its name starts, and what follows its value. */
static const char *attribute(const struct scanner *s, const char *name, const char **ret_end)
{
	size_t n = strlen(name);

	for (const char *c = s->tag + 1; c < s->tag_end;) {
		const char *word, *value;

		while (c < s->tag_end && !isspace((unsigned char)*c))
			c++;
		while (c < s->tag_end && isspace((unsigned char)*c))
			c++;
		word = c;
		value = memchr(c, '=', (size_t)(s->tag_end - c));
		if (!value || value + 1 >= s->tag_end || (value[1] != '"' && value[1] != '\''))
			return NULL;
		c = memchr(value + 2, value[1], (size_t)(s->tag_end - value - 2));
		if (!c)
			return NULL;
		c++;
		*ret_end = c;
		if ((size_t)(value - word) == n && memcmp(word, name, n) == 0)
			return word;
	}
	return NULL;
}

static unsigned number(const struct scanner *s, const char *name)
{
	const char *end, *at = attribute(s, name, &end);
	unsigned n = 0;

	for (const char *c = at ? at : NULL; c && c < end; c++) {
		if (isdigit((unsigned char)*c) && n < 1000000)
			n = n * 10 + (unsigned)(*c - '0');
	}
	return n;
}

static void count(const struct scanner *s, struct suite_summary *sum)
{
	unsigned tests = number(s, "tests"), skipped = number(s, "skipped");
	unsigned failed = number(s, "failures") + number(s, "errors");

	sum->failed += failed;
	sum->skipped += skipped;
	sum->passed += tests > failed + skipped ? tests - failed - skipped : 0;
}

/* The start tag with another id. */
static void copy_tag(const struct scanner *s, unsigned id, FILE *f)
{
	const char *rest = s->tag + strlen("<testsuite"), *end = NULL;
	const char *old = attribute(s, "id", &end);

	fprintf(f, "  <testsuite id=\"%u\"", id);
	if (old) {
		fwrite(rest, 1, (size_t)(old - rest), f);
		rest = end;
	}
	fwrite(rest, 1, (size_t)(s->tag_end - rest), f);
}

/* From behind its start tag to the end of the test suite. */
static int copy_content(struct scanner *s, FILE *f)
{
	const char *start = s->at;
	unsigned depth = 1;

	while (depth) {
		enum token t = next(s);

		if (t == TOKEN_END || t == TOKEN_WRONG)
			return -EINVAL;
		if (t == TOKEN_OPEN && is_tag(s, "testsuite"))
			depth++;
		else if (t == TOKEN_CLOSE && is_tag(s, "testsuite"))
			depth--;
	}
	fwrite(start, 1, (size_t)(s->at - start), f);
	return 0;
}

int junit_copy_suites(
	const char *text, size_t size, FILE *f, unsigned *id, struct suite_summary *sum)
{
	struct scanner s = {.at = text, .end = text + size};
	bool any = false;
	enum token t;

	if (!size)
		return -EINVAL;
	while ((t = next(&s)) != TOKEN_END) {
		if (t == TOKEN_WRONG)
			return -EINVAL;
		if (t == TOKEN_OTHER)
			continue;
		any = any || is_tag(&s, "testsuites");
		if (t == TOKEN_CLOSE || !is_tag(&s, "testsuite"))
			continue;
		any = true;
		count(&s, sum);
		copy_tag(&s, (*id)++, f);
		if (t == TOKEN_OPEN && copy_content(&s, f))
			return -EINVAL;
		fputc('\n', f);
	}
	return any ? 0 : -EINVAL;
}

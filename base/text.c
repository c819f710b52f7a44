/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A string that grows, and JSON written into it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

static bool text_reserve(struct text *t, size_t more)
{
	size_t room = t->room ? t->room : 256;
	char *data;

	if (t->failed)
		return false;
	while (room - t->len <= more)
		room *= 2;
	if (room == t->room)
		return true;
	data = realloc(t->data, room);
	if (!data) {
		t->failed = true;
		return false;
	}
	t->data = data;
	t->room = room;
	return true;
}

void text_add(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0 || !text_reserve(t, (size_t)n))
		return;
	va_start(args, fmt);
	vsnprintf(t->data + t->len, t->room - t->len, fmt, args);
	va_end(args);
	t->len += (size_t)n;
}

void text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){0};
}

static void json_escaped(struct text *out, const char *s)
{
	text_add(out, "\"");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			text_add(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			text_add(out, "\\u%04x", c);
		else
			text_add(out, "%c", c);
	}
	text_add(out, "\"");
}

static void json_begin(struct json *j, const char *name)
{
	if (j->comma)
		text_add(j->out, ",");
	j->comma = true;
	if (name) {
		json_escaped(j->out, name);
		text_add(j->out, ":");
	}
}

void json_open(struct json *j, const char *name, char bracket)
{
	json_begin(j, name);
	text_add(j->out, "%c", bracket);
	j->comma = false;
}

void json_close(struct json *j, char bracket)
{
	text_add(j->out, "%c", bracket);
	j->comma = true;
}

void json_string(struct json *j, const char *name, const char *value)
{
	json_begin(j, name);
	json_escaped(j->out, value);
}

void json_number(struct json *j, const char *name, uint64_t value)
{
	json_begin(j, name);
	text_add(j->out, "%" PRIu64, value);
}

void json_signed(struct json *j, const char *name, int64_t value)
{
	json_begin(j, name);
	text_add(j->out, "%" PRId64, value);
}

void json_address(struct json *j, const char *name, uint64_t address)
{
	json_begin(j, name);
	text_add(j->out, "\"0x%" PRIx64 "\"", address);
}

void json_bool(struct json *j, const char *name, bool value)
{
	json_begin(j, name);
	text_add(j->out, value ? "true" : "false");
}

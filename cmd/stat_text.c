/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What carillon stat says to people: JSON's own text, one counter a line, without its signs. */
#include "cmd.h"

/* No machine nests that deep, but who says so may have been taken over by its guest. */
#define DEPTH_MAX 16

/* From behind a string's first quote on; returns its last one, or the end of the text. */
static const char *put_string(const char *at, struct text *out)
{
	for (; *at && *at != '"'; at++) {
		if (at[0] == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		text_add(out, "%c", *at);
	}
	return at;
}

static void indent(unsigned depth, struct text *out)
{
	if (depth > DEPTH_MAX)
		depth = DEPTH_MAX;
	text_add(out, "%*s", depth ? 2 * ((int)depth - 1) : 0, "");
}

void stat_text(const char *json, struct text *out)
{
	unsigned depth = 0;

	for (; *json; json++)
		switch (*json) {
		case '{':
		case '[':
			if (depth++)
				text_add(out, "\n");
			indent(depth, out);
			break;
		case '}':
		case ']':
			depth -= depth != 0;
			break;
		case ',':
			text_add(out, "\n");
			indent(depth, out);
			break;
		case ':':
			text_add(out, ": ");
			break;
		case '"':
			json = put_string(json + 1, out);
			if (!*json)
				return;
			break;
		default:
			text_add(out, "%c", *json);
		}
}

/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Errors as values, and warnings that end nothing. */
#include <stdarg.h>
#include <string.h>

#include "base.h"

int fail(struct error *err, int code, const char *fmt, ...)
{
	va_list args;

	if (err) {
		va_start(args, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, args);
		va_end(args);
	}
	return -code;
}

void error_prefix(struct error *err, const char *fmt, ...)
{
	char cause[sizeof(err->text)];
	va_list args;
	size_t n;

	if (!err)
		return;
	memcpy(cause, err->text, sizeof(cause));
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", cause);
}

void warn(const char *fmt, ...)
{
	char line[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	/* One write for the line: threads warn at the same time. \r: the terminal may be raw. */
	fprintf(stderr, "carillon: %s\r\n", line);
}

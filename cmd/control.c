/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* carillon list, stop, pause, resume, stat: what is said to running machines. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

static int ask(const char *name, const char *command, struct text *reply)
{
	struct error err = {0};

	if (!control_ask(name, command, reply, &err))
		return STATUS_OK;
	warn("%s", err.text);
	return STATUS_REFUSED;
}

static int say(int argc, char **argv)
{
	struct text reply = {0};
	int status;

	if (argc != 2) {
		warn("usage: carillon %s NAME", argv[0]);
		return STATUS_USAGE;
	}
	status = ask(argv[1], argv[0], &reply);
	if (!status && (!reply.data || strcmp(reply.data, "ok\n"))) {
		warn("machine '%s': %s", argv[1], reply.data ? reply.data : "no answer");
		status = STATUS_REFUSED;
	}
	text_free(&reply);
	return status;
}

int cmd_stop(int argc, char **argv)
{
	return say(argc, argv);
}

int cmd_pause(int argc, char **argv)
{
	return say(argc, argv);
}

int cmd_resume(int argc, char **argv)
{
	return say(argc, argv);
}

/* For people: JSON's own text, one counter a line, without its brackets and quotes. */
static void print_plain(const char *json)
{
	int depth = 0;

	for (; *json; json++)
		switch (*json) {
		case '{':
		case '[':
			if (depth++)
				putchar('\n');
			printf("%*s", 2 * (depth - 1), "");
			break;
		case '}':
		case ']':
			depth--;
			break;
		case ',':
			printf("\n%*s", 2 * (depth - 1), "");
			break;
		case ':':
			printf(": ");
			break;
		case '"':
			break;
		default:
			putchar(*json);
		}
}

int cmd_stat(int argc, char **argv)
{
	struct text reply = {0};
	const char *name = NULL;
	bool json = false;
	int i, status;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--json"))
			json = true;
		else if (!name && argv[i][0] != '-')
			name = argv[i];
		else
			break;
	if (!name || i < argc) {
		warn("usage: carillon stat NAME [--json]");
		return STATUS_USAGE;
	}
	status = ask(name, "stat", &reply);
	if (!status && reply.data) {
		if (json)
			fputs(reply.data, stdout);
		else
			print_plain(reply.data);
	}
	text_free(&reply);
	return status;
}

static int is_socket_name(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return e->d_name[0] != '.' && n > 5 && !strcmp(e->d_name + n - 5, ".sock");
}

int cmd_list(int argc, char **argv)
{
	struct error err = {0};
	struct dirent **names;
	char directory[108];
	int n, i;

	if (argc != 1) {
		warn("usage: carillon %s", argv[0]);
		return STATUS_USAGE;
	}
	if (control_directory(directory, sizeof(directory), &err)) {
		warn("%s", err.text);
		return STATUS_REFUSED;
	}
	n = scandir(directory, &names, is_socket_name, alphasort);
	for (i = 0; i < n; i++) {
		struct text reply = {0};

		names[i]->d_name[strlen(names[i]->d_name) - 5] = 0;
		/* One that does not answer was killed and left its socket. */
		if (!control_ask(names[i]->d_name, "stat", &reply, NULL))
			printf("%s\n", names[i]->d_name);
		text_free(&reply);
		free(names[i]);
	}
	if (n >= 0)
		free((void *)names);
	return STATUS_OK;
}

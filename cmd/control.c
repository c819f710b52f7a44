/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What is said to running machines: list, stop, pause, resume, balloon, resize, stat, debug. */
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

/* A command that a machine obeys, or says why not. */
static int order(const char *name, const char *command)
{
	struct text reply = {0};
	int status = ask(name, command, &reply);
	const char *answer = reply.data ?: "no answer";

	if (!status && strcmp(answer, "ok\n")) {
		warn("machine '%s': %.*s", name, (int)strcspn(answer, "\n"), answer);
		status = STATUS_REFUSED;
	}
	text_free(&reply);
	return status;
}

static int say(int argc, char **argv)
{
	if (argc != 2) {
		warn("usage: carillon %s NAME", argv[0]);
		return STATUS_USAGE;
	}
	return order(argv[1], argv[0]);
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

/* An order with a number. */
static int order_number(const char *name, const char *verb, uint64_t n)
{
	char command[CONTROL_LINE];

	snprintf(command, sizeof(command), "%s %llu", verb, (unsigned long long)n);
	return order(name, command);
}

int cmd_balloon(int argc, char **argv)
{
	uint64_t bytes;

	if (argc == 3 && !parse_size(argv[2], &bytes))
		return order_number(argv[1], "balloon", bytes);
	warn("usage: carillon balloon NAME SIZE; for example 512M, and 0 gives all back");
	return STATUS_USAGE;
}

int cmd_resize(int argc, char **argv)
{
	uint64_t disk;

	if (argc == 3 && !parse_u64(argv[2], &disk))
		return order_number(argv[1], "resize", disk);
	warn("usage: carillon resize NAME DISK; the first disk is 0");
	return STATUS_USAGE;
}

static void print_plain(const char *json)
{
	struct text text = {0};

	stat_text(json, &text);
	fputs(text.data ?: "", stdout);
	text_free(&text);
}

static void print_as_is(const char *text)
{
	fputs(text, stdout);
}

static int show(const char *name, const char *command, void (*print)(const char *text))
{
	struct text reply = {0};
	int status = ask(name, command, &reply);

	if (!status && reply.data) {
		print(reply.data);
	} else if (!status) {
		warn("machine '%s': no answer", name);
		status = STATUS_REFUSED;
	}
	text_free(&reply);
	return status;
}

struct flag {
	const char *word;
	bool given;
};

/* NAME, and flags around it in any order. NULL: the command line makes no sense. */
static const char *parse_name(int argc, char **argv, struct flag *flags, unsigned n)
{
	const char *name = NULL;
	unsigned k;
	int i;

	for (i = 1; i < argc; i++) {
		for (k = 0; k < n && strcmp(argv[i], flags[k].word); k++)
			;
		if (k < n)
			flags[k].given = true;
		else if (!name && argv[i][0] != '-')
			name = argv[i];
		else
			return NULL;
	}
	return name;
}

int cmd_stat(int argc, char **argv)
{
	struct flag json = {"--json", false};
	const char *name = parse_name(argc, argv, &json, 1);

	if (!name) {
		warn("usage: carillon stat NAME [--json]");
		return STATUS_USAGE;
	}
	return show(name, "stat", json.given ? print_as_is : print_plain);
}

int cmd_debug(int argc, char **argv)
{
	struct flag flags[] = {{"--map", false}, {"--json", false}};
	const char *name = parse_name(argc, argv, flags, ARRAY_SIZE(flags));

	if (!name || !flags[0].given) {
		warn("usage: carillon debug NAME --map [--json]");
		return STATUS_USAGE;
	}
	return show(name, flags[1].given ? "map json" : "map", print_as_is);
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

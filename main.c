/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* carillon: the command table, nothing else. */
#include <stdio.h>
#include <string.h>

#include "base.h"
#include "cmd.h"

static int cmd_help(int argc, char **argv);

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{"run", cmd_run, "run a virtual machine"},
	{"list", cmd_list, "the machines that run"},
	{"stop", cmd_stop, "end a machine"},
	{"pause", cmd_pause, "hold a machine's CPUs"},
	{"resume", cmd_resume, "let them go on"},
	{"stat", cmd_stat, "a machine's state and counters"},
	{"balloon", cmd_balloon, "take memory from a machine's guest, and give it back"},
	{"resize", cmd_resize, "tell a machine's guest that a disk has another size"},
	{"debug", cmd_debug, "a machine's address spaces: who serves what"},
	{"vfio", cmd_vfio, "list PCI devices, check them, bind them to vfio-pci and back; map"},
	{"version", cmd_version, "print the version"},
	{"help", cmd_help, "print this"},
};

static int cmd_help(int argc, char **argv)
{
	unsigned i;

	(void)argc, (void)argv;
	printf("usage: carillon COMMAND [OPTION…]\n\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].summary);
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "help";
	unsigned i;

	if (!strcmp(name, "--version"))
		name = "version";
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		name = "help";
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(name, commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	warn("there is no command '%s'; see: carillon help", name);
	return 2;
}

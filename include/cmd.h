/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* cmd: the commands. Each gets its own argv (argv[0] is its name) and returns an exit status. */
#ifndef CARILLON_CMD_H
#define CARILLON_CMD_H

#include "machine.h"

/* What a command's process tells its caller. */
enum exit_status {
	STATUS_OK,	/* done; of run: the guest powered off, or was stopped from outside */
	STATUS_REFUSED, /* an error; it said which */
	STATUS_USAGE,	/* the command line made no sense */
	STATUS_CRASHED, /* the guest crashed */
	STATUS_FAILED,	/* a device failed under the guest */
};

int cmd_run(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_stop(int argc, char **argv);
int cmd_pause(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_balloon(int argc, char **argv);
int cmd_resize(int argc, char **argv);
int cmd_debug(int argc, char **argv);
int cmd_vfio(int argc, char **argv);
int cmd_vfio_check(int argc, char **argv);
int cmd_vfio_map(int argc, char **argv);
int cmd_version(int argc, char **argv);

/*
 * Pure: the command line of run → a machine. Strings point into argv. help: the user asked for
 * help, and nothing else counts.
 */
int run_parse(int argc, char **argv, struct machine_config *config, bool *help, struct error *err);
/* Pure: the same options, without a kernel, and devices behind them: those of vfio map. */
int map_parse(int argc, char **argv, struct machine_config *config, bool *json, struct error *err);
/* Pure: the same with one device: that of vfio check. */
int check_parse(int argc, char **argv, struct machine_config *config, bool *json,
		struct error *err);

/* Pure: a report on a device, for people and for programs. */
void check_text(const struct vfio_report *report, struct text *out);
void check_json(const struct vfio_report *report, struct text *out);
/* Pure: what a machine says of itself (machine_stat()), for people. */
void stat_text(const char *json, struct text *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The user's program that connects a new tap to a network. */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inner.h"
#include "signals.h"

/* Signals as they were when we started: all but those that end us are still like that. */
static int spawn(pid_t *pid, const char *path, const char *ifname)
{
	char program[NET_PATH], argument[NET_IFNAME], *argv[] = {program, argument, NULL};
	posix_spawnattr_t attr;
	sigset_t none, ignored;
	int ret;

	/* posix_spawn() wants what it could write to. */
	snprintf(program, sizeof(program), "%s", path);
	snprintf(argument, sizeof(argument), "%s", ifname);
	sigemptyset(&none);
	sigemptyset(&ignored);
	sigaddset(&ignored, SIGPIPE);
	sigaddset(&ignored, SIGXFSZ);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &ignored);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	ret = posix_spawn(pid, path, NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	return ret;
}

/*
 * Who asks us to stop asks the script; who asks again kills it. signals: those, and SIGCHLD, all
 * blocked. Sets *asked to the last of them. 0 or -errno.
 */
static int await(pid_t pid, const sigset_t *signals, int *status, int *asked)
{
	pid_t ended;
	int sig;

	while (!(ended = waitpid(pid, status, WNOHANG))) {
		sig = sigwaitinfo(signals, NULL);
		if (sig < 0 || sig == SIGCHLD)
			continue;
		kill(pid, *asked ? SIGKILL : sig);
		*asked = sig;
	}
	return ended < 0 ? -errno : 0;
}

static int run(const char *path, const char *ifname, int *status, int *asked)
{
	sigset_t signals = signals_to_stop(), before;
	pid_t pid;
	int ret;

	*asked = 0;
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, &before);
	/* Of a child nobody hears how it ended, where whoever started us has this ignored. */
	signal(SIGCHLD, SIG_DFL);
	ret = -spawn(&pid, path, ifname);
	if (!ret)
		ret = await(pid, &signals, status, asked);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ret;
}

int net_run_script(const char *path, const char *ifname, struct error *err)
{
	int status = 0, asked, ret = run(path, ifname, &status, &asked);

	if (ret)
		return fail(err, -ret, "%s: script %s: %s", ifname, path, strerror(-ret));
	if (asked)
		return fail(err, EINTR, "%s: script %s: stopped by signal %d (%s)", ifname, path,
			    asked, strsignal(asked));
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	return fail(err, ECANCELED, "%s: script %s: it ended with %s %d", ifname, path,
		    WIFEXITED(status) ? "status" : "signal",
		    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

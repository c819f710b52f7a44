/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Workers: threads that serve a loop. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "loop.h"

struct seen {
	struct loop_source source;
	pthread_t thread;
	sigset_t blocked;
	char name[16];
	int answer; /* eventfd: all of the above is set */
};

static void ready(struct loop_source *src, uint32_t events)
{
	struct seen *seen = src->opaque;
	uint64_t n;

	(void)events;
	cr_assert_eq(read(src->fd, &n, sizeof(n)), sizeof(n));
	seen->thread = pthread_self();
	pthread_sigmask(SIG_BLOCK, NULL, &seen->blocked);
	pthread_getname_np(seen->thread, seen->name, sizeof(seen->name));
	event_kick(seen->answer);
}

Test(worker, serves_its_sources_on_a_thread_of_its_own)
{
	struct worker w = {0};
	struct seen seen = {.source = {.ready = ready, .opaque = &seen}};
	uint64_t n;

	seen.source.fd = eventfd(0, EFD_CLOEXEC);
	seen.answer = eventfd(0, EFD_CLOEXEC);
	cr_assert_eq(worker_start(&w, "disk of a long name.img", NULL), 0);
	cr_assert_eq(loop_add(&w.loop, &seen.source, EPOLLIN), 0);
	event_kick(seen.source.fd);
	cr_assert_eq(read(seen.answer, &n, sizeof(n)), sizeof(n));
	cr_assert(!pthread_equal(seen.thread, pthread_self()));
	cr_assert(sigismember(&seen.blocked, SIGTERM) && sigismember(&seen.blocked, SIGUSR1));
	cr_assert_str_eq(seen.name, "disk of a long ");
	worker_stop(&w);
	/* Nobody is there any more who would take it. */
	loop_remove(&w.loop, &seen.source);
	event_kick(seen.source.fd);
	cr_assert_eq(read(seen.source.fd, &n, sizeof(n)), sizeof(n));
	worker_stop(&w);
	close(seen.source.fd);
	close(seen.answer);
}

static uint64_t spent_ns(const struct worker *w)
{
	struct timespec t;
	clockid_t clock;

	cr_assert_eq(pthread_getcpuclockid(w->thread, &clock), 0);
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* While events are near it looks for them; but then it sleeps. */
Test(worker, sleeps_when_nothing_comes)
{
	struct worker w = {0};
	struct seen seen = {.source = {.ready = ready, .opaque = &seen}};
	uint64_t n, spent;
	unsigned i;

	seen.source.fd = eventfd(0, EFD_CLOEXEC);
	seen.answer = eventfd(0, EFD_CLOEXEC);
	cr_assert_eq(worker_start(&w, "disk", NULL), 0);
	cr_assert_eq(loop_add(&w.loop, &seen.source, EPOLLIN), 0);
	for (i = 0; i < 1000; i++) {
		event_kick(seen.source.fd);
		cr_assert_eq(read(seen.answer, &n, sizeof(n)), sizeof(n));
	}
	spent = spent_ns(&w);
	usleep(500000);
	cr_expect_lt(spent_ns(&w) - spent, 100 * NS_PER_MS);
	worker_stop(&w);
	close(seen.source.fd);
	close(seen.answer);
}

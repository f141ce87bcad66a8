// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel.colo_guarantee_us: what offline gets beside online work that leaves it
 * nothing, in user mode too. All on one CPU.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "colo_util.h"

#define ON		"on"
#define OFF		"off"
#define GUARANTEE	"/proc/sys/kernel/colo_guarantee_us"
#define PERIOD_US	100000
#define MAX		64

static long window_ms = 3000;
static long percent = 10;	/* that a share may be off */
static long wake_us = 500;	/* that a wake-up may be later */

static struct task on[MAX], off[MAX];
static int nr_on, nr_off;

static void guarantee(long us)
{
	char text[32];
	int ret;

	snprintf(text, sizeof(text), "%ld", us);
	ret = write_file(GUARANTEE, text);
	REQUIRE(!ret, GUARANTEE "=%s: %s", text, strerror(-ret));
}

static void setup(void)
{
	REQUIRE(!cg_make(ON) && !cg_make(OFF), "mkdir");
	REQUIRE(!cg_set_offline(OFF, 1), "cpu.offline");
	nr_on = nr_off = 0;
}

static void start_on(int n, task_fn fn, long arg)
{
	struct task_opt o = { .cg = ON, .arg = arg };

	while (n--)
		on[nr_on++] = task_start(&o, fn);
}

static void start_off(int n, task_fn fn, long arg)
{
	struct task_opt o = { .cg = OFF, .arg = arg };

	while (n--)
		off[nr_off++] = task_start(&o, fn);
}

/* The sysctl is the machine's: it must not outlive the case. */
static void end_all(void)
{
	guarantee(0);
	while (nr_on)
		CHECK(task_end(&on[--nr_on]), "cannot be killed");
	while (nr_off)
		CHECK(task_end(&off[--nr_off]), "cannot be killed");
	CHECK(WAIT_FOR(cg_stat(OFF, "tasks") == 0, 5000) && !cg_stat(OFF, "lifted"),
	      "tasks %lld, lifted %lld", (long long)cg_stat(OFF, "tasks"),
	      (long long)cg_stat(OFF, "lifted"));
}

static uint64_t off_cpu_ns(void)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < nr_off; i++)
		sum += task_cpu_ns(off[i].pid);
	return sum;
}

/* In us per period, of all offline tasks, from now on for @ms. */
static long measure_for(long ms)
{
	uint64_t from, ran;

	/* the first period is only looked at */
	sleep_ms(300);
	from = now_ns();
	ran = off_cpu_ns();
	sleep_ms(ms);
	return (off_cpu_ns() - ran) * PERIOD_US / (now_ns() - from);
}

static long measure(void)
{
	return measure_for(window_ms);
}

/* 0 is nothing, and falls back at once. */
static void none(void)
{
	uint64_t ran;
	long got;

	setup();
	start_off(2, fn_hog, 0);
	start_on(1, fn_hog, 0);
	got = measure();
	ran = off_cpu_ns();
	CHECK(got < 10, "%ld us per period", got);

	guarantee(50000);
	CHECK(WAIT_FOR(off_cpu_ns() > ran + 100 * NSEC_PER_MSEC, 2000), "it gets nothing");
	guarantee(0);
	got = measure();
	CHECK(got < 10, "%ld us per period after it was 0 again", got);
	end_all();
}

static void share_beside(int hogs, int tasks, long us)
{
	long got;

	setup();
	start_off(tasks, fn_hog, 0);
	start_on(hogs, fn_hog, 0);
	guarantee(us);
	got = measure();
	diag("%ld us asked, %d online, %d offline: %ld us", us, hogs, tasks, got);
	CHECK(labs(got - us) * 100 <= us * percent, "%ld us per period, should be %ld",
	      got, us);
	end_all();
}

/* Small and large, one task and many on either side. */
static void share(void)
{
	static const long us[] = { 1000, 5000, 20000, 50000 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(us); i++) {
		share_beside(1, 1, us[i]);
		share_beside(1, 3, us[i]);
		share_beside(8, 3, us[i]);
	}
}

/* What online leaves counts: nothing is taken from it for more than the rest. */
static void counts_own(void)
{
	uint64_t had, without;
	long got;

	setup();
	start_off(2, fn_hog, 0);
	start_on(1, fn_duty, 50);
	sleep_ms(300);
	had = on[0].c->progress;
	sleep_ms(window_ms);
	without = on[0].c->progress - had;
	guarantee(40000);
	sleep_ms(300);
	had = on[0].c->progress;
	sleep_ms(window_ms);
	had = on[0].c->progress - had;
	diag("half of the CPU free: online does %llu rounds, %llu with the guarantee",
	     (unsigned long long)without, (unsigned long long)had);
	CHECK(had * 100 >= without * 99, "half of the CPU is free, and online does less");
	end_all();

	setup();
	start_off(2, fn_hog, 0);
	start_on(1, fn_duty, 90);
	guarantee(20000);
	got = measure();
	diag("20000 us asked, 10000 free: %ld us", got);
	/* What is taken makes online late, and that leaves less free. */
	CHECK(got >= 20000 * (100 - percent) / 100, "%ld us per period", got);
	end_all();
}

/* All of them, the same: they weigh the same. */
static void in_turn(void)
{
	uint64_t had[MAX], least = UINT64_MAX, most = 0, ran;
	int i;

	setup();
	start_off(16, fn_hog, 0);
	start_on(2, fn_hog, 0);
	guarantee(20000);
	sleep_ms(300);
	for (i = 0; i < nr_off; i++)
		had[i] = task_cpu_ns(off[i].pid);
	sleep_ms(window_ms * 2);
	for (i = 0; i < nr_off; i++) {
		ran = task_cpu_ns(off[i].pid) - had[i];
		least = ran < least ? ran : least;
		most = ran > most ? ran : most;
	}
	diag("least %llu us, most %llu us", (unsigned long long)least / 1000,
	     (unsigned long long)most / 1000);
	CHECK(least && least * 2 >= most, "one had %llu us, another %llu us",
	      (unsigned long long)least / 1000, (unsigned long long)most / 1000);
	end_all();
}

/* Its worst wake-up is in "extra", us; "go" starts it afresh. */
static void fn_waker(struct task_ctl *c, long arg)
{
	uint64_t next = now_ns(), late;

	prctl(PR_SET_TIMERSLACK, 1);
	for (;;) {
		struct timespec ts;

		next += arg * 1000;
		ts.tv_sec = next / NSEC_PER_SEC;
		ts.tv_nsec = next % NSEC_PER_SEC;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		late = (now_ns() - next) / 1000;
		if (c->go) {
			c->go = 0;
			c->extra = 0;
		} else if (late > c->extra) {
			c->extra = late;
		}
		c->progress++;
	}
}

/* Online that wakes up ends a turn. */
static void wakeups(void)
{
	uint64_t alone, ran;

	setup();
	start_on(1, fn_waker, 11300);
	sleep_ms(window_ms);
	alone = on[0].c->extra;
	start_off(2, fn_hog, 0);
	/* Another one, so that the CPU is full: at nice 19, it gives way too. */
	on[nr_on++] = task_start(&(struct task_opt){ .cg = ON, .nice = 19 }, fn_hog);
	on[0].c->go = 1;
	sleep_ms(window_ms);
	diag("worst wake-up: alone %llu us, beside online %llu us",
	     (unsigned long long)alone, (unsigned long long)on[0].c->extra);
	alone = on[0].c->extra > alone ? on[0].c->extra : alone;
	guarantee(20000);
	sleep_ms(300);
	on[0].c->go = 1;
	ran = off_cpu_ns();
	sleep_ms(window_ms);
	ran = (off_cpu_ns() - ran) / window_ms / 10;
	diag("worst wake-up: with 20000 us guaranteed %llu us, offline got %llu",
	     (unsigned long long)on[0].c->extra, (unsigned long long)ran);
	CHECK(ran >= 20000 * (100 - (uint64_t)percent) / 100, "%llu us per period",
	      (unsigned long long)ran);
	CHECK(on[0].c->extra <= alone + wake_us, "%llu us, %llu us without it",
	      (unsigned long long)on[0].c->extra, (unsigned long long)alone);
	end_all();
}

/* A quota is a quota. */
static void throttled(void)
{
	long got;

	setup();
	start_off(2, fn_hog, 0);
	sleep_ms(100);
	REQUIRE(!cg_write(OFF, "cpu.max", "10000 1000000"), "cpu.max");
	sleep_ms(100);
	start_on(1, fn_hog, 0);
	guarantee(20000);
	got = measure_for(3000);
	diag("20000 us asked, a quota of 1000: %ld us", got);
	/* a turn more, or one less, for each of its periods */
	CHECK(got >= 600 && got <= 1400, "%ld us per period", got);
	end_all();
}

#define TASKS	8
#define HOLD_MS	2

static struct {
	pthread_mutex_t	lock;
	uint64_t	until;
} *sh;

/* Has the mutex for HOLD_MS of CPU time, from the moment that "go" is set. */
static void fn_mutex_holder(struct task_ctl *c, long arg)
{
	struct timespec ts;

	(void)arg;
	pthread_mutex_lock(&sh->lock);
	c->stage = 1;
	while (!c->go)
		c->progress++;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	sh->until = ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec + HOLD_MS * NSEC_PER_MSEC;
	do {
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	} while (ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec < sh->until);
	pthread_mutex_unlock(&sh->lock);
	fn_hog(c, 0);
}

static void fn_mutex_waiter(struct task_ctl *c, long arg)
{
	(void)arg;
	while (!c->go)
		sleep_ms(1);
	pthread_mutex_lock(&sh->lock);
	c->stage = 1;
	pthread_mutex_unlock(&sh->lock);
}

/* A mutex that no kernel sees, held by one of n starved tasks, see the documentation. */
static void mutex(void)
{
	const long us = 20000;
	pthread_mutexattr_t attr;
	struct timespec tick;
	uint64_t from, took, bound;

	REQUIRE(!clock_getres(CLOCK_MONOTONIC_COARSE, &tick), "clock_getres");
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		  -1, 0);
	REQUIRE(sh != MAP_FAILED, "mmap: %s", strerror(errno));
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	REQUIRE(!pthread_mutex_init(&sh->lock, &attr), "mutex");

	setup();
	start_on(1, fn_mutex_waiter, 0);
	start_off(1, fn_mutex_holder, 0);
	start_off(TASKS - 1, fn_hog, 0);
	CHECK(WAIT_FOR(off[0].c->stage == 1, 5000), "nobody takes it");
	start_on(1, fn_hog, 0);
	sleep_ms(200);
	guarantee(us);
	off[0].c->go = 1;
	from = now_ns();
	on[0].c->go = 1;
	CHECK(WAIT_FOR(on[0].c->stage == 1, 20000), "for ever");
	took = (now_ns() - from) / 1000;
	bound = TASKS * (HOLD_MS * 1000 + 2 * tick.tv_nsec / 1000) * PERIOD_US / us +
		2 * PERIOD_US;
	diag("%llu us, the bound is %llu us", (unsigned long long)took,
	     (unsigned long long)bound);
	CHECK(took <= bound, "%llu us, the bound is %llu us", (unsigned long long)took,
	      (unsigned long long)bound);
	end_all();
}

static const struct colo_case cases[] = {
	{ "none", none, 60, 0, 0 },
	{ "share", share, 180, 0, 0 },
	{ "counts_own", counts_own, 60, 0, 0 },
	{ "in_turn", in_turn, 60, 0, 0 },
	{ "wakeups", wakeups, 60, 0, 0 },
	{ "throttled", throttled, 60, 0, 0 },
	{ "mutex", mutex, 60, 0, 0 },
};

static const struct colo_param params[] = {
	{ "window_ms", &window_ms },
	{ "percent", &percent },
	{ "wake_us", &wake_us },
};

int main(int argc, char **argv)
{
	return colo_main(argc, argv, cases, ARRAY_SIZE(cases), params,
			 ARRAY_SIZE(params));
}

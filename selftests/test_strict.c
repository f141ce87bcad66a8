// SPDX-License-Identifier: GPL-2.0-only
/*
 * One CPU: what offline work gets there. Nothing while online work wants it all,
 * everything that is left otherwise, and among themselves what their weights,
 * nice values and quotas say.
 *
 * The limit for "nothing" (default 100 ppm of the window) is far below what any
 * weight gives: control_arms measures, on the same kernel, that two ordinary
 * groups share the CPU and that cpu.idle = 1 gets more than the limit. A kernel
 * without the class cannot pass here, nor can one that only has cpu.idle.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "colo_util.h"

static long ppm = 100;		/* limit for "nothing" */
static long figures = 1;		/* 0: of shares, judge "nothing" only */
static long window_ms = 4000;
static long tolerance = 10;	/* percent, of shares */

#define MAX_TASKS	12

static void make(const char *cg)
{
	int ret = cg_make(cg);

	REQUIRE(!ret, "mkdir %s: %s", cg, strerror(-ret));
}

static void set(const char *cg, const char *file, const char *val)
{
	int ret = cg_write(cg, file, "%s", val);

	REQUIRE(!ret, "%s: %s=%s: %s", cg, file, val, strerror(-ret));
}

/* All on one CPU, the last: elsewhere the machine may do as it likes. */
static int the_cpu(void)
{
	return n_cpus() - 1;
}

static struct task start_nice(const char *cg, task_fn fn, long arg, int nice)
{
	struct task_opt o = { .cg = cg, .cpu = the_cpu(), .nice = nice,
			      .arg = arg };

	make(cg);
	return task_start(&o, fn);
}

static struct task start(const char *cg, task_fn fn, long arg)
{
	return start_nice(cg, fn, arg, 0);
}

/* Shares of the window that the tasks get, in ppm; returns its length in ns. */
static uint64_t measure(const struct task *t, int n, long ms, long *share)
{
	uint64_t cpu[MAX_TASKS], from, len;
	int i;

	REQUIRE(n <= MAX_TASKS, "too many tasks");
	from = now_ns();
	for (i = 0; i < n; i++)
		cpu[i] = task_cpu_ns(t[i].pid);
	sleep_ms(ms);
	len = now_ns() - from;
	for (i = 0; i < n; i++)
		share[i] = (task_cpu_ns(t[i].pid) - cpu[i]) * 1000000 / len;
	return len;
}

/* A debug kernel needs most of a CPU for itself now and then. */
static long at_least(long share)
{
	return figures ? share : 1;
}

static void expect_about(const char *what, double got, double want, double pct)
{
	CHECK(!figures || (got >= want * (100 - pct) / 100 &&
			   got <= want * (100 + pct) / 100),
	      "%s is %.4f, should be %.4f within %.0f %%", what, got, want, pct);
}

/* The task, kept busy, gets nothing while the hog in @on is there. */
static void expect_nothing(const char *what, struct task *on, struct task *off,
			   int n)
{
	struct task all[MAX_TASKS];
	long share[MAX_TASKS];
	int64_t before = 0;
	int i;

	all[0] = *on;
	for (i = 0; i < n; i++) {
		all[i + 1] = off[i];
		before += off[i].c->progress;
	}
	sleep_ms(200);
	measure(all, n + 1, window_ms, share);
	for (i = 1; i <= n; i++)
		CHECK(share[i] <= ppm, "%s: offline task %d ran %ld ppm", what,
		      i, share[i]);
	CHECK(share[0] >= at_least(970000), "%s: the online hog got only %ld ppm", what,
	      share[0]);
	diag("%s: online %ld ppm, first offline %ld ppm", what, share[0],
	     share[1]);
}

/* -------------------------------------------------------------- strictness */

/* That the meter can see what it is meant to exclude. */
static void control_arms(void)
{
	struct task t[2];
	long share[2];

	t[0] = start("on", fn_hog, 0);
	t[1] = start("off", fn_hog, 0);
	sleep_ms(200);
	measure(t, 2, window_ms, share);
	CHECK(share[1] > 300000, "an ordinary group gets only %ld ppm",
	      share[1]);
	set("off", "cpu.idle", "1");
	sleep_ms(200);
	/* Weight 3 beside 1024: one tick in 1.4 s, so a window has to hold some. */
	measure(t, 2, 8000, share);
	CHECK(share[1] > ppm,
	      "cpu.idle alone gets %ld ppm: the limit proves nothing", share[1]);
	diag("cpu.idle alone gets %ld ppm", share[1]);
	set("off", "cpu.idle", "0");
	set("off", "cpu.offline", "1");
	expect_nothing("after that", &t[0], &t[1], 1);
	set("off", "cpu.offline", "0");
	sleep_ms(200);
	measure(t, 2, window_ms, share);
	CHECK(share[1] > 300000, "back online it gets only %ld ppm", share[1]);
}

/* @n offline hogs below @off, the knob on @knob, one online hog in @on. */
static void layout(const char *what, const char *on, const char *off,
		   const char *knob, int n)
{
	struct task hog, t[MAX_TASKS];
	char name[64];
	int i;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), off, i);
		t[i] = start(name, fn_hog, 0);
	}
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), knob, i);
		set(name, "cpu.offline", "1");
	}
	for (i = 0; i < n; i++)
		CHECK(task_moves(&t[i], 1, 5000), "%s: %d idles alone", what, i);
	hog = start(on, fn_hog, 0);
	expect_nothing(what, &hog, t, n);
	CHECK(task_end(&hog), "the online hog cannot be killed");
	for (i = 0; i < n; i++)
		CHECK(task_moves(&t[i], 1, 5000), "%s: %d does not resume",
		      what, i);
	for (i = 0; i < n; i++)
		CHECK(task_end(&t[i]), "cannot be killed");
}

static void one_parent(void)
{
	layout("one parent", "on", "off", "off", 1);
}

static void nested_service(void)
{
	layout("knob on besteffort, service in burstable", "kube/burstable/pod",
	       "kube/be/pod%d", "kube/be", 4);
}

static void knob_on_pods(void)
{
	layout("knob on each pod", "kube/burstable/pod", "kube/be/pod%d",
	       "kube/be/pod%d", 4);
}

static void service_at_top(void)
{
	layout("service at top level", "service", "kube/be/pod%d", "kube/be", 4);
}

static void siblings(void)
{
	layout("flat siblings", "service", "job%d", "job%d", 8);
}

/* Weight does not buy anything against online, nor do nice values. */
static void weight_is_no_help(void)
{
	struct task hog, t;

	make("on");
	t = start_nice("off", fn_hog, 0, -20);
	set("off", "cpu.weight", "10000");
	set("off", "cpu.offline", "1");
	hog = start_nice("on", fn_hog, 0, 19);
	set("on", "cpu.weight", "1");
	expect_nothing("weight 10000, nice -20 against 1, 19", &hog, &t, 1);
	/* Not even against a SCHED_IDLE task or an idle group: those are online. */
	REQUIRE(!set_policy(hog.pid, SCHED_IDLE, 0), "SCHED_IDLE");
	expect_nothing("against SCHED_IDLE", &hog, &t, 1);
}

/* An offline task that sleeps and wakes must not sneak in. */
static void wakers_get_nothing(void)
{
	struct task hog, t[4];
	int i;

	make("off");
	set("off", "cpu.offline", "1");
	t[0] = start("off", fn_sleeper, 100);
	t[1] = start("off", fn_duty, 10);
	t[2] = start("off", fn_duty, 90);
	t[3] = start("off", fn_sleeper, 2000);
	for (i = 0; i < 4; i++)
		CHECK(task_moves(&t[i], 1, 5000), "%d idles alone", i);
	hog = start("on", fn_hog, 0);
	/* Woken in the kernel they are starved there and the net has them out. */
	sleep_ms(1000);
	expect_nothing("wakers", &hog, t, 4);
}

/* All of what online leaves, at once. */
static void resumes(void)
{
	struct task t[2];
	long share[2];
	int i;

	t[0] = start("on", fn_duty, 50);
	t[1] = start("off", fn_hog, 0);
	set("off", "cpu.offline", "1");
	sleep_ms(200);
	measure(t, 2, window_ms, share);
	CHECK(share[1] >= at_least(450000), "beside 50 %% it gets %ld ppm",
	      share[1]);
	CHECK(share[0] >= at_least(470000), "online gets %ld ppm of its 50 %%",
	      share[0]);
	/* The other way: stop the online one, it runs within a tick or two. */
	CHECK(task_end(&t[0]), "online cannot be killed");
	t[0] = start("on", fn_hog, 0);
	for (i = 0; i < 5; i++) {
		uint64_t from;

		sleep_ms(100);
		kill(t[0].pid, SIGSTOP);
		CHECK(WAIT_FOR(task_letter(t[0].pid) == 'T', 5000), "no stop");
		from = task_cpu_ns(t[1].pid);
		sleep_ms(50);
		CHECK(task_cpu_ns(t[1].pid) - from >=
		      (uint64_t)at_least(40 * NSEC_PER_MSEC),
		      "in 50 ms alone it ran %llu us",
		      (unsigned long long)(task_cpu_ns(t[1].pid) - from) / 1000);
		kill(t[0].pid, SIGCONT);
	}
}

/* The knob is written while the load is on, in both directions, many times. */
static void switched_under_load(void)
{
	struct task t[2];
	long share[2];
	int i;

	t[0] = start("on", fn_hog, 0);
	t[1] = start("off", fn_hog, 0);
	for (i = 0; i < 4; i++) {
		set("off", "cpu.offline", "1");
		sleep_ms(50);
		measure(t, 2, window_ms / 4, share);
		CHECK(share[1] <= ppm, "offline, round %d: %ld ppm", i,
		      share[1]);
		set("off", "cpu.offline", "0");
		sleep_ms(200);
		measure(t, 2, window_ms / 4, share);
		CHECK(share[1] >= at_least(300000), "online, round %d: %ld ppm", i,
		      share[1]);
	}
}

/* --------------------------------------------------- offline by themselves */

static void offline_weights(void)
{
	struct task t[2];
	long share[2];

	t[0] = start("off/a", fn_hog, 0);
	t[1] = start("off/b", fn_hog, 0);
	set("off/a", "cpu.weight", "100");
	set("off/b", "cpu.weight", "300");
	set("off", "cpu.offline", "1");
	sleep_ms(500);
	measure(t, 2, window_ms, share);
	expect_about("share of weight 300 to 100", (double)share[1] / share[0],
		     3, tolerance);
	CHECK(share[0] + share[1] > at_least(970000), "together %ld ppm",
	      share[0] + share[1]);
	/* Changed while offline. */
	set("off/a", "cpu.weight", "200");
	set("off/b", "cpu.weight", "100");
	sleep_ms(500);
	measure(t, 2, window_ms, share);
	expect_about("share of weight 200 to 100", (double)share[0] / share[1],
		     2, tolerance);
	/* And siblings whose knob is their own, at the top of the second tree. */
	set("off/a", "cpu.offline", "1");
	set("off/b", "cpu.offline", "1");
	set("off", "cpu.offline", "0");
	sleep_ms(500);
	measure(t, 2, window_ms, share);
	expect_about("the same, knobs below", (double)share[0] / share[1], 2,
		     tolerance);
}

/* Set while online and never touched again: the mirror starts with it. */
static void weight_set_before(void)
{
	struct task t[3];
	long share[3];

	make("a");
	make("b");
	set("a", "cpu.weight", "50");
	set("b", "cpu.weight", "200");
	set("a", "cpu.offline", "1");
	set("b", "cpu.offline", "1");
	t[0] = start("a", fn_hog, 0);
	t[1] = start("b", fn_hog, 0);
	sleep_ms(500);
	measure(t, 2, window_ms, share);
	expect_about("share of weight 200 to 50", (double)share[1] / share[0], 4,
		     tolerance);
}

/* What online leaves is shared by the same weights. */
static void weights_beside_online(void)
{
	struct task t[3];
	long share[3];

	t[0] = start("off/a", fn_hog, 0);
	t[1] = start("off/b", fn_hog, 0);
	set("off/b", "cpu.weight", "300");
	set("off", "cpu.offline", "1");
	t[2] = start("on", fn_duty, 50);
	sleep_ms(500);
	measure(t, 3, window_ms * 2, share);
	expect_about("share of weight 300 to 100", (double)share[1] / share[0],
		     3, tolerance * 1.5);
	CHECK(share[0] + share[1] > at_least(450000), "offline got %ld ppm",
	      share[0] + share[1]);
}

static void nested_weights(void)
{
	struct task t[3];
	long share[3];

	t[0] = start("off/a/x", fn_hog, 0);
	t[1] = start("off/a/y", fn_hog, 0);
	t[2] = start("off/b", fn_hog, 0);
	set("off/a/y", "cpu.weight", "300");
	set("off", "cpu.offline", "1");
	sleep_ms(500);
	measure(t, 3, window_ms, share);
	expect_about("x", share[0] / 1e6, 0.125, tolerance);
	expect_about("y", share[1] / 1e6, 0.375, tolerance);
	expect_about("b", share[2] / 1e6, 0.5, tolerance);
}

static void nice_values(void)
{
	struct task t[2];
	long share[2];

	t[0] = start_nice("off", fn_hog, 0, 0);
	t[1] = start_nice("off", fn_hog, 0, 5);
	set("off", "cpu.offline", "1");
	sleep_ms(500);
	measure(t, 2, window_ms, share);
	expect_about("nice 0 to nice 5", (double)share[0] / share[1],
		     1024.0 / 335, tolerance);
}

static void idle_sibling(void)
{
	struct task t[2];
	long share[2];

	t[0] = start("off/a", fn_hog, 0);
	t[1] = start("off/b", fn_hog, 0);
	set("off", "cpu.offline", "1");
	set("off/b", "cpu.idle", "1");
	sleep_ms(500);
	measure(t, 2, window_ms, share);
	CHECK(share[1] <= 20000, "the cpu.idle sibling got %ld ppm", share[1]);
	set("off/b", "cpu.idle", "0");
	sleep_ms(500);
	measure(t, 2, window_ms, share);
	expect_about("after cpu.idle=0", (double)share[1] / share[0], 1,
		     tolerance);
}

/* ------------------------------------------------------------------ quota */

static void quota_of_group(void)
{
	struct task t[3];
	long share[3];

	t[0] = start("off", fn_hog, 0);
	t[1] = start("off", fn_hog, 0);
	set("off", "cpu.max", "20000 100000");
	set("off", "cpu.offline", "1");
	sleep_ms(300);
	measure(t, 2, window_ms, share);
	expect_about("20 % of a CPU", (share[0] + share[1]) / 1e6, 0.2, 5);
	/* Set while offline, and taken off. */
	set("off", "cpu.max", "40000 100000");
	sleep_ms(300);
	measure(t, 2, window_ms, share);
	expect_about("40 % of a CPU", (share[0] + share[1]) / 1e6, 0.4, 5);
	set("off", "cpu.max", "max 100000");
	sleep_ms(300);
	measure(t, 2, window_ms / 2, share);
	CHECK(share[0] + share[1] > at_least(950000), "without a quota %ld ppm",
	      share[0] + share[1]);
}

/* Online and offline children of one quota: one pool, online first. */
static void quota_of_parent(void)
{
	struct task t[2];
	long share[2], sum;

	make("p/on");
	make("p/off");
	set("p", "cpu.max", "30000 100000");
	set("p/off", "cpu.offline", "1");
	t[1] = start("p/off", fn_hog, 0);
	sleep_ms(300);
	/* Only offline is there: it has the pool. */
	measure(&t[1], 1, window_ms / 2, share);
	expect_about("offline alone under 30 %", share[0] / 1e6, 0.3, 5);
	/* Only 10 % of online: the pool is still 30 %. */
	t[0] = start("p/on", fn_duty, 10);
	sleep_ms(300);
	measure(t, 2, window_ms, share);
	sum = share[0] + share[1];
	CHECK(sum <= 315000, "together %ld ppm of 300000", sum);
	CHECK(sum >= at_least(270000), "together only %ld ppm of 300000", sum);
	CHECK(task_end(&t[0]), "cannot be killed");
	/* Online takes all: nothing is left, and it is not given twice. */
	t[0] = start("p/on", fn_hog, 0);
	sleep_ms(500);
	measure(t, 2, window_ms, share);
	sum = share[0] + share[1];
	CHECK(sum <= 315000, "together %ld ppm of 300000", sum);
	CHECK(sum >= at_least(270000), "together only %ld ppm of 300000", sum);
	/*
	 * As of any group, what is left when online is throttled lets offline
	 * run on until the next tick: at most one of 4 ms in 100 ms.
	 */
	CHECK(share[1] <= 45000,
	      "of one pool online got %ld, offline %ld ppm", share[0],
	      share[1]);
}

/* A quota above two offline groups, and one on each. */
static void quota_nested(void)
{
	struct task t[3];
	long share[3], sum;

	t[0] = start("off/a", fn_hog, 0);
	t[1] = start("off/b", fn_hog, 0);
	set("off", "cpu.max", "50000 100000");
	set("off/a", "cpu.max", "10000 100000");
	set("off", "cpu.offline", "1");
	sleep_ms(300);
	measure(t, 2, window_ms, share);
	sum = share[0] + share[1];
	expect_about("both", sum / 1e6, 0.5, 5);
	expect_about("a", share[0] / 1e6, 0.1, 5);
}

/* --------------------------------------------------------- affinity, cpuset */

static void affinity(void)
{
	struct task hog, t;

	t = start("off", fn_hog, 0);
	set("off", "cpu.offline", "1");
	hog = start("on", fn_hog, 0);
	expect_nothing("pinned to a busy CPU", &hog, &t, 1);
	/* Allowed elsewhere, it is there at once: work conserving. */
	REQUIRE(!set_affinity(t.pid, the_cpu() - 1), "affinity");
	CHECK(task_moves(&t, 1, 2000), "does not run on an idle CPU");
	REQUIRE(!set_affinity(t.pid, the_cpu()), "affinity");
	expect_nothing("pinned back", &hog, &t, 1);
	REQUIRE(!set_affinity(t.pid, -1), "affinity");
	CHECK(task_moves(&t, 1, 2000), "does not run where it may");
}

static void cpuset(void)
{
	struct task_opt o = { .cg = "off", .cpu = -1 };
	struct task hog, t;
	char cpu[16];

	make("off");
	set("off", "cpu.offline", "1");
	t = task_start(&o, fn_hog);
	hog = start("on", fn_hog, 0);
	CHECK(task_moves(&t, 1, 5000), "does not run anywhere");
	snprintf(cpu, sizeof(cpu), "%d", nth_cpu(the_cpu()));
	set("off", "cpuset.cpus", cpu);
	expect_nothing("cpuset shrunk to the busy CPU", &hog, &t, 1);
	snprintf(cpu, sizeof(cpu), "%d", nth_cpu(0));
	set("off", "cpuset.cpus", cpu);
	CHECK(task_moves(&t, 1, 2000), "cpuset moved: does not run");
	CHECK(WAIT_FOR(task_on_cpu(t.pid) == nth_cpu(0), 2000), "runs on %d",
	      task_on_cpu(t.pid));
	set("off", "cpuset.cpus", "");
	CHECK(task_moves(&t, 1, 2000), "cpuset lifted: does not run");
}

/* ----------------------------------------------------------------- figures */

/* The statistics say what happened. */
static void statistics(void)
{
	int64_t run, wait, steal, max, pre;
	struct task t[2];
	uint64_t cpu;

	t[0] = start("off", fn_hog, 0);
	set("off", "cpu.offline", "1");
	run = cg_stat("off", "run_usec");
	cpu = task_cpu_ns(t[0].pid);
	sleep_ms(1000);
	cpu = (task_cpu_ns(t[0].pid) - cpu) / 1000;
	run = cg_stat("off", "run_usec") - run;
	expect_about("run_usec against the task's own clock", run,
		     (double)cpu, 2);
	pre = cg_stat("off", "preemptions");
	wait = cg_stat("off", "wait_usec");
	steal = cg_stat("off", "steal_usec");
	t[1] = start("on", fn_hog, 0);
	sleep_ms(1000);
	CHECK(cg_stat("off", "preemptions") > pre, "no preemption counted");
	CHECK(task_end(&t[1]), "cannot be killed");
	CHECK(task_moves(&t[0], 1, 5000), "does not resume");
	wait = cg_stat("off", "wait_usec") - wait;
	steal = cg_stat("off", "steal_usec") - steal;
	max = cg_stat("off", "wait_max_usec");
	CHECK(wait >= 900000, "a wait of a second counts as %lld us",
	      (long long)wait);
	CHECK(steal >= 900000 && steal <= wait,
	      "%lld us of a wait of %lld us are stolen", (long long)steal,
	      (long long)wait);
	CHECK(max >= 900000, "the longest wait is %lld us", (long long)max);
	CHECK(cg_stat("off", "switches") == 1, "switches is %lld, one task went",
	      (long long)cg_stat("off", "switches"));
	CHECK(cg_stat("off", "tasks") == 1, "tasks");

	/* What they wait for each other nobody stole. */
	wait = cg_stat("off", "wait_usec");
	steal = cg_stat("off", "steal_usec");
	t[1] = start("off", fn_hog, 0);
	sleep_ms(1000);
	CHECK(task_end(&t[1]), "cannot be killed");
	wait = cg_stat("off", "wait_usec") - wait;
	steal = cg_stat("off", "steal_usec") - steal;
	CHECK(wait >= 800000, "two of them waited %lld us in a second",
	      (long long)wait);
	CHECK(!figures || steal <= wait / 10, "%lld us of %lld us among themselves are stolen",
	      (long long)steal, (long long)wait);
}

static const struct colo_case cases[] = {
	{ "control_arms", control_arms, 120, 0, 0 },
	{ "one_parent", one_parent, 60, 0, 0 },
	{ "nested_service", nested_service, 60, 0, 0 },
	{ "knob_on_pods", knob_on_pods, 60, 0, 0 },
	{ "service_at_top", service_at_top, 60, 0, 0 },
	{ "siblings", siblings, 60, 0, 0 },
	{ "weight_is_no_help", weight_is_no_help, 60, 0, 0 },
	{ "wakers_get_nothing", wakers_get_nothing, 60, 0, 0 },
	{ "resumes", resumes, 60, 0, 0 },
	{ "switched_under_load", switched_under_load, 60, 0, 0 },
	{ "offline_weights", offline_weights, 90, 0, 0 },
	{ "weight_set_before", weight_set_before, 60, 0, 0 },
	{ "weights_beside_online", weights_beside_online, 60, 0, 0 },
	{ "nested_weights", nested_weights, 60, 0, 0 },
	{ "nice_values", nice_values, 60, 0, 0 },
	{ "idle_sibling", idle_sibling, 60, 0, 0 },
	{ "quota_of_group", quota_of_group, 90, 0, 0 },
	{ "quota_of_parent", quota_of_parent, 90, 0, 0 },
	{ "quota_nested", quota_nested, 60, 0, 0 },
	{ "affinity", affinity, 60, 2, 0 },
	{ "cpuset", cpuset, 60, 2, 0 },
	{ "statistics", statistics, 60, 0, 0 },
};

static const struct colo_param params[] = {
	{ "ppm", &ppm },
	{ "figures", &figures },
	{ "window_ms", &window_ms },
	{ "tolerance", &tolerance },
};

int main(int argc, char **argv)
{
	return colo_main(argc, argv, cases, ARRAY_SIZE(cases), params,
			 ARRAY_SIZE(params));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where offline tasks run, by counting samples; never by time. A sample is the
 * set of CPUs on which the tasks of interest run or wait. Samples are taken 5 ms
 * apart; "bad" of them are allowed in ten thousand (a task on its way), and the
 * machine gets "settle_ms" first.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "colo_util.h"

#define MAX_TASKS	16
#define MAX_CPUS	256

static long bad_per_10000 = 200;
static long settle_ms = 1000;
static long samples = 400;

static void make(const char *cg, int offline)
{
	int ret = cg_make(cg);

	REQUIRE(!ret, "mkdir %s: %s", cg, strerror(-ret));
	ret = cg_set_offline(cg, offline);
	REQUIRE(!ret, "%s: cpu.offline: %s", cg, strerror(-ret));
}

static struct task start(const char *cg, int cpu, task_fn fn, long arg)
{
	struct task_opt o = { .cg = cg, .cpu = cpu, .arg = arg };

	return task_start(&o, fn);
}

/* How many of the tasks are ready or running on each CPU. */
static void count_cpus(const struct task *t, int n, int *on)
{
	int i, cpu;

	memset(on, 0, MAX_CPUS * sizeof(*on));
	for (i = 0; i < n; i++) {
		cpu = task_on_cpu(t[i].pid);
		if (cpu >= 0 && cpu < MAX_CPUS && task_letter(t[i].pid) == 'R')
			on[cpu]++;
	}
}

/*
 * Samples @online and @offline tasks and counts those in which @bad says so; a
 * sample is judged only if a second look right after says the same, because the
 * tasks of one sample are read one after another.
 */
static void expect_rare(const char *what, const struct task *online, int n_on,
			const struct task *offline, int n_off,
			bool (*bad)(const int *on, const int *off))
{
	int on[MAX_CPUS], off[MAX_CPUS], hits = 0, row = 0, longest = 0, i;

	sleep_ms(scaled(settle_ms));
	for (i = 0; i < samples; i++) {
		int look;

		for (look = 0; look < 2; look++) {
			count_cpus(online, n_on, on);
			count_cpus(offline, n_off, off);
			if (!bad(on, off))
				break;
		}
		if (look == 2) {
			hits++;
			row++;
			if (row > longest)
				longest = row;
		} else {
			row = 0;
		}
		sleep_ms(5);
	}
	diag("%s: %d of %ld samples, longest row %d", what, hits, samples,
	     longest);
	CHECK(hits * 10000L <= bad_per_10000 * samples,
	      "%s: in %d of %ld samples", what, hits, samples);
}

/* A CPU with nothing while another has more than one offline task. */
static bool idle_beside_waiting(const int *on, const int *off)
{
	bool idle = false, waiting = false;
	int i, cpu;

	for (i = 0; i < n_cpus(); i++) {
		cpu = nth_cpu(i);
		if (!on[cpu] && !off[cpu])
			idle = true;
		if (off[cpu] > 1 || (off[cpu] && on[cpu]))
			waiting = true;
	}
	return idle && waiting;
}

/* Two online tasks share a CPU while another has offline tasks only. */
static bool online_shares_beside_offline(const int *on, const int *off)
{
	bool shared = false, free_for_online = false;
	int i, cpu;

	for (i = 0; i < n_cpus(); i++) {
		cpu = nth_cpu(i);
		if (on[cpu] > 1)
			shared = true;
		if (!on[cpu])
			free_for_online = true;
	}
	(void)off;
	return shared && free_for_online;
}

/* As many offline hogs as CPUs, nothing else: one on each. */
static void spread_over_idle(void)
{
	struct task t[MAX_TASKS];
	int i, n = n_cpus();

	make("off", 1);
	/* Born on one CPU, then let go: nothing but placement spreads them. */
	for (i = 0; i < n; i++)
		t[i] = start("off", 0, fn_hog, 0);
	sleep_ms(50);
	for (i = 0; i < n; i++)
		REQUIRE(!set_affinity(t[i].pid, -1), "affinity");
	expect_rare("an idle CPU beside a waiting offline task", NULL, 0, t, n,
		    idle_beside_waiting);
	CHECK(cg_stat("off", "migrations") >= n - 1, "migrations is %lld",
	      (long long)cg_stat("off", "migrations"));
}

/* Fewer than CPUs, waking all the time: each finds a CPU of its own. */
static void wakers_find_idle(void)
{
	struct task t[MAX_TASKS];
	int i, n = n_cpus() - 1;

	make("off", 1);
	for (i = 0; i < n; i++)
		t[i] = start("off", -1, fn_duty, 60);
	expect_rare("offline wakers stacked beside an idle CPU", NULL, 0, t, n,
		    idle_beside_waiting);
}

/* A CPU that turns idle takes one of those that wait elsewhere. */
static void idle_pull(void)
{
	struct task t[2];
	int i, round;

	make("off", 1);
	make("on", 0);
	for (round = 0; round < 10; round++) {
		/* Two offline on CPU 0, all others busy with online. */
		struct task busy[MAX_TASKS];

		for (i = 1; i < n_cpus(); i++)
			busy[i] = start("on", i, fn_hog, 0);
		for (i = 0; i < 2; i++)
			t[i] = start("off", -1, fn_hog, 0);
		CHECK(task_moves(&t[0], 1, 5000), "offline does not run");
		sleep_ms(50);
		CHECK(task_end(&busy[1]), "cannot be killed");
		/* Now CPU 1 is idle and one of the two has to be there. */
		CHECK(WAIT_FOR(task_on_cpu(t[0].pid) != task_on_cpu(t[1].pid),
			       500),
		      "round %d: both stay on CPU %d", round,
		      task_on_cpu(t[0].pid));
		for (i = 0; i < 2; i++)
			CHECK(task_moves(&t[i], 1, 2000),
			      "round %d: offline %d does not run", round, i);
		for (i = 0; i < 2; i++)
			CHECK(task_end(&t[i]), "cannot be killed");
		for (i = 2; i < n_cpus(); i++)
			CHECK(task_end(&busy[i]), "cannot be killed");
	}
}

/* An online task comes to its CPU: the offline one leaves for an idle CPU. */
static void push_when_preempted(void)
{
	struct task off, on;
	int64_t moved;
	int round;

	make("off", 1);
	make("on", 0);
	off = start("off", -1, fn_hog, 0);
	CHECK(task_moves(&off, 1, 5000), "does not run");
	moved = cg_stat("off", "migrations");
	for (round = 0; round < 20; round++) {
		int i, cpu = task_on_cpu(off.pid);

		for (i = 0; i < n_cpus(); i++)
			if (nth_cpu(i) == cpu)
				break;
		on = start("on", i, fn_hog, 0);
		CHECK(task_moves(&on, 1, 2000), "online does not run");
		CHECK(WAIT_FOR(task_on_cpu(off.pid) != cpu, 500),
		      "round %d: offline waits on CPU %d beside idle ones",
		      round, cpu);
		CHECK(task_moves(&off, 1, 2000), "round %d: it stands", round);
		CHECK(task_end(&on), "cannot be killed");
	}
	moved = cg_stat("off", "migrations") - moved;
	CHECK(moved >= 20, "migrations rose by %lld in 20 rounds",
	      (long long)moved);
}

/* Online wakes as if offline were not there. */
static void online_ignores_offline(void)
{
	struct task on[MAX_TASKS] = { 0 }, off[MAX_TASKS] = { 0 };
	int i, n = n_cpus();

	make("off", 1);
	make("on", 0);
	for (i = 0; i < 2 * n; i++)
		off[i] = start("off", -1, fn_hog, 0);
	sleep_ms(200);
	for (i = 0; i < n - 1; i++)
		on[i] = start("on", -1, fn_hog, 0);
	expect_rare("two online hogs on one CPU beside an offline-only one", on,
		    n - 1, off, 2 * n, online_shares_beside_offline);
	for (i = 0; i < n - 1; i++)
		CHECK(task_end(&on[i]), "cannot be killed");
	for (i = 0; i < n - 1; i++)
		on[i] = start("on", -1, fn_duty, 50);
	expect_rare("two online wakers on one CPU beside an offline-only one",
		    on, n - 1, off, 2 * n, online_shares_beside_offline);
}

/* Online hogs on two CPUs: many offline ones share the rest, and use it all. */
static void uses_what_is_left(void)
{
	struct task on[2], off[8];
	uint64_t cpu = 0, from;
	double share;
	int i;

	make("off", 1);
	make("on", 0);
	for (i = 0; i < 8; i++)
		off[i] = start("off", -1, fn_hog, 0);
	for (i = 0; i < 2; i++)
		on[i] = start("on", i, fn_hog, 0);
	expect_rare("an idle CPU beside waiting offline tasks", on, 2, off, 8,
		    idle_beside_waiting);
	from = now_ns();
	for (i = 0; i < 8; i++)
		cpu -= task_cpu_ns(off[i].pid);
	sleep_ms(2000);
	for (i = 0; i < 8; i++)
		cpu += task_cpu_ns(off[i].pid);
	share = (double)cpu / (now_ns() - from) / (n_cpus() - 2);
	CHECK(share >= 0.95, "offline uses %.3f of what is left", share);
}

/* Among busy CPUs the slow pass keeps it fair: nobody stays behind for ever. */
static void fair_between_cpus(void)
{
	struct task off[MAX_TASKS];
	uint64_t cpu[MAX_TASKS], least = UINT64_MAX, most = 0;
	int i, n = n_cpus() + 2;

	make("off", 1);
	for (i = 0; i < n; i++)
		off[i] = start("off", i < n_cpus() ? 0 : -1, fn_hog, 0);
	for (i = 0; i < n; i++)
		REQUIRE(!set_affinity(off[i].pid, -1), "affinity");
	sleep_ms(scaled(settle_ms));
	for (i = 0; i < n; i++)
		cpu[i] = task_cpu_ns(off[i].pid);
	sleep_ms(scaled(5000));
	for (i = 0; i < n; i++) {
		cpu[i] = task_cpu_ns(off[i].pid) - cpu[i];
		if (cpu[i] < least)
			least = cpu[i];
		if (cpu[i] > most)
			most = cpu[i];
	}
	diag("of %d hogs on %d CPUs the least got %llu ms, the most %llu", n,
	     n_cpus(), (unsigned long long)(least / NSEC_PER_MSEC),
	     (unsigned long long)(most / NSEC_PER_MSEC));
	CHECK(least >= scaled(5000) * NSEC_PER_MSEC / 20, "one got %llu ms",
	      (unsigned long long)(least / NSEC_PER_MSEC));
}

/* A rebuild of the scheduling domains: idle CPUs are found all the same. */
static void domains_rebuilt(void)
{
	struct task t[MAX_TASKS];
	int i, j, round, n = n_cpus();

	make("off", 1);
	REQUIRE(!cg_make("part"), "mkdir");
	for (i = 0; i < n; i++)
		t[i] = start("off", 0, fn_hog, 0);
	sleep_ms(200);
	for (round = 0; round < 5; round++) {
		/* Takes one CPU out of the others' domain, and puts it back. */
		REQUIRE(!cg_write("part", "cpuset.cpus", "%d", nth_cpu(n - 1)),
			"cpus");
		REQUIRE(!cg_write("part", "cpuset.cpus.partition", "root"),
			"partition");
		REQUIRE(!cg_write("part", "cpuset.cpus.partition", "member"),
			"partition");
		for (i = 0; i < n; i++)
			REQUIRE(!set_affinity(t[i].pid, -1), "affinity");
		for (i = 0; i < n; i++)
			for (j = 0; j < i; j++)
				CHECK(WAIT_FOR(task_on_cpu(t[i].pid) !=
					       task_on_cpu(t[j].pid), 1000),
				      "round %d: %d and %d stay on CPU %d",
				      round, i, j, task_on_cpu(t[i].pid));
		for (i = 0; i < n; i++)
			REQUIRE(!set_affinity(t[i].pid, 0), "affinity");
		sleep_ms(100);
	}
}

/* Wakers whose affinity changes all the time: nobody is lost. */
static void affinity_of_wakers(void)
{
	struct task t[MAX_TASKS / 2];
	int i, n = ARRAY_SIZE(t), round;

	make("off", 1);
	for (i = 0; i < n; i++)
		t[i] = start("off", -1, fn_sleeper, 300);
	for (round = 0; round < 10; round++) {
		for (i = 0; i < n; i++)
			REQUIRE(!set_affinity(t[i].pid, (i + round) % n_cpus()),
				"affinity");
		sleep_ms(50);
		for (i = 0; i < n; i++)
			REQUIRE(!set_affinity(t[i].pid, -1), "affinity");
		sleep_ms(50);
	}
	for (i = 0; i < n; i++)
		CHECK(task_moves(&t[i], 10, 5000), "%d stands", i);
}

static const struct colo_case cases[] = {
	{ "spread_over_idle", spread_over_idle, 60, 2, MAX_TASKS },
	{ "wakers_find_idle", wakers_find_idle, 60, 3, MAX_TASKS },
	{ "idle_pull", idle_pull, 90, 2, MAX_TASKS },
	{ "push_when_preempted", push_when_preempted, 90, 2, MAX_TASKS },
	{ "online_ignores_offline", online_ignores_offline, 90, 2,
	  MAX_TASKS / 2 },
	{ "uses_what_is_left", uses_what_is_left, 90, 3, MAX_TASKS },
	{ "domains_rebuilt", domains_rebuilt, 120, 3, MAX_TASKS },
	{ "affinity_of_wakers", affinity_of_wakers, 60, 2, 0 },
	{ "fair_between_cpus", fair_between_cpus, 90, 2, MAX_TASKS - 2 },
};

static const struct colo_param params[] = {
	{ "bad_per_10000", &bad_per_10000 },
	{ "settle_ms", &settle_ms },
	{ "samples", &samples },
};

int main(int argc, char **argv)
{
	return colo_main(argc, argv, cases, ARRAY_SIZE(cases), params,
			 ARRAY_SIZE(params));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs go and come back while offline tasks run, wait, sleep or are throttled on
 * them; the second tree of a CPU must be empty when it is down, and nothing may be
 * forgotten there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "colo_util.h"

static long rounds = 10;

/* The n-th usable CPU up or down. */
static void cpu_set_up(int n, int up)
{
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online",
		 nth_cpu(n));
	ret = write_file(path, up ? "1" : "0");
	REQUIRE(!ret, "%s=%d: %s", path, up, strerror(-ret));
}

/* Groups of a case; a case before that failed may have left a CPU down. */
static void make(const char *cg, int offline)
{
	int i, ret;

	for (i = 1; i < n_cpus(); i++)
		cpu_set_up(i, 1);
	ret = cg_make(cg);
	REQUIRE(!ret, "mkdir %s: %s", cg, strerror(-ret));
	ret = cg_set_offline(cg, offline);
	REQUIRE(!ret, "%s: cpu.offline: %s", cg, strerror(-ret));
}

static struct task start(const char *cg, int cpu, task_fn fn, long arg)
{
	struct task_opt o = { .cg = cg, .cpu = cpu, .arg = arg };

	return task_start(&o, fn);
}

static void expect_well(struct task *t, const char *when)
{
	CHECK(task_moves(t, 3, 10000), "%s: it stands (state %c, CPU %d)", when,
	      task_letter(t->pid), task_on_cpu(t->pid));
	CHECK(task_colo(t->pid) == COLO_OFFLINE, "%s: it is %s", when,
	      colo_state_name(task_colo(t->pid)));
}

static void end(struct task *t, int n)
{
	int i;

	for (i = 0; i < n; i++)
		CHECK(task_end(&t[i]), "%d cannot be killed", i);
	CHECK(WAIT_FOR(cg_stat("off", "tasks") == 0, 5000), "tasks is %lld",
	      (long long)cg_stat("off", "tasks"));
}

/* Its CPU goes with it on it; it is the only task there. */
static void alone(void)
{
	struct task t;
	int i, last = n_cpus() - 1;

	make("off", 1);
	for (i = 0; i < rounds; i++) {
		t = start("off", last, fn_hog, 0);
		CHECK(task_moves(&t, 1, 5000), "does not run");
		cpu_set_up(last, 0);
		expect_well(&t, "its CPU went");
		CHECK(task_on_cpu(t.pid) != nth_cpu(last), "runs on a dead CPU");
		cpu_set_up(last, 1);
		expect_well(&t, "its CPU came back");
		end(&t, 1);
	}
}

/* Several wait behind an online hog, one sleeps, on the CPU that goes. */
static void queued_and_sleeping(void)
{
	struct task t[5], hog;
	int i, j, last = n_cpus() - 1;

	make("off", 1);
	make("on", 0);
	for (i = 0; i < rounds; i++) {
		hog = start("on", last, fn_hog, 0);
		for (j = 0; j < 4; j++)
			t[j] = start("off", last, fn_hog, 0);
		t[4] = start("off", last, fn_sleeper, 300);
		sleep_ms(20);
		cpu_set_up(last, 0);
		for (j = 0; j < 5; j++)
			expect_well(&t[j], "its CPU went");
		CHECK(task_moves(&hog, 1, 10000), "online stands");
		cpu_set_up(last, 1);
		for (j = 0; j < 5; j++)
			expect_well(&t[j], "its CPU came back");
		CHECK(task_end(&hog), "cannot be killed");
		end(t, 5);
	}
}

/* Out of quota when its CPU goes; the quota's books must still close. */
static void throttled(void)
{
	struct task t[2];
	int i, j, last = n_cpus() - 1;

	make("off", 1);
	for (i = 0; i < rounds; i++) {
		int64_t before = cg_key("off", "cpu.stat", "nr_throttled");

		for (j = 0; j < 2; j++)
			t[j] = start("off", last, fn_hog, 0);
		REQUIRE(!cg_write("off", "cpu.max", "1000 200000"), "cpu.max");
		CHECK(WAIT_FOR(cg_key("off", "cpu.stat", "nr_throttled") > before,
			       10000), "is not throttled");
		cpu_set_up(last, 0);
		/* With a quota it still gets on, by refills. */
		CHECK(task_moves(&t[0], 1, 20000), "throttled for ever");
		if (i & 1)
			cpu_set_up(last, 1);
		REQUIRE(!cg_write("off", "cpu.max", "max 100000"), "cpu.max");
		for (j = 0; j < 2; j++)
			expect_well(&t[j], "no quota");
		if (!(i & 1))
			cpu_set_up(last, 1);
		for (j = 0; j < 2; j++)
			expect_well(&t[j], "all CPUs back");
		end(t, 2);
	}
}

/* All but the first go, one by one, under a mixed load, and come back. */
static void all_but_one(void)
{
	enum { N = 8 };
	struct task t[N], on;
	int i, j, cpu;

	make("off/deep", 0);
	make("off", 1);
	make("on", 0);
	for (j = 0; j < N; j++)
		t[j] = start("off/deep", -1, j & 1 ? fn_hog : fn_sleeper, 200);
	on = start("on", -1, fn_duty, 30);
	for (i = 0; i < rounds / 2 + 1; i++) {
		for (cpu = n_cpus() - 1; cpu > 0; cpu--)
			cpu_set_up(cpu, 0);
		for (j = 0; j < N; j++)
			expect_well(&t[j], "on the last CPU");
		/* The knob works there as well. */
		REQUIRE(!cg_set_offline("off", 0), "online");
		CHECK(task_moves(&t[1], 1, 10000), "stands when online");
		REQUIRE(!cg_set_offline("off", 1), "offline");
		for (cpu = 1; cpu < n_cpus(); cpu++)
			cpu_set_up(cpu, 1);
		for (j = 0; j < N; j++)
			expect_well(&t[j], "with all CPUs back");
	}
	CHECK(task_moves(&on, 1, 5000) && task_end(&on), "online");
	end(t, N);
}

/* The knob moves and tasks come and go while CPUs do. */
static void during_switches(void)
{
	struct task t[6];
	int i, j, cpu;

	make("off", 1);
	for (j = 0; j < 6; j++)
		t[j] = start("off", -1, j & 1 ? fn_forks : fn_hog, 0);
	for (i = 0; i < rounds; i++) {
		cpu = 1 + i % (n_cpus() - 1);
		cpu_set_up(cpu, 0);
		for (j = 0; j < 10; j++) {
			REQUIRE(!cg_set_offline("off", j & 1), "cpu.offline");
			sleep_ms(1);
		}
		cpu_set_up(cpu, 1);
	}
	REQUIRE(!cg_set_offline("off", 1), "cpu.offline");
	for (j = 0; j < 6; j++)
		expect_well(&t[j], "after it");
	end(t, 6);
}

/* Its whole cpuset goes: it is taken where its ancestors may run. */
static void cpuset_gone(void)
{
	struct task t;
	char cpu[16];
	int last = n_cpus() - 1;

	make("off", 1);
	t = start("off", -1, fn_hog, 0);
	snprintf(cpu, sizeof(cpu), "%d", nth_cpu(last));
	REQUIRE(!cg_write("off", "cpuset.cpus", "%s", cpu), "cpuset.cpus");
	CHECK(WAIT_FOR(task_on_cpu(t.pid) == nth_cpu(last), 5000), "not there");
	cpu_set_up(last, 0);
	expect_well(&t, "its cpuset is gone");
	cpu_set_up(last, 1);
	expect_well(&t, "its cpuset is back");
	CHECK(WAIT_FOR(task_on_cpu(t.pid) == nth_cpu(last), 5000),
	      "it does not return to CPU %d", nth_cpu(last));
	end(&t, 1);
}

static struct colo_case cases[] = {
	{ "alone", alone, 0, 2, 0 },
	{ "queued_and_sleeping", queued_and_sleeping, 0, 2, 0 },
	{ "throttled", throttled, 0, 2, 0 },
	{ "all_but_one", all_but_one, 0, 2, 0 },
	{ "during_switches", during_switches, 0, 2, 0 },
	{ "cpuset_gone", cpuset_gone, 60, 2, 0 },
};

static const struct colo_param params[] = {
	{ "rounds", &rounds },
};

int main(int argc, char **argv)
{
	long n = rounds;
	size_t i;

	/* The limits depend on an argument. */
	for (i = 1; i < (size_t)argc; i++)
		if (!strncmp(argv[i], "rounds=", 7))
			n = atoi(argv[i] + 7);
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		if (!cases[i].timeout_s)
			cases[i].timeout_s = 120 + 10 * n;
	return colo_main(argc, argv, cases, ARRAY_SIZE(cases), params,
			 ARRAY_SIZE(params));
}

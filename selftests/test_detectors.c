// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own detectors (RCU stall, soft lockup, hung task) stay silent while
 * every CPU is full of online work and offline work of the kernel-heavy kind waits
 * beside it. Their limits are lowered for the time, as far as they can be, so that
 * a stall in this test is long enough for them; "slack" multiplies them on a
 * kernel that is slow for other reasons.
 *
 * test_detectors [seconds=120] [slack=1]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "colo_util.h"

static long seconds = 120;
static long slack = 1;

/* A limit of a detector, put back at the end. */
static struct limit {
	const char	*path;
	long		val;
	bool		needed;	/* the perf and debug kernels have it */
	char		old[32];
} limits[] = {
	{ "/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout", 21, true, "" },
	/* Soft lockup: twice this. */
	{ "/proc/sys/kernel/watchdog_thresh", 10, false, "" },
	{ "/proc/sys/kernel/hung_task_timeout_secs", 30, false, "" },
	{ "/proc/sys/kernel/hung_task_check_interval_secs", 5, false, "" },
	{ "/proc/sys/kernel/hung_task_warnings", 100, false, "" },
};

static void lower_limits(void)
{
	char buf[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		struct limit *l = &limits[i];
		long val = i < 3 ? l->val * slack : l->val;

		if (read_file(l->path, l->old, sizeof(l->old)) < 0) {
			l->old[0] = '\0';
			CHECK(!l->needed, "no %s", l->path);
			diag("no %s on this kernel", l->path);
			continue;
		}
		snprintf(buf, sizeof(buf), "%ld", val);
		CHECK(!write_file(l->path, buf), "%s=%s", l->path, buf);
	}
}

static void restore_limits(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++)
		if (limits[i].old[0])
			CHECK(!write_file(limits[i].path, limits[i].old),
			      "putting back %s", limits[i].path);
}

static const char * const complaints[] = {
	"detected stall", "self-detected stall", "rcu: INFO",
	"soft lockup", "hard LOCKUP", "blocked for more than",
	"workqueue lockup", "starved for", "WARNING:", "BUG:",
	"sched: RT throttling",
};

/* Reads what the log got since; each line that complains is a failure. */
static void read_log(int fd)
{
	char rec[8192];
	size_t i;
	ssize_t n;

	for (;;) {
		n = read(fd, rec, sizeof(rec) - 1);
		if (n < 0 && errno == EPIPE) {
			/* Overwritten: then something wrote a lot. */
			CHECK(0, "the kernel log overflowed");
			continue;
		}
		if (n <= 0)
			break;
		rec[n] = '\0';
		for (i = 0; i < ARRAY_SIZE(complaints); i++)
			if (strstr(rec, complaints[i]))
				CHECK(0, "log: %s", strchr(rec, ';') ?: rec);
	}
}

static const struct {
	task_fn	fn;
	long	arg;
} bodies[] = {
	{ fn_kernel, 65536 }, { fn_kernel, 4096 }, { fn_forks, 0 },
	{ fn_forks, 0 }, { fn_pipes, 0 }, { fn_pipes, 0 }, { fn_maps, 64 },
	{ fn_maps, 512 }, { fn_files, 0 }, { fn_files, 0 }, { fn_locks, 0 },
	{ fn_signals, 0 }, { fn_sleeper, 50 }, { fn_hog, 0 },
};

enum { N_BODIES = ARRAY_SIZE(bodies), MAX_CPUS = 64 };

static void full_online_load(void)
{
	struct task off[N_BODIES], on[MAX_CPUS];
	uint64_t done[MAX_CPUS], from;
	int fd, i, n = n_cpus() < MAX_CPUS ? n_cpus() : MAX_CPUS;
	long left;

	fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	REQUIRE(fd >= 0, "/dev/kmsg: %s", strerror(errno));
	lseek(fd, 0, SEEK_END);
	lower_limits();
	REQUIRE(!cg_make("off") && !cg_make("on"), "mkdir");
	REQUIRE(!cg_set_offline("off", 1), "cpu.offline");

	for (i = 0; i < N_BODIES; i++) {
		struct task_opt o = { .cg = "off", .cpu = -1,
				      .arg = bodies[i].arg };

		off[i] = task_start(&o, bodies[i].fn);
	}
	for (i = 0; i < N_BODIES; i++)
		CHECK(task_moves(&off[i], 1, 20000), "%d does not run alone", i);
	for (i = 0; i < n; i++) {
		struct task_opt o = { .cg = "on", .cpu = i };

		on[i] = task_start(&o, fn_hog);
		CHECK(task_moves(&on[i], 1, 5000), "online %d", i);
	}

	from = now_ns();
	for (i = 0; i < n; i++)
		done[i] = task_cpu_ns(on[i].pid);
	for (left = seconds; left > 0; left -= 5) {
		sleep_ms(left < 5 ? left * 1000 : 5000);
		read_log(fd);
	}
	from = now_ns() - from;
	for (i = 0; i < n; i++) {
		double share = (double)(task_cpu_ns(on[i].pid) - done[i]) / from;

		diag("online %d had %.4f of its CPU", i, share);
		/* The rest is the net's 2 %, the system, and this test. */
		CHECK(share >= 0.9, "online %d had only %.4f of its CPU", i,
		      share);
	}
	diag("lifted by the net %lld times",
	     (long long)cg_stat("off", "lift_net"));

	/* Starved all that time, and gone when told to. */
	for (i = 0; i < N_BODIES; i++)
		CHECK(task_end(&off[i]), "offline %d cannot be killed", i);
	CHECK(!cg_write("off", "cgroup.kill", "1"), "cgroup.kill");
	CHECK(WAIT_FOR(cg_stat("off", "tasks") == 0, 20000), "tasks is %lld",
	      (long long)cg_stat("off", "tasks"));
	CHECK(cg_stat("off", "lifted") == 0, "lifted is %lld",
	      (long long)cg_stat("off", "lifted"));
	for (i = 0; i < n; i++)
		CHECK(task_end(&on[i]), "online %d cannot be killed", i);
	restore_limits();
	read_log(fd);
	close(fd);
}

static struct colo_case cases[] = {
	{ "full_online_load", full_online_load, 0, 0, 0 },
};

static const struct colo_param params[] = {
	{ "seconds", &seconds },
	{ "slack", &slack },
};

int main(int argc, char **argv)
{
	int i;

	cases[0].timeout_s = seconds;
	for (i = 1; i < argc; i++)
		if (!strncmp(argv[i], "seconds=", 8))
			cases[0].timeout_s = atoi(argv[i] + 8);
	cases[0].timeout_s += 180;
	return colo_main(argc, argv, cases, ARRAY_SIZE(cases), params,
			 ARRAY_SIZE(params));
}

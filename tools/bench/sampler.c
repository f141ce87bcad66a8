// SPDX-License-Identifier: GPL-2.0-only
/*
 * sampler: where tasks stand on a machine of several CPUs. Counts only.
 *
 * A sample is the state and the CPU of every given task, read until two
 * passes agree. The busy tasks never wait for anything but a CPU, so a CPU on
 * which none of them is runnable is idle, and of those that share a CPU all
 * but one wait.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_CPUS	64
#define MAX_PASSES	8

struct task {
	pid_t pid;
	int fd;
	bool online;
	int cpu;		/* -1: not runnable */
};

static struct task *tasks;
static size_t nr_tasks;

static void add_group(const char *dir, bool online)
{
	char path[64];
	pid_t *pids;
	int n, i;

	n = cgroup_pids(dir, &pids);
	if (n < 0)
		die(-n, "%s", dir);
	tasks = realloc(tasks, (nr_tasks + n + 1) * sizeof(*tasks));
	if (!tasks)
		die(ENOMEM, "tasks");
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/proc/%d/stat", pids[i]);
		tasks[nr_tasks] = (struct task){
			.pid = pids[i],
			.fd = open(path, O_RDONLY | O_CLOEXEC),
			.online = online,
		};
		if (tasks[nr_tasks].fd < 0)
			die(errno, "%s", path);
		nr_tasks++;
	}
	free(pids);
}

/* The CPU of a runnable task, -1 of any other. */
static int task_cpu(const struct task *t)
{
	char buf[1024], *p;
	ssize_t n;
	int field;

	n = pread(t->fd, buf, sizeof(buf) - 1, 0);
	if (n <= 0)
		die(n < 0 ? errno : ESRCH, "/proc/%d/stat", t->pid);
	buf[n] = '\0';
	p = strrchr(buf, ')');		/* field 2 may hold blanks */
	if (!p || strlen(p) < 3)
		die(EPROTO, "/proc/%d/stat", t->pid);
	p += 2;				/* field 3, the state */
	if (*p != 'R')
		return -1;
	for (field = 3; field < 39 && p; field++) {
		p = strchr(p, ' ');
		p += !!p;
	}
	if (!p)
		die(EPROTO, "/proc/%d/stat", t->pid);
	return atoi(p);
}

/* Returns false when the tasks never stood still for two passes. */
static bool sample(void)
{
	bool same;
	size_t i;
	int pass, cpu;

	for (pass = 0; pass < MAX_PASSES; pass++) {
		same = pass > 0;
		for (i = 0; i < nr_tasks; i++) {
			cpu = task_cpu(&tasks[i]);
			same &= cpu == tasks[i].cpu;
			tasks[i].cpu = cpu;
		}
		if (same)
			return true;
	}
	return false;
}

static void usage(FILE *out)
{
	fputs("Usage: sampler [OPTION]... {--online|--offline} DIRECTORY...\n"
	      "Sample where the tasks of cgroups stand.\n\n"
	      "  --online DIR      a cgroup of online tasks\n"
	      "  --offline DIR     a cgroup of offline tasks\n"
	      "  --settle-ms N     wait before the first sample (2000)\n"
	      "  --samples N       number of samples (1000)\n"
	      "  --period-ms N     time between two samples (10)\n", out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "online",	required_argument, NULL, 'i' },
		{ "offline",	required_argument, NULL, 'o' },
		{ "settle-ms",	required_argument, NULL, 's' },
		{ "samples",	required_argument, NULL, 'n' },
		{ "period-ms",	required_argument, NULL, 'p' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ }
	};
	struct sched_param fifo = { .sched_priority = 60 };
	uint64_t samples = 1000, period_ms = 10, settle_ms = 2000;
	uint64_t due, i, unstable = 0, stacked = 0, idle = 0, taken = 0;
	uint64_t idle_run = 0, idle_longest = 0;
	uint64_t stacked_run = 0, stacked_longest = 0;
	uint64_t nr_online = 0, rng = 1;
	int cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int c;
	size_t t;

	progname = "sampler";
	if (cpus < 1 || cpus > MAX_CPUS)
		die(0, "%d CPUs", cpus);
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'i':
			add_group(optarg, true);
			break;
		case 'o':
			add_group(optarg, false);
			break;
		case 's':
			settle_ms = parse_u64("--settle-ms", optarg, 0, 3600000);
			break;
		case 'n':
			samples = parse_u64("--samples", optarg, 1, 10000000);
			break;
		case 'p':
			period_ms = parse_u64("--period-ms", optarg, 1, 60000);
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind != argc || !nr_tasks) {
		usage(stderr);
		return 2;
	}
	for (t = 0; t < nr_tasks; t++)
		nr_online += tasks[t].online;
	if (sched_setscheduler(0, SCHED_FIFO, &fifo))
		die(errno, "SCHED_FIFO");

	due = now_ns() + settle_ms * NSEC_PER_MSEC;
	for (i = 0; i < samples; i++) {
		unsigned int on[MAX_CPUS] = {}, off[MAX_CPUS] = {};
		bool two_online = false, offline_only = false;
		bool is_idle = false, waits = false;

		/* Off the tick's grid, or a sample would always see one phase. */
		due += period_ms * NSEC_PER_MSEC +
		       rng_next(&rng) % (NSEC_PER_MSEC * period_ms / 2 + 1);
		sleep_until(due);
		if (!sample()) {
			unstable++;
			idle_run = stacked_run = 0;
			continue;
		}
		taken++;
		for (t = 0; t < nr_tasks; t++) {
			if (tasks[t].cpu < 0 || tasks[t].cpu >= cpus)
				continue;
			if (tasks[t].online)
				on[tasks[t].cpu]++;
			else
				off[tasks[t].cpu]++;
		}
		for (c = 0; c < cpus; c++) {
			two_online |= on[c] > 1;
			offline_only |= off[c] && !on[c];
			is_idle |= !on[c] && !off[c];
			waits |= off[c] && on[c] + off[c] > 1;
		}
		if (two_online && offline_only) {
			stacked++;
			stacked_run++;
		} else {
			stacked_run = 0;
		}
		if (is_idle && waits) {
			idle++;
			idle_run++;
		} else {
			idle_run = 0;
		}
		if (idle_run > idle_longest)
			idle_longest = idle_run;
		if (stacked_run > stacked_longest)
			stacked_longest = stacked_run;
	}
	printf("{\"probe\":\"sampler\",\"cpus\":%d,\"online\":%" PRIu64
	       ",\"offline\":%" PRIu64 ",\"samples\":%" PRIu64
	       ",\"unstable\":%" PRIu64 ",\"stacked\":%" PRIu64
	       ",\"stacked_longest\":%" PRIu64 ",\"idle\":%" PRIu64
	       ",\"idle_longest\":%" PRIu64 "}\n",
	       cpus, nr_online, nr_tasks - nr_online, taken, unstable, stacked,
	       stacked_longest, idle, idle_longest);
	return 0;
}

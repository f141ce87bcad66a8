// SPDX-License-Identifier: GPL-2.0-only
/*
 * exectime: CPU time that the tasks of some cgroups got within a window, by
 * each task's sum_exec_runtime. The tasks must live through the window.
 */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>

static void usage(FILE *out)
{
	fputs("Usage: exectime [OPTION]... CGROUP-DIRECTORY...\n"
	      "Sum the CPU time of the tasks of cgroups over a window.\n\n"
	      "  --settle-ms N    wait before the window (1000)\n"
	      "  --window-ms N    length of the window (5000)\n"
	      "  --fifo           measure at SCHED_FIFO priority 50\n", out);
}

static int64_t sum_runtime(const pid_t *pids, size_t n)
{
	int64_t sum = 0, one;
	size_t i;

	for (i = 0; i < n; i++) {
		one = exec_runtime_ns(pids[i]);
		if (one < 0)
			die(-one, "CPU time of %d", pids[i]);
		sum += one;
	}
	return sum;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "settle-ms",	required_argument, NULL, 's' },
		{ "window-ms",	required_argument, NULL, 'w' },
		{ "fifo",	no_argument,	   NULL, 'f' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ }
	};
	struct sched_param fifo = { .sched_priority = 50 };
	uint64_t settle_ms = 1000, window_ms = 5000, from, to;
	pid_t *all = NULL, *some;
	int64_t before, after;
	size_t total = 0;
	int c, n, i;

	progname = "exectime";
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 's':
			settle_ms = parse_u64("--settle-ms", optarg, 0, 3600000);
			break;
		case 'w':
			window_ms = parse_u64("--window-ms", optarg, 1, 3600000);
			break;
		case 'f':
			if (sched_setscheduler(0, SCHED_FIFO, &fifo))
				die(errno, "SCHED_FIFO");
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind == argc) {
		usage(stderr);
		return 2;
	}
	for (; optind < argc; optind++) {
		n = cgroup_pids(argv[optind], &some);
		if (n < 0)
			die(-n, "%s", argv[optind]);
		all = realloc(all, (total + n + 1) * sizeof(*all));
		if (!all)
			die(ENOMEM, "pids");
		for (i = 0; i < n; i++)
			all[total++] = some[i];
		free(some);
	}
	if (!total)
		die(0, "no task in these groups");

	sleep_ns(settle_ms * NSEC_PER_MSEC);
	/* The clock is read inside: the sums cover at least [from, to]. */
	before = sum_runtime(all, total);
	from = now_ns();
	sleep_until(from + window_ms * NSEC_PER_MSEC);
	to = now_ns();
	after = sum_runtime(all, total);
	printf("{\"probe\":\"exectime\",\"tasks\":%zu,\"window_ns\":%" PRIu64
	       ",\"run_ns\":%" PRId64 "}\n", total, to - from, after - before);
	return 0;
}

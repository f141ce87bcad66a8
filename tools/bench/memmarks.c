// SPDX-License-Identifier: GPL-2.0-only
/*
 * memmarks: samples how much memory a cgroup uses against its watermarks.
 *
 * One sample in each period, at a random moment of it: a load that repeats
 * would otherwise be seen in one phase only. Ends with SIGTERM, and reports.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	stop = 1;
}

static uint64_t read_number(int fd, const char *name)
{
	char buf[32];
	ssize_t n;

	n = pread(fd, buf, sizeof(buf) - 1, 0);
	if (n <= 0)
		die(n < 0 ? errno : EIO, "%s", name);
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return parse_u64(name, buf, 0, UINT64_MAX);
}

static int open_in(const char *dir, const char *name)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(errno, "%s", path);
	return fd;
}

static void usage(FILE *out)
{
	fputs("Usage: memmarks [OPTION]... DIRECTORY\n"
	      "Sample the usage of a cgroup against its watermarks until "
	      "SIGTERM.\n\n"
	      "  --period-ms N     one sample in each period (10)\n"
	      "  --seed N          of the moments (0)\n", out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "period-ms",	required_argument, NULL, 'p' },
		{ "seed",	required_argument, NULL, 's' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ }
	};
	struct sigaction sa = { .sa_handler = on_term };
	struct sched_param fifo = { .sched_priority = 60 };
	uint64_t period_ms = 10, seed = 0, samples = 0, above = 0, below = 0;
	uint64_t high, low, usage_now, top = 0, bottom = UINT64_MAX, due, start;
	bool reached = false;
	int c, fd;

	progname = "memmarks";
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			period_ms = parse_u64("--period-ms", optarg, 1, 60000);
			break;
		case 's':
			seed = parse_u64("--seed", optarg, 0, UINT64_MAX);
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind != argc - 1) {
		usage(stderr);
		return 2;
	}
	high = read_number(open_in(argv[optind], "memory.wmark_high"),
			   "memory.wmark_high");
	low = read_number(open_in(argv[optind], "memory.wmark_low"),
			  "memory.wmark_low");
	fd = open_in(argv[optind], "memory.current");
	if (sigaction(SIGTERM, &sa, NULL))
		die(errno, "sigaction");
	if (sched_setscheduler(0, SCHED_FIFO, &fifo))
		die(errno, "SCHED_FIFO");

	for (start = now_ns(); !stop; start += period_ms * NSEC_PER_MSEC) {
		due = start + rng_next(&seed) % (period_ms * NSEC_PER_MSEC);
		sleep_until(due);
		usage_now = read_number(fd, "memory.current");
		samples++;
		above += usage_now > high + high / 100;
		if (usage_now > top)
			top = usage_now;
		/* What counts below is only what reclaim took away. */
		if (usage_now >= low)
			reached = true;
		if (!reached)
			continue;
		below += usage_now < low;
		if (usage_now < bottom)
			bottom = usage_now;
	}
	printf("{\"high\":%" PRIu64 ",\"low\":%" PRIu64 ",\"samples\":%" PRIu64
	       ",\"above\":%" PRIu64 ",\"below\":%" PRIu64 ",\"top\":%" PRIu64
	       ",\"reached\":%s,\"bottom\":%" PRIu64 "}\n",
	       high, low, samples, above, below, top,
	       reached ? "true" : "false", reached ? bottom : 0);
	return 0;
}

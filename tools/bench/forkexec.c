// SPDX-License-Identifier: GPL-2.0-only
/* forkexec: nanoseconds (instructions, under icount) of fork, exec and wait. */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void once(void)
{
	char *const args[] = { "forkexec", "--child", NULL };
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		die(errno, "fork");
	if (!pid) {
		execv("/proc/self/exe", args);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid)
		die(errno, "waitpid");
	if (status)
		die(0, "the child failed, status %#x", status);
}

static void usage(FILE *out)
{
	fputs("Usage: forkexec [OPTION]...\n"
	      "Measure fork, exec of a small static program, exit and wait.\n\n"
	      "  --warmup N      rounds before (50)\n"
	      "  --rounds N      rounds measured (1000)\n"
	      "  --phase-us N    busy wait before the start (0)\n", out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "warmup",	required_argument, NULL, 'w' },
		{ "rounds",	required_argument, NULL, 'r' },
		{ "phase-us",	required_argument, NULL, 'p' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ }
	};
	uint64_t warmup = 50, rounds = 1000, phase_us = 0, start, took, i;
	int c;

	progname = "forkexec";
	if (argc == 2 && !strcmp(argv[1], "--child"))
		return 0;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'w':
			warmup = parse_u64("--warmup", optarg, 0, 1000000);
			break;
		case 'r':
			rounds = parse_u64("--rounds", optarg, 1, 100000000);
			break;
		case 'p':
			phase_us = parse_u64("--phase-us", optarg, 0, 1000000);
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind != argc) {
		usage(stderr);
		return 2;
	}

	for (i = 0; i < warmup; i++)
		once();
	start = now_ns() + phase_us * NSEC_PER_USEC;
	while (now_ns() < start)
		;
	start = now_ns();
	for (i = 0; i < rounds; i++)
		once();
	took = now_ns() - start;
	printf("{\"probe\":\"forkexec\",\"rounds\":%" PRIu64
	       ",\"ns_per_op\":%.3f}\n", rounds, (double)took / rounds);
	return 0;
}

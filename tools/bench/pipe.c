// SPDX-License-Identifier: GPL-2.0-only
/* pipe: nanoseconds (instructions, under icount) of a one-byte round trip. */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void pass(int fd, bool out)
{
	ssize_t n;
	char c = 0;

	do {
		n = out ? write(fd, &c, 1) : read(fd, &c, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		die(n < 0 ? errno : EPIPE, out ? "write" : "read");
}

static uint64_t rounds_ns(int to, int from, uint64_t rounds)
{
	uint64_t start = now_ns();

	while (rounds--) {
		pass(to, true);
		pass(from, false);
	}
	return now_ns() - start;
}

static void usage(FILE *out)
{
	fputs("Usage: pipe [OPTION]...\n"
	      "Measure the round trip of a byte through two pipes.\n\n"
	      "  --warmup N      rounds before (4000)\n"
	      "  --rounds N      rounds measured (40000)\n"
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
	uint64_t warmup = 4000, rounds = 40000, phase_us = 0, took, end, i;
	int ping[2], pong[2];
	int c, status;
	pid_t pid;

	progname = "pipe";
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'w':
			warmup = parse_u64("--warmup", optarg, 0, 100000000);
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

	if (pipe(ping) || pipe(pong))
		die(errno, "pipe");
	pid = fork();
	if (pid < 0)
		die(errno, "fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (i = 0; i < warmup + rounds; i++) {
			pass(ping[0], false);
			pass(pong[1], true);
		}
		_exit(0);
	}
	rounds_ns(ping[1], pong[0], warmup);
	end = now_ns() + phase_us * NSEC_PER_USEC;
	while (now_ns() < end)
		;
	took = rounds_ns(ping[1], pong[0], rounds);
	if (waitpid(pid, &status, 0) != pid || status)
		die(0, "the other end failed");
	printf("{\"probe\":\"pipe\",\"rounds\":%" PRIu64
	       ",\"ns_per_op\":%.3f}\n", rounds, (double)took / rounds);
	return 0;
}

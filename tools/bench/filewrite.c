// SPDX-License-Identifier: GPL-2.0-only
/*
 * filewrite: nanoseconds (instructions, under icount) of a write() of 4 KiB that
 * adds a page to the page cache. The file is cut to nothing again and again,
 * before anything of it is due to be written out.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define CALL_SIZE	4096

static uint64_t rounds_ns(int fd, uint64_t rounds, uint64_t calls)
{
	static char buf[CALL_SIZE];
	uint64_t start = now_ns(), i;

	memset(buf, 1, sizeof(buf));
	while (rounds--) {
		for (i = 0; i < calls; i++) {
			if (pwrite(fd, buf, CALL_SIZE, i * CALL_SIZE) !=
			    CALL_SIZE)
				die(errno, "write");
		}
		if (ftruncate(fd, 0))
			die(errno, "ftruncate");
	}
	return now_ns() - start;
}

static void usage(FILE *out)
{
	fputs("Usage: filewrite [OPTION]... FILE\n"
	      "Measure write() into new page cache.\n\n"
	      "  --warmup N      rounds before (50)\n"
	      "  --rounds N      rounds measured (500)\n"
	      "  --calls N       calls of a round (256)\n"
	      "  --phase-us N    busy wait before the start (0)\n", out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "warmup",	required_argument, NULL, 'w' },
		{ "rounds",	required_argument, NULL, 'r' },
		{ "calls",	required_argument, NULL, 'n' },
		{ "phase-us",	required_argument, NULL, 'p' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ }
	};
	uint64_t warmup = 50, rounds = 500, calls = 256, phase_us = 0, end, took;
	int c, fd;

	progname = "filewrite";
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'w':
			warmup = parse_u64("--warmup", optarg, 0, 100000000);
			break;
		case 'r':
			rounds = parse_u64("--rounds", optarg, 1, 100000000);
			break;
		case 'n':
			calls = parse_u64("--calls", optarg, 1, 1 << 20);
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
	if (optind != argc - 1) {
		usage(stderr);
		return 2;
	}

	fd = open(argv[optind], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		die(errno, "%s", argv[optind]);
	rounds_ns(fd, warmup, calls);
	end = now_ns() + phase_us * NSEC_PER_USEC;
	while (now_ns() < end)
		;
	took = rounds_ns(fd, rounds, calls);
	close(fd);
	if (unlink(argv[optind]))
		die(errno, "unlink %s", argv[optind]);
	printf("{\"probe\":\"filewrite\",\"rounds\":%" PRIu64
	       ",\"ns_per_op\":%.3f}\n", rounds * calls,
	       (double)took / (rounds * calls));
	return 0;
}

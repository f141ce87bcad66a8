// SPDX-License-Identifier: GPL-2.0-only
/*
 * pagefault: nanoseconds (instructions, under icount) to map anonymous memory,
 * touch every page of it and unmap it, for each page.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <sys/mman.h>

#define PAGE_SIZE	4096

/*
 * Always here: where the kernel would put it is random, and in some runs it would
 * need a page table more than in others (0.23 %).
 */
#define PLACE		((void *)0x10000000000)

static uint64_t rounds_ns(uint64_t rounds, uint64_t pages)
{
	uint64_t start = now_ns(), i;
	volatile char *mem;

	while (rounds--) {
		mem = mmap(PLACE, pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			   -1, 0);
		if (mem == MAP_FAILED)
			die(errno, "mmap");
		for (i = 0; i < pages; i++)
			mem[i * PAGE_SIZE] = 1;
		if (munmap((void *)mem, pages * PAGE_SIZE))
			die(errno, "munmap");
	}
	return now_ns() - start;
}

static void usage(FILE *out)
{
	fputs("Usage: pagefault [OPTION]...\n"
	      "Measure mmap, touch and munmap of anonymous memory.\n\n"
	      "  --warmup N      rounds before (50)\n"
	      "  --rounds N      rounds measured (500)\n"
	      "  --pages N       pages of a round (256)\n"
	      "  --phase-us N    busy wait before the start (0)\n", out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "warmup",	required_argument, NULL, 'w' },
		{ "rounds",	required_argument, NULL, 'r' },
		{ "pages",	required_argument, NULL, 'n' },
		{ "phase-us",	required_argument, NULL, 'p' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ }
	};
	uint64_t warmup = 50, rounds = 500, pages = 256, phase_us = 0, end, took;
	int c;

	progname = "pagefault";
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'w':
			warmup = parse_u64("--warmup", optarg, 0, 100000000);
			break;
		case 'r':
			rounds = parse_u64("--rounds", optarg, 1, 100000000);
			break;
		case 'n':
			pages = parse_u64("--pages", optarg, 1, 1 << 20);
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

	rounds_ns(warmup, pages);
	end = now_ns() + phase_us * NSEC_PER_USEC;
	while (now_ns() < end)
		;
	took = rounds_ns(rounds, pages);
	printf("{\"probe\":\"pagefault\",\"rounds\":%" PRIu64
	       ",\"ns_per_op\":%.3f}\n", rounds * pages,
	       (double)took / (rounds * pages));
	return 0;
}

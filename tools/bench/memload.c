// SPDX-License-Identifier: GPL-2.0-only
/*
 * memload: work that needs memory, one call or one page at a time: reads or
 * writes a file in calls of 4 KiB, or touches anonymous memory page by page.
 *
 * At full speed, or paced: so many KiB at each of a row of fixed times, so that
 * the CPU is mostly idle. The latency of every call is kept. Nothing of this
 * program's own is charged to its group while it measures.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CALL_SIZE	4096
#define MAX_PASSES	1024

enum mode { READ, WRITE, TOUCH };

static const char * const modes[] = { "read", "write", "touch" };

static struct {
	uint64_t size_mib, passes, pace_kib, pace_us, phase_us, hold;
} opt = {
	.size_mib = 1024,
	.passes = 1,
};

static struct series calls;
static bool keep;
static uint64_t late;
static uint64_t pass_ns[MAX_PASSES];

static struct {
	uint64_t due;
	uint64_t left;		/* calls of this burst still to do */
} pace;

/* Before each call. The row of times is never shifted. */
static void pace_wait(void)
{
	if (!opt.pace_us)
		return;
	if (!pace.left) {
		pace.left = opt.pace_kib * 1024 / CALL_SIZE;
		pace.due += opt.pace_us * NSEC_PER_USEC;
		if (now_ns() < pace.due)
			sleep_until(pace.due);
		else
			late++;
	}
	pace.left--;
}

static void call_done(uint64_t start)
{
	if (keep)
		series_add(&calls, now_ns() - start);
}

static void pass_read(int fd, char *buf)
{
	uint64_t n = opt.size_mib * (1 << 20) / CALL_SIZE;
	uint64_t start;

	if (lseek(fd, 0, SEEK_SET))
		die(errno, "lseek");
	while (n--) {
		pace_wait();
		start = now_ns();
		if (read(fd, buf, CALL_SIZE) != CALL_SIZE)
			die(errno, "read");
		call_done(start);
	}
}

static void pass_write(int fd, char *buf)
{
	uint64_t n = opt.size_mib * (1 << 20) / CALL_SIZE;
	uint64_t start;

	if (lseek(fd, 0, SEEK_SET))
		die(errno, "lseek");
	while (n--) {
		pace_wait();
		start = now_ns();
		if (write(fd, buf, CALL_SIZE) != CALL_SIZE)
			die(errno, "write");
		call_done(start);
	}
}

static void pass_touch(void)
{
	size_t size = opt.size_mib << 20, at;
	volatile char *mem;
	uint64_t start;

	mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		die(errno, "%zu bytes", size);
	/* One page at a time is the measure; must hold with THP "always" too. */
	if (madvise((void *)mem, size, MADV_NOHUGEPAGE) && errno != EINVAL)
		die(errno, "madvise");
	for (at = 0; at < size; at += CALL_SIZE) {
		pace_wait();
		start = now_ns();
		mem[at] = 1;
		call_done(start);
	}
	if (!opt.hold)
		munmap((void *)mem, size);
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static void usage(FILE *out)
{
	fputs("Usage: memload [OPTION]... {read|write} FILE\n"
	      "       memload [OPTION]... touch\n"
	      "Read, write or touch memory and measure every call of 4 KiB.\n\n"
	      "  --size-mib N      what one pass goes over (1024)\n"
	      "  --passes N        passes; 0: for ever, and without a report (1)\n"
	      "  --pace-kib N      so much at a time (all)\n"
	      "  --pace-us N       a burst every N microseconds (0: full speed)\n"
	      "  --phase-us N      wait before the start (0)\n"
	      "  --hold            report, then sleep and keep all memory\n",
	      out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "size-mib",	required_argument, NULL, 's' },
		{ "passes",	required_argument, NULL, 'n' },
		{ "pace-kib",	required_argument, NULL, 'k' },
		{ "pace-us",	required_argument, NULL, 'u' },
		{ "phase-us",	required_argument, NULL, 'p' },
		{ "hold",	no_argument,	   NULL, 'o' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ }
	};
	static char buf[CALL_SIZE] __attribute__((aligned(CALL_SIZE)));
	uint64_t start, total, cpu, pass, sync_ns = 0;
	enum mode mode;
	unsigned int i;
	int c, fd = -1;

	progname = "memload";
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 's':
			opt.size_mib = parse_u64("--size-mib", optarg, 1,
						 1 << 20);
			break;
		case 'n':
			opt.passes = parse_u64("--passes", optarg, 0,
					       MAX_PASSES);
			break;
		case 'k':
			opt.pace_kib = parse_u64("--pace-kib", optarg, 4,
						 1 << 20);
			break;
		case 'u':
			opt.pace_us = parse_u64("--pace-us", optarg, 0,
						10000000);
			break;
		case 'p':
			opt.phase_us = parse_u64("--phase-us", optarg, 0,
						 10000000);
			break;
		case 'o':
			opt.hold = 1;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		if (optind < argc && !strcmp(argv[optind], modes[i]))
			break;
	}
	mode = i;
	if (i == ARRAY_SIZE(modes) ||
	    optind != argc - (mode == TOUCH ? 1 : 2) ||
	    (opt.pace_us && !opt.pace_kib)) {
		usage(stderr);
		return 2;
	}

	if (mode == READ)
		fd = open(argv[optind + 1], O_RDONLY | O_CLOEXEC);
	else if (mode == WRITE)
		fd = open(argv[optind + 1],
			  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (mode != TOUCH && fd < 0)
		die(errno, "%s", argv[optind + 1]);
	if (prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL))
		die(errno, "timer slack");
	/* Of several passes only the times: the calls would fill the group. */
	keep = opt.passes == 1;
	series_init(&calls, keep * (opt.size_mib << 20) / CALL_SIZE + 1);
	memset(calls.v, 0, calls.size * sizeof(*calls.v));
	memset(buf, 1, sizeof(buf));
	/* Not MCL_FUTURE: that would touch what is to be touched. */
	if (mlockall(MCL_CURRENT))
		die(errno, "mlockall");

	sleep_ns(opt.phase_us * NSEC_PER_USEC);
	start = now_ns();
	cpu = cpu_ns();
	/* The first burst starts one period from here. */
	pace.due = start;
	for (pass = 0; pass < opt.passes || !opt.passes; pass++) {
		uint64_t began = now_ns();

		if (mode == READ)
			pass_read(fd, buf);
		else if (mode == WRITE)
			pass_write(fd, buf);
		else
			pass_touch();
		if (opt.passes)
			pass_ns[pass] = now_ns() - began;
	}
	total = now_ns() - start;
	cpu = cpu_ns() - cpu;
	if (mode == WRITE) {
		sync_ns = now_ns();
		if (fsync(fd))
			die(errno, "fsync");
		sync_ns = now_ns() - sync_ns;
	}

	series_sort(&calls);
	printf("{\"probe\":\"%s\",\"total_ns\":%" PRIu64 ",\"cpu_ns\":%" PRIu64
	       ",\"sync_ns\":%" PRIu64 ",\"late\":%" PRIu64 ",\"pass_ns\":[",
	       modes[mode], total, cpu, sync_ns, late);
	for (pass = 0; pass < opt.passes; pass++)
		printf("%s%" PRIu64, pass ? "," : "", pass_ns[pass]);
	fputs("],\"call\":", stdout);
	series_json(stdout, &calls);
	puts("}");
	fflush(stdout);
	if (opt.hold) {
		close(STDOUT_FILENO);
		for (;;)
			pause();
	}
	return 0;
}

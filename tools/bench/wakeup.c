// SPDX-License-Identifier: GPL-2.0-only
/*
 * wakeup: periodic threads on absolute timers. Each activation is due at a
 * fixed time; its wake-up latency is the time from then to the first
 * instruction in user mode, its completion the time to the end of its work.
 * The schedule is never shifted: an activation that could not start because
 * the one before was late counts with all of its delay. What is still to be
 * done a second after the window is given up, and counts as having come then.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define GRACE_NS	NSEC_PER_SEC

struct worker {
	pthread_t thread;
	uint64_t first;		/* due time of the first activation */
	uint64_t period;
	uint64_t late;		/* activations still waiting when the next was due */
	uint64_t given_up;
	struct series wake;
	struct series done;
};

static struct {
	uint64_t threads, period_us, step_us, busy_us;
	uint64_t settle_ms, window_ms, sweep_us, seed;
	uint64_t loops;		/* of one activation */
	uint64_t from, to;	/* the window */
} opt = {
	.threads = 1,
	.period_us = 2000,
	.busy_us = 100,
	.settle_ms = 6000,
	.window_ms = 6400,
	.sweep_us = 4000,
};

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	uint64_t due, woke, done = 0;

	if (prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL))
		die(errno, "timer slack");
	for (due = w->first; due < opt.to; due += w->period) {
		sleep_until(due);
		woke = now_ns();
		spin_loops(opt.loops);
		done = now_ns();
		if (done > opt.to + GRACE_NS)
			break;
		if (due < opt.from)
			continue;
		series_add(&w->wake, woke - due);
		series_add(&w->done, done - due);
		w->late += woke - due > w->period;
	}
	for (; due < opt.to; due += w->period) {
		if (due < opt.from)
			continue;
		series_add(&w->wake, done - due);
		series_add(&w->done, done - due);
		w->given_up++;
	}
	return NULL;
}

static void usage(FILE *out)
{
	fputs("Usage: wakeup [OPTION]...\n"
	      "Measure wake-up and completion latency of periodic threads.\n\n"
	      "  --threads N      periodic threads (1)\n"
	      "  --period-us N    period of the first thread (2000)\n"
	      "  --step-us N      added to the period for each further one (0)\n"
	      "  --busy-us N      work in each period (100)\n"
	      "  --settle-ms N    run before the window (6000)\n"
	      "  --window-ms N    length of the window (6400)\n"
	      "  --sweep-us N     move the phase by this much over the window (4000)\n"
	      "  --seed N         moves the start within a period (0)\n", out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "threads",	required_argument, NULL, 't' },
		{ "period-us",	required_argument, NULL, 'p' },
		{ "step-us",	required_argument, NULL, 'd' },
		{ "busy-us",	required_argument, NULL, 'b' },
		{ "settle-ms",	required_argument, NULL, 's' },
		{ "window-ms",	required_argument, NULL, 'w' },
		{ "sweep-us",	required_argument, NULL, 'm' },
		{ "seed",	required_argument, NULL, 'e' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ }
	};
	struct series wake, done;
	struct sched_param fifo = { .sched_priority = 50 };
	uint64_t lpm, start, late = 0, given_up = 0;
	struct worker *workers;
	pthread_attr_t attr;
	size_t room, total = 0;
	uint64_t rng;
	unsigned int i;
	int c, err;

	progname = "wakeup";
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 't':
			opt.threads = parse_u64("--threads", optarg, 1, 1024);
			break;
		case 'p':
			opt.period_us = parse_u64("--period-us", optarg, 1,
						  10000000);
			break;
		case 'd':
			opt.step_us = parse_u64("--step-us", optarg, 0, 1000000);
			break;
		case 'b':
			opt.busy_us = parse_u64("--busy-us", optarg, 0, 10000000);
			break;
		case 's':
			opt.settle_ms = parse_u64("--settle-ms", optarg, 0,
						  3600000);
			break;
		case 'w':
			opt.window_ms = parse_u64("--window-ms", optarg, 1,
						  3600000);
			break;
		case 'm':
			opt.sweep_us = parse_u64("--sweep-us", optarg, 0,
						 10000000);
			break;
		case 'e':
			opt.seed = parse_u64("--seed", optarg, 0, UINT64_MAX);
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

	lpm = spin_calibrate();
	opt.loops = lpm * opt.busy_us / 1000;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	workers = xcalloc(opt.threads, sizeof(*workers));
	for (i = 0; i < opt.threads; i++) {
		workers[i].period = (opt.period_us + i * opt.step_us) *
				    NSEC_PER_USEC;
		room = opt.window_ms * NSEC_PER_MSEC / workers[i].period + 2;
		/*
		 * A period that divides the tick would see one phase of it for
		 * ever: stretch it a little, so that the window sees them all.
		 */
		workers[i].period += opt.sweep_us * NSEC_PER_USEC / room;
		series_init(&workers[i].wake, room);
		series_init(&workers[i].done, room);
		total += room;
	}
	series_init(&wake, total);
	series_init(&done, total);
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		die(errno, "mlockall");

	start = now_ns() + 5 * NSEC_PER_MSEC;
	opt.from = start + opt.settle_ms * NSEC_PER_MSEC;
	opt.to = opt.from + opt.window_ms * NSEC_PER_MSEC;
	rng = opt.seed;
	for (i = 0; i < opt.threads; i++) {
		/*
		 * On a grid of 10 ms plus an offset that only the seed moves:
		 * the phase against the tick is a choice, not an accident.
		 */
		workers[i].first = start - start % (10 * NSEC_PER_MSEC) +
				   10 * NSEC_PER_MSEC +
				   rng_next(&rng) % (4 * NSEC_PER_MSEC);
		err = pthread_create(&workers[i].thread, &attr, worker_run,
				     &workers[i]);
		if (err)
			die(err, "thread %u", i);
	}
	/* This thread only waits and reports: it must not starve over that. */
	if (sched_setscheduler(0, SCHED_FIFO, &fifo))
		warn_err(errno, "SCHED_FIFO for the report");
	for (i = 0; i < opt.threads; i++) {
		pthread_join(workers[i].thread, NULL);
		series_append(&wake, &workers[i].wake);
		series_append(&done, &workers[i].done);
		late += workers[i].late;
		given_up += workers[i].given_up;
	}
	series_sort(&wake);
	series_sort(&done);

	printf("{\"probe\":\"wakeup\",\"loops_per_ms\":%" PRIu64
	       ",\"late\":%" PRIu64 ",\"given_up\":%" PRIu64 ",\"wake\":",
	       lpm, late, given_up);
	series_json(stdout, &wake);
	fputs(",\"done\":", stdout);
	series_json(stdout, &done);
	puts("}");
	return 0;
}

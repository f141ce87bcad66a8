/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the benchmark probes that run in the guest.
 *
 * Under QEMU's icount with shift=0 the clock counts guest instructions, one
 * nanosecond each, so every time below is also an instruction count.
 */
#ifndef COLO_BENCH_H
#define COLO_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define NSEC_PER_USEC	UINT64_C(1000)
#define NSEC_PER_MSEC	UINT64_C(1000000)
#define NSEC_PER_SEC	UINT64_C(1000000000)

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

extern const char *progname;

/* Print to stderr; die() also leaves with status 1. @err of 0: no strerror. */
void warn_err(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void die(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/* Parse a decimal number within [@min, @max] or die, naming @what. */
uint64_t parse_u64(const char *what, const char *text, uint64_t min,
		   uint64_t max);

void *xcalloc(size_t n, size_t size);

uint64_t now_ns(void);				/* CLOCK_MONOTONIC */
void sleep_until(uint64_t ns);			/* CLOCK_MONOTONIC, absolute */
void sleep_ns(uint64_t ns);

/* A small generator with a known sequence for each seed (splitmix64). */
uint64_t rng_next(uint64_t *state);
void shuffle(unsigned int *v, unsigned int n, uint64_t *state);

/*
 * Busy work that is counted and not timed: a task that is preempted in it
 * still has all of the rest to do, so its completion time means something.
 */
static inline void spin_loops(uint64_t n)
{
	for (; n; n--)
		__asm__ volatile("" : "+r"(n));
}

/* Loops per millisecond; the fastest of several short rounds. */
uint64_t spin_calibrate(void);
void spin_ns(uint64_t loops_per_ms, uint64_t ns);

/* Latencies: collected whole, sorted once; the percentiles are exact. */
struct series {
	uint64_t *v;
	size_t n;
	size_t size;
};

void series_init(struct series *s, size_t size);
void series_add(struct series *s, uint64_t value);
void series_append(struct series *to, const struct series *from);
void series_sort(struct series *s);
/* Nearest rank, @per10k in 1/10000 (9990 = p99.9); sorted series only. */
uint64_t series_rank(const struct series *s, unsigned int per10k);
/* {"n":..,"mean":..,"p50":..,"p99":..,"p999":..,"max":..,"hist":[[ns,n],..]} */
void series_json(FILE *out, const struct series *s);

/* sum_exec_runtime of all threads of @pid in ns, or -errno. */
int64_t exec_runtime_ns(pid_t pid);

/* Pids of a cgroup (not of its children); returns their number or -errno. */
int cgroup_pids(const char *dir, pid_t **pids);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/* Helpers of the benchmark probes; see bench.h. */
#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *progname = "bench";

static void vreport(int err, const char *fmt, va_list ap)
{
	fprintf(stderr, "%s: ", progname);
	vfprintf(stderr, fmt, ap);
	if (err)
		fprintf(stderr, ": %s", strerror(err));
	fputc('\n', stderr);
}

void warn_err(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vreport(err, fmt, ap);
	va_end(ap);
}

void die(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vreport(err, fmt, ap);
	va_end(ap);
	exit(1);
}

uint64_t parse_u64(const char *what, const char *text, uint64_t min,
		   uint64_t max)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-')
		die(0, "%s: '%s' is not a number", what, text);
	if (v < min || v > max)
		die(0, "%s: %llu is not within %" PRIu64 "..%" PRIu64, what, v,
		    min, max);
	return v;
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		die(ENOMEM, "%zu x %zu bytes", n, size);
	return p;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

void sleep_until(uint64_t ns)
{
	struct timespec ts = {
		.tv_sec = ns / NSEC_PER_SEC,
		.tv_nsec = ns % NSEC_PER_SEC,
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) ==
	       EINTR)
		;
}

void sleep_ns(uint64_t ns)
{
	sleep_until(now_ns() + ns);
}

uint64_t rng_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void shuffle(unsigned int *v, unsigned int n, uint64_t *state)
{
	unsigned int i, j, tmp;

	for (i = n; i > 1; i--) {
		j = rng_next(state) % i;
		tmp = v[i - 1];
		v[i - 1] = v[j];
		v[j] = tmp;
	}
}

uint64_t spin_calibrate(void)
{
	const uint64_t loops = 50000;
	uint64_t best = UINT64_MAX;
	uint64_t start, took;
	int i;

	for (i = 0; i < 50; i++) {
		start = now_ns();
		spin_loops(loops);
		took = now_ns() - start;
		if (took < best)
			best = took;
	}
	if (!best)
		best = 1;
	return loops * NSEC_PER_MSEC / best;
}

void spin_ns(uint64_t loops_per_ms, uint64_t ns)
{
	spin_loops(loops_per_ms * ns / NSEC_PER_MSEC);
}

void series_init(struct series *s, size_t size)
{
	s->v = xcalloc(size, sizeof(*s->v));
	s->n = 0;
	s->size = size;
}

void series_add(struct series *s, uint64_t value)
{
	if (s->n == s->size)
		die(0, "more than %zu samples", s->size);
	s->v[s->n++] = value;
}

void series_append(struct series *to, const struct series *from)
{
	size_t i;

	for (i = 0; i < from->n; i++)
		series_add(to, from->v[i]);
}

static int cmp_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void series_sort(struct series *s)
{
	qsort(s->v, s->n, sizeof(*s->v), cmp_u64);
}

uint64_t series_rank(const struct series *s, unsigned int per10k)
{
	size_t rank;

	if (!s->n)
		return 0;
	rank = (s->n * per10k + 9999) / 10000;
	return s->v[rank ? rank - 1 : 0];
}

/* Upper edge of the value's bucket: eight buckets to the octave. */
static uint64_t bucket_top(uint64_t v)
{
	unsigned int shift = 0;

	while ((v >> shift) >= 16)
		shift++;
	return ((v >> shift) + 1) << shift;
}

void series_json(FILE *out, const struct series *s)
{
	const char *sep = "";
	uint64_t top, sum = 0;
	size_t i, n;

	for (i = 0; i < s->n; i++)
		sum += s->v[i];
	fprintf(out,
		"{\"n\":%zu,\"mean\":%" PRIu64 ",\"p50\":%" PRIu64
		",\"p99\":%" PRIu64 ",\"p999\":%" PRIu64 ",\"max\":%" PRIu64
		",\"hist\":[",
		s->n, s->n ? sum / s->n : 0, series_rank(s, 5000),
		series_rank(s, 9900), series_rank(s, 9990),
		series_rank(s, 10000));
	for (i = 0; i < s->n; i += n) {
		top = bucket_top(s->v[i]);
		for (n = 1; i + n < s->n && s->v[i + n] < top; n++)
			;
		fprintf(out, "%s[%" PRIu64 ",%zu]", sep, top, n);
		sep = ",";
	}
	fputs("]}", out);
}

int64_t exec_runtime_ns(pid_t pid)
{
	struct timespec ts;
	clockid_t clock;
	int err;

	err = clock_getcpuclockid(pid, &clock);
	if (err)
		return -err;
	if (clock_gettime(clock, &ts))
		return -errno;
	return ts.tv_sec * (int64_t)NSEC_PER_SEC + ts.tv_nsec;
}

int cgroup_pids(const char *dir, pid_t **pids)
{
	char path[4096];
	size_t size = 0;
	int n = 0;
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	*pids = NULL;
	while (fscanf(f, "%d", &pid) == 1) {
		if ((size_t)n == size) {
			size = size ? 2 * size : 64;
			*pids = realloc(*pids, size * sizeof(**pids));
			if (!*pids)
				die(ENOMEM, "pids of %s", dir);
		}
		(*pids)[n++] = pid;
	}
	fclose(f);
	return n;
}

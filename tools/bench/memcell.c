// SPDX-License-Identifier: GPL-2.0-only
/*
 * memcell: sets up and measures the memory cells of a plan, one after the other.
 *
 * Each cell makes its groups, gives /job its limits and marks, runs the load in
 * it and reports the load's own figures with what the kernel counted meanwhile.
 * The groups stand beside each other at the top:
 *
 *	/job		the load, with memory.max, memory.high, marks
 *	/service	an online service with wake-ups to measure (probe=wakeup),
 *			or with a page cache of its own (probe=global)
 *	/hogs		tasks that only want the CPU
 *	/press		takes memory from everybody (probe=global)
 *
 * Files are on ext4 on a RAM disk, /dev/ram0; swap, when a cell asks for it, is
 * /dev/ram1. The page cache is dropped before and after each cell.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB		(UINT64_C(1) << 20)
#define DISK		"/mnt"
#define SWAP_KIB	"262144"

enum probe { READ, WRITE, TOUCH, WAKEUP, GLOBAL, PAGEFAULT, FILEWRITE };
enum lru { CLASSIC, MGLRU };

static const char * const probes[] = { "read", "write", "touch", "wakeup",
				       "global", "pagefault", "filewrite",
				       NULL };
static const char * const lrus[] = { "classic", "mglru", NULL };

struct cell {
	const struct words *words;
	const char *id;
	enum probe probe;
	enum lru lru;
	/* the group */
	uint64_t limit_mib, high_pct, ratio, offline, cpu_offline;
	uint64_t loop_ms, loop_pct;
	/* its load */
	uint64_t size_mib, passes, pace_kib, pace_us, fill_mib, hogs, swap;
	uint64_t sample_ms, settle_ms, seed, rounds;
	uint64_t load;			/* probe=wakeup: there is one */
	uint64_t period_us, busy_us, window_ms, sweep_us;
	/* probe=global */
	uint64_t a_mib, b_mib, b_first, press_mib, walk_us;
};

static struct cell *cells;
static unsigned int nr_cells;
static char job_dir[PATH_SIZE], service[PATH_SIZE], hogs_dir[PATH_SIZE];
static char press[PATH_SIZE];
static char result[256 * 1024], second[256 * 1024], marks[4096];
/* More of the cell's result, as JSON with a comma in front of each member. */
static char more[8192];

/* --- the plan ----------------------------------------------------------- */

static void cell_set(struct cell *c, const char *key, const char *value)
{
	static const struct {
		const char *key;
		size_t at;
		uint64_t max;
	} numbers[] = {
#define NUMBER(name, top) { #name, offsetof(struct cell, name), top }
		NUMBER(limit_mib, 1 << 20),
		NUMBER(high_pct, 100),
		NUMBER(ratio, 100),
		NUMBER(offline, 1),
		NUMBER(cpu_offline, 1),
		NUMBER(loop_ms, 60000),
		NUMBER(loop_pct, 100),
		NUMBER(size_mib, 1 << 20),
		NUMBER(passes, 1024),
		NUMBER(pace_kib, 1 << 20),
		NUMBER(pace_us, 10000000),
		NUMBER(fill_mib, 1 << 20),
		NUMBER(hogs, 1024),
		NUMBER(swap, 1),
		NUMBER(sample_ms, 60000),
		NUMBER(settle_ms, 3600000),
		NUMBER(seed, UINT32_MAX),
		NUMBER(rounds, 100000000),
		NUMBER(load, 1),
		NUMBER(period_us, 10000000),
		NUMBER(busy_us, 10000000),
		NUMBER(window_ms, 3600000),
		NUMBER(sweep_us, 10000000),
		NUMBER(a_mib, 1 << 20),
		NUMBER(b_mib, 1 << 20),
		NUMBER(b_first, 1),
		NUMBER(press_mib, 1 << 20),
		NUMBER(walk_us, 10000000),
#undef NUMBER
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (!strcmp(numbers[i].key, key)) {
			*(uint64_t *)((char *)c + numbers[i].at) =
				parse_u64(key, value, 0, numbers[i].max);
			return;
		}
	}
	if (!strcmp(key, "id"))
		c->id = value;
	else if (!strcmp(key, "probe"))
		c->probe = pick(key, value, probes);
	else if (!strcmp(key, "lru"))
		c->lru = pick(key, value, lrus);
	else if (strncmp(key, "x_", 2))	/* x_*: passed through to the report */
		die(0, "%s: no such key", key);
}

static void cell_parse(struct cell *c, const struct words *words)
{
	unsigned int i;

	*c = (struct cell){
		.words = words,
		.loop_pct = 80,
		.size_mib = 1024,
		.passes = 1,
		.pace_kib = 1024,
		.settle_ms = 500,
		.rounds = 500,
		.load = 1,
		.period_us = 2000,
		.busy_us = 100,
		.window_ms = 6400,
		.sweep_us = 4000,
		.a_mib = 96,
		.b_mib = 256,
		.press_mib = 64,
		.walk_us = 50000,
	};
	for (i = 0; i < words->nr; i++)
		cell_set(c, words->key[i], words->value[i]);
	if (!c->id)
		die(0, "a cell needs an id");
}

/* --- the machine -------------------------------------------------------- */

/* Writes a setting of the whole machine; returns 0 or -errno. */
static int machine_set(const char *path, const char *value)
{
	int err = write_file(path, value);

	if (err)
		warn_err(-err, "%s", path);
	return err;
}

static int run_program(char *const argv[])
{
	return wait_for(spawn(NULL, NORMAL, STDERR_FILENO, argv), argv[0]);
}

/* The file system of the plan; made at the first use. */
static int disk_make(void)
{
	/* Not that of busybox, which makes another file system. */
	char *const mkfs[] = { "/usr/bin/mke2fs", "-q", "-F", "-t", "ext4",
			       "-m", "0", "-E",
			       "lazy_itable_init=0,lazy_journal_init=0",
			       "/dev/ram0", NULL };
	static bool done;
	int err;

	if (done)
		return 0;
	err = run_program(mkfs);
	if (err)
		return err;
	mkdir(DISK, 0755);
	if (mount("/dev/ram0", DISK, "ext4", MS_NOATIME, NULL)) {
		err = -errno;
		warn_err(-err, "mount /dev/ram0");
		return err;
	}
	done = true;
	return 0;
}

/* A file of at least that size, in no group's cache. */
static int file_make(const char *name, uint64_t mib)
{
	static char block[MIB];
	char path[PATH_SIZE];
	struct stat st;
	int fd, err = 0;
	uint64_t i;

	fmt(path, DISK "/%s", name);
	if (!stat(path, &st) && (uint64_t)st.st_size >= mib * MIB)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		err = -errno;
		warn_err(-err, "%s", path);
		return err;
	}
	for (i = 0; i < mib && !err; i++) {
		memset(block, i + 1, sizeof(block));
		if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block))
			err = errno ? -errno : -ENOSPC;
		/* Never more than this in the cache beside the disk itself. */
		if (!err && i % 32 == 31) {
			if (fsync(fd))
				err = -errno;
			posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		}
	}
	if (!err && fsync(fd))
		err = -errno;
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
	if (err)
		warn_err(-err, "writing %s", path);
	return err;
}

static int caches_drop(void)
{
	sync();
	return machine_set("/proc/sys/vm/drop_caches", "3");
}

static int swap_on(void)
{
	char *const mkswap[] = { "mkswap", "/dev/ram1", SWAP_KIB, NULL };
	static bool done;
	int err;

	if (!done) {
		err = run_program(mkswap);
		if (err)
			return err;
		done = true;
	}
	if (swapon("/dev/ram1", 0)) {
		err = -errno;
		warn_err(-err, "swapon");
		return err;
	}
	return 0;
}

/* --- the group ---------------------------------------------------------- */

static int job_write(const char *name, uint64_t value)
{
	char file[PATH_SIZE], text[32];
	int err;

	snprintf(text, sizeof(text), "%" PRIu64, value);
	err = write_file(fmt(file, "%.200s/%s", job_dir, name), text);
	if (err)
		warn_err(-err, "%s: %s", file, text);
	return err;
}

static int group_setup(const struct cell *c)
{
	uint64_t limit = c->limit_mib * MIB;
	int err;

	fmt(job_dir, "%s/job", cgroot);
	fmt(service, "%s/service", cgroot);
	fmt(hogs_dir, "%s/hogs", cgroot);
	fmt(press, "%s/press", cgroot);
	err = group_make(job_dir, NULL);
	if (!err && (c->probe == WAKEUP || c->probe == GLOBAL))
		err = group_make(service, NULL);
	if (!err && c->probe == GLOBAL)
		err = group_make(press, NULL);
	if (!err && c->hogs)
		err = group_make(hogs_dir, NULL);
	if (!err && limit)
		err = job_write("memory.max", limit);
	if (!err && limit && c->high_pct)
		err = job_write("memory.high",
				limit * c->high_pct / 100 & ~UINT64_C(4095));
	if (!err && c->ratio)
		err = job_write("memory.wmark_ratio", c->ratio);
	if (!err && c->offline)
		err = job_write("memory.offline", 1);
	if (!err && c->cpu_offline)
		err = job_write("cpu.offline", 1);
	return err;
}

/* What the user-space rival does: looks often, and reclaims by itself. */
static void __attribute__((noreturn)) loop_run(const struct cell *c)
{
	char file[PATH_SIZE], text[64];
	uint64_t target = c->limit_mib * MIB / 100 * c->loop_pct;
	uint64_t due = now_ns(), used;
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		due += c->loop_ms * NSEC_PER_MSEC;
		sleep_until(due);
		err = read_file(fmt(file, "%s/memory.current", job_dir), text,
				sizeof(text));
		if (err)
			die(-err, "%s", file);
		used = parse_u64(file, text, 0, UINT64_MAX);
		if (used <= target)
			continue;
		snprintf(text, sizeof(text), "%" PRIu64, used - target);
		err = write_file(fmt(file, "%s/memory.reclaim", job_dir), text);
		/* It got less than it wanted: that happens. */
		if (err && err != -EAGAIN && err != -EINTR)
			die(-err, "%s", file);
	}
}

static pid_t loop_start(const struct cell *c)
{
	pid_t pid;

	if (!c->loop_ms || !c->limit_mib)
		return 0;
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		die(errno, "fork");
	if (!pid)
		loop_run(c);
	return pid;
}

/* Ends it; its CPU time in ns, or -errno when it had ended by itself. */
static int64_t loop_end(pid_t pid)
{
	struct rusage use;
	int status;

	if (kill(pid, SIGKILL) || wait4(pid, &status, 0, &use) != pid)
		return -errno;
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
		warn_err(0, "the reclaiming loop failed, status %#x", status);
		return -ECHILD;
	}
	return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) *
	       (int64_t)NSEC_PER_SEC +
	       (use.ru_utime.tv_usec + use.ru_stime.tv_usec) *
	       (int64_t)NSEC_PER_USEC;
}

/* --- what the kernel counts ---------------------------------------------- */

enum { EVENTS, STAT, CPU, WMARK, PRESSURE, VMSTAT };

static const char * const sources[] = {
	[EVENTS]   = "memory.events",
	[STAT]	   = "memory.stat",
	[CPU]	   = "cpu.stat",
	[WMARK]	   = "memory.wmark_stat",
	[PRESSURE] = "memory.pressure",
	[VMSTAT]   = "/proc/vmstat",
};

static const struct counter {
	const char *name;	/* in the report */
	int source;
	const char *key;
} counters[] = {
	{ "max", EVENTS, "max" },
	{ "high", EVENTS, "high" },
	{ "oom_kill", EVENTS, "oom_kill" },
	{ "pgscan", STAT, "pgscan" },
	{ "pgscan_direct", STAT, "pgscan_direct" },
	{ "pgscan_kswapd", STAT, "pgscan_kswapd" },
	{ "pgscan_wmark", STAT, "pgscan_wmark" },
	{ "pgsteal", STAT, "pgsteal" },
	{ "pgsteal_direct", STAT, "pgsteal_direct" },
	{ "pgsteal_kswapd", STAT, "pgsteal_kswapd" },
	{ "pgsteal_wmark", STAT, "pgsteal_wmark" },
	{ "refault_file", STAT, "workingset_refault_file" },
	{ "refault_anon", STAT, "workingset_refault_anon" },
	{ "activate_file", STAT, "workingset_activate_file" },
	{ "usage_usec", CPU, "usage_usec" },
	{ "user_usec", CPU, "user_usec" },
	{ "system_usec", CPU, "system_usec" },
	{ "wmark_runs", WMARK, "runs" },
	{ "wmark_cpu_usec", WMARK, "cpu_usec" },
	{ "wmark_scanned", WMARK, "scanned" },
	{ "wmark_reclaimed", WMARK, "reclaimed" },
	{ "wmark_refaulted", WMARK, "refaulted" },
	{ "wmark_backoffs", WMARK, "backoffs" },
	{ "wmark_widened", WMARK, "widened" },
	{ "wmark_failed", WMARK, "failed" },
	{ "wmark_crossed", WMARK, "crossed" },
	{ "pressure_some_usec", PRESSURE, "some" },
	{ "pressure_full_usec", PRESSURE, "full" },
	{ "pswpout", VMSTAT, "pswpout" },
};

struct counts {
	int64_t v[ARRAY_SIZE(counters)];	/* negative: there is none */
	int64_t kworker_ns, kswapd_ns;
	uint64_t at;
};

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=123" */
static int64_t read_pressure(const char *path, const char *kind)
{
	unsigned long long total;
	char line[256];
	int64_t ret = -ENOENT;
	FILE *f;

	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		char *p = strstr(line, "total=");

		if (strncmp(line, kind, strlen(kind)) || !p)
			continue;
		if (sscanf(p, "total=%llu", &total) == 1)
			ret = total;
	}
	fclose(f);
	return ret;
}

/* One key of a flat keyed file in which values may be words. */
static int64_t read_number(const char *path, const char *key)
{
	char line[256], name[64];
	unsigned long long v;
	int64_t ret = -ENOENT;
	FILE *f;

	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %llu", name, &v) == 2 &&
		    !strcmp(name, key)) {
			ret = v;
			break;
		}
	}
	fclose(f);
	return ret;
}

/* CPU time of all tasks whose name begins so; others may pay for it. */
static int64_t threads_ns(const char *prefix)
{
	char path[PATH_SIZE], name[64];
	unsigned long long ns;
	struct dirent *e;
	int64_t sum = 0;
	DIR *proc;
	FILE *f;

	proc = opendir("/proc");
	if (!proc)
		die(errno, "/proc");
	while ((e = readdir(proc))) {
		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		fmt(path, "/proc/%.20s/comm", e->d_name);
		if (read_file(path, name, sizeof(name)) ||
		    strncmp(name, prefix, strlen(prefix)))
			continue;
		f = fopen(fmt(path, "/proc/%.20s/schedstat", e->d_name), "re");
		if (!f)
			continue;
		if (fscanf(f, "%llu", &ns) == 1)
			sum += ns;
		fclose(f);
	}
	closedir(proc);
	return sum;
}

static void count(const char *dir, struct counts *s)
{
	char file[PATH_SIZE];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counters); i++) {
		const struct counter *k = &counters[i];

		if (k->source == VMSTAT)
			fmt(file, "%s", sources[k->source]);
		else
			fmt(file, "%s/%s", dir, sources[k->source]);
		if (k->source == PRESSURE)
			s->v[i] = read_pressure(file, k->key);
		else
			s->v[i] = read_number(file, k->key);
	}
	s->kworker_ns = threads_ns("kworker");
	s->kswapd_ns = threads_ns("kswapd");
	s->at = now_ns();
}

static void counts_json(FILE *out, const struct counts *a,
			const struct counts *b)
{
	unsigned int i;

	fprintf(out, "{\"span_ns\":%" PRIu64 ",\"kworker_ns\":%" PRId64
		",\"kswapd_ns\":%" PRId64, b->at - a->at,
		b->kworker_ns - a->kworker_ns, b->kswapd_ns - a->kswapd_ns);
	for (i = 0; i < ARRAY_SIZE(counters); i++) {
		if (a->v[i] >= 0 && b->v[i] >= 0)
			fprintf(out, ",\"%s\":%" PRId64, counters[i].name,
				b->v[i] - a->v[i]);
	}
	fputc('}', out);
}

/* Levels at the end, which are not sums. */
static void levels_json(FILE *out, const char *dir)
{
	static const struct {
		const char *name, *file, *key;
	} levels[] = {
		{ "current", "memory.current", NULL },
		{ "peak", "memory.peak", NULL },
		{ "swap", "memory.swap.current", NULL },
		{ "file", "memory.stat", "file" },
		{ "anon", "memory.stat", "anon" },
		{ "wmark_run_max_usec", "memory.wmark_stat", "run_max_usec" },
		{ "high_bytes", "memory.wmark_stat", "high_bytes" },
		{ "low_bytes", "memory.wmark_stat", "low_bytes" },
	};
	char file[PATH_SIZE], text[64];
	const char *sep = "";
	unsigned int i;
	int64_t v;

	fputc('{', out);
	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		fmt(file, "%s/%s", dir, levels[i].file);
		if (levels[i].key)
			v = read_number(file, levels[i].key);
		else if (read_file(file, text, sizeof(text)))
			continue;
		else
			v = strtoll(text, NULL, 10);
		if (v < 0)
			continue;
		fprintf(out, "%s\"%s\":%" PRId64, sep, levels[i].name, v);
		sep = ",";
	}
	fputc('}', out);
}

/* --- loads --------------------------------------------------------------- */

/* Words of memload's command line, with room for the text of the numbers. */
struct load {
	char prog[PATH_SIZE], file[PATH_SIZE], text[6][24];
	char *argv[16];
	unsigned int nr, texts;
};

static void load_number(struct load *l, char *option, uint64_t value)
{
	snprintf(l->text[l->texts], sizeof(l->text[0]), "%" PRIu64, value);
	l->argv[l->nr++] = option;
	l->argv[l->nr++] = l->text[l->texts++];
}

/* @name: of the file below DISK, or NULL. */
static void load_make(struct load *l, const struct cell *c, char *mode,
		      const char *name, uint64_t mib, uint64_t passes)
{
	l->nr = l->texts = 0;
	bench_prog(l->prog, "memload");
	l->argv[l->nr++] = l->prog;
	load_number(l, "--size-mib", mib);
	load_number(l, "--passes", passes);
	if (c) {
		load_number(l, "--phase-us", c->seed * 797 % 4000);
		if (c->pace_us) {
			load_number(l, "--pace-kib", c->pace_kib);
			load_number(l, "--pace-us", c->pace_us);
		}
	}
	l->argv[l->nr++] = mode;
	if (name) {
		fmt(l->file, DISK "/%s", name);
		l->argv[l->nr++] = l->file;
	}
	l->argv[l->nr] = NULL;
}

/* Runs one to its end in a group, and forgets what it says. */
static int load_once(const char *group, const char *name, uint64_t mib)
{
	struct load l;
	struct job job;
	int err;

	load_make(&l, NULL, "read", name, mib, 1);
	err = job_start(&job, group, NORMAL, l.argv);
	return err ?: job_end(&job, second, sizeof(second));
}

/*
 * Runs one until it has reported, into @buf; it stays there with all its memory
 * until its group is killed.
 */
static int load_hold(struct load *l, const char *group, char *buf, size_t size)
{
	struct job job;
	size_t len = 0;
	ssize_t n;
	int err;

	memmove(&l->argv[2], &l->argv[1], l->nr * sizeof(*l->argv));
	l->argv[1] = "--hold";
	l->nr++;
	err = job_start(&job, group, NORMAL, l->argv);
	if (err)
		return err;
	/* It closes its output when it has what it wants. */
	while ((n = read(job.fd, buf + len, size - 1 - len)) > 0)
		len += n;
	close(job.fd);
	buf[len] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	if (!len || len == size - 1 || !group_populated(group)) {
		warn_err(0, "%s ended before it had reported", l->prog);
		return -ECHILD;
	}
	return 0;
}

static int marks_start(const struct cell *c, struct job *job)
{
	char prog[PATH_SIZE], period[24], seed[24];
	char *const argv[] = { prog, "--period-ms", period, "--seed", seed,
			       job_dir, NULL };

	bench_prog(prog, "memmarks");
	snprintf(period, sizeof(period), "%" PRIu64, c->sample_ms);
	snprintf(seed, sizeof(seed), "%" PRIu64, c->seed);
	return job_start(job, NULL, NORMAL, argv);
}

static int marks_end(struct job *job)
{
	kill(job->pid, SIGTERM);
	return job_end(job, marks, sizeof(marks));
}

static int hogs_start(const struct cell *c)
{
	char prog[PATH_SIZE], n[24];
	char *const argv[] = { prog, "-n", n, NULL };

	if (!c->hogs)
		return 0;
	bench_prog(prog, "hog");
	snprintf(n, sizeof(n), "%" PRIu64, c->hogs);
	spawn(hogs_dir, NORMAL, -1, argv);
	sleep_ns(50 * NSEC_PER_MSEC);
	return group_populated(hogs_dir) ? 0 : -ECHILD;
}

/* --- probes -------------------------------------------------------------- */

static struct counts before, after;

/* CPU time of all children that ended and were waited for. */
static int64_t children_ns(void)
{
	struct rusage use;

	if (getrusage(RUSAGE_CHILDREN, &use))
		die(errno, "getrusage");
	return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) *
	       (int64_t)NSEC_PER_SEC +
	       (use.ru_utime.tv_usec + use.ru_stime.tv_usec) *
	       (int64_t)NSEC_PER_USEC;
}

/* A load of its own that ends by itself: read, write, touch. */
static int probe_load(const struct cell *c)
{
	static char * const modes[] = { "read", "write", "touch" };
	const char *name = c->probe == TOUCH ? NULL :
			   c->probe == WRITE ? "written" : "data";
	struct job job, sampler;
	int64_t load_ns = 0, loop_ns;
	struct load l;
	pid_t loop;
	int err;

	if (c->fill_mib) {
		err = load_once(job_dir, "data", c->fill_mib);
		if (err)
			return err;
	}
	loop = loop_start(c);
	err = hogs_start(c);
	if (err)
		return err;
	sleep_ns(c->settle_ms * NSEC_PER_MSEC);
	if (c->sample_ms) {
		err = marks_start(c, &sampler);
		if (err)
			return err;
	}
	count(job_dir, &before);
	load_make(&l, c, modes[c->probe], name, c->size_mib, c->passes);
	if (c->sample_ms) {
		/* It must not give its memory back while that is watched. */
		err = load_hold(&l, job_dir, result, sizeof(result));
		count(job_dir, &after);
		err = marks_end(&sampler) ?: err;
	} else {
		load_ns = children_ns();
		err = job_start(&job, job_dir, NORMAL, l.argv);
		if (!err)
			err = job_end(&job, result, sizeof(result));
		load_ns = children_ns() - load_ns;
		count(job_dir, &after);
		snprintf(more, sizeof(more), ",\"load_ns\":%" PRId64, load_ns);
	}
	if (loop) {
		loop_ns = loop_end(loop);
		if (loop_ns < 0)
			return loop_ns;
		snprintf(more, sizeof(more),
			 ",\"load_ns\":%" PRId64 ",\"loop_ns\":%" PRId64,
			 load_ns, loop_ns);
	}
	return err;
}

/* Online wake-ups while the job streams; load=0: without it. */
static int probe_wakeup(const struct cell *c)
{
	char prog[PATH_SIZE], v[6][24];
	char *const argv[] = { prog, "--period-us", v[0], "--busy-us", v[1],
			       "--settle-ms", v[2], "--window-ms", v[3],
			       "--sweep-us", v[4], "--seed", v[5], NULL };
	const uint64_t n[] = { c->period_us, c->busy_us, c->settle_ms,
			       c->window_ms, c->sweep_us, c->seed };
	struct job job;
	struct load l;
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(n); i++)
		snprintf(v[i], sizeof(v[i]), "%" PRIu64, n[i]);
	bench_prog(prog, "wakeup");
	err = job_start(&job, service, NORMAL, argv);
	if (err)
		return err;
	/* It calibrates itself before the load starts. */
	sleep_ns(50 * NSEC_PER_MSEC);
	if (c->load) {
		load_make(&l, c, "read", "data", c->size_mib, 0);
		spawn(job_dir, NORMAL, STDERR_FILENO, l.argv);
	}
	/* Count around the window, never in it. */
	sleep_until(job.start + (c->settle_ms > 400 ? c->settle_ms - 200 : 0) *
		    NSEC_PER_MSEC);
	count(job_dir, &before);
	err = job_end(&job, result, sizeof(result));
	count(job_dir, &after);
	if (!err && c->load && !group_populated(job_dir)) {
		warn_err(0, "%s: the load ended by itself", c->id);
		err = -ECHILD;
	}
	return err;
}

static int freeze(const char *dir, bool on)
{
	char file[PATH_SIZE];
	uint64_t end = now_ns() + 20 * NSEC_PER_SEC;
	int err;

	err = write_file(fmt(file, "%s/cgroup.freeze", dir), on ? "1" : "0");
	if (err) {
		warn_err(-err, "%s", file);
		return err;
	}
	fmt(file, "%s/cgroup.events", dir);
	while (read_keyed(file, "frozen") != on) {
		if (now_ns() > end) {
			warn_err(0, "%s does not freeze, or thaw", dir);
			return -ETIMEDOUT;
		}
		sleep_ns(NSEC_PER_MSEC);
	}
	return 0;
}

static int64_t meminfo(const char *key)
{
	int64_t kib = read_number("/proc/meminfo", key);

	return kib < 0 ? kib : kib * 1024;
}

/*
 * The service reads its files (A) again and again; the job streams through
 * others (B) and fills the rest of the memory; then somebody wants memory. What
 * is taken from whom, and what does reading A again cost afterwards?
 */
static int probe_global(const struct cell *c)
{
	int64_t free_first, free_last, b_first;
	struct counts job_before, job_after;
	struct load reader, stream, touch;
	struct job job;
	char file[PATH_SIZE];
	FILE *out;
	int err;

	load_make(&stream, c, "read", "b", c->b_mib, 0);
	if (c->b_first) {
		/* Theirs is in use by then, and online's was read but once. */
		spawn(job_dir, NORMAL, STDERR_FILENO, stream.argv);
		sleep_ns(c->settle_ms * NSEC_PER_MSEC);
		err = freeze(job_dir, true) ?:
		      load_once(service, "a", c->a_mib);
	} else {
		/* Twice, so that it is known to be used. */
		err = load_once(service, "a", c->a_mib) ?:
		      load_once(service, "a", c->a_mib);
	}
	/* Once more, timed. */
	load_make(&reader, NULL, "read", "a", c->a_mib, c->b_first ? 1 : 3);
	if (!err)
		err = job_start(&job, service, NORMAL, reader.argv);
	if (!err)
		err = job_end(&job, result, sizeof(result));
	if (err)
		return err;
	free_first = meminfo("MemFree:");

	/* Online goes on, at a walk; offline streams as fast as the plan says. */
	load_make(&reader, NULL, "read", "a", c->a_mib, 0);
	reader.nr -= 2;		/* before its "read FILE" */
	load_number(&reader, "--pace-kib", 1024);
	load_number(&reader, "--pace-us", c->walk_us);
	reader.argv[reader.nr++] = "read";
	reader.argv[reader.nr++] = reader.file;
	reader.argv[reader.nr] = NULL;
	spawn(service, NORMAL, STDERR_FILENO, reader.argv);
	if (c->b_first)
		err = freeze(job_dir, false);
	else
		spawn(job_dir, NORMAL, STDERR_FILENO, stream.argv);
	if (err)
		return err;

	count(service, &before);
	count(job_dir, &job_before);
	/* Until B fills the memory and goes round. */
	sleep_ns(c->settle_ms * NSEC_PER_MSEC);
	b_first = read_number(fmt(file, "%s/memory.stat", job_dir), "file");
	load_make(&touch, NULL, "touch", NULL, c->press_mib, 1);
	touch.nr--;
	load_number(&touch, "--pace-kib", 256);
	load_number(&touch, "--pace-us", 2000);
	touch.argv[touch.nr++] = "touch";
	touch.argv[touch.nr] = NULL;
	err = load_hold(&touch, press, second, sizeof(second));
	if (err)
		return err;
	sleep_ns(c->window_ms * NSEC_PER_MSEC);
	count(service, &after);
	count(job_dir, &job_after);
	free_last = meminfo("MemFree:");

	out = fmemopen(more, sizeof(more), "w");
	if (!out)
		die(errno, "fmemopen");
	fprintf(out, ",\"before\":%s,\"job\":", result);
	counts_json(out, &job_before, &job_after);
	fputs(",\"job_levels\":", out);
	levels_json(out, job_dir);
	fprintf(out, ",\"job_file_first\":%" PRId64 ",\"free_first\":%" PRId64
		",\"free_last\":%" PRId64, b_first, free_first, free_last);
	fclose(out);
	if (strlen(more) >= sizeof(more) - 1)
		die(0, "more than %zu bytes of report", sizeof(more));

	/* Alone again, but in the memory that is left: what is gone is gone. */
	err = group_kill(service) ?: freeze(job_dir, true) ?: freeze(press, true);
	while (!err && group_populated(service))
		sleep_ns(NSEC_PER_MSEC);
	load_make(&reader, NULL, "read", "a", c->a_mib, 3);
	if (!err)
		err = job_start(&job, service, NORMAL, reader.argv);
	if (!err)
		err = job_end(&job, result, sizeof(result));
	return err;
}

/* Instructions per operation. */
static int probe_cost(const struct cell *c)
{
	char prog[PATH_SIZE], rounds[24], phase[24];
	char *argv[] = { prog, "--rounds", rounds, "--phase-us", phase,
			 c->probe == FILEWRITE ? DISK "/cost" : NULL, NULL };
	struct job job;
	int err;

	bench_prog(prog, probes[c->probe]);
	snprintf(rounds, sizeof(rounds), "%" PRIu64, c->rounds);
	snprintf(phase, sizeof(phase), "%" PRIu64, c->seed * 797 % 4000);
	sleep_ns(c->settle_ms * NSEC_PER_MSEC);
	count(job_dir, &before);
	err = job_start(&job, job_dir, NORMAL, argv);
	if (!err)
		err = job_end(&job, result, sizeof(result));
	count(job_dir, &after);
	return err;
}

static int probe_run(const struct cell *c)
{
	result[0] = marks[0] = more[0] = '\0';
	switch (c->probe) {
	case WAKEUP:
		return probe_wakeup(c);
	case GLOBAL:
		return probe_global(c);
	case PAGEFAULT:
	case FILEWRITE:
		return probe_cost(c);
	default:
		return probe_load(c);
	}
}

static int files_make(const struct cell *c)
{
	uint64_t b_mib = 0;
	unsigned int i;
	int err;

	switch (c->probe) {
	case READ:
		return file_make("data", c->size_mib);
	case TOUCH:
		return c->fill_mib ? file_make("data", c->fill_mib) : 0;
	case WAKEUP:
		return c->load ? file_make("data", c->size_mib) : 0;
	case GLOBAL:
		/* The disk takes the same memory in all cells. */
		for (i = 0; i < nr_cells; i++) {
			if (cells[i].probe == GLOBAL && cells[i].b_mib > b_mib)
				b_mib = cells[i].b_mib;
		}
		err = file_make("a", c->a_mib);
		return err ?: file_make("b", b_mib);
	default:
		return 0;
	}
}

/* --- report -------------------------------------------------------------- */

static void report_cell(FILE *out, const struct cell *c)
{
	const char *dir = c->probe == GLOBAL ? service : job_dir;

	fputs("# result {\"cell\":", out);
	words_json(out, c->words);
	fputs(",\"group\":", out);
	counts_json(out, &before, &after);
	fputs(",\"levels\":", out);
	levels_json(out, dir);
	if (marks[0])
		fprintf(out, ",\"marks\":%s", marks);
	fprintf(out, "%s,\"result\":%s}\n", more, result);
	fflush(out);
}

static int cell_run(unsigned int nr)
{
	const struct cell *c = &cells[nr];
	int err, err_remove;

	err = disk_make();
	if (!err)
		err = files_make(c);
	if (!err)
		err = machine_set("/sys/kernel/mm/lru_gen/enabled",
				  c->lru == MGLRU ? "7" : "0");
	if (!err)
		err = caches_drop();
	if (!err)
		err = group_setup(c);
	if (!err && c->swap)
		err = swap_on();
	if (!err)
		err = probe_run(c);
	if (!err)
		report_cell(stdout, c);
	err_remove = groups_remove();
	if (c->swap && swapoff("/dev/ram1") && !err)
		err = -errno;
	if (c->probe == WRITE)
		unlink(DISK "/written");
	if (!err)
		err = caches_drop();
	sleep_ns(200 * NSEC_PER_MSEC);
	return err ?: err_remove;
}

static const char *cell_name(unsigned int nr)
{
	return cells[nr].id;
}

static void usage(FILE *out)
{
	fputs("Usage: memcell [OPTION]... PLAN\n"
	      "Set up and measure the memory cells of a plan, one after the "
	      "other.\n\n"
	      "  --cgroup DIR      root of the cgroup v2 tree (/sys/fs/cgroup)\n"
	      "  --bench DIR       where the probes are (/bench)\n"
	      "  --settle-ms N     wait before the first cell (6000)\n", out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cgroup",	required_argument, NULL, 'c' },
		{ "bench",	required_argument, NULL, 'b' },
		{ "settle-ms",	required_argument, NULL, 's' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ }
	};
	uint64_t settle_ms = 6000;
	struct words *words;
	unsigned int i;
	int c;

	progname = "memcell";
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			cgroot = optarg;
			break;
		case 'b':
			bench_dir = optarg;
			break;
		case 's':
			settle_ms = parse_u64("--settle-ms", optarg, 0, 3600000);
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

	words = plan_load(argv[optind], &nr_cells);
	cells = xcalloc(nr_cells, sizeof(*cells));
	for (i = 0; i < nr_cells; i++)
		cell_parse(&cells[i], &words[i]);
	/* Or kswapd would empty most of the cache while memory is free. */
	if (machine_set("/proc/sys/vm/watermark_boost_factor", "0"))
		return 1;
	return plan_run(nr_cells, settle_ms, cell_run, cell_name) ? 1 : 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What memory watermarks do: background reclaim between two marks and when it has
 * to keep still, what it costs and who pays, offline groups first. Files are read
 * from ext4 on a RAM disk (boot with ramdisk_size=, see guest-*.list).
 *
 * test_wmark [strict=1] [groups=N] [v1=1]; with strict=0 (several emulated CPUs that stand
 * still at times, or a checking kernel) a reader at full speed may now and then
 * outrun the worker, and what is judged is where usage settles.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem_util.h"

static long strict = 1;
static long groups = 100;

/* Charges come in stocks of a CPU; usage is known no better than that. */
static int64_t blur(void)
{
	return n_cpus() * 64 * 4096LL + 256 * KIB;
}

static int64_t stat_of(const char *cg, const char *key)
{
	return cg_key(cg, "memory.stat", key);
}

static int64_t cpu_usec(const char *cg)
{
	return cg_key(cg, "cpu.stat", "usage_usec");
}

/* A counter that did not move for a moment will not move by itself. */
static bool settles(const char *cg)
{
	int64_t before, now = wm(cg, "scanned") + wm(cg, "cpu_usec");
	int i;

	for (i = 0; i < 100; i++) {
		before = now;
		sleep_ms(scaled(50));
		now = wm(cg, "scanned") + wm(cg, "cpu_usec");
		if (now == before)
			return true;
	}
	return false;
}

/* Where usage has to be once nothing is charged any more. */
static void expect_between(const char *cg, const char *what)
{
	int64_t high = wm(cg, "high_bytes"), low = wm(cg, "low_bytes");
	/* After refaults reclaim begins later, up to the limit. */
	int64_t most = wm(cg, "widened") ? wm(cg, "limit_bytes") : high;

	if (!CHECK(WAIT_FOR(mem_usage(cg) <= most + blur(), 5000),
		   "%s: usage %lld stays above high %lld", what,
		   (long long)mem_usage(cg), (long long)high))
		wm_tell(cg);
	CHECK(settles(cg), "%s: reclaim does not come to an end", what);
	/* One batch too far, and the gap once more for what came meanwhile. */
	CHECK(mem_usage(cg) >= low - 2 * (high - low) - blur(),
	      "%s: usage %lld is far below low %lld", what,
	      (long long)mem_usage(cg), (long long)low);
}

/* ------------------------------------------------------------- the stream */

/* Reads three times the limit through a group and watches its usage. */
static void stream_through(const char *cg)
{
	int64_t high = wm(cg, "high_bytes"), max0 = mem_max_events(cg);
	unsigned int samples = 0, above = 0;
	int64_t worst = 0, usage;
	struct task t;

	stream = (struct stream){ .file = "f", .mib = 160, .passes = 1 };
	t = mem_task(cg, fn_stream, 0);
	REQUIRE(WAIT_FOR(({
		usage = mem_usage(cg);
		samples++;
		above += usage > high + high / 100 + blur();
		if (usage > worst)
			worst = usage;
		t.c->stage == 2 || t.c->err;
	}), 60000), "the reader does not come to its end");
	REQUIRE(!t.c->err, "the reader: %s", strerror(-t.c->err));
	CHECK(task_wait(&t, 10000, NULL), "the reader does not end");
	wm_tell(cg);
	diag("usage: worst %lld, %u of %u samples above high %lld",
	     (long long)worst, above, samples, (long long)high);
	if (strict) {
		CHECK(mem_max_events(cg) == max0, "%lld charges hit the limit",
		      (long long)(mem_max_events(cg) - max0));
		if (cg_hier == CG_V2)
			CHECK(stat_of(cg, "pgscan_direct") == 0,
			      "direct reclaim looked at %lld pages",
			      (long long)stat_of(cg, "pgscan_direct"));
		CHECK(above * 20 <= samples,
		      "%u of %u samples are above high", above, samples);
	}
	CHECK(wm(cg, "runs") > 0 && wm(cg, "crossed") > 0 &&
	      wm(cg, "reclaimed") > 0 && wm(cg, "scanned") > 0 &&
	      wm(cg, "cpu_usec") > 0 && wm(cg, "run_max_usec") > 0,
	      "the statistics know nothing of it");
	/* Clean cache, read once: nearly all that is looked at can go. */
	CHECK(wm(cg, "scanned") <= 2 * wm(cg, "reclaimed"),
	      "scanned %lld for %lld", (long long)wm(cg, "scanned"),
	      (long long)wm(cg, "reclaimed"));
	CHECK(wm(cg, "reclaimed") * 4096 >= (int64_t)(80 * MIB) || !strict,
	      "reclaimed %lld pages only", (long long)wm(cg, "reclaimed"));
	CHECK(wm(cg, "run_max_usec") <= wm(cg, "cpu_usec"), "one run of %lld, all %lld",
	      (long long)wm(cg, "run_max_usec"), (long long)wm(cg, "cpu_usec"));
	expect_between(cg, "after the stream");
}

static void stream_under_limit(void)
{
	disk();
	disk_file("f", 160);
	mem_group("a", 48 * MIB);
	mem_set("a", "wmark_ratio", "90");
	stream_through("a");
}

/* That it is the marks that keep the reader from its limit. */
static void stream_without_marks(void)
{
	disk();
	disk_file("f", 80);
	mem_group("a", 48 * MIB);
	mem_read("a", "f", 0, 80);
	CHECK(mem_max_events("a") > 0, "no charge hit the limit");
	CHECK(wm("a", "runs") == 0 && wm("a", "scanned") == 0,
	      "reclaim without marks");
}

static void mglru(bool on)
{
	int ret = write_file("/sys/kernel/mm/lru_gen/enabled", on ? "y" : "n");

	if (ret == -ENOENT)
		colo_skip("no MGLRU");
	REQUIRE(!ret, "lru_gen: %s", strerror(-ret));
}

static void stream_mglru(void)
{
	mglru(true);
	disk();
	disk_file("f", 160);
	mem_group("a", 48 * MIB);
	mem_set("a", "wmark_ratio", "90");
	stream_through("a");
	mglru(false);
}

/* Nothing asks for it: the mark itself, above which usage is when it is set. */
static void mark_below_usage(void)
{
	int64_t before;

	disk();
	disk_file("f", 96);
	mem_group("a", 64 * MIB);
	mem_read("a", "f", 0, 38);
	before = mem_usage("a");
	mem_set("a", "wmark_high", "16M");
	/* At the latest with the next charge. */
	mem_read("a", "f", 38, 2);
	expect_between("a", "mark set below usage");
	CHECK(before > (int64_t)(36 * MIB), "usage was only %lld",
	      (long long)before);
	/* A limit that goes down takes its percentage along. */
	mem_set("a", "wmark_high", "50%%");
	/* What is read is new each time: nothing of it is a refault. */
	mem_read("a", "f", 40, 28);
	REQUIRE(!mem_limit("a", 36 * MIB), "limit");
	mem_read("a", "f", 70, 2);
	expect_between("a", "limit lowered");
	CHECK(mem_num("a", "wmark_high") == (int64_t)(18 * MIB), "high is %lld",
	      (long long)mem_num("a", "wmark_high"));
}

/* -------------------------------------------------------- basis and period */

static void basis_cache(void)
{
	struct task t;
	int64_t anon;

	disk();
	disk_file("f", 64);
	mem_group("a", 128 * MIB);
	mem_set("a", "wmark_basis", "cache");
	mem_set("a", "wmark_high", "16M");
	t = mem_task("a", fn_anon, 32);
	REQUIRE(WAIT_FOR(t.c->stage == 1, 20000), "anon");
	sleep_ms(200);
	CHECK(wm("a", "runs") == 0, "anonymous memory made it run");
	anon = mem_anon("a");
	mem_read("a", "f", 0, 64);
	CHECK(WAIT_FOR(mem_file("a") <= (int64_t)(16 * MIB) + blur(), 5000),
	      "the cache is %lld", (long long)mem_file("a"));
	CHECK(settles("a"), "reclaim does not come to an end");
	wm_tell("a");
	CHECK(wm("a", "runs") > 0 && mem_file("a") >= (int64_t)(8 * MIB),
	      "the cache is %lld", (long long)mem_file("a"));
	/* The reader had a few pages of its own; the statistics are not exact. */
	CHECK(mem_anon("a") >= anon - blur(), "anonymous memory: %lld, was %lld",
	      (long long)mem_anon("a"), (long long)anon);
	CHECK(mem_max_events("a") == 0, "a charge hit the limit");
	CHECK(task_end(&t), "anon");
}

/* Without a crossing: below high and above low. */
static void period(void)
{
	int64_t usage, runs;

	disk();
	disk_file("f", 64);
	mem_group("a", 64 * MIB);
	mem_set("a", "wmark_high", "48M");
	mem_set("a", "wmark_low", "16M");
	mem_read("a", "f", 0, 32);
	sleep_ms(300);
	usage = mem_usage("a");
	CHECK(usage >= (int64_t)(31 * MIB) && wm("a", "runs") == 0,
	      "it ran below high: usage %lld", (long long)usage);
	mem_set("a", "wmark_period_ms", "50");
	CHECK(WAIT_FOR(mem_usage("a") <= (int64_t)(16 * MIB) + blur(), 5000),
	      "usage %lld", (long long)mem_usage("a"));
	wm_tell("a");
	CHECK(wm("a", "runs") > 0, "no run");
	CHECK(wm("a", "crossed") == 0, "%lld crossings", (long long)wm("a", "crossed"));
	/* Once more, by itself. */
	mem_read("a", "f", 32, 28);
	CHECK(WAIT_FOR(mem_usage("a") <= (int64_t)(16 * MIB) + blur(), 5000),
	      "the second time: usage %lld", (long long)mem_usage("a"));
	mem_set("a", "wmark_period_ms", "0");
	sleep_ms(100);
	runs = wm("a", "runs");
	mem_read("a", "f", 0, 20);
	sleep_ms(300);
	CHECK(wm("a", "runs") == runs, "it runs with period 0");
	CHECK(mem_usage("a") > (int64_t)(30 * MIB), "usage %lld",
	      (long long)mem_usage("a"));
}

/* ---------------------------------------------------- off, and not there */

static void off_in_mid_run(void)
{
	int64_t usage, later;
	int i, caught = 0;

	disk();
	disk_file("f", 96);
	mem_group("a", 128 * MIB);
	for (i = 0; i < 8; i++) {
		mem_set("a", "wmark_high", "max");
		mem_read("a", "f", 0, 90);
		mem_set("a", "wmark_high", "4M");
		mem_set("a", "wmark_low", "1M");
		mem_read("a", "f", 90 + i % 6, 1);
		/* Somewhere on the way down. */
		WAIT_FOR(mem_usage("a") < (int64_t)(80 * MIB), 2000);
		mem_set("a", "wmark_high", "max");
		usage = mem_usage("a");
		sleep_ms(200);
		later = mem_usage("a");
		/* A batch is 512 KiB; a few may be under way. */
		CHECK(later >= usage - (int64_t)(2 * MIB),
		      "%lld went after the mark was off", (long long)(usage - later));
		CHECK(wm("a", "high_bytes") == NONE, "it is not off");
		caught += later > (int64_t)(8 * MIB);
	}
	diag("%d of %d runs were cut short", caught, i);
	CHECK(caught > 0 || !strict, "every run was over before");
	CHECK(settles("a"), "it still runs");
}

static bool no_dying(void)
{
	return cg_key("", "cgroup.stat", "nr_dying_descendants") == 0;
}

/* Removed with work queued or running; nothing may hold on to the group. */
static void rmdir_while_running(void)
{
	char cg[32];
	int i;

	disk();
	disk_file("f", 64);
	for (i = 0; i < 40; i++) {
		snprintf(cg, sizeof(cg), "g%d", i % 4);
		mem_group(cg, 64 * MIB);
		mem_read(cg, "f", i % 8 * 8, 8);
		if (i & 1)
			mem_set(cg, "wmark_period_ms", "1");
		mem_set(cg, "wmark_low", "64K");
		mem_set(cg, "wmark_high", "1M");
		if (i & 2)
			mem_read(cg, "f", (i + 3) % 8 * 8, 4);
		if (i & 4)
			usleep(i * 50);
		CHECK(!cg_rm(cg), "rmdir");
	}
	disk_drop();
	CHECK(WAIT_FOR((drop_caches(), no_dying()), 20000),
	      "%lld removed groups are not released",
	      (long long)cg_key("", "cgroup.stat", "nr_dying_descendants"));
}

/* -------------------------------------------------------- several groups */

static void nested_marks(void)
{
	disk();
	disk_file("f", 160);
	mem_group("p/c", 0);
	REQUIRE(!mem_limit("p", 64 * MIB), "limit");
	mem_set("p", "wmark_high", "75%%");
	mem_set("p/c", "wmark_high", "24M");
	mem_read("p/c", "f", 0, 96);
	/* The inner mark is the lower one; the outer has nothing to do. */
	wm_tell("p");
	wm_tell("p/c");
	expect_between("p/c", "inner");
	CHECK(wm("p/c", "runs") > 0, "the inner one did not run");
	CHECK(wm("p", "crossed") == 0 || !strict, "the outer one was crossed");
	/* Now the outer one is: two children, one without a mark. */
	mem_group("p/d", 0);
	mem_read("p/d", "f", 96, 60);
	wm_tell("p");
	CHECK(wm("p", "runs") > 0, "the outer one did not run");
	expect_between("p", "outer");
	if (strict)
		CHECK(cg_hier == CG_V1 || mem_max_events("p") == 0,
		      "%lld charges hit the limit", (long long)mem_max_events("p"));
}

/* What memory.low or memory.min protects stays. */
static void protection(const char *file)
{
	int64_t before;

	disk();
	disk_file("f", 160);
	mem_group("p/keep", 0);
	mem_group("p/take", 0);
	REQUIRE(!mem_limit("p", 64 * MIB), "limit");
	mem_set("p/keep", file, "24M");
	mem_read("p/keep", "f", 0, 20);
	before = mem_file("p/keep");
	REQUIRE(before >= (int64_t)(20 * MIB), "cache %lld", (long long)before);
	mem_set("p", "wmark_high", "48M");
	mem_read("p/take", "f", 20, 130);
	expect_between("p", file);
	wm_tell("p");
	CHECK(wm("p", "reclaimed") > 0, "nothing was reclaimed");
	CHECK(mem_file("p/keep") >= before - (int64_t)MIB,
	      "memory.%s: %lld of %lld are left", file,
	      (long long)mem_file("p/keep"), (long long)before);
}

static void memory_low(void)
{
	protection("low");
}

static void memory_min(void)
{
	protection("min");
}

/* All that can be reclaimed is protected: gives up, and keeps still. */
static void all_protected(void)
{
	int64_t cpu;

	disk();
	disk_file("f", 40);
	mem_group("p/keep", 0);
	mem_set("p", "min", "64M");
	mem_set("p/keep", "min", "64M");
	mem_set("p", "wmark_high", "8M");
	mem_read("p/keep", "f", 0, 32);
	sleep_ms(1000);
	cpu = wm("p", "cpu_usec");
	sleep_ms(3000);
	cpu = wm("p", "cpu_usec") - cpu;
	wm_tell("p");
	/* memory.min of the group itself protects it from others only. */
	CHECK(mem_file("p/keep") >= (int64_t)(31 * MIB), "cache %lld",
	      (long long)mem_file("p/keep"));
	CHECK(cpu <= 30000, "%lld us of CPU in 3 s", (long long)cpu);
}

/* Those at work: the name of one that has ended it has a minus. */
static unsigned int count_workers(void)
{
	char path[300], name[64];
	unsigned int n = 0;
	struct dirent *de;
	DIR *d = opendir("/proc");

	while (d && (de = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", de->d_name);
		if (read_file(path, name, sizeof(name)) > 0 &&
		    strstr(name, "+memcg_wmark"))
			n++;
	}
	if (d)
		closedir(d);
	return n;
}

/* Many groups over their mark at once, with few workers for them. */
static void many_groups(void)
{
	const unsigned int each = 2;
	unsigned int workers = 0, n, left = 0;
	char cg[32];
	long i;

	disk();
	disk_file("f", groups * each);
	for (i = 0; i < groups; i++) {
		snprintf(cg, sizeof(cg), "g/%ld", i);
		mem_group(cg, 64 * MIB);
		mem_read(cg, "f", i * each, each);
	}
	for (i = 0; i < groups; i++) {
		snprintf(cg, sizeof(cg), "g/%ld", i);
		mem_set(cg, "wmark_low", "512K");
		mem_set(cg, "wmark_high", "1M");
		mem_set(cg, "wmark_period_ms", "20");
	}
	REQUIRE(WAIT_FOR(({
		n = count_workers();
		if (n > workers)
			workers = n;
		for (left = 0, i = 0; i < groups; i++) {
			snprintf(cg, sizeof(cg), "g/%ld", i);
			left += mem_usage(cg) > (int64_t)MIB + blur() ||
				!wm(cg, "runs");
		}
		!left;
	}), 30000), "%u of %ld groups are still over their mark, or had no run",
		left, groups);
	diag("%ld groups, at most %u workers seen", groups, workers);
	/* Four, and two for offline groups, of which there are none. */
	CHECK(workers <= 4, "%u workers", workers);
}

/* ----------------------------------------------------- nothing to reclaim */

/*
 * Over the mark with nothing that could go, and charges that go on: after the first
 * attempts the worker takes no more than 1 % of a CPU.
 */
static void fn_trickle(struct task_ctl *c, long arg)
{
	(void)arg;
	while (!c->stop) {
		char *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		size_t i;

		if (p == MAP_FAILED) {
			c->err = -errno;
			return;
		}
		for (i = 0; i < MIB; i += 4096)
			p[i] = 1;
		munmap(p, MIB);
		c->progress++;
		usleep(2000);
	}
}

static void unreclaimable(task_fn fn, const char *what)
{
	struct task t, trickle;
	int64_t cpu, scanned;

	disk();
	disk_file("f", 32);
	stream = (struct stream){ .file = "f" };
	mem_group("a", 64 * MIB);
	mem_set("a", "wmark_high", "8M");
	t = mem_task("a", fn, 24);
	REQUIRE(WAIT_FOR(t.c->stage == 1 || t.c->err, 30000), "%s", what);
	REQUIRE(!t.c->err, "%s: %s", what, strerror(-t.c->err));
	trickle = mem_task("a", fn_trickle, 0);
	sleep_ms(1000);
	cpu = wm("a", "cpu_usec");
	scanned = wm("a", "scanned");
	sleep_ms(4000);
	cpu = wm("a", "cpu_usec") - cpu;
	scanned = wm("a", "scanned") - scanned;
	wm_tell("a");
	diag("%s: %lld us of CPU and %lld pages scanned in 4 s, %llu MiB charged", what,
	     (long long)cpu, (long long)scanned,
	     (unsigned long long)trickle.c->progress);
	CHECK(trickle.c->progress > 100 || !strict, "hardly anything was charged");
	CHECK(cpu <= 40000 || !strict, "%s: %lld us of CPU in 4 s", what,
	      (long long)cpu);
	CHECK(wm("a", "backoffs") > 0, "%s: it never backed off", what);
	CHECK(wm("a", "failed") > 0, "%s: no run failed", what);
	CHECK(mem_usage("a") > (int64_t)(20 * MIB), "%s: usage %lld", what,
	      (long long)mem_usage("a"));
	CHECK(task_alive(t.pid) && task_alive(trickle.pid),
	      "%s: somebody was killed", what);
	CHECK(task_end(&t) && task_end(&trickle), "tasks");
	/* And it comes back to life when there is something again. */
	mem_read("a", "f", 0, 24);
	expect_between("a", what);
}

static void only_anon(void)
{
	unreclaimable(fn_anon, "anonymous memory");
}

static void only_huge(void)
{
	unreclaimable(fn_huge, "huge pages");
}

static void only_tmpfs(void)
{
	unreclaimable(fn_tmpfs, "tmpfs");
}

static void only_locked(void)
{
	unreclaimable(fn_locked, "locked pages");
}

/* Mapped and in use: may be reclaimed or not, but costs little. */
static void only_mapped(void)
{
	struct task t, trickle;
	int64_t cpu;

	disk();
	disk_file("f", 32);
	stream = (struct stream){ .file = "f" };
	mem_group("a", 64 * MIB);
	mem_set("a", "wmark_high", "8M");
	t = mem_task("a", fn_mapped, 24);
	REQUIRE(WAIT_FOR(t.c->stage == 1 || t.c->err, 30000), "mapped");
	trickle = mem_task("a", fn_trickle, 0);
	sleep_ms(1000);
	cpu = wm("a", "cpu_usec");
	sleep_ms(4000);
	cpu = wm("a", "cpu_usec") - cpu;
	wm_tell("a");
	diag("mapped pages: %lld us of CPU in 4 s", (long long)cpu);
	CHECK(cpu <= 400000 || !strict, "mapped pages: %lld us of CPU in 4 s",
	      (long long)cpu);
	CHECK(task_alive(t.pid), "it was killed");
	CHECK(task_end(&t) && task_end(&trickle), "tasks");
}

/* ----------------------------------------------------------------- dirty */

static void dirty(void)
{
	int64_t scanned, cpu;

	disk();
	mem_group("a", 64 * MIB);
	mem_set("a", "wmark_ratio", "80");
	stream = (struct stream){ .file = "w", .mib = 128, .passes = 1 };
	mem_run("a", fn_dirty, 0, 120000);
	scanned = wm("a", "scanned");
	cpu = wm("a", "cpu_usec");
	wm_tell("a");
	diag("128 MiB written: %lld pages scanned, %lld reclaimed, %lld us, %lld max events",
	     (long long)scanned, (long long)wm("a", "reclaimed"), (long long)cpu,
	     (long long)mem_max_events("a"));
	/* Dirty pages are not looked at again and again. */
	CHECK(scanned <= 3 * 128 * 256, "%lld pages scanned for %d written",
	      (long long)scanned, 128 * 256);
	CHECK(WAIT_FOR((sync(), mem_usage("a") <= wm("a", "high_bytes") + blur()) ||
		       settles("a"), 10000), "no end");
	/* Once all is clean, the mark holds again. */
	sync();
	mem_read("a", "w", 0, 64);
	expect_between("a", "written back");
}

/* ---------------------------------------------------------------- bounce */

/* The smallest gap, and usage that keeps crossing it. */
static void bounce(void)
{
	int64_t gap, runs;

	disk();
	disk_file("f", 160);
	mem_group("a", 64 * MIB);
	mem_set("a", "wmark_ratio", "95");
	mem_set("a", "wmark_scale_factor", "1");
	gap = wm("a", "high_bytes") - wm("a", "low_bytes");
	CHECK(gap >= 2 * n_cpus() * 64 * 4096, "a gap of %lld", (long long)gap);
	stream = (struct stream){ .file = "f", .mib = 150, .passes = 1,
				  .pause_us = 500 };
	mem_run("a", fn_stream, 0, 60000);
	runs = wm("a", "runs");
	wm_tell("a");
	diag("gap %lld, %lld pages a run", (long long)gap,
	     (long long)(wm("a", "reclaimed") / (runs ?: 1)));
	CHECK(runs > 0, "no run");
	/* Each run is worth its while. */
	CHECK(wm("a", "reclaimed") >= runs * 32, "%lld runs for %lld pages",
	      (long long)runs, (long long)wm("a", "reclaimed"));
	if (strict)
		CHECK(mem_max_events("a") == 0, "%lld charges hit the limit",
		      (long long)mem_max_events("a"));
	expect_between("a", "after bouncing");
}

/* --------------------------------------------------------------- notifier */

static void read_all(int fd)
{
	char buf[2048];

	lseek(fd, 0, SEEK_SET);
	while (read(fd, buf, sizeof(buf)) > 0)
		;
}

static void poll_wakes(void)
{
	struct pollfd p = { .events = POLLPRI };
	struct task t;

	disk();
	disk_file("f", 64);
	mem_group("a", 64 * MIB);
	mem_set("a", "wmark_high", "16M");
	p.fd = open(cg_path("a", "memory.wmark_stat"), O_RDONLY | O_CLOEXEC);
	REQUIRE(p.fd >= 0, "open: %s", strerror(errno));
	/* As any kernfs file, it is news to who has not read it. */
	read_all(p.fd);
	CHECK(poll(&p, 1, 500) == 0, "news of nothing: %x", p.revents);
	mem_read("a", "f", 0, 12);
	CHECK(poll(&p, 1, 500) == 0, "news of usage below high: %x", p.revents);
	mem_read("a", "f", 12, 20);
	CHECK(poll(&p, 1, scaled(5000)) == 1 && p.revents & POLLPRI,
	      "no news of a crossing: %x", p.revents);
	CHECK(wm("a", "crossed") > 0, "nothing was crossed");
	CHECK(settles("a"), "no end");
	sleep_ms(300);
	read_all(p.fd);
	CHECK(poll(&p, 1, 500) == 0, "news again: %x", p.revents);
	/* Reclaim that fails is news. */
	t = mem_task("a", fn_anon, 32);
	REQUIRE(WAIT_FOR(wm("a", "failed") > 0, 10000), "no run failed");
	CHECK(poll(&p, 1, scaled(5000)) == 1 && p.revents & POLLPRI,
	      "no news of a failure: %x", p.revents);
	CHECK(task_end(&t), "anon");
	/* The group goes while somebody waits for it. */
	read_all(p.fd);
	REQUIRE(!cg_rm("a"), "rmdir");
	CHECK(poll(&p, 1, scaled(5000)) == 1, "a removed group is not told: %x",
	      p.revents);
	close(p.fd);
}

/* ---------------------------------------------------------------- billing */

/* With no task in the group all of cpu.stat's growth is the worker's. */
static void billed(void)
{
	int64_t cpu, parent, worker;
	int round;

	disk();
	disk_file("f", 96);
	mem_group("p/a", 128 * MIB);
	for (round = 0; round < 2; round++) {
		if (round)
			mem_set("p/a", "offline", "1");
		mem_set("p/a", "wmark_high", "max");
		mem_read("p/a", "f", 0, 90);
		REQUIRE(settles("p/a"), "no calm before");
		worker = wm("p/a", "cpu_usec");
		cpu = cpu_usec("p/a");
		parent = cpu_usec("p");
		mem_set("p/a", "wmark_low", "4M");
		mem_set("p/a", "wmark_high", "8M");
		mem_set("p/a", "wmark_period_ms", "1000");
		CHECK(WAIT_FOR(mem_usage("p/a") <= (int64_t)(8 * MIB) + blur(),
			       10000), "usage %lld", (long long)mem_usage("p/a"));
		mem_set("p/a", "wmark_period_ms", "0");
		CHECK(settles("p/a"), "no end");
		worker = wm("p/a", "cpu_usec") - worker;
		cpu = cpu_usec("p/a") - cpu;
		parent = cpu_usec("p") - parent;
		diag("offline=%d: worker %lld us, cpu.stat %lld us, of the parent %lld us",
		     round, (long long)worker, (long long)cpu, (long long)parent);
		CHECK(worker > 1000, "the worker took %lld us for 80 MiB",
		      (long long)worker);
		CHECK(llabs(cpu - worker) <= worker / 20 + 200,
		      "cpu.stat grew by %lld us, the worker took %lld us",
		      (long long)cpu, (long long)worker);
		CHECK(llabs(parent - worker) <= worker / 20 + 200,
		      "the parent's cpu.stat grew by %lld us, the worker took %lld us",
		      (long long)parent, (long long)worker);
	}
}

/* ---------------------------------------------------------------- refault */

/* Fits under the mark: stays as it is. */
static void working_set_fits(void)
{
	int64_t refaults;

	disk();
	disk_file("f", 64);
	mem_group("a", 64 * MIB);
	mem_set("a", "wmark_ratio", "95");
	stream = (struct stream){ .file = "f", .mib = 56, .passes = 12 };
	mem_run("a", fn_stream, 0, 60000);
	refaults = stat_of("a", "workingset_refault_file");
	wm_tell("a");
	CHECK(refaults < 256, "%lld pages came back", (long long)refaults);
	CHECK(wm("a", "widened") == 0, "it widened for nothing");
}

/* Fits under the limit and not under the mark: must not thrash. */
static void working_set_above_mark(void)
{
	int64_t refaults, late, early;
	struct task t;

	disk();
	disk_file("f", 64);
	mem_group("a", 64 * MIB);
	mem_set("a", "wmark_ratio", "90");
	stream = (struct stream){ .file = "f", .mib = 60, .passes = 40 };
	t = mem_task("a", fn_stream, 0);
	REQUIRE(WAIT_FOR(t.c->extra >= 20 || t.c->err, 120000), "half: %llu",
		(unsigned long long)t.c->extra);
	early = stat_of("a", "workingset_refault_file");
	REQUIRE(WAIT_FOR(t.c->stage == 2 || t.c->err, 120000), "end: %llu",
		(unsigned long long)t.c->extra);
	REQUIRE(!t.c->err, "the reader: %s", strerror(-t.c->err));
	refaults = stat_of("a", "workingset_refault_file");
	late = refaults - early;
	CHECK(task_wait(&t, 10000, NULL), "the reader does not end");
	wm_tell("a");
	diag("of %d pages read %lld came back, %lld of them in the second half",
	     40 * 60 * 256, (long long)refaults, (long long)late);
	CHECK(wm("a", "widened") > 0, "it did not widen");
	CHECK(wm("a", "refaulted") > 0, "it saw no refault");
	/* Of what the second half reads at most a tenth. */
	CHECK(late <= 20 * 60 * 256 / 10, "%lld refaults in the second half",
	      (long long)late);
}

/* ------------------------------------------------------------------- swap */

#define SWAP_DEV	"/dev/ram1"

static bool swap_on(void)
{
	static char page[4096];
	uint32_t *info = (uint32_t *)(page + 1024);
	int fd = open(SWAP_DEV, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	info[0] = 1;			/* version */
	info[1] = 64 * 256 - 1;		/* last page: 64 MiB */
	memcpy(page + 4086, "SWAPSPACE2", 10);
	ok = write(fd, page, sizeof(page)) == (ssize_t)sizeof(page) && !fsync(fd);
	close(fd);
	return ok && !swapon(SWAP_DEV, 0);
}

static int64_t vmstat(const char *key)
{
	char line[128];
	int64_t val = -1;
	FILE *f = fopen("/proc/vmstat", "re");

	while (f && fgets(line, sizeof(line), f)) {
		size_t len = strlen(key);

		if (!strncmp(line, key, len) && line[len] == ' ')
			val = atoll(line + len + 1);
	}
	if (f)
		fclose(f);
	return val;
}

/* file never swaps, all does. */
static void swapping(void)
{
	struct task t;
	int64_t out;

	disk();
	disk_file("f", 120);
	if (!swap_on())
		colo_skip("no swap on " SWAP_DEV ": %s", strerror(errno));
	mem_group("a", 64 * MIB);
	mem_set("a", "wmark_high", "24M");
	out = vmstat("pswpout");
	t = mem_task("a", fn_anon, 32);
	REQUIRE(WAIT_FOR(t.c->stage == 1, 20000), "anon");
	mem_read("a", "f", 0, 60);
	sleep_ms(1000);
	CHECK(vmstat("pswpout") == out, "type=file has swapped %lld pages",
	      (long long)(vmstat("pswpout") - out));
	CHECK(wm("a", "reclaimed") > 0, "nothing was reclaimed");
	mem_set("a", "wmark_type", "all");
	/* New to the group: what it had read before would be refaults. */
	mem_read("a", "f", 60, 60);
	CHECK(WAIT_FOR(mem_usage("a") <= (int64_t)(24 * MIB) + blur(), 10000),
	      "type=all: usage %lld", (long long)mem_usage("a"));
	wm_tell("a");
	if (!CHECK(vmstat("pswpout") > out, "type=all has not swapped")) {
		/* Would anybody have? */
		cg_write("a", "memory.reclaim", "16M");
		diag("after memory.reclaim of 16M: %lld pages swapped, anon %lld",
		     (long long)(vmstat("pswpout") - out),
		     (long long)mem_anon("a"));
	}
	CHECK(task_end(&t), "anon");
	REQUIRE(!swapoff(SWAP_DEV), "swapoff: %s", strerror(errno));
}

/* ------------------------------------------------ charges from softirq etc. */

static void fn_udp(struct task_ctl *c, long arg)
{
	static char buf[32 * KIB];
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(a);
	int rx, tx;

	(void)arg;
	rx = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	tx = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (rx < 0 || tx < 0 || bind(rx, (struct sockaddr *)&a, sizeof(a)) ||
	    getsockname(rx, (struct sockaddr *)&a, &len) ||
	    connect(tx, (struct sockaddr *)&a, len)) {
		c->err = -errno;
		return;
	}
	while (!c->stop) {
		int i;

		/* Until the receiver's buffer is full, then all of it back. */
		for (i = 0; i < 64; i++)
			send(tx, buf, sizeof(buf), 0);
		while (recv(rx, buf, sizeof(buf), 0) > 0)
			c->progress++;
	}
}

/* Sockets charge in softirq; the mark is crossed there, too. */
static void atomic_charges(void)
{
	struct task u[2], t;
	int i;

	/* A namespace of its own may have no loopback that is up. */
	if (system("ip link set lo up 2>/dev/null"))
		colo_skip("no loopback");
	disk();
	disk_file("f", 96);
	mem_group("a", 32 * MIB);
	mem_set("a", "wmark_high", "16M");
	for (i = 0; i < 2; i++)
		u[i] = mem_task("a", fn_udp, 0);
	stream = (struct stream){ .file = "f", .mib = 96, .passes = 2,
				  .pause_us = 1000 };
	t = mem_task("a", fn_stream, 0);
	CHECK(WAIT_FOR(t.c->stage == 2 || t.c->err, 60000), "the reader hangs");
	CHECK(!t.c->err, "the reader: %s", strerror(-t.c->err));
	for (i = 0; i < 2; i++) {
		CHECK(!u[i].c->err, "sockets: %s", strerror(-u[i].c->err));
		CHECK(u[i].c->progress > 10, "%llu datagrams",
		      (unsigned long long)u[i].c->progress);
		CHECK(task_end(&u[i]), "sockets");
	}
	CHECK(task_end(&t), "reader");
	wm_tell("a");
	expect_between("a", "with sockets");
}

/* ------------------------------------------------------------------- OOM */

/* The group runs out of memory while its cache is being reclaimed. */
static void oom_while_running(void)
{
	struct task t, a;
	int status = 0, i;

	disk();
	disk_file("f", 96);
	mem_group("a", 32 * MIB);
	mem_set("a", "wmark_high", "8M");
	mem_set("a", "wmark_period_ms", "1");
	stream = (struct stream){ .file = "f", .mib = 96 };
	t = mem_task("a", fn_stream, 0);
	/* Only the hog is to be killed. */
	for (i = 0; i < 3; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", t.pid);
		write_file(path, "-1000");
		a = mem_task("a", fn_anon, 64);
		CHECK(task_wait(&a, 30000, &status) && WIFSIGNALED(status) &&
		      WTERMSIG(status) == SIGKILL, "the hog ends with %x", status);
	}
	CHECK(cg_hier == CG_V1 || cg_key("a", "memory.events", "oom_kill") >= 3,
	      "oom_kill is %lld",
	      (long long)cg_key("a", "memory.events", "oom_kill"));
	CHECK(task_moves(&t, 4, 10000), "the reader stands");
	CHECK(task_end(&t), "reader");
	expect_between("a", "after OOM");
}

/* Victims of the limit of "p": whose task dies first. */
static void fn_grow(struct task_ctl *c, long arg)
{
	long mib;

	for (mib = 0; !c->stop; mib++) {
		char *p;
		size_t i;

		if (mib >= arg) {
			c->stage = 1;
			while (!c->go && !c->stop)
				usleep(1000);
		}
		p = mmap(NULL, MIB, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return;
		for (i = 0; i < MIB; i += 4096)
			p[i] = 1;
		c->progress = mib + 1;
	}
}

/* In "p": 10 MiB in off, 30 in on, and on grows. True if off was killed. */
static bool off_dies(bool offline, bool group)
{
	struct task big, small, small2;
	bool dies;

	mem_group("p/on", 0);
	mem_group("p/off", 0);
	REQUIRE(!mem_limit("p", 64 * MIB), "limit");
	mem_set("p/off", "offline", "%d", offline);
	if (group)
		mem_set("p/off", "oom.group", "1");
	small = mem_task("p/off", fn_anon, 5);
	small2 = mem_task("p/off", fn_anon, 5);
	big = mem_task("p/on", fn_grow, 30);
	REQUIRE(WAIT_FOR(small.c->stage && small2.c->stage && big.c->stage,
			 30000), "they do not start");
	big.c->go = 1;
	REQUIRE(WAIT_FOR(!task_alive(big.pid) || !task_alive(small.pid) ||
			 !task_alive(small2.pid), 30000), "nobody was killed");
	/* One victim at a time; who follows is not yet decided. */
	dies = !task_alive(small.pid) || !task_alive(small2.pid);
	if (dies)
		CHECK(task_alive(big.pid) || !offline,
		      "the online task died while offline ones were there");
	if (group)
		CHECK(WAIT_FOR(!task_alive(small.pid) && !task_alive(small2.pid),
			       5000), "memory.oom.group: one is left");
	kill(big.pid, SIGKILL);
	task_end(&big);
	task_end(&small);
	task_end(&small2);
	CHECK(!cg_clean("p"), "clean-up");
	return dies;
}

static void oom_offline_first(void)
{
	CHECK(!off_dies(false, false),
	      "without offline the smaller one was killed: this test sees nothing");
	CHECK(off_dies(true, false), "the offline group was not killed first");
	CHECK(off_dies(true, true), "with oom.group the offline group was not killed first");
}

/* ----------------------------------------------------------- global reclaim */

static int64_t mem_free(void)
{
	return vmstat("nr_free_pages") * 4096;
}

/*
 * Two groups with cache; then anonymous memory takes all that is free, of which the
 * kernel wants some for itself, so it has to reclaim: less than the offline group has.
 * How much each group has lost.
 */
static void press(bool offline, int64_t *lost_on, int64_t *lost_off)
{
	const unsigned int cache = 64, offline_cache = 128;
	int64_t on, off, grow;
	struct task hog;

	disk();
	disk_file("on", cache);
	disk_file("off", offline_cache);
	mem_group("on", 0);
	mem_group("off", 0);
	mem_set("off", "offline", "%d", offline);
	/* The offline cache is the younger one. */
	mem_read("on", "on", 0, cache);
	mem_read("off", "off", 0, offline_cache);
	on = mem_file("on");
	off = mem_file("off");
	/* Global reclaim may have had a page or two meanwhile. */
	REQUIRE(on >= (cache - 1) * (int64_t)MIB &&
		off >= (offline_cache - 1) * (int64_t)MIB,
		"cache: %lld, %lld", (long long)on, (long long)off);
	grow = mem_free() / (int64_t)MIB;
	mem_group("hog", 0);
	hog = mem_task("hog", fn_anon, grow);
	REQUIRE(WAIT_FOR(hog.c->stage == 1 || !task_alive(hog.pid), 120000),
		"the hog does not get its memory");
	CHECK(task_alive(hog.pid), "the hog was killed");
	*lost_on = on - mem_file("on");
	*lost_off = off - mem_file("off");
	diag("offline=%d: %lld MiB taken; online lost %lld KiB, offline %lld KiB",
	     offline, (long long)grow, (long long)*lost_on / 1024,
	     (long long)*lost_off / 1024);
	CHECK(task_end(&hog), "hog");
	CHECK(!cg_clean("on") && !cg_clean("off") && !cg_clean("hog"),
	      "clean-up");
}

static void offline_first(void)
{
	int64_t on, off;

	/* Otherwise kswapd drains far more than anybody asked for. */
	write_file("/proc/sys/vm/watermark_boost_factor", "0");
	press(false, &on, &off);
	CHECK(on > (int64_t)(4 * MIB),
	      "without offline the online group lost %lld: this test sees nothing",
	      (long long)on);
	press(true, &on, &off);
	CHECK(off > (int64_t)(16 * MIB), "the offline group lost only %lld",
	      (long long)off);
	CHECK(off < (int64_t)(120 * MIB),
	      "the offline group had nothing left: this test sees nothing");
	/* A page or two may be dropped by other means. */
	CHECK(on <= (int64_t)(64 * KIB), "the online group lost %lld",
	      (long long)on);
}

static void offline_first_mglru(void)
{
	mglru(true);
	offline_first();
	mglru(false);
}

static const struct colo_case cases[] = {
	{ "stream_without_marks", stream_without_marks, 60, 0, 0 },
	{ "stream_under_limit", stream_under_limit, 60, 0, 0 },
	{ "stream_mglru", stream_mglru, 60, 0, 0 },
	{ "mark_below_usage", mark_below_usage, 60, 0, 0 },
	{ "basis_cache", basis_cache, 60, 0, 0 },
	{ "period", period, 60, 0, 0 },
	{ "off_in_mid_run", off_in_mid_run, 60, 0, 0 },
	{ "rmdir_while_running", rmdir_while_running, 60, 0, 0 },
	{ "nested_marks", nested_marks, 60, 0, 0 },
	{ "memory_low", memory_low, 60, 0, 0 },
	{ "memory_min", memory_min, 60, 0, 0 },
	{ "all_protected", all_protected, 60, 0, 0 },
	{ "many_groups", many_groups, 120, 0, 0 },
	{ "only_anon", only_anon, 60, 0, 0 },
	{ "only_huge", only_huge, 60, 0, 0 },
	{ "only_tmpfs", only_tmpfs, 60, 0, 0 },
	{ "only_locked", only_locked, 60, 0, 0 },
	{ "only_mapped", only_mapped, 60, 0, 0 },
	{ "dirty", dirty, 180, 0, 0 },
	{ "bounce", bounce, 60, 0, 0 },
	{ "poll_wakes", poll_wakes, 60, 0, 0 },
	{ "billed", billed, 60, 0, 0 },
	{ "working_set_fits", working_set_fits, 120, 0, 0 },
	{ "working_set_above_mark", working_set_above_mark, 180, 0, 0 },
	{ "swapping", swapping, 60, 0, 0 },
	{ "atomic_charges", atomic_charges, 90, 0, 0 },
	{ "oom_while_running", oom_while_running, 90, 0, 0 },
	{ "oom_offline_first", oom_offline_first, 120, 0, 0 },
	{ "offline_first", offline_first, 240, 0, 0 },
	{ "offline_first_mglru", offline_first_mglru, 240, 0, 0 },
};

static const struct colo_case v1[] = {
	{ "stream_without_marks", stream_without_marks, 60, 0, 0 },
	{ "stream_under_limit", stream_under_limit, 60, 0, 0 },
	{ "mark_below_usage", mark_below_usage, 60, 0, 0 },
	{ "basis_cache", basis_cache, 60, 0, 0 },
	{ "period", period, 60, 0, 0 },
	{ "off_in_mid_run", off_in_mid_run, 60, 0, 0 },
	{ "nested_marks", nested_marks, 60, 0, 0 },
	{ "only_anon", only_anon, 60, 0, 0 },
	{ "only_tmpfs", only_tmpfs, 60, 0, 0 },
	{ "bounce", bounce, 60, 0, 0 },
	{ "poll_wakes", poll_wakes, 60, 0, 0 },
	{ "oom_while_running", oom_while_running, 90, 0, 0 },
	{ "offline_first", offline_first, 240, 0, 0 },
};

static const struct colo_param params[] = {
	{ "strict", &strict },
	{ "groups", &groups },
};

int main(int argc, char **argv)
{
	return mem_main(argc, argv, cases, ARRAY_SIZE(cases), v1, ARRAY_SIZE(v1),
			params, ARRAY_SIZE(params));
}

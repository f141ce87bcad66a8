// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory, everything at once and at random, for some time: limits, marks of every
 * kind, protection, offline, moves, groups made and removed, swap turned on and off,
 * caches dropped, both kinds of LRU, proactive reclaim, OOM, and now and then the
 * module away and back, under readers, writers and anonymous memory. The kernel's
 * own checks are the judge while it rages; afterwards, in the calm:
 *
 * - no work runs on: the counters of every group come to rest;
 * - every mark still works, and every task can be killed;
 * - every group can be removed, and none of them is held by anything.
 *
 * test_memstorm [seconds=60] [groups=20] [seed=N]; the same seed makes the same
 * decisions, though not the same interleaving.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem_util.h"

static long seconds = 60;
static long groups = 20;
static long seed;

#define N_STORMERS	3
#define MAX_GROUPS	200
#define SWAP_DEV	"/dev/ram1"
#define FILE_MIB	64
#define WRITER_MIB	6

/* Groups s/0 to s/3 are above the others: s/0/4, s/1/5, ... */
#define N_INNER		4

static const char *group(long i)
{
	static char ring[8][32];
	static unsigned int next;
	char *buf = ring[next++ % 8];

	if (i < N_INNER)
		snprintf(buf, sizeof(ring[0]), "s/%ld", i);
	else
		snprintf(buf, sizeof(ring[0]), "s/%ld/%ld", i % N_INNER, i);
	return buf;
}

static const char *any_group(uint64_t *r)
{
	return group(rnd(r) % groups);
}

static const char *any_leaf(uint64_t *r)
{
	return group(N_INNER + rnd(r) % (groups - N_INNER));
}

/* ------------------------------------------------------------------ tasks */

/* Reads pieces of the file that all share. */
static void fn_reader(struct task_ctl *c, long id)
{
	static char block[64 * KIB];
	uint64_t r = seed * 31 + id;
	int fd = open(DISK "/f", O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && !c->stop) {
		off_t from = rnd(&r) % (FILE_MIB - 8) * MIB, pos;

		for (pos = 0; pos < (off_t)(8 * MIB) && !c->stop;
		     pos += sizeof(block))
			if (pread(fd, block, sizeof(block), from + pos) < 0)
				c->err = -errno;
		c->progress++;
		usleep(rnd(&r) % 3000);
	}
}

/* Writes a file of its own again and again. */
static void fn_writer(struct task_ctl *c, long id)
{
	static char block[64 * KIB];
	uint64_t r = seed * 37 + id;
	char name[64];
	off_t pos;
	int fd;

	snprintf(name, sizeof(name), DISK "/w%ld", id);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	while (fd >= 0 && !c->stop) {
		for (pos = 0; pos < (off_t)(WRITER_MIB * MIB) && !c->stop;
		     pos += sizeof(block))
			if (pwrite(fd, block, sizeof(block), pos) < 0)
				c->err = -errno;
		if (!(rnd(&r) % 4))
			fdatasync(fd);
		if (!(rnd(&r) % 8) && ftruncate(fd, 0))
			c->err = -errno;
		c->progress++;
		usleep(rnd(&r) % 5000);
	}
}

/* Anonymous memory or tmpfs, up to 8 MiB, for a moment. */
static void fn_toucher(struct task_ctl *c, long id)
{
	uint64_t r = seed * 41 + id;

	while (!c->stop) {
		size_t len = (1 + rnd(&r) % 8) * MIB, i;
		int fd = -1;
		char *p;

		if (id & 1) {
			fd = memfd_create("storm", MFD_CLOEXEC);
			if (fd >= 0 && ftruncate(fd, len))
				c->err = -errno;
		}
		p = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
		if (p != MAP_FAILED) {
			for (i = 0; i < len; i += 4096)
				p[i] = 1;
			usleep(rnd(&r) % 20000);
			munmap(p, len);
		}
		if (fd >= 0)
			close(fd);
		c->progress++;
	}
}

/* Maps the shared file, sometimes locked. */
static void fn_mapper(struct task_ctl *c, long id)
{
	uint64_t r = seed * 43 + id;
	int fd = open(DISK "/f", O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && !c->stop) {
		off_t from = rnd(&r) % (FILE_MIB - 4) * MIB;
		size_t len = 4 * MIB, i;
		char *p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, from);

		if (p == MAP_FAILED)
			continue;
		if (!(rnd(&r) % 4))
			mlock(p, len);
		for (i = 0; i < len && !c->stop; i += 4096)
			(void)*(volatile char *)(p + i);
		usleep(rnd(&r) % 10000);
		munmap(p, len);
		c->progress++;
	}
}

static const task_fn bodies[] = {
	fn_reader, fn_writer, fn_reader, fn_toucher, fn_reader, fn_mapper,
	fn_toucher,
};

static struct task tasks[MAX_GROUPS];	/* one in each leaf */
static _Atomic pid_t *pids;		/* theirs, as the stormers see them */

static void start_one(long i)
{
	struct task_opt o = { .cg = group(i), .cpu = -1, .arg = i };

	tasks[i] = task_start(&o, bodies[i % ARRAY_SIZE(bodies)]);
	pids[i] = tasks[i].pid;
}

static pid_t any_pid(uint64_t *r)
{
	return pids[N_INNER + rnd(r) % (groups - N_INNER)];
}

/* ------------------------------------------------------------------ storm */

static void any_mark(uint64_t *r, const char *cg)
{
	switch (rnd(r) % 12) {
	case 0:
	case 1:
		cg_write(cg, "memory.wmark_high", "%u%%", rnd(r) % 110);
		break;
	case 2:
		cg_write(cg, "memory.wmark_high", "%uK", rnd(r) % 32768);
		break;
	case 3:
		cg_write(cg, "memory.wmark_high", "max");
		break;
	case 4:
		cg_write(cg, "memory.wmark_low", rnd(r) & 1 ? "auto" : "%u%%",
			 rnd(r) % 100);
		break;
	case 5:
		cg_write(cg, "memory.wmark_low", "%uK", rnd(r) % 16384);
		break;
	case 6:
		cg_write(cg, "memory.wmark_ratio", "%u", rnd(r) % 101);
		break;
	case 7:
		cg_write(cg, "memory.wmark_scale_factor", "%u",
			 1 + rnd(r) % 1000);
		break;
	case 8:
		cg_write(cg, "memory.wmark_type", rnd(r) & 1 ? "file" : "all");
		break;
	case 9:
		cg_write(cg, "memory.wmark_basis", rnd(r) & 1 ? "usage" : "cache");
		break;
	case 10:
		cg_write(cg, "memory.wmark_period_ms", "%u",
			 rnd(r) % 3 ? 1 + rnd(r) % 50 : 0);
		break;
	case 11:
		cg_write(cg, "memory.offline", "%u", rnd(r) & 1);
		break;
	}
}

/*
 * Now and then so small that somebody is killed; not for groups above others, where
 * it would hit mkdir, which has nobody to kill.
 */
static void any_limit(uint64_t *r, const char *cg)
{
	bool inner = strlen(cg) == strlen("s/0");
	unsigned int kib = (inner ? 24576 : rnd(r) % 8 ? 12288 : 3072) +
			   rnd(r) % 24576;

	switch (rnd(r) % 8) {
	case 0:
	case 1:
		cg_write(cg, "memory.max", "%uK", kib);
		break;
	case 2:
		cg_write(cg, "memory.high", "%uK", kib);
		break;
	case 3:
		cg_write(cg, "memory.low", "%uK", rnd(r) % 8192);
		break;
	case 4:
		cg_write(cg, "memory.min", "%uK", rnd(r) % 2048);
		break;
	case 5:
		cg_write(cg, "memory.oom.group", "%u", rnd(r) & 1);
		break;
	default:
		cg_write(cg, "memory.max", "max");
		cg_write(cg, "memory.high", "max");
	}
}

/* A group that lives for a moment, with marks, and goes with its work queued. */
static void any_rmdir(uint64_t *r, unsigned int id)
{
	char cg[32];
	pid_t pid;

	snprintf(cg, sizeof(cg), "s/%u/t%u-%u", rnd(r) % N_INNER, id,
		 rnd(r) % 4);
	if (mkdir(cg_path(cg, ""), 0755) && errno != EEXIST)
		return;
	any_limit(r, cg);
	any_mark(r, cg);
	any_mark(r, cg);
	pid = any_pid(r);
	if (pid && (rnd(r) & 1)) {
		cg_attach(cg, pid);
		usleep(rnd(r) % 20000);
		any_mark(r, cg);
		cg_attach(any_leaf(r), pid);
	}
	rmdir(cg_path(cg, ""));
}

static void any_read(uint64_t *r, const char *cg)
{
	char buf[2048];

	cg_read(cg, rnd(r) & 1 ? "memory.wmark_stat" : "memory.stat", buf,
		sizeof(buf));
}

static int load(void)
{
	int fd = open(getenv("COLO_MODULE") ?: "/lib/colo.ko",
		      O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, "compat=anolis,openeuler", 0) ?
	      -errno : 0;
	close(fd);
	return ret == -EEXIST ? 0 : ret;
}

static void any_machine(uint64_t *r, unsigned int id)
{
	switch (rnd(r) % 8) {
	case 0:
		write_file("/proc/sys/vm/drop_caches", rnd(r) & 1 ? "1" : "3");
		break;
	case 1:
		/* Both halves may fail, being what they are. */
		if (swapoff(SWAP_DEV))
			swapon(SWAP_DEV, 0);
		break;
	case 2:
		swapon(SWAP_DEV, 0);
		break;
	case 3:
		if (!(rnd(r) % 4))
			write_file("/sys/kernel/mm/lru_gen/enabled",
				   rnd(r) & 1 ? "y" : "n");
		break;
	case 4:
		if (id == 0 && !(rnd(r) % 4)) {
			syscall(SYS_delete_module, "colo", O_NONBLOCK);
			usleep(rnd(r) % 5000);
			load();
		}
		break;
	default:
		cg_write(any_group(r), "memory.reclaim", "%uK", rnd(r) % 4096);
	}
}

static void fn_storm(struct task_ctl *c, long id)
{
	uint64_t r = seed * 1000003 + id * 7919 + 1;
	pid_t pid;
	int i;

	/* Warm up: neighbouring seeds begin alike. */
	for (i = 0; i < 16; i++)
		rnd(&r);
	set_policy(0, SCHED_FIFO, 30);
	while (!c->stop) {
		switch (rnd(&r) % 16) {
		case 0:
		case 1:
		case 2:
		case 3:
		case 4:
		case 5:
			any_mark(&r, any_group(&r));
			break;
		case 6:
		case 7:
		case 8:
			any_limit(&r, any_group(&r));
			break;
		case 9:
		case 10:
			/* 0 would be the stormer itself. */
			pid = any_pid(&r);
			if (pid)
				cg_attach(any_leaf(&r), pid);
			break;
		case 11:
		case 12:
			any_rmdir(&r, id);
			break;
		case 13:
		case 14:
			any_read(&r, any_group(&r));
			break;
		case 15:
			any_machine(&r, id);
			break;
		}
		c->progress++;
		/* Leaves the tasks most of the time. */
		usleep(rnd(&r) % 4000);
	}
}

static bool swap_on(void)
{
	static char page[4096];
	uint32_t *info = (uint32_t *)(page + 1024);
	int fd = open(SWAP_DEV, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	info[0] = 1;			/* version */
	info[1] = 48 * 256 - 1;		/* last page */
	memcpy(page + 4086, "SWAPSPACE2", 10);
	ok = write(fd, page, sizeof(page)) == (ssize_t)sizeof(page) && !fsync(fd);
	close(fd);
	return ok && !swapon(SWAP_DEV, 0);
}

/* Everything back to what it was, so that tasks can go on. */
static void calm(void)
{
	static const struct { const char *file, *text; } neutral[] = {
		{ "memory.max", "max" }, { "memory.high", "max" },
		{ "memory.low", "0" }, { "memory.min", "0" },
		{ "memory.oom.group", "0" }, { "memory.offline", "0" },
		{ "memory.wmark_high", "max" }, { "memory.wmark_low", "auto" },
		{ "memory.wmark_scale_factor", "50" },
		{ "memory.wmark_type", "file" }, { "memory.wmark_basis", "usage" },
		{ "memory.wmark_period_ms", "0" },
	};
	size_t k;
	long i;

	CHECK(!load(), "the module does not come back");
	swapoff(SWAP_DEV);
	write_file("/sys/kernel/mm/lru_gen/enabled", "n");
	for (i = 0; i < groups; i++)
		for (k = 0; k < ARRAY_SIZE(neutral); k++) {
			int ret = cg_write(group(i), neutral[k].file, "%s",
					   neutral[k].text);

			CHECK(!ret, "%s: %s = %s: %s", group(i),
			      neutral[k].file, neutral[k].text, strerror(-ret));
		}
}

static int64_t activity(void)
{
	int64_t sum = 0;
	long i;

	for (i = 0; i < groups; i++)
		sum += wm(group(i), "scanned") + wm(group(i), "runs") +
		       wm(group(i), "cpu_usec");
	return sum;
}

static bool at_rest(void)
{
	int64_t before = activity();

	sleep_ms(scaled(200));
	return activity() == before;
}

/* What a file of @cg has that is not 0. */
static void tell_all(const char *cg, const char *file)
{
	char buf[4096], *line, *save, *val;

	if (cg_read(cg, file, buf, sizeof(buf)) < 0)
		return;
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		val = strchr(line, ' ');
		if (val && strcmp(val, " 0"))
			diag("%s: %s", file, line);
	}
}

static void storm(void)
{
	struct task_opt so = { .cpu = -1, .policy = SCHED_FIFO, .prio = 30 };
	struct task stormer[N_STORMERS];
	uint64_t ops = 0, end, last = 0, died = 0;
	long i;
	int ret;

	/* A report on all tasks for each victim takes longer than the storm. */
	write_file("/proc/sys/vm/oom_dump_tasks", "0");
	if (!seed)
		seed = now_ns() % 1000000 + 1;
	REQUIRE(groups > N_INNER && groups <= MAX_GROUPS, "groups=%ld", groups);
	diag("seed=%ld seconds=%ld groups=%ld", seed, seconds, groups);
	pids = mmap(NULL, MAX_GROUPS * sizeof(*pids), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(pids != MAP_FAILED, "mmap: %s", strerror(errno));
	disk();
	disk_file("f", FILE_MIB);
	if (!swap_on())
		colo_skip("no swap on " SWAP_DEV ": %s", strerror(errno));
	for (i = 0; i < groups; i++)
		mem_group(group(i), 0);
	for (i = N_INNER; i < groups; i++)
		start_one(i);
	for (i = 0; i < N_STORMERS; i++) {
		so.arg = i;
		stormer[i] = task_start(&so, fn_storm);
	}

	end = now_ns() + seconds * NSEC_PER_SEC;
	while (now_ns() < end) {
		sleep_ms(500);
		for (ops = 0, i = 0; i < N_STORMERS; i++) {
			ops += stormer[i].c->progress;
			REQUIRE(task_alive(stormer[i].pid),
				"storm %ld ended, seed %ld", i, seed);
		}
		/* The OOM killer takes some: others in their place. */
		for (i = N_INNER; i < groups; i++) {
			if (task_alive(tasks[i].pid))
				continue;
			died++;
			pids[i] = 0;
			task_end(&tasks[i]);
			start_one(i);
		}
		if (now_ns() - last > 10 * NSEC_PER_SEC) {
			last = now_ns();
			diag("%llu operations, %llu tasks replaced",
			     (unsigned long long)ops, (unsigned long long)died);
		}
	}
	for (i = 0; i < N_STORMERS; i++)
		stormer[i].c->stop = 1;
	for (i = 0; i < N_STORMERS; i++)
		CHECK(task_wait(&stormer[i], 60000, NULL),
		      "storm %ld does not stop, seed %ld", i, seed);
	diag("%llu operations in all, %llu tasks replaced",
	     (unsigned long long)ops, (unsigned long long)died);
	CHECK(ops >= (uint64_t)seconds * 2, "hardly a storm: %llu operations",
	      (unsigned long long)ops);

	calm();
	for (i = N_INNER; i < groups; i++) {
		/* Killed between the last look and the calm. */
		if (!task_alive(tasks[i].pid)) {
			task_end(&tasks[i]);
			start_one(i);
		}
		CHECK(task_moves(&tasks[i], 1, 30000), "task %ld stands, seed %ld",
		      i, seed);
	}
	/* With no mark anywhere nothing runs. */
	CHECK(WAIT_FOR(at_rest(), 20000), "work goes on without marks, seed %ld",
	      seed);
	for (i = N_INNER; i < groups; i++)
		CHECK(task_end(&tasks[i]), "task %ld cannot be killed, seed %ld", i,
		      seed);

	/* A mark still does what it says. */
	mem_set("s", "wmark_high", "2M");
	mem_set("s", "wmark_period_ms", "20");
	CHECK(WAIT_FOR((sync(), mem_file("s") <= (int64_t)(4 * MIB)), 20000),
	      "with a mark of 2 MiB the cache is %lld, seed %ld",
	      (long long)mem_file("s"), seed);
	wm_tell("s");

	/* All of it goes while that one is at work. */
	ret = cg_clean("s");
	CHECK(!ret, "a group stays: %s", strerror(-ret));
	disk_drop();
	if (!CHECK(WAIT_FOR((drop_caches(), cg_key("", "cgroup.stat",
				"nr_dying_descendants") == 0), 60000),
		   "%lld removed groups are not released, seed %ld",
		   (long long)cg_key("", "cgroup.stat", "nr_dying_descendants"),
		   seed))
		tell_all("", "memory.stat");
	ret = cg_make("control");
	REQUIRE(!ret, "mkdir: %s", strerror(-ret));
	CHECK(wm("control", "runs") == 0 && wm("control", "scanned") == 0 &&
	      wm("control", "high_bytes") == NONE, "the control group counts");
}

static struct colo_case cases[] = {
	{ "storm", storm, 0, 0, 0 },
};

static const struct colo_param params[] = {
	{ "seconds", &seconds },
	{ "groups", &groups },
	{ "seed", &seed },
};

int main(int argc, char **argv)
{
	int i;

	/* The limit of the case depends on an argument. */
	for (i = 1; i < argc; i++)
		if (!strncmp(argv[i], "seconds=", 8))
			seconds = atol(argv[i] + 8);
	cases[0].timeout_s = seconds + 240;
	return mem_main(argc, argv, cases, ARRAY_SIZE(cases), NULL, 0, params,
			ARRAY_SIZE(params));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * colo.ko comes and goes, count=200 times, with nothing to do and under load: with
 * files open for reading and writing, with tasks inside the files at that very
 * moment, with groups being made and removed, and with offline tasks running.
 * After each unload there is no file, no offline task and no reference; an open
 * file answers ENODEV; after each load every group has its files, reading 0.
 *
 * The module is $COLO_MODULE, or /lib/colo.ko.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../colo_util.h"

static long count = 200;

static const char * const files[] = {
	"cpu.offline", "cpu.offline.effective", "cpu.offline.stat",
};

static const char * const groups[] = {
	"a", "a/b", "a/b/c", "a/b/d", "a/e", "f",
};

static const char *module_path(void)
{
	return getenv("COLO_MODULE") ?: "/lib/colo.ko";
}

static int load(void)
{
	int fd, ret;

	fd = open(module_path(), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

static int unload(void)
{
	return syscall(SYS_delete_module, "colo", O_NONBLOCK) ? -errno : 0;
}

/* Users of the module as /proc/modules says, or -ENOENT. */
static int refcount(void)
{
	char line[512], name[64];
	int n, ret = -ENOENT;
	FILE *f;

	f = fopen("/proc/modules", "re");
	REQUIRE(f, "/proc/modules: %s", strerror(errno));
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %*u %d", name, &n) == 2 &&
		    !strcmp(name, "colo"))
			ret = n;
	fclose(f);
	return ret;
}

static int residue;

static int count_residue(const char *path, const struct stat *st, int type,
			 struct FTW *ftw)
{
	const char *name = path + ftw->base;

	(void)st;
	(void)type;
	if (!strncmp(name, "cpu.offline", 11) ||
	    !strncmp(name, "memory.wmark_", 13) ||
	    !strcmp(name, "memory.offline")) {
		if (!residue)
			diag("left over: %s", path);
		residue++;
	}
	return 0;
}

/* In the whole hierarchy, not only in the groups of the test. */
static void expect_no_files(const char *when)
{
	residue = 0;
	/* A group that is removed meanwhile ends a walk early: again then. */
	nftw(cg_path("/", ""), count_residue, 16, FTW_PHYS);
	CHECK(!residue, "%s: %d files are left", when, residue);
}

static void expect_files(const char *when)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		for (j = 0; j < ARRAY_SIZE(files); j++)
			CHECK(cg_exists(groups[i], files[j]),
			      "%s: %s has no %s", when, groups[i], files[j]);
		CHECK(cg_read_num(groups[i], "cpu.offline") == 0,
		      "%s: %s is not online", when, groups[i]);
		CHECK(cg_read_num(groups[i], "cpu.offline.effective") == 0,
		      "%s: %s is offline by its parent", when, groups[i]);
	}
}

static void make_groups(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++)
		REQUIRE(!cg_make(groups[i]), "mkdir %s", groups[i]);
}

static void unload_now(const char *when)
{
	int n = refcount(), ret;

	CHECK(n == 0, "%s: %d references to the module", when, n);
	ret = unload();
	REQUIRE(!ret, "%s: unload: %s", when, strerror(-ret));
	REQUIRE(refcount() == -ENOENT, "%s: it is still there", when);
}

static void load_now(const char *when)
{
	int ret = load();

	REQUIRE(!ret, "%s: load %s: %s", when, module_path(), strerror(-ret));
}

/* ----------------------------------------------------------------- cases */

static void again_and_again(void)
{
	char when[32];
	int i;

	make_groups();
	for (i = 0; i < count && !colo_failures(); i++) {
		snprintf(when, sizeof(when), "round %d", i);
		unload_now(when);
		expect_no_files(when);
		load_now(when);
		expect_files(when);
	}
}

static void wrong_use(void)
{
	int ret;

	ret = load();
	CHECK(ret == -EEXIST, "loading it twice gives %d", ret);
	CHECK(refcount() == 0, "references: %d", refcount());
	unload_now("once");
	ret = unload();
	CHECK(ret == -ENOENT, "unloading it twice gives %d", ret);
	load_now("again");
}

/* Reads and writes whatever is there, also while it is not. */
static void fn_hammer(struct task_ctl *c, long id)
{
	uint64_t r = id * 7919 + 17;
	char buf[512];

	while (!c->stop) {
		const char *cg = groups[rnd(&r) % ARRAY_SIZE(groups)];
		const char *file = files[rnd(&r) % ARRAY_SIZE(files)];
		int ret;

		if (rnd(&r) & 1)
			ret = cg_set_offline(cg, rnd(&r) & 1);
		else
			ret = cg_read(cg, file, buf, sizeof(buf));
		/* Not there, going, or created a moment ago. */
		if (ret < 0 && ret != -ENOENT && ret != -ENODEV)
			c->err = ret;
		if (ret >= 0)
			c->progress++;
		else
			c->extra++;
	}
}

/* Groups that come while the files do, and go while they go. */
static void fn_mkdirs(struct task_ctl *c, long id)
{
	char cg[32], eff[8];

	while (!c->stop) {
		int ret;

		snprintf(cg, sizeof(cg), "a/t%ld", id);
		if (mkdir(cg_path(cg, ""), 0755))
			c->err = -errno;
		ret = cg_read(cg, "cpu.offline.effective", eff, sizeof(eff));
		if (ret < 0 && ret != -ENOENT && ret != -ENODEV)
			c->err = ret;
		cg_set_offline(cg, 1);
		if (rmdir(cg_path(cg, "")))
			c->err = -errno;
		c->progress++;
	}
}

/* Keeps a file open over an unload and says what it then answers. */
struct held {
	int	rd[ARRAY_SIZE(files)];
	int	wr;
};

static void hold(struct held *h, const char *cg)
{
	char buf[512];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		h->rd[i] = open(cg_path(cg, files[i]), O_RDONLY | O_CLOEXEC);
		REQUIRE(h->rd[i] >= 0, "open: %s", strerror(errno));
		/* One of them is in the middle of a read. */
		CHECK(read(h->rd[i], buf, i ? sizeof(buf) : 1) > 0, "read: %s",
		      strerror(errno));
	}
	h->wr = open(cg_path(cg, "cpu.offline"), O_WRONLY | O_CLOEXEC);
	REQUIRE(h->wr >= 0, "open: %s", strerror(errno));
}

static void expect_dead(struct held *h, const char *when)
{
	char buf[512];
	ssize_t n;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		lseek(h->rd[i], 0, SEEK_SET);
		n = read(h->rd[i], buf, sizeof(buf));
		/* What seq_file had ready for a read in two parts is still there. */
		if (!i && n == 1 && buf[0] == '\n')
			n = read(h->rd[i], buf, sizeof(buf));
		CHECK(n == -1 && errno == ENODEV,
		      "%s: reading %s through an old handle: %s", when,
		      files[i], n < 0 ? strerror(errno) : "it is alive");
	}
	CHECK(write(h->wr, "1", 1) == -1 && errno == ENODEV,
	      "%s: writing through an old handle: %s", when, strerror(errno));
}

static void let_go(struct held *h)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		close(h->rd[i]);
	close(h->wr);
}

static const struct {
	task_fn	fn;
	long	arg;
} bodies[] = {
	{ fn_hog, 0 }, { fn_sleeper, 300 }, { fn_forks, 0 }, { fn_pipes, 0 },
	{ fn_locks, 0 }, { fn_kernel, 1024 }, { fn_pause, 0 },
};

enum { N_BODIES = ARRAY_SIZE(bodies), N_HAMMERS = 3, N_MKDIRS = 2 };

/* Every thread in the group: nobody keeps the class of an absent module. */
static void expect_all_online(const char *when)
{
	char line[32];
	size_t i;
	FILE *f;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		f = fopen(cg_path(groups[i], "cgroup.threads"), "re");
		if (!f)
			continue;
		while (fgets(line, sizeof(line), f)) {
			enum colo_state s = task_colo(atoi(line));

			CHECK(s == COLO_ONLINE || s == COLO_GONE,
			      "%s: task %d of %s is %s", when, atoi(line),
			      groups[i], colo_state_name(s));
		}
		fclose(f);
	}
}

static void under_load(void)
{
	struct task t[N_BODIES], hammer[N_HAMMERS], dirs[N_MKDIRS];
	struct task_opt o = { .cpu = -1 };
	struct held before, now;
	char when[32];
	int i, j;

	make_groups();
	for (j = 0; j < N_BODIES; j++) {
		o.cg = j & 1 ? "a/b/c" : "f";
		o.arg = bodies[j].arg;
		t[j] = task_start(&o, bodies[j].fn);
	}
	o.cg = NULL;
	for (j = 0; j < N_HAMMERS; j++) {
		o.arg = j;
		hammer[j] = task_start(&o, fn_hammer);
	}
	for (j = 0; j < N_MKDIRS; j++) {
		o.arg = j;
		dirs[j] = task_start(&o, fn_mkdirs);
	}
	REQUIRE(!cg_set_offline("a", 1), "offline");
	hold(&before, "a/b/c");
	for (i = 0; i < count && !colo_failures(); i++) {
		snprintf(when, sizeof(when), "round %d", i);
		cg_set_offline("f", 1);
		cg_set_offline("a/b", 1);
		hold(&now, i & 1 ? "a/b/c" : "f");
		sleep_ms(i % 7);
		unload_now(when);
		expect_no_files(when);
		expect_all_online(when);
		expect_dead(&now, when);
		expect_dead(&before, when);
		if (i % 3)
			sleep_ms(i % 5);
		load_now(when);
		/* Old handles do not come back to life with the module. */
		expect_dead(&now, when);
		let_go(&now);
		for (j = 0; j < (int)ARRAY_SIZE(groups); j++)
			CHECK(cg_exists(groups[j], "cpu.offline"),
			      "%s: %s has no cpu.offline", when, groups[j]);
		if (i % 20 == 19)
			for (j = 0; j < N_BODIES - 1; j++)
				CHECK(task_moves(&t[j], 1, 10000),
				      "%s: task %d stands", when, j);
	}
	let_go(&before);
	for (j = 0; j < N_HAMMERS; j++) {
		hammer[j].c->stop = 1;
		CHECK(hammer[j].c->progress > 0,
		      "hammer %d got in only %llu times", j,
		      (unsigned long long)hammer[j].c->progress);
		CHECK(!hammer[j].c->err, "hammer %d: %s", j,
		      strerror(-hammer[j].c->err));
		CHECK(task_wait(&hammer[j], 10000, NULL), "hammer %d hangs", j);
	}
	for (j = 0; j < N_MKDIRS; j++) {
		dirs[j].c->stop = 1;
		CHECK(!dirs[j].c->err, "mkdir %d: %s", j,
		      strerror(-dirs[j].c->err));
		CHECK(task_wait(&dirs[j], 20000, NULL), "mkdir %d hangs", j);
	}
	for (j = 0; j < N_BODIES; j++)
		CHECK(task_end(&t[j]), "task %d cannot be killed", j);
	CHECK(WAIT_FOR(cg_key("a", "cgroup.events", "populated") == 0, 10000),
	      "somebody is left");
	CHECK(WAIT_FOR(cg_stat("a", "tasks") == 0 && cg_stat("f", "tasks") == 0,
		       5000), "tasks is not 0");
}

/* The files of the other hierarchy go and come as well. */
static void on_v1(void)
{
	struct held h;
	int i, ret;

	ret = cg_enter_v1();
	REQUIRE(!ret, "cannot mount the cpu controller as v1: %s",
		strerror(-ret));
	make_groups();
	for (i = 0; i < 10 && !colo_failures(); i++) {
		REQUIRE(!cg_set_offline("a", 1), "offline");
		hold(&h, "a/b/c");
		unload_now("v1");
		expect_no_files("v1");
		expect_dead(&h, "v1");
		load_now("v1");
		expect_files("v1");
		let_go(&h);
	}
	/* Moved between hierarchies while it is away. */
	unload_now("v1, absent");
	ret = cg_leave_v1();
	if (ret)
		load();
	REQUIRE(!ret, "back to v2: %s", strerror(-ret));
	load_now("v2 again");
	make_groups();
	expect_files("v2 again");
}

static struct colo_case cases[] = {
	{ "wrong_use", wrong_use, 30, 0, 0 },
	{ "again_and_again", again_and_again, 300, 0, 0 },
	{ "under_load", under_load, 600, 0, 0 },
	{ "on_v1", on_v1, 120, 0, 0 },
};

static const struct colo_param params[] = {
	{ "count", &count },
};

int main(int argc, char **argv)
{
	return colo_main(argc, argv, cases, ARRAY_SIZE(cases), params,
			 ARRAY_SIZE(params));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files: values, inheritance, who may write, and every kind of bad input with
 * the exact error and nothing changed. The same on version 2 and version 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "colo_util.h"

#define NOBODY	65534

static const char * const files[] = {
	"cpu.offline", "cpu.offline.effective", "cpu.offline.stat",
};

static void make(const char *cg)
{
	int ret = cg_make(cg);

	REQUIRE(!ret, "mkdir %s: %s", cg, strerror(-ret));
}

static void expect_own(const char *cg, int want)
{
	char buf[32];
	int n = cg_read(cg, "cpu.offline", buf, sizeof(buf));

	CHECK(n == 2 && buf[0] == '0' + want && buf[1] == '\n',
	      "%s: cpu.offline is \"%s\" (%d), not %d", cg, n < 0 ? "" : buf, n,
	      want);
}

static void expect_eff(const char *cg, int want)
{
	char buf[32];
	int n = cg_read(cg, "cpu.offline.effective", buf, sizeof(buf));

	CHECK(n == 2 && buf[0] == '0' + want && buf[1] == '\n',
	      "%s: cpu.offline.effective is \"%s\" (%d), not %d", cg,
	      n < 0 ? "" : buf, n, want);
}

static void set(const char *cg, int val)
{
	int ret = cg_set_offline(cg, val);

	REQUIRE(!ret, "%s: writing %d: %s", cg, val, strerror(-ret));
}

/* Runs @fn as an ordinary user in a child; its exit status is the result. */
static int as_nobody(int (*fn)(void))
{
	int status = -1;
	pid_t pid;

	pid = fork();
	REQUIRE(pid >= 0, "fork: %s", strerror(errno));
	if (!pid) {
		if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))
			_exit(100);
		_exit(fn());
	}
	REQUIRE(WAIT_FOR(waitpid(pid, &status, WNOHANG) == pid, 10000),
		"the unprivileged child does not end");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 101;
}

static void files_and_modes(void)
{
	static const mode_t modes[] = { 0644, 0444, 0444 };
	struct stat st;
	size_t i;

	make("a");
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		if (!CHECK(!stat(cg_path("a", files[i]), &st), "%s: %s",
			   files[i], strerror(errno)))
			continue;
		CHECK((st.st_mode & 07777) == modes[i], "%s has mode %o",
		      files[i], st.st_mode & 07777);
		CHECK(st.st_uid == 0, "%s belongs to %d", files[i], st.st_uid);
		CHECK(!cg_exists("/", files[i]), "%s is in the root group",
		      files[i]);
	}
}

static void values(void)
{
	static const struct { const char *text; int val; } ok[] = {
		{ "1", 1 }, { "0", 0 }, { "1\n", 1 }, { "0\n", 0 },
		{ " \t1 \n\n", 1 }, { "\n0", 0 }, { "0x1", 1 }, { "0x0", 0 },
		{ "01", 1 }, { "00", 0 }, { "1", 1 }, { "1", 1 }, { "0", 0 },
		{ "0", 0 },
	};
	size_t i;

	make("a");
	expect_own("a", 0);
	expect_eff("a", 0);
	for (i = 0; i < ARRAY_SIZE(ok); i++) {
		int ret = cg_write("a", "cpu.offline", "%s", ok[i].text);

		CHECK(!ret, "\"%s\": %s", ok[i].text, strerror(-ret));
		expect_own("a", ok[i].val);
		expect_eff("a", ok[i].val);
	}
}

static const char * const tree[] = { "a", "a/b", "a/b/c" };

static void expect_tree(const int *own)
{
	int eff = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tree); i++) {
		eff |= own[i];
		expect_own(tree[i], own[i]);
		expect_eff(tree[i], eff);
	}
}

/* Each step flips one level: all transitions between the eight combinations. */
static void three_levels(void)
{
	int own[ARRAY_SIZE(tree)] = { 0 };
	uint64_t seed = 20240607;
	int step;

	make(tree[2]);
	expect_tree(own);
	for (step = 0; step < 64; step++) {
		int level = rnd(&seed) % ARRAY_SIZE(tree);

		own[level] = !own[level];
		set(tree[level], own[level]);
		expect_tree(own);
	}
}

static void at_mkdir(void)
{
	make("a");
	set("a", 1);
	make("a/new/deep");
	expect_own("a/new", 0);
	expect_eff("a/new", 1);
	expect_own("a/new/deep", 0);
	expect_eff("a/new/deep", 1);
	/* The child has no flag of its own left behind. */
	set("a", 0);
	expect_eff("a/new", 0);
	expect_eff("a/new/deep", 0);
	/* A child's own flag outlives its parent's. */
	set("a/new", 1);
	set("a", 1);
	set("a", 0);
	expect_own("a/new", 1);
	expect_eff("a/new/deep", 1);
	/* Removed and made again: nothing is remembered. */
	REQUIRE(!cg_rm("a/new/deep"), "rmdir deep");
	REQUIRE(!cg_rm("a/new"), "rmdir new");
	make("a/new");
	expect_own("a/new", 0);
	expect_eff("a/new", 0);
	/* Writing below an offline parent is allowed, both ways. */
	set("a", 1);
	set("a/new", 1);
	set("a/new", 0);
	expect_eff("a/new", 1);
}

static void sibling_untouched(void)
{
	make("a/x");
	make("a/y");
	make("b");
	set("a/x", 1);
	expect_eff("a", 0);
	expect_eff("a/y", 0);
	expect_eff("b", 0);
}

static void root_refused(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		int fd = open(cg_path("/", files[i]), O_WRONLY);

		CHECK(fd < 0 && errno == ENOENT, "root's %s: open gives %d, %s",
		      files[i], fd, strerror(errno));
		if (fd >= 0)
			close(fd);
		fd = open(cg_path("/", files[i]), O_WRONLY | O_CREAT, 0644);
		CHECK(fd < 0, "root's %s could be created", files[i]);
		if (fd >= 0)
			close(fd);
	}
}

/* ------------------------------------------------------------- bad input */

static char big[8192];

static const struct bad {
	const char	*what;
	const char	*text;	/* NULL: @big */
	size_t		len;	/* 0: strlen */
	int		err;
} bad[] = {
	{ "only a newline", "\n", 0, EINVAL },
	{ "only white space", "  \t ", 0, EINVAL },
	{ "only a NUL", "", 1, EINVAL },
	{ "2", "2", 0, ERANGE },
	{ "3 with newline", "3\n", 0, ERANGE },
	{ "octal 8", "010", 0, ERANGE },
	{ "INT_MAX + 2", "2147483649", 0, ERANGE },
	{ "2^32", "4294967296", 0, ERANGE },
	{ "2^32 + 1", "4294967297", 0, ERANGE },
	{ "2^64 - 1", "18446744073709551615", 0, ERANGE },
	{ "2^64", "18446744073709551616", 0, ERANGE },
	{ "2^64 + 1", "18446744073709551617", 0, ERANGE },
	{ "forty digits", "1111111111111111111111111111111111111111", 0, ERANGE },
	{ "huge hex", "0x10000000000000001", 0, ERANGE },
	{ "-1", "-1", 0, EINVAL },
	{ "-0", "-0", 0, EINVAL },
	{ "-2^63", "-9223372036854775808", 0, EINVAL },
	{ "a word", "offline", 0, EINVAL },
	{ "max", "max", 0, EINVAL },
	{ "true", "true", 0, EINVAL },
	{ "y", "y", 0, EINVAL },
	{ "trailing letter", "1x", 0, EINVAL },
	{ "trailing word", "1 please", 0, EINVAL },
	{ "two numbers", "1 0", 0, EINVAL },
	{ "two lines", "1\n0\n", 0, EINVAL },
	{ "leading word", "x1", 0, EINVAL },
	{ "fraction", "1.0", 0, EINVAL },
	{ "exponent", "1e0", 0, EINVAL },
	{ "comma", "0,1", 0, EINVAL },
	{ "bare 0x", "0x", 0, EINVAL },
	{ "hex garbage", "0xg", 0, EINVAL },
	{ "two signs", "++1", 0, EINVAL },
	{ "high bytes", "\xff\xfe", 0, EINVAL },
	{ "a page of ones", NULL, 4095, ERANGE },
	{ "more than a page", NULL, 4097, E2BIG },
	{ "two pages", NULL, 8192, E2BIG },
};

static void bad_input_in_state(int state)
{
	int64_t switches;
	size_t i;

	set("a/b", state);
	switches = cg_stat("a", "switches");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct bad *t = &bad[i];
		const char *text = t->text ?: big;
		size_t len = t->len ?: strlen(text);
		int fd = open(cg_path("a/b", "cpu.offline"), O_RDWR);
		ssize_t n;

		REQUIRE(fd >= 0, "open: %s", strerror(errno));
		errno = 0;
		n = write(fd, text, len);
		CHECK(n == -1 && errno == t->err,
		      "%s: write gives %zd, %s; should be %s", t->what, n,
		      strerror(errno), strerror(t->err));
		close(fd);
		expect_own("a/b", state);
		expect_eff("a/b", state);
		expect_eff("a/b/c", state);
		expect_own("a", 0);
	}
	CHECK(cg_stat("a", "switches") == switches, "tasks have switched");
}

static void bad_input(void)
{
	struct task_opt o = { .cg = "a/b/c", .cpu = -1, .arg = 1000 };
	enum colo_state want;
	struct task t;
	int state;

	memset(big, '1', sizeof(big));
	make("a/b/c");
	t = task_start(&o, fn_sleeper);
	for (state = 0; state < 2; state++) {
		bad_input_in_state(state);
		want = state ? COLO_OFFLINE : COLO_ONLINE;
		CHECK(task_colo(t.pid) == want, "the task in it is %s",
		      colo_state_name(task_colo(t.pid)));
	}
	CHECK(task_end(&t), "cannot kill the task");
}

/* Nothing written is nothing asked: 0, as for every cgroup file. */
static void empty_write(void)
{
	int fd;

	make("a");
	set("a", 1);
	fd = open(cg_path("a", "cpu.offline"), O_RDWR);
	REQUIRE(fd >= 0, "open: %s", strerror(errno));
	CHECK(write(fd, "", 0) == 0, "an empty write fails: %s",
	      strerror(errno));
	expect_own("a", 1);
	/* Truncation, which a shell's > does, is not a write either. */
	close(fd);
	fd = open(cg_path("a", "cpu.offline"), O_WRONLY | O_TRUNC);
	CHECK(fd >= 0, "O_TRUNC: %s", strerror(errno));
	expect_own("a", 1);
	close(fd);
}

static void read_only_files(void)
{
	size_t i;

	make("a");
	for (i = 1; i < ARRAY_SIZE(files); i++) {
		int ret = cg_write("a", files[i], "1");

		CHECK(ret == -EINVAL || ret == -EACCES || ret == -EPERM,
		      "writing %s as root gives %d", files[i], ret);
	}
	expect_own("a", 0);
	expect_eff("a", 0);
}

/* Runs as an ordinary user: 0 or the number of the step that went wrong. */
static int try_without_permission(void)
{
	char c;
	size_t i;
	int fd;

	fd = open(cg_path("a", "cpu.offline"), O_WRONLY);
	if (fd >= 0 || errno != EACCES)
		return 1;
	fd = open(cg_path("a", "cpu.offline"), O_RDWR);
	if (fd >= 0 || errno != EACCES)
		return 2;
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		fd = open(cg_path("a", files[i]), O_RDONLY);
		if (fd < 0 || read(fd, &c, 1) != 1)
			return 3;
		if (write(fd, "1", 1) != -1 || errno != EBADF)
			return 4;
		close(fd);
	}
	for (i = 1; i < ARRAY_SIZE(files); i++) {
		fd = open(cg_path("a", files[i]), O_WRONLY);
		if (fd >= 0 || errno != EACCES)
			return 5;
	}
	return 0;
}

static void without_permission(void)
{
	int ret;

	make("a");
	ret = as_nobody(try_without_permission);
	CHECK(!ret, "step %d did not do what it should", ret);
	expect_own("a", 0);
}

static int try_delegated(void)
{
	/* Its own: both ways. */
	if (cg_set_offline("a/mine", 1) || cg_set_offline("a/mine", 0) ||
	    cg_set_offline("a/mine", 1))
		return 1;
	/* What it makes itself is its own too. */
	if (mkdir(cg_path("a/mine/sub", ""), 0755))
		return 2;
	if (cg_hier == CG_V2 &&
	    cg_write("a/mine", "cgroup.subtree_control", "+cpu"))
		return 3;
	if (cg_set_offline("a/mine/sub", 1))
		return 4;
	if (cg_write("a/mine", "cpu.offline", "2") != -ERANGE)
		return 5;
	if (cg_write("a/mine", "cpu.offline", "x") != -EINVAL)
		return 6;
	/* The border: the parent and the neighbour are not. */
	if (cg_set_offline("a", 0) != -EACCES)
		return 7;
	if (cg_set_offline("a/other", 1) != -EACCES)
		return 8;
	/* Still read-only. */
	if (cg_write("a/mine", "cpu.offline.stat", "1") != -EACCES)
		return 9;
	return 0;
}

static void delegated(void)
{
	static const char * const theirs[] = {
		"", "cgroup.procs", "cgroup.subtree_control", "cpu.offline",
	};
	size_t i;
	int ret;

	make("a/mine");
	make("a/other");
	for (i = 0; i < ARRAY_SIZE(theirs); i++) {
		if (cg_hier == CG_V1 &&
		    !strcmp(theirs[i], "cgroup.subtree_control"))
			continue;
		REQUIRE(!chown(cg_path("a/mine", theirs[i]), NOBODY, NOBODY),
			"chown %s: %s", theirs[i], strerror(errno));
	}
	ret = as_nobody(try_delegated);
	CHECK(!ret, "step %d did not do what it should", ret);
	expect_own("a/mine", 1);
	expect_own("a/mine/sub", 1);
	expect_own("a", 0);
	expect_own("a/other", 0);
	/* An offline parent cannot be left by the delegate. */
	set("a", 1);
	expect_eff("a/mine", 1);
}

static void removed_group(void)
{
	int fd[ARRAY_SIZE(files)];
	char buf[256];
	size_t i;

	make("a/b");
	set("a", 1);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		fd[i] = open(cg_path("a/b", files[i]), i ? O_RDONLY : O_RDWR);
		REQUIRE(fd[i] >= 0, "open %s: %s", files[i], strerror(errno));
		CHECK(read(fd[i], buf, sizeof(buf)) > 0, "read %s: %s",
		      files[i], strerror(errno));
	}
	REQUIRE(!cg_rm("a/b"), "rmdir with open files");
	CHECK(write(fd[0], "1", 1) == -1 && errno == ENODEV,
	      "write to a removed group: %s", strerror(errno));
	CHECK(write(fd[0], "x", 1) == -1 && errno == ENODEV,
	      "bad write to a removed group: %s", strerror(errno));
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		lseek(fd[i], 0, SEEK_SET);
		CHECK(read(fd[i], buf, sizeof(buf)) == -1 && errno == ENODEV,
		      "read %s of a removed group: %s", files[i],
		      strerror(errno));
	}
	/* The same name again is another group; old handles stay dead. */
	make("a/b");
	CHECK(write(fd[0], "1", 1) == -1 && errno == ENODEV,
	      "write through an old handle: %s", strerror(errno));
	expect_own("a/b", 0);
	for (i = 0; i < ARRAY_SIZE(files); i++)
		close(fd[i]);
}

static void stat_format(void)
{
	static const char * const keys[] = {
		"run_usec", "wait_usec", "steal_usec", "wait_max_usec",
		"preemptions", "migrations", "switches", "lift_net",
		"lift_kill", "lift_freeze", "lift_ptrace",
		"lift_lock", "lift_drain", "tasks", "lifted",
	};
	char buf[2048], *line = buf, *end;
	size_t i;
	int n;

	make("a");
	n = cg_read("a", "cpu.offline.stat", buf, sizeof(buf));
	REQUIRE(n > 0, "read: %d", n);
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t len = strlen(keys[i]);

		REQUIRE(!strncmp(line, keys[i], len) && line[len] == ' ',
			"line %zu is not \"%s N\": %.40s", i + 1, keys[i], line);
		/* A group in which nothing ever ran. */
		CHECK(strtoull(line + len + 1, &end, 10) == 0 && *end == '\n',
		      "%s of an unused group: %.40s", keys[i], line);
		line = end + 1;
	}
	CHECK(line == buf + n, "text after the last key: %.40s", line);
}

static void race_writer(struct task_ctl *c, long arg)
{
	const char *cg = arg ? "a/b" : "a";
	int i = 0;

	while (!c->stop) {
		int ret = cg_set_offline(cg, ++i & 1);

		if (ret)
			c->err = ret;
		c->progress++;
	}
}

/* Parent against child, with readers and with children being made between. */
static void two_writers(void)
{
	struct task_opt o = { .cpu = -1 };
	uint64_t end = now_ns() + 3 * NSEC_PER_SEC;
	struct task w[4];
	int i;

	make("a/b/c");
	for (i = 0; i < 4; i++) {
		o.arg = i & 1;
		w[i] = task_start(&o, race_writer);
	}
	while (now_ns() < end) {
		int64_t e = cg_read_num("a/b/c", "cpu.offline.effective");

		CHECK(e == 0 || e == 1, "effective reads %lld", (long long)e);
		if (mkdir(cg_path("a/b/d", ""), 0755))
			CHECK(0, "mkdir: %s", strerror(errno));
		sleep_ms(1);
		CHECK(!cg_rm("a/b/d"), "rmdir");
		if (colo_failures())
			break;
	}
	for (i = 0; i < 4; i++)
		w[i].c->stop = 1;
	for (i = 0; i < 4; i++) {
		CHECK(w[i].c->progress > 10, "writer %d wrote %llu times", i,
		      (unsigned long long)w[i].c->progress);
		CHECK(!w[i].c->err, "writer %d: %s", i,
		      strerror(-w[i].c->err));
		CHECK(task_wait(&w[i], 10000, NULL), "writer %d hangs", i);
	}
	set("a", 0);
	set("a/b", 0);
	expect_eff("a", 0);
	expect_eff("a/b", 0);
	expect_eff("a/b/c", 0);
	set("a", 1);
	expect_eff("a/b/c", 1);
}

static void in_threaded_group(void)
{
	make("dom");
	REQUIRE(!cg_make_threaded("dom/t"), "no threaded group");
	REQUIRE(!cg_write("dom", "cgroup.subtree_control", "+cpu"),
		"cpu for threaded groups");
	set("dom/t", 1);
	expect_own("dom/t", 1);
	expect_eff("dom/t", 1);
	expect_eff("dom", 0);
}

/* cpu.offline goes and comes with the controller, the flag with the group. */
static void controller_off_and_on(void)
{
	make("a/b");
	set("a/b", 1);
	REQUIRE(!cg_write("a", "cgroup.subtree_control", "-cpu"), "-cpu");
	CHECK(!cg_exists("a/b", "cpu.offline"), "the file outlives its controller");
	REQUIRE(!cg_write("a", "cgroup.subtree_control", "+cpu"), "+cpu");
	expect_own("a/b", 0);
	set("a/b", 1);
	expect_eff("a/b", 1);
}

static int try_sysctls(void)
{
	return write_file("/proc/sys/kernel/colo_net_grace_ms", "60") != -EACCES ||
	       write_file("/proc/sys/kernel/colo_net_runtime_us", "3000") != -EACCES ||
	       write_file("/proc/sys/kernel/colo_guarantee_us", "5000") != -EACCES ||
	       write_file("/proc/sys/kernel/colo_util_freq", "0") != -EACCES;
}

static void sysctls(void)
{
	static const struct { const char *path, *val, *good, *bad[6]; } t[] = {
		{ "/proc/sys/kernel/colo_net_grace_ms", "50\n", "10000",
		  { "0", "10001", "-1", "abc", "1x", "99999999999999999999" } },
		{ "/proc/sys/kernel/colo_net_runtime_us", "2000\n", "1000",
		  { "999", "100001", "-5", "abc", "0", "99999999999999999999" } },
		{ "/proc/sys/kernel/colo_guarantee_us", "0\n", "50000",
		  { "50001", "-1", "abc", "1x", "4294967296", "99999999999999999999" } },
		{ "/proc/sys/kernel/colo_util_freq", "1\n", "0",
		  { "2", "-1", "abc", "1x", "10", "99999999999999999999" } },
	};
	char before[64], after[64];
	size_t i, j;

	CHECK(!as_nobody(try_sysctls), "an ordinary user may write");
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		REQUIRE(read_file(t[i].path, before, sizeof(before)) > 0,
			"%s is not there", t[i].path);
		CHECK(!strcmp(before, t[i].val), "%s is %s", t[i].path, before);
		for (j = 0; j < ARRAY_SIZE(t[i].bad); j++) {
			int ret = write_file(t[i].path, t[i].bad[j]);

			CHECK(ret == -EINVAL || ret == -ERANGE, "%s takes %s: %d", t[i].path,
			      t[i].bad[j], ret);
			read_file(t[i].path, after, sizeof(after));
			CHECK(!strcmp(before, after), "%s: %s made it %s",
			      t[i].path, t[i].bad[j], after);
		}
		/* A write of nothing does nothing; a line without a number is bad. */
		write_file(t[i].path, "");
		CHECK(write_file(t[i].path, "\n") == -EINVAL, "%s takes a newline",
		      t[i].path);
		read_file(t[i].path, after, sizeof(after));
		CHECK(!strcmp(before, after), "%s: nothing made it %s", t[i].path,
		      after);
		CHECK(!write_file(t[i].path, t[i].good), "%s refuses %s",
		      t[i].path, t[i].good);
		read_file(t[i].path, after, sizeof(after));
		CHECK(atol(after) == atol(t[i].good), "%s: %s became %s",
		      t[i].path, t[i].good, after);
		CHECK(!write_file(t[i].path, before), "%s: putting it back",
		      t[i].path);
	}
}

/* ------------------------------------------------------------------- v1 */

/*
 * The cases of the other hierarchy: same functions. One case, because moving the
 * controller is a matter of the whole machine and takes its time.
 */
static void on_v1(void)
{
	static const struct { const char *name; void (*fn)(void); } all[] = {
		{ "files_and_modes", files_and_modes },
		{ "values", values },
		{ "three_levels", three_levels },
		{ "at_mkdir", at_mkdir },
		{ "sibling_untouched", sibling_untouched },
		{ "root_refused", root_refused },
		{ "bad_input", bad_input },
		{ "empty_write", empty_write },
		{ "read_only_files", read_only_files },
		{ "without_permission", without_permission },
		{ "delegated", delegated },
		{ "removed_group", removed_group },
		{ "stat_format", stat_format },
		{ "two_writers", two_writers },
	};
	size_t i;
	int ret;

	ret = cg_enter_v1();
	REQUIRE(!ret, "cannot mount the cpu controller as v1: %s",
		strerror(-ret));
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		int before = colo_failures();

		all[i].fn();
		if (colo_failures() != before)
			diag("that was %s on v1", all[i].name);
		ret = cg_clean("");
		CHECK(!ret, "%s on v1: clean-up: %s", all[i].name,
		      strerror(-ret));
		ret = cg_make("");
		REQUIRE(!ret, "v1: %s", strerror(-ret));
	}
	ret = cg_leave_v1();
	REQUIRE(!ret, "back to v2: %s", strerror(-ret));
	make("a");
	set("a", 1);
	expect_eff("a", 1);
}

static const struct colo_case cases[] = {
	{ "files_and_modes", files_and_modes, 20, 0, 0 },
	{ "values", values, 20, 0, 0 },
	{ "three_levels", three_levels, 20, 0, 0 },
	{ "at_mkdir", at_mkdir, 20, 0, 0 },
	{ "sibling_untouched", sibling_untouched, 20, 0, 0 },
	{ "root_refused", root_refused, 20, 0, 0 },
	{ "bad_input", bad_input, 30, 0, 0 },
	{ "empty_write", empty_write, 20, 0, 0 },
	{ "read_only_files", read_only_files, 20, 0, 0 },
	{ "without_permission", without_permission, 20, 0, 0 },
	{ "delegated", delegated, 20, 0, 0 },
	{ "removed_group", removed_group, 20, 0, 0 },
	{ "stat_format", stat_format, 20, 0, 0 },
	{ "two_writers", two_writers, 60, 0, 0 },
	{ "in_threaded_group", in_threaded_group, 20, 0, 0 },
	{ "controller_off_and_on", controller_off_and_on, 20, 0, 0 },
	{ "sysctls", sysctls, 20, 0, 0 },
	{ "on_v1", on_v1, 180, 0, 0 },
};

int main(int argc, char **argv)
{
	return colo_main(argc, argv, cases, ARRAY_SIZE(cases), NULL, 0);
}

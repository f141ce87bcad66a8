// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files of the memory controller: values, what follows from them, who may
 * write, every kind of bad input with the exact error and nothing changed, and the
 * names of other kernels (compat=). With v1=1 on version 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem_util.h"

#define NOBODY	65534
#define PAGES_PER_STOCK	64	/* what a CPU charges at once */

static const struct knob {
	const char	*file;		/* after "memory." */
	const char	*neutral;
	struct { const char *in, *out; } ok[10];
	struct { const char *in; int err; } bad[30];
} knobs[] = {
	{ "wmark_high", "max",
	  { { "64M", "67108864" }, { "1G", "1073741824" },
	    { " 65536k\n", "67108864" }, { "0x4000000", "67108864" },
	    { "67108864", "67108864" }, { "max\n", "max" } },
	  { { "0", ERANGE }, { "4095", ERANGE }, { "3K", ERANGE },
	    { "101%", ERANGE }, { "0%", ERANGE }, { "1000000%", ERANGE },
	    { "99999999999999999999%", ERANGE },
	    { "18446744073709551616", ERANGE }, { "18446744073709551615", ERANGE },
	    { "16777216T", ERANGE }, { "99999999999999999999G", ERANGE },
	    { "-1", EINVAL }, { "-1%", EINVAL }, { "-64M", EINVAL },
	    { "auto", EINVAL }, { "%", EINVAL }, { "M", EINVAL },
	    { "64MB", EINVAL }, { "64 M", EINVAL }, { "90 %", EINVAL },
	    { "90%%", EINVAL }, { "9.5%", EINVAL }, { "1.5G", EINVAL },
	    { "64Mx", EINVAL }, { "max max", EINVAL }, { "maxx", EINVAL },
	    { "90%K", EINVAL }, { "64K%", EINVAL }, { "1P", EINVAL } } },
	{ "wmark_low", "auto",
	  { { "auto", "auto" }, { " auto \n", "auto" } },
	  { { "101%", ERANGE }, { "0%", ERANGE },
	    { "18446744073709551616", ERANGE }, { "16777216T", ERANGE },
	    { "-1", EINVAL }, { "-1%", EINVAL }, { "max", EINVAL },
	    { "%", EINVAL }, { "K", EINVAL }, { "64MB", EINVAL },
	    { "60 M", EINVAL }, { "50%x", EINVAL }, { "autox", EINVAL },
	    { "auto 1", EINVAL } } },
	{ "wmark_ratio", "0",
	  { { "0", "0" }, { "1", "1" }, { "100", "100" }, { " 95 \n", "95" },
	    { "0x32", "50" }, { "0", "0" } },
	  { { "101", ERANGE }, { "4294967296", ERANGE },
	    { "18446744073709551616", ERANGE }, { "-1", EINVAL },
	    { "95%", EINVAL }, { "1M", EINVAL }, { "max", EINVAL },
	    { "9.5", EINVAL }, { "50x", EINVAL }, { "0x", EINVAL } } },
	{ "wmark_scale_factor", "50",
	  { { "1", "1" }, { "1000", "1000" }, { " 20\n", "20" }, { "50", "50" } },
	  { { "0", ERANGE }, { "1001", ERANGE }, { "4294967297", ERANGE },
	    { "18446744073709551616", ERANGE }, { "-50", EINVAL },
	    { "50%", EINVAL }, { "max", EINVAL }, { "50 1", EINVAL } } },
	{ "wmark_type", "file",
	  { { "all", "all" }, { " file\n", "file" }, { "all\n", "all" },
	    { "file", "file" } },
	  { { "anon", EINVAL }, { "fil", EINVAL }, { "files", EINVAL },
	    { "FILE", EINVAL }, { "file all", EINVAL }, { "0", EINVAL },
	    { "-1", EINVAL }, { "18446744073709551616", EINVAL } } },
	{ "wmark_basis", "usage",
	  { { "cache", "cache" }, { "usage\n", "usage" } },
	  { { "file", EINVAL }, { "caches", EINVAL }, { "usag", EINVAL },
	    { "usage cache", EINVAL }, { "1", EINVAL }, { "-1", EINVAL },
	    { "18446744073709551616", EINVAL } } },
	{ "wmark_period_ms", "0",
	  { { "1", "1" }, { "3600000", "3600000" }, { "100\n", "100" },
	    { "0", "0" } },
	  { { "3600001", ERANGE }, { "4294967296", ERANGE },
	    { "4294967297", ERANGE }, { "18446744073709551616", ERANGE },
	    { "-1", EINVAL }, { "1s", EINVAL }, { "100ms", EINVAL },
	    { "max", EINVAL }, { "1.5", EINVAL } } },
	{ "offline", "0",
	  { { "1", "1" }, { "0", "0" }, { " 0x1\n", "1" }, { "0\n", "0" } },
	  { { "2", ERANGE }, { "4294967297", ERANGE },
	    { "18446744073709551616", ERANGE }, { "-1", EINVAL },
	    { "-0", EINVAL }, { "y", EINVAL }, { "1x", EINVAL },
	    { "max", EINVAL } } },
};

/* Bad for each of them. */
static char big[8192];

static const struct {
	const char	*what;
	const char	*text;		/* NULL: @big */
	size_t		len;
	int		err;		/* 0: any of EINVAL and ERANGE */
} bad_anywhere[] = {
	{ "a newline", "\n", 1, EINVAL },
	{ "white space", " \t \n", 4, EINVAL },
	{ "a NUL", "", 1, EINVAL },
	{ "a word", "please", 6, EINVAL },
	{ "two lines", "1\n1\n", 4, EINVAL },
	{ "two numbers", "1 1", 3, EINVAL },
	{ "two signs", "++1", 3, EINVAL },
	{ "high bytes", "\xff\xfe", 2, EINVAL },
	{ "a comma", "1,1", 3, EINVAL },
	{ "a page of ones", NULL, 4095, 0 },
	{ "more than a page", NULL, 4097, E2BIG },
	{ "two pages", NULL, 8192, E2BIG },
};

/* ---------------------------------------------------------------- helpers */

static const char *name_of(const struct knob *k)
{
	static char ring[4][64];
	static unsigned int next;
	char *name = ring[next++ % 4];

	snprintf(name, sizeof(ring[0]), "memory.%s", k->file);
	return name;
}

/* The line that a file of @cg shows. */
static const char *line(const char *cg, const char *file)
{
	static char ring[4][128];
	static unsigned int next;
	char *buf = ring[next++ % 4];
	int n = cg_read(cg, file, buf, sizeof(ring[0]));

	REQUIRE(n > 0 && buf[n - 1] == '\n', "%s: %s: %d", cg, file, n);
	buf[n - 1] = '\0';
	return buf;
}

static void expect(const char *cg, const char *file, const char *want)
{
	char name[64];

	snprintf(name, sizeof(name), "memory.%s", file);
	CHECK(!strcmp(line(cg, name), want), "%s: %s is %s, not %s", cg, name,
	      line(cg, name), want);
}

/* All that the files of @cg tell: changes if anything does. */
static void snapshot(const char *cg, char *buf, size_t len)
{
	size_t i, n = 0;
	char *runs;
	int ret;

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		n += snprintf(buf + n, len - n, "%s=%s\n", knobs[i].file,
			      line(cg, name_of(&knobs[i])));
	ret = cg_read(cg, "memory.wmark_stat", buf + n, len - n);
	REQUIRE(ret > 0, "memory.wmark_stat: %d", ret);
	/* what is set and what follows from it; what is counted goes on */
	runs = strstr(buf + n, "\nruns ");
	REQUIRE(runs, "no runs in memory.wmark_stat");
	*runs = '\0';
}

static void expect_neutral(const char *cg)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		expect(cg, knobs[i].file, knobs[i].neutral);
	CHECK(!strcmp(wm_text(cg, "high_set"), "max"), "%s: high_set is %s", cg,
	      wm_text(cg, "high_set"));
	CHECK(!strcmp(wm_text(cg, "low_set"), "auto"), "%s: low_set is %s", cg,
	      wm_text(cg, "low_set"));
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

/* ------------------------------------------------------------------ cases */

static void files_and_modes(void)
{
	struct stat st;
	size_t i;

	mem_group("a", 0);
	for (i = 0; i <= ARRAY_SIZE(knobs); i++) {
		bool ro = i == ARRAY_SIZE(knobs);
		const char *f = ro ? "memory.wmark_stat" : name_of(&knobs[i]);

		if (!CHECK(!stat(cg_path("a", f), &st), "%s: %s", f,
			   strerror(errno)))
			continue;
		CHECK((st.st_mode & 07777) == (ro ? 0444 : 0644),
		      "%s has mode %o", f, st.st_mode & 07777);
		CHECK(!cg_exists("/", f), "%s is in the root group", f);
	}
	/* Nobody asked for the names of other kernels. */
	CHECK(!cg_exists("a", "memory.qos_level"), "memory.qos_level is there");
	CHECK(!cg_exists("a", "memory.wmark_min_adj"),
	      "memory.wmark_min_adj is there");
	CHECK(access("/proc/sys/vm/memcg_qos_enable", F_OK),
	      "vm.memcg_qos_enable is there");
	expect_neutral("a");
}

static void values(void)
{
	size_t i, j;

	mem_group("a", 0);
	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		const struct knob *k = &knobs[i];

		for (j = 0; j < ARRAY_SIZE(k->ok) && k->ok[j].in; j++) {
			int ret = cg_write("a", name_of(k), "%s", k->ok[j].in);

			CHECK(!ret, "%s = \"%s\": %s", k->file, k->ok[j].in,
			      strerror(-ret));
			expect("a", k->file, k->ok[j].out);
		}
		mem_set("a", k->file, "%s", k->neutral);
	}
	expect_neutral("a");
}

static void try_bad(const struct knob *k, const char *what, const char *text,
		    size_t len, int err)
{
	char before[4096], after[4096];
	ssize_t n;
	int fd;

	snapshot("a", before, sizeof(before));
	fd = open(cg_path("a", name_of(k)), O_RDWR);
	REQUIRE(fd >= 0, "open: %s", strerror(errno));
	errno = 0;
	n = write(fd, text, len);
	CHECK(n == -1 && (err ? errno == err :
			  errno == EINVAL || errno == ERANGE),
	      "%s = %s: write gives %zd, %s; should be %s", k->file, what, n,
	      strerror(errno), strerror(err));
	close(fd);
	snapshot("a", after, sizeof(after));
	CHECK(!strcmp(before, after), "%s = %s has changed something:\n%s", k->file,
	      what, after);
}

static void bad_input_now(void)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		const struct knob *k = &knobs[i];

		for (j = 0; j < ARRAY_SIZE(k->bad) && k->bad[j].in; j++)
			try_bad(k, k->bad[j].in, k->bad[j].in,
				strlen(k->bad[j].in), k->bad[j].err);
		for (j = 0; j < ARRAY_SIZE(bad_anywhere); j++)
			try_bad(k, bad_anywhere[j].what,
				bad_anywhere[j].text ?: big,
				bad_anywhere[j].len, bad_anywhere[j].err);
	}
}

static void bad_input(void)
{
	memset(big, '1', sizeof(big));
	mem_group("a", 128 * MIB);
	bad_input_now();
	/* The same when something is set. */
	mem_set("a", "wmark_high", "90%%");
	mem_set("a", "wmark_low", "80%%");
	mem_set("a", "wmark_scale_factor", "20");
	mem_set("a", "wmark_type", "all");
	mem_set("a", "wmark_basis", "cache");
	mem_set("a", "wmark_period_ms", "1000");
	mem_set("a", "offline", "1");
	bad_input_now();
}

/* A low mark above the high one is refused when it is written. */
static void low_above_high(void)
{
	char before[4096], after[4096];
	static const char * const bad[] = { "65M", "100%", "1G", "51%" };
	size_t i;

	mem_group("a", 128 * MIB);
	mem_set("a", "wmark_high", "50%%");
	mem_set("a", "wmark_low", "32M");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		int ret;

		snapshot("a", before, sizeof(before));
		ret = cg_write("a", "memory.wmark_low", "%s", bad[i]);
		snapshot("a", after, sizeof(after));
		CHECK(ret == -EINVAL, "low = %s above high = 64M gives %d", bad[i],
		      ret);
		CHECK(!strcmp(before, after), "low = %s has changed something",
		      bad[i]);
	}
	/* The other way round the gap rule holds. */
	mem_set("a", "wmark_high", "16M");
	CHECK(mem_num("a", "wmark_low") < mem_num("a", "wmark_high"),
	      "high moved below low: low is %lld, high %lld",
	      (long long)mem_num("a", "wmark_low"),
	      (long long)mem_num("a", "wmark_high"));
	/* And what was asked for is not forgotten. */
	CHECK(!strcmp(wm_text("a", "low_set"), "32M") ||
	      wm("a", "low_set") == (int64_t)(32 * MIB), "low_set is %s",
	      wm_text("a", "low_set"));
	mem_set("a", "wmark_high", "64M");
	CHECK(mem_num("a", "wmark_low") == (int64_t)(32 * MIB),
	      "high moved back up: low is %lld",
	      (long long)mem_num("a", "wmark_low"));
}

/* Between wmark_ratio and wmark_high the last writer wins. */
static void last_writer_wins(void)
{
	mem_group("a", 128 * MIB);
	mem_set("a", "wmark_ratio", "80");
	expect("a", "wmark_ratio", "80");
	CHECK(!strcmp(wm_text("a", "high_set"), "80%"), "high_set is %s",
	      wm_text("a", "high_set"));
	mem_set("a", "wmark_high", "10M");
	expect("a", "wmark_ratio", "0");
	expect("a", "wmark_high", "10485760");
	mem_set("a", "wmark_high", "50%%");
	expect("a", "wmark_ratio", "50");
	expect("a", "wmark_high", "67108864");
	mem_set("a", "wmark_high", "10M");
	mem_set("a", "wmark_ratio", "100");
	expect("a", "wmark_high", "134217728");
	/* ratio 0 is off, whatever high was. */
	mem_set("a", "wmark_high", "10M");
	mem_set("a", "wmark_ratio", "0");
	expect("a", "wmark_high", "max");
	expect("a", "wmark_low", "auto");
	expect_neutral("a");
}

/* The least gap: two stocks of all CPUs. */
static int64_t least_gap(void)
{
	return 2 * n_cpus() * PAGES_PER_STOCK * 4096LL;
}

static void expect_marks(const char *what, int64_t limit, int64_t high,
			 int64_t gap)
{
	int64_t l = wm("a", "limit_bytes"), h = wm("a", "high_bytes");
	int64_t low = wm("a", "low_bytes");

	CHECK(l == limit, "%s: the limit is %lld, not %lld", what, (long long)l,
	      (long long)limit);
	/* To a page. */
	CHECK(h <= high && h > high - 4096, "%s: high is %lld, not %lld", what,
	      (long long)h, (long long)high);
	CHECK(h == mem_num("a", "wmark_high") && low == mem_num("a", "wmark_low"),
	      "%s: file and statistics differ", what);
	if (gap)
		CHECK(low <= h - gap + 4096 && low > h - gap - 4096,
		      "%s: low is %lld, not %lld", what, (long long)low,
		      (long long)(h - gap));
	CHECK(low <= h - least_gap(), "%s: a gap of %lld is below the least",
	      what, (long long)(h - low));
}

/* high = limit x ratio / 100; low = high - limit x factor / 10000. */
static void formulas(void)
{
	/* Large enough for the gap to be more than the least. */
	const int64_t big_limit = 8192 * MIB, small = 64 * MIB;

	mem_group("a", big_limit);
	mem_set("a", "wmark_ratio", "95");
	expect_marks("95, 50", big_limit, big_limit * 95 / 100,
		     big_limit * 50 / 10000);
	mem_set("a", "wmark_scale_factor", "20");
	expect_marks("95, 20", big_limit, big_limit * 95 / 100,
		     big_limit * 20 / 10000);
	mem_set("a", "wmark_scale_factor", "1000");
	expect_marks("95, 1000", big_limit, big_limit * 95 / 100,
		     big_limit * 1000 / 10000);
	CHECK(wm("a", "low_auto") == 1, "low_auto is not 1");
	mem_set("a", "wmark_low", "80%%");
	CHECK(wm("a", "low_auto") == 0, "low_auto is not 0");
	expect_marks("95, low 80%", big_limit, big_limit * 95 / 100,
		     big_limit * 95 / 100 - big_limit * 80 / 100);
	mem_set("a", "wmark_low", "auto");

	/* The smallest factor of a small limit: the least gap holds. */
	REQUIRE(!mem_limit("a", small), "limit");
	mem_set("a", "wmark_scale_factor", "1");
	expect_marks("small", small, small * 95 / 100, 0);
	/* A mark below the least gap has nothing below it but 0. */
	mem_set("a", "wmark_high", "4K");
	CHECK(mem_num("a", "wmark_high") >= 0 &&
	      mem_num("a", "wmark_low") >= 0 &&
	      mem_num("a", "wmark_low") <= mem_num("a", "wmark_high"),
	      "a mark of a page: high %lld, low %lld",
	      (long long)mem_num("a", "wmark_high"),
	      (long long)mem_num("a", "wmark_low"));
	/* Above the limit: allowed, and never reached. */
	mem_set("a", "wmark_high", "1G");
	expect("a", "wmark_high", "1073741824");
}

static void percent_follows_limit(void)
{
	mem_group("a", 0);
	/* No limit, nothing to refer to: off until there is one. */
	mem_set("a", "wmark_high", "50%%");
	expect("a", "wmark_high", "max");
	expect("a", "wmark_low", "auto");
	expect("a", "wmark_ratio", "50");
	CHECK(wm("a", "limit_bytes") == NONE, "a limit: %s",
	      wm_text("a", "limit_bytes"));
	REQUIRE(!mem_limit("a", 128 * MIB), "limit");
	expect_marks("128M", 128 * MIB, 64 * MIB, 0);
	REQUIRE(!mem_limit("a", 256 * MIB), "limit");
	expect_marks("256M", 256 * MIB, 128 * MIB, 0);
	if (cg_hier == CG_V2) {
		/* The lower of max and high. */
		mem_set("a", "high", "64M");
		expect_marks("high", 64 * MIB, 32 * MIB, 0);
		mem_set("a", "high", "max");
		expect_marks("high off", 256 * MIB, 128 * MIB, 0);
		mem_set("a", "max", "max");
		expect("a", "wmark_high", "max");
		mem_set("a", "high", "200M");
		expect_marks("high alone", 200 * MIB, 100 * MIB, 0);
		mem_set("a", "high", "max");
		REQUIRE(!mem_limit("a", 256 * MIB), "limit");
	}
	/* Bytes do not follow. */
	mem_set("a", "wmark_high", "32M");
	REQUIRE(!mem_limit("a", 128 * MIB), "limit");
	expect("a", "wmark_high", "33554432");
	/* A group above has limits of its own; they do not count. */
	mem_group("b/c", 0);
	REQUIRE(!mem_limit("b", 64 * MIB), "limit");
	mem_set("b/c", "wmark_ratio", "50");
	expect("b/c", "wmark_high", "max");
}

/* Own value in the file, effective one in the statistics. */
static void offline_is_inherited(void)
{
	mem_group("a/b/c", 0);
	mem_set("a", "offline", "1");
	expect("a/b", "offline", "0");
	CHECK(wm("a/b/c", "offline_effective") == 1, "not inherited");
	mem_group("a/b/d", 0);
	CHECK(wm("a/b/d", "offline_effective") == 1, "not inherited at mkdir");
	mem_set("a/b", "offline", "1");
	mem_set("a", "offline", "0");
	CHECK(wm("a", "offline_effective") == 0, "a stays");
	CHECK(wm("a/b/c", "offline_effective") == 1, "a/b/c does not stay");
	mem_set("a/b", "offline", "0");
	CHECK(wm("a/b/c", "offline_effective") == 0, "a/b/c stays");
}

/* New groups have no marks, whatever those above have. */
static void not_inherited(void)
{
	mem_group("a", 64 * MIB);
	mem_set("a", "wmark_high", "90%%");
	mem_set("a", "wmark_type", "all");
	mem_group("a/b", 64 * MIB);
	expect_neutral("a/b");
}

static void root_refused(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		int fd;

		CHECK(cg_write("/", name_of(&knobs[i]), "%s",
			       knobs[i].ok[0].in) == -ENOENT,
		      "the root group has %s", knobs[i].file);
		fd = open(cg_path("/", name_of(&knobs[i])),
			  O_WRONLY | O_CREAT, 0644);
		CHECK(fd < 0, "root's %s could be created", knobs[i].file);
		if (fd >= 0)
			close(fd);
	}
}

static void empty_write(void)
{
	size_t i;
	int fd;

	mem_group("a", 128 * MIB);
	mem_set("a", "wmark_high", "90%%");
	mem_set("a", "offline", "1");
	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		fd = open(cg_path("a", name_of(&knobs[i])), O_WRONLY | O_TRUNC);
		REQUIRE(fd >= 0, "open: %s", strerror(errno));
		CHECK(write(fd, "", 0) == 0, "%s: an empty write fails: %s",
		      knobs[i].file, strerror(errno));
		close(fd);
	}
	expect("a", "wmark_ratio", "90");
	expect("a", "offline", "1");
	/* The read-only file. */
	CHECK(cg_write("a", "memory.wmark_stat", "1") < 0,
	      "memory.wmark_stat can be written");
}

static int try_without_permission(void)
{
	size_t i;
	char c;
	int fd;

	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		fd = open(cg_path("a", name_of(&knobs[i])), O_WRONLY);
		if (fd >= 0 || errno != EACCES)
			return 1;
		fd = open(cg_path("a", name_of(&knobs[i])), O_RDONLY);
		if (fd < 0 || read(fd, &c, 1) != 1)
			return 2;
		if (write(fd, "1", 1) != -1 || errno != EBADF)
			return 3;
		close(fd);
	}
	return 0;
}

static void without_permission(void)
{
	int ret;

	mem_group("a", 128 * MIB);
	ret = as_nobody(try_without_permission);
	CHECK(!ret, "step %d did not do what it should", ret);
	expect_neutral("a");
}

static int try_delegated(void)
{
	if (cg_write("a/mine", "memory.wmark_high", "90%%") ||
	    cg_write("a/mine", "memory.offline", "1"))
		return 1;
	if (mkdir(cg_path("a/mine/sub", ""), 0755))
		return 2;
	if (cg_hier == CG_V2 &&
	    cg_write("a/mine", "cgroup.subtree_control", "+memory"))
		return 3;
	if (cg_write("a/mine/sub", "memory.wmark_high", "1M"))
		return 4;
	if (cg_write("a/mine", "memory.wmark_high", "0%%") != -ERANGE ||
	    cg_write("a/mine", "memory.wmark_high", "lots") != -EINVAL)
		return 5;
	/* The border: the parent and the neighbour are not its own. */
	if (cg_write("a", "memory.wmark_high", "1M") != -EACCES ||
	    cg_write("a/other", "memory.offline", "1") != -EACCES)
		return 6;
	if (cg_write("a/mine", "memory.wmark_stat", "1") != -EACCES)
		return 7;
	return 0;
}

static void delegated(void)
{
	static const char * const theirs[] = {
		"", "cgroup.procs", "cgroup.subtree_control",
		"memory.wmark_high", "memory.offline",
	};
	size_t i;
	int ret;

	mem_group("a/mine", 128 * MIB);
	mem_group("a/other", 128 * MIB);
	for (i = 0; i < ARRAY_SIZE(theirs); i++) {
		if (cg_hier == CG_V1 &&
		    !strcmp(theirs[i], "cgroup.subtree_control"))
			continue;
		REQUIRE(!chown(cg_path("a/mine", theirs[i]), NOBODY, NOBODY),
			"chown %s: %s", theirs[i], strerror(errno));
	}
	ret = as_nobody(try_delegated);
	CHECK(!ret, "step %d did not do what it should", ret);
	expect("a/mine", "wmark_ratio", "90");
	expect("a/mine", "offline", "1");
	expect("a/mine/sub", "wmark_high", "1048576");
	expect_neutral("a");
	expect_neutral("a/other");
}

static void removed_group(void)
{
	int fd[ARRAY_SIZE(knobs) + 1];
	char buf[2048];
	size_t i;

	mem_group("a/b", 128 * MIB);
	mem_set("a/b", "wmark_high", "90%%");
	for (i = 0; i < ARRAY_SIZE(fd); i++) {
		bool ro = i == ARRAY_SIZE(knobs);

		fd[i] = open(cg_path("a/b", ro ? "memory.wmark_stat" :
				     name_of(&knobs[i])),
			     ro ? O_RDONLY : O_RDWR);
		REQUIRE(fd[i] >= 0, "open: %s", strerror(errno));
		CHECK(read(fd[i], buf, sizeof(buf)) > 0, "read: %s",
		      strerror(errno));
	}
	REQUIRE(!cg_rm("a/b"), "rmdir with open files");
	for (i = 0; i < ARRAY_SIZE(fd); i++) {
		if (i < ARRAY_SIZE(knobs)) {
			CHECK(write(fd[i], "1", 1) == -1 && errno == ENODEV,
			      "%s of a removed group: write: %s",
			      knobs[i].file, strerror(errno));
			CHECK(write(fd[i], "x", 1) == -1 && errno == ENODEV,
			      "%s of a removed group: bad write: %s",
			      knobs[i].file, strerror(errno));
		}
		lseek(fd[i], 0, SEEK_SET);
		CHECK(read(fd[i], buf, sizeof(buf)) == -1 && errno == ENODEV,
		      "file %zu of a removed group: read: %s", i,
		      strerror(errno));
		close(fd[i]);
	}
	/* The same name again is another group. */
	mem_group("a/b", 0);
	expect_neutral("a/b");
}

static void stat_format(void)
{
	static const struct { const char *key, *val; } keys[] = {
		{ "high_bytes", "max" }, { "low_bytes", "max" },
		{ "limit_bytes", "max" }, { "low_auto", "1" },
		{ "high_set", "max" }, { "low_set", "auto" },
		{ "offline_effective", "0" }, { "runs", "0" },
		{ "run_max_usec", "0" }, { "cpu_usec", "0" },
		{ "scanned", "0" }, { "reclaimed", "0" }, { "refaulted", "0" },
		{ "backoffs", "0" }, { "widened", "0" }, { "failed", "0" },
		{ "crossed", "0" },
	};
	char buf[2048], want[64], *p = buf;
	size_t i;
	int n;

	mem_group("a", 0);
	n = cg_read("a", "memory.wmark_stat", buf, sizeof(buf));
	REQUIRE(n > 0, "read: %d", n);
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t len = snprintf(want, sizeof(want), "%s %s\n",
				      keys[i].key, keys[i].val);

		REQUIRE(!strncmp(p, want, len), "line %zu is not %.*s: %.40s",
			i + 1, (int)len - 1, want, p);
		p += len;
	}
	CHECK(p == buf + n, "text after the last key: %.40s", p);
}

/* ---------------------------------------------------- several at a time */

static void race_writer(struct task_ctl *c, long id)
{
	static const char * const text[] = {
		"90%", "64M", "max", "50%", "1M", "auto", "80%", "file", "all",
		"cache", "usage", "0", "1", "100", "20", "lots",
	};
	uint64_t r = id * 7919 + 17;

	while (!c->stop) {
		const struct knob *k = &knobs[rnd(&r) % ARRAY_SIZE(knobs)];
		const char *t = text[rnd(&r) % ARRAY_SIZE(text)];
		int ret = cg_write(id & 1 ? "a" : "a/b", name_of(k), "%s", t);

		if (ret && ret != -EINVAL && ret != -ERANGE)
			c->err = ret;
		c->progress++;
	}
}

/* The least that one of the tasks has done so far. */
static uint64_t fewest(const struct task *t, int n)
{
	uint64_t least = UINT64_MAX;

	while (n--)
		least = t[n].c->progress < least ? t[n].c->progress : least;
	return least;
}

static void many_writers(void)
{
	uint64_t now = now_ns(), end = now + 2 * NSEC_PER_SEC;
	uint64_t limit = now + scaled(10000) * NSEC_PER_MSEC;
	struct task_opt o = { .cpu = -1 };
	struct task w[4];
	int i;

	mem_group("a/b", 64 * MIB);
	REQUIRE(!mem_limit("a", 128 * MIB), "limit");
	for (i = 0; i < 4; i++) {
		o.arg = i;
		w[i] = task_start(&o, race_writer);
	}
	while ((now < end || (now < limit && fewest(w, 4) <= 10)) &&
	       !colo_failures()) {
		char buf[2048];
		long long high, low;

		/* One read: both of one moment. */
		REQUIRE(cg_read("a/b", "memory.wmark_stat", buf, sizeof(buf)) > 0,
			"read");
		if (sscanf(buf, "high_bytes %lld low_bytes %lld", &high,
			   &low) == 2)
			CHECK(low <= high, "high %lld, low %lld", high, low);
		else
			CHECK(!strncmp(buf, "high_bytes max\nlow_bytes max\n", 29),
			      "one mark without the other: %.60s", buf);
		if (mkdir(cg_path("a/c", ""), 0755))
			CHECK(0, "mkdir: %s", strerror(errno));
		cg_write("a/c", "memory.wmark_high", "10%%");
		cg_write("a/c", "memory.offline", "1");
		sleep_ms(1);
		CHECK(!cg_rm("a/c"), "rmdir");
		now = now_ns();
	}
	for (i = 0; i < 4; i++)
		w[i].c->stop = 1;
	for (i = 0; i < 4; i++) {
		CHECK(w[i].c->progress > 10, "writer %d wrote %llu times", i,
		      (unsigned long long)w[i].c->progress);
		CHECK(!w[i].c->err, "writer %d: %s", i, strerror(-w[i].c->err));
		CHECK(task_wait(&w[i], 10000, NULL), "writer %d hangs", i);
	}
	for (i = 0; i < (int)ARRAY_SIZE(knobs); i++) {
		mem_set("a", knobs[i].file, "%s", knobs[i].neutral);
		mem_set("a/b", knobs[i].file, "%s", knobs[i].neutral);
	}
	expect_neutral("a");
	expect_neutral("a/b");
}

/* The files go and come with the controller, and so do the marks. */
static void controller_off_and_on(void)
{
	mem_group("a/b", 64 * MIB);
	mem_set("a/b", "wmark_high", "90%%");
	mem_set("a/b", "offline", "1");
	REQUIRE(!cg_write("a", "cgroup.subtree_control", "-memory"), "-memory");
	CHECK(!cg_exists("a/b", "memory.wmark_high"),
	      "the file outlives its controller");
	REQUIRE(!cg_write("a", "cgroup.subtree_control", "+memory"), "+memory");
	expect_neutral("a/b");
}

/* ----------------------------------------------------------------- compat */

static int load(const char *params)
{
	const char *path = getenv("COLO_MODULE") ?: "/lib/colo.ko";
	int fd, ret;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;
	close(fd);
	return ret;
}

static int unload(void)
{
	return syscall(SYS_delete_module, "colo", O_NONBLOCK) ? -errno : 0;
}

static void reload(const char *params)
{
	int ret = unload();

	REQUIRE(!ret || ret == -ENOENT, "unload: %s", strerror(-ret));
	ret = load(params);
	REQUIRE(!ret, "load with \"%s\": %s", params, strerror(-ret));
}

static bool log_has(const char *text)
{
	int n = klogctl(10 /* SYSLOG_ACTION_SIZE_BUFFER */, NULL, 0);
	char *buf = calloc(1, n + 1);
	bool has;

	klogctl(3 /* SYSLOG_ACTION_READ_ALL */, buf, n);
	has = strstr(buf, text);
	free(buf);
	return has;
}

#define QOS_ENABLE	"/proc/sys/vm/memcg_qos_enable"

static void compat_names(void)
{
	static const struct { const char *params; bool adj, qos; } good[] = {
		{ "compat=anolis", true, false },
		{ "compat=openeuler", false, true },
		{ "compat=tencent", false, false },
		{ "compat=anolis,openeuler,tencent", true, true },
		{ "compat=openeuler,anolis", true, true },
		{ "compat=anolis,anolis", true, false },
		{ "compat=", false, false },
	};
	static const char * const bad[] = {
		"compat=centos", "compat=anolis,centos", "compat=,",
		"compat=anolis,", "compat=Anolis", "compat=anolis;openeuler",
	};
	size_t i;
	int ret;

	mem_group("a", 0);
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		reload(good[i].params);
		CHECK(cg_exists("a", "memory.wmark_min_adj") == good[i].adj,
		      "%s: memory.wmark_min_adj", good[i].params);
		CHECK(cg_exists("a", "memory.qos_level") == good[i].qos,
		      "%s: memory.qos_level", good[i].params);
		CHECK(!access(QOS_ENABLE, F_OK) == good[i].qos,
		      "%s: memcg_qos_enable", good[i].params);
		expect_neutral("a");
	}
	REQUIRE(!unload(), "unload");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ret = load(bad[i]);
		CHECK(ret == -EINVAL, "%s: load gives %d", bad[i], ret);
		CHECK(!cg_exists("a", "memory.wmark_high") &&
		      access(QOS_ENABLE, F_OK), "%s: something is there", bad[i]);
	}
	CHECK(log_has("compat=: \"centos\" is not known"),
	      "the log does not say what is wrong");
	reload("");
}

static int try_reserve(void)
{
	if (cg_write("pod", "memory.wmark_min_adj", "1"))
		return 1;
	return cg_write("pod", "memory.wmark_min_adj", "-1") == -EPERM ? 0 : 2;
}

/* What Koordinator writes, in a pod below besteffort and in its container. */
static void koordinator(void)
{
	static const char * const groups[] = { "be", "be/pod", "be/pod/c1" };
	static const struct { const char *in; int err; } adj[] = {
		{ "-25", 0 }, { "50", 0 }, { "0", 0 }, { "-26", ERANGE },
		{ "51", ERANGE }, { "99999999999999999999", ERANGE },
		{ "-99999999999999999999", ERANGE }, { "", EINVAL },
		{ "\n", EINVAL }, { "low", EINVAL }, { "10%", EINVAL },
		{ "--1", EINVAL }, { "1 1", EINVAL },
	};
	size_t i;
	int ret;

	reload("compat=anolis");
	mem_group("be/pod/c1", 8192 * MIB);
	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		REQUIRE(!mem_limit(groups[i], 8192 * MIB), "limit");
		mem_set(groups[i], "wmark_ratio", "95\n");
		mem_set(groups[i], "wmark_scale_factor", "20\n");
		mem_set(groups[i], "wmark_min_adj", "50\n");
		expect(groups[i], "wmark_ratio", "95");
		expect(groups[i], "wmark_scale_factor", "20");
		expect(groups[i], "wmark_min_adj", "50");
	}
	/* A guaranteed pod is helped instead. */
	mem_group("pod", 0);
	mem_set("pod", "wmark_min_adj", "-25");
	expect("pod", "wmark_min_adj", "-25");
	/* Whoever a group was delegated to does not get everybody's reserve. */
	REQUIRE(!chown(cg_path("pod", "memory.wmark_min_adj"), NOBODY, NOBODY),
		"chown: %s", strerror(errno));
	ret = as_nobody(try_reserve);
	CHECK(!ret, "step %d did not do what it should", ret);
	expect("pod", "wmark_min_adj", "1");
	/* What it writes to say that there is no limit. */
	if (cg_hier == CG_V2) {
		mem_set("be/pod", "high", "9223372036854775807");
		CHECK(wm("be/pod", "limit_bytes") == (int64_t)(8192 * MIB),
		      "the limit is %s", wm_text("be/pod", "limit_bytes"));
	}
	/* And takes back. */
	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		mem_set(groups[i], "wmark_ratio", "0");
		mem_set(groups[i], "wmark_scale_factor", "50");
		mem_set(groups[i], "wmark_min_adj", "0");
		expect_neutral(groups[i]);
	}
	for (i = 0; i < ARRAY_SIZE(adj); i++) {
		if (!*adj[i].in)
			continue;
		ret = cg_write("pod", "memory.wmark_min_adj", "%s", adj[i].in);
		CHECK(ret == -adj[i].err, "wmark_min_adj = %s gives %d", adj[i].in,
		      ret);
		expect("pod", "wmark_min_adj", adj[i].err ? "0" : adj[i].in);
	}
	CHECK(cg_write("/", "memory.wmark_min_adj", "1") == -ENOENT,
	      "the root group has wmark_min_adj");
	reload("");
}

/* What rubik writes: -1 for an offline pod and each container, 0 for online. */
static void rubik(void)
{
	static const char * const groups[] = { "pod", "pod/c1", "pod/c2" };
	static const struct { const char *in; int err; } bad[] = {
		{ "1", ERANGE }, { "-2", ERANGE }, { "-8", ERANGE },
		{ "99999999999999999999", ERANGE }, { "\n", EINVAL },
		{ "offline", EINVAL }, { "-1x", EINVAL }, { "-1 0", EINVAL },
	};
	char buf[16];
	size_t i;
	int ret;

	reload("compat=openeuler");
	mem_group("pod/c1", 0);
	mem_group("pod/c2", 0);
	CHECK(read_file(QOS_ENABLE, buf, sizeof(buf)) == 2 && *buf == '1',
	      "memcg_qos_enable is %s", buf);
	REQUIRE(!write_file(QOS_ENABLE, "1"), "memcg_qos_enable");
	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		mem_set(groups[i], "qos_level", "-1");
		expect(groups[i], "qos_level", "-1");
		expect(groups[i], "offline", "1");
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ret = cg_write("pod", "memory.qos_level", "%s", bad[i].in);
		CHECK(ret == -bad[i].err, "qos_level = %s gives %d", bad[i].in,
		      ret);
		expect("pod", "qos_level", "-1");
	}
	/* Both directions. */
	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		mem_set(groups[i], "qos_level", "0");
		expect(groups[i], "qos_level", "0");
		expect(groups[i], "offline", "0");
	}
	/* The native name is the same knob. */
	mem_set("pod", "offline", "1");
	expect("pod", "qos_level", "-1");
	expect("pod/c1", "qos_level", "0");
	CHECK(wm("pod/c1", "offline_effective") == 1, "not inherited");
	/* Switched off: levels cannot be written, and hold. */
	REQUIRE(!write_file(QOS_ENABLE, "0"), "memcg_qos_enable");
	ret = cg_write("pod", "memory.qos_level", "0");
	CHECK(ret == -EACCES, "switched off: a write gives %d", ret);
	expect("pod", "qos_level", "-1");
	mem_set("pod", "offline", "0");
	CHECK(write_file(QOS_ENABLE, "2") == -EINVAL &&
	      write_file(QOS_ENABLE, "-1") == -EINVAL &&
	      write_file(QOS_ENABLE, "on") == -EINVAL,
	      "memcg_qos_enable takes anything");
	CHECK(read_file(QOS_ENABLE, buf, sizeof(buf)) == 2 && *buf == '0',
	      "memcg_qos_enable became %s", buf);
	CHECK(cg_write("/", "memory.qos_level", "-1") == -ENOENT,
	      "the root group has qos_level");
	reload("");
}

/* The module takes every mark with it. */
static void unload_is_neutral(void)
{
	int fd;

	reload("compat=anolis,openeuler");
	mem_group("a/b", 64 * MIB);
	/* Something that percentages can refer to. */
	REQUIRE(!mem_limit("a", 128 * MIB), "limit");
	CHECK(cg_write("a", "memory.wmark_low", "50%%") == 0, "low, no high");
	mem_set("a", "wmark_low", "auto");
	mem_set("a", "wmark_high", "16M");
	mem_set("a", "wmark_low", "10%%");
	mem_set("a", "wmark_period_ms", "10");
	mem_set("a", "wmark_type", "all");
	mem_set("a/b", "wmark_ratio", "90");
	mem_set("a/b", "wmark_basis", "cache");
	mem_set("a/b", "wmark_scale_factor", "7");
	mem_set("a/b", "wmark_min_adj", "50");
	mem_set("a/b", "offline", "1");
	fd = open(cg_path("a", "memory.wmark_high"), O_RDWR);
	REQUIRE(fd >= 0, "open: %s", strerror(errno));
	REQUIRE(!unload(), "unload");
	CHECK(write(fd, "1M", 2) == -1 && errno == ENODEV,
	      "an open file of a module that is gone: %s", strerror(errno));
	close(fd);
	CHECK(!cg_exists("a", "memory.wmark_high") &&
	      !cg_exists("a/b", "memory.offline") &&
	      !cg_exists("a/b", "memory.qos_level") &&
	      access(QOS_ENABLE, F_OK), "something is left");
	REQUIRE(!load("compat=anolis"), "load");
	expect_neutral("a");
	expect_neutral("a/b");
	expect("a/b", "wmark_min_adj", "0");
	CHECK(wm("a/b", "offline_effective") == 0, "offline");
	reload("");
}

static const struct colo_case cases[] = {
	{ "files_and_modes", files_and_modes, 20, 0, 0 },
	{ "values", values, 20, 0, 0 },
	{ "bad_input", bad_input, 60, 0, 0 },
	{ "low_above_high", low_above_high, 20, 0, 0 },
	{ "last_writer_wins", last_writer_wins, 20, 0, 0 },
	{ "formulas", formulas, 20, 0, 0 },
	{ "percent_follows_limit", percent_follows_limit, 20, 0, 0 },
	{ "offline_is_inherited", offline_is_inherited, 20, 0, 0 },
	{ "not_inherited", not_inherited, 20, 0, 0 },
	{ "root_refused", root_refused, 20, 0, 0 },
	{ "empty_write", empty_write, 20, 0, 0 },
	{ "without_permission", without_permission, 20, 0, 0 },
	{ "delegated", delegated, 20, 0, 0 },
	{ "removed_group", removed_group, 20, 0, 0 },
	{ "stat_format", stat_format, 20, 0, 0 },
	{ "many_writers", many_writers, 60, 0, 0 },
	{ "controller_off_and_on", controller_off_and_on, 20, 0, 0 },
	{ "compat_names", compat_names, 60, 0, 0 },
	{ "koordinator", koordinator, 30, 0, 0 },
	{ "rubik", rubik, 30, 0, 0 },
	{ "unload_is_neutral", unload_is_neutral, 30, 0, 0 },
};

/* cpu.stat, subtree_control and the like are of v2. */
static const struct colo_case v1[] = {
	{ "files_and_modes", files_and_modes, 20, 0, 0 },
	{ "values", values, 20, 0, 0 },
	{ "bad_input", bad_input, 60, 0, 0 },
	{ "low_above_high", low_above_high, 20, 0, 0 },
	{ "last_writer_wins", last_writer_wins, 20, 0, 0 },
	{ "formulas", formulas, 20, 0, 0 },
	{ "percent_follows_limit", percent_follows_limit, 20, 0, 0 },
	{ "offline_is_inherited", offline_is_inherited, 20, 0, 0 },
	{ "not_inherited", not_inherited, 20, 0, 0 },
	{ "root_refused", root_refused, 20, 0, 0 },
	{ "empty_write", empty_write, 20, 0, 0 },
	{ "without_permission", without_permission, 20, 0, 0 },
	{ "delegated", delegated, 20, 0, 0 },
	{ "removed_group", removed_group, 20, 0, 0 },
	{ "stat_format", stat_format, 20, 0, 0 },
	{ "many_writers", many_writers, 60, 0, 0 },
	{ "koordinator", koordinator, 30, 0, 0 },
	{ "rubik", rubik, 30, 0, 0 },
	{ "unload_is_neutral", unload_is_neutral, 30, 0, 0 },
};

int main(int argc, char **argv)
{
	return mem_main(argc, argv, cases, ARRAY_SIZE(cases), v1, ARRAY_SIZE(v1),
			NULL, 0);
}

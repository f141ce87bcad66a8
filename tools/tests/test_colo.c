// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "cgroup.h"
#include "colo.h"
#include "fake.h"
#include "knobs.h"
#include "output.h"
#include "version.h"

static int setup(void **state)
{
	(void)state;
	fake_setup();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_teardown();
	return 0;
}

static void assert_file(const char *name, const char *expected)
{
	char *text = get(name);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void assert_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" is in:\n%s", part, text);
}

static bool is_there(const char *name)
{
	return !access(fake(name), F_OK);
}

/* Strict: one value, nothing behind it but white space. */
static struct json_object *parse(const char *text)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *o;

	json_tokener_set_flags(tok, JSON_TOKENER_STRICT |
				    JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tok, text, strlen(text) + 1);
	if (json_tokener_get_error(tok) != json_tokener_success)
		fail_msg("not JSON: %s\n%s",
			 json_tokener_error_desc(json_tokener_get_error(tok)),
			 text);
	json_tokener_free(tok);
	return o;
}

static struct json_object *at(struct json_object *o, const char *pointer)
{
	struct json_object *v = NULL;

	if (json_pointer_get(o, pointer, &v))
		fail_msg("no %s in %s", pointer, json_object_to_json_string(o));
	return v;
}

static const char *str_at(struct json_object *o, const char *pointer)
{
	return json_object_get_string(at(o, pointer));
}

/* A process to put into groups; ends with us. */
static pid_t sleeper(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

/* ---- cgroup.c ---- */

static void test_canon(void **state)
{
	static const char *const good[][2] = {
		{ "/", "/" }, { ".", "/" }, { "//", "/" }, { "be", "/be" },
		{ "/be/", "/be" }, { "./be//pod1/.", "/be/pod1" },
		{ "/mnt/cg", "/" }, { "/mnt/cg/be", "/be" },
		{ "/mnt/cgx/be", "/mnt/cgx/be" }, { "..be", "/..be" },
	};
	struct cg_hier h = { (char *)"/mnt/cg", (char *)"cpu", true };
	char *longest = malloc(PATH_MAX + 1);
	char *s;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		s = cg_canon(&h, good[i][0]);
		assert_non_null(s);
		assert_string_equal(s, good[i][1]);
		free(s);
	}
	assert_null(cg_canon(&h, ""));
	assert_int_equal(errno, EINVAL);
	assert_null(cg_canon(&h, "be/../.."));
	assert_null(cg_canon(&h, ".."));
	assert_int_equal(errno, EINVAL);
	memset(longest, 'a', PATH_MAX);
	longest[PATH_MAX] = '\0';
	assert_null(cg_canon(&h, longest));
	assert_int_equal(errno, ENAMETOOLONG);
	free(longest);
}

static void test_read_write(void **state)
{
	char *text, *path;

	(void)state;
	put("f", "a longer old value\n");
	path = strdup(fake("f"));
	assert_int_equal(cg_write(path, "1"), 0);
	assert_file("f", "1\n");
	assert_int_equal(cg_read(path, &text), 0);
	assert_string_equal(text, "1");
	free(text);
	free(path);

	assert_int_equal(cg_read(fake("cg/be"), &text), -EISDIR);
	assert_null(text);
	assert_int_equal(cg_read(fake("nope"), &text), -ENOENT);
	assert_int_equal(cg_write(fake("nope"), "1"), -ENOENT);
	assert_false(is_there("nope"));
	assert_int_equal(cg_read("/dev/zero", &text), -EFBIG);
	assert_int_equal(cg_write("/dev/full", "1"), -ENOSPC);
	fail_write("f", 0, 0);
	assert_int_equal(cg_write(fake("f"), "1234"), -EIO);
}

static void test_roots(void **state)
{
	struct cgfs fs;
	char *root;

	(void)state;
	/* v2 */
	root = strdup(fake("cg/"));
	assert_int_equal(cgfs_open(&fs, root, NULL), 0);
	assert_string_equal(cgfs_kind(&fs), "v2");
	assert_string_equal(cgfs_hier(&fs, "cpu")->path, fake("cg"));
	cgfs_close(&fs);
	free(root);

	/* hybrid: cpu on v1, the rest unified; a link does not count twice */
	put("h/cpu,cpuacct/cgroup.procs", "");
	put("h/cpu,cpuacct/cpu.shares", "1024\n");
	put("h/unified/cgroup.procs", "");
	put("h/unified/cgroup.controllers", "memory\n");
	put("h/other/file", "");
	assert_int_equal(symlink("cpu,cpuacct", fake("h/cpu")), 0);
	root = strdup(fake("h"));
	assert_int_equal(cgfs_open(&fs, root, NULL), 0);
	assert_string_equal(cgfs_kind(&fs), "hybrid");
	assert_int_equal(fs.nhier, 2);
	assert_string_equal(cgfs_hier(&fs, "cpu")->path, fake("h/cpu,cpuacct"));
	assert_string_equal(cgfs_hier(&fs, "cpuacct")->path,
			    fake("h/cpu,cpuacct"));
	assert_string_equal(cgfs_hier(&fs, "memory")->path, fake("h/unified"));
	assert_string_equal(knob_hier(&fs, "memory.max")->path,
			    fake("h/unified"));
	cgfs_close(&fs);
	free(root);

	/* one v1 hierarchy */
	root = strdup(fake("h/cpu,cpuacct"));
	assert_int_equal(cgfs_open(&fs, root, NULL), 0);
	assert_string_equal(cgfs_kind(&fs), "v1");
	assert_string_equal(cgfs_hier(&fs, "memory")->path, root);
	cgfs_close(&fs);
	free(root);

	root = strdup(fake("h/other"));
	assert_int_equal(cgfs_open(&fs, root, NULL), -ENOENT);
	free(root);
	assert_int_equal(cgfs_open(&fs, fake("nowhere"), NULL), -ENOENT);
}

static void test_mounts(void **state)
{
	char text[4096], root[1024];
	struct cgfs fs;

	(void)state;
	put("m one/cgroup.procs", "");
	put("m2/cgroup.controllers", "memory\n");
	snprintf(root, sizeof(root), "%s", fake(""));
	root[strlen(root) - 1] = '\0';
	snprintf(text, sizeof(text),
		 "proc /proc proc rw 0 0\n"
		 "cgroup %s/m\\040one cgroup rw,relatime,cpu,cpuacct 0 0\n"
		 "cgroup %s/again cgroup rw,relatime,cpu,cpuacct 0 0\n"
		 "cgroup2 %s/m2 cgroup2 rw 0 0\n", root, root, root);
	put("mounts", text);
	assert_int_equal(cgfs_open(&fs, NULL, fake("mounts")), 0);
	assert_int_equal(fs.nhier, 2);
	assert_string_equal(cgfs_kind(&fs), "hybrid");
	assert_string_equal(cgfs_hier(&fs, "cpu")->path, fake("m one"));
	assert_string_equal(cgfs_hier(&fs, "memory")->path, fake("m2"));
	assert_string_equal(cgfs_hier(&fs, "hugetlb")->path, fake("m2"));
	cgfs_close(&fs);

	put("mounts", "proc /proc proc rw 0 0\n");
	assert_int_equal(cgfs_open(&fs, NULL, fake("mounts")), -ENOENT);
}

static void test_list(void **state)
{
	static const char *const expected[] = {
		"/", "/a", "/b", "/be", "/be/pod1", "/be/pod2", "/c", "/m",
		"/on", "/z",
	};
	struct strv list = { 0 };
	struct cgfs fs;

	(void)state;
	make_group("/z");
	make_group("/b");
	make_group("/m");
	make_group("/a");
	make_group("/c");
	assert_int_equal(cgfs_open(&fs, fake("cg"), NULL), 0);
	assert_int_equal(cg_list(fs.hier, "/", &list), 0);
	assert_int_equal(list.n, 10);
	for (size_t i = 0; i < 10; i++)
		assert_string_equal(list.v[i], expected[i]);
	strv_free(&list);
	assert_int_equal(cg_list(fs.hier, "/be/pod2", &list), 0);
	assert_int_equal(list.n, 1);
	strv_free(&list);
	assert_int_equal(cg_list(fs.hier, "/nope", &list), -ENOENT);
	assert_int_equal(list.n, 0);
	cgfs_close(&fs);
}

static void test_enable(void **state)
{
	struct cgfs fs;
	char text[32];
	char *where;
	pid_t procs;

	(void)state;
	assert_int_equal(cgfs_open(&fs, fake("cg"), NULL), 0);
	/* already on everywhere: nothing is written */
	assert_int_equal(cg_enable(fs.hier, "/be/pod1", "cpu", &where), 0);
	assert_file("cg/cgroup.subtree_control", "cpu memory\n");
	/* "cpu" is not "cpuset" */
	put("cg/cgroup.subtree_control", "cpuset\n");
	put("cg/be/pod1/cgroup.subtree_control", "\n");
	assert_int_equal(cg_enable(fs.hier, "/be/pod1", "cpu", &where), 0);
	assert_file("cg/cgroup.subtree_control", "+cpu\n");
	assert_file("cg/be/cgroup.subtree_control", "cpu memory\n");
	assert_file("cg/be/pod1/cgroup.subtree_control", "+cpu\n");
	assert_file("cg/be/pod2/cgroup.subtree_control", "cpu memory\n");
	/* a group with processes; the root may have some */
	put("cg/on/cgroup.subtree_control", "\n");
	procs = sleeper();
	snprintf(text, sizeof(text), "%d\n", procs);
	put("cg/on/cgroup.procs", text);
	put("cg/cgroup.procs", text);
	put("cg/cgroup.subtree_control", "\n");
	assert_int_equal(cg_enable(fs.hier, "/on", "cpu", &where), -EBUSY);
	assert_string_equal(where, fake("cg/on/cgroup.subtree_control"));
	free(where);
	assert_file("cg/cgroup.subtree_control", "+cpu\n");
	assert_file("cg/on/cgroup.subtree_control", "\n");
	kill(procs, SIGKILL);
	waitpid(procs, NULL, 0);
	put("cg/cgroup.subtree_control", "cpu memory\n");
	/* refused */
	put("cg/be/cgroup.subtree_control", "memory\n");
	fail_write("cg/be/cgroup.subtree_control", 0, EBUSY);
	assert_int_equal(cg_enable(fs.hier, "/be/pod1", "cpu", &where), -EBUSY);
	assert_string_equal(where, fake("cg/be/cgroup.subtree_control"));
	free(where);
	cgfs_close(&fs);
}

static void test_of_process(void **state)
{
	struct cg_hier v2 = { (char *)"/m", (char *)"cpu", true };
	struct cg_hier v1 = { (char *)"/m", (char *)"rw,cpu,cpuacct", false };
	struct cg_hier none = { (char *)"/m", (char *)"rw,pids", false };
	char *group;

	(void)state;
	put("self/cgroup", "5:cpuset:/wrong\n4:cpu,cpuacct:/a/b\n"
	    "1:name=systemd:/wrong\n0::/c d\n");
	assert_int_equal(cg_of_process(&v2, fake("self"), &group), 0);
	assert_string_equal(group, "/c d");
	free(group);
	assert_int_equal(cg_of_process(&v1, fake("self"), &group), 0);
	assert_string_equal(group, "/a/b");
	free(group);
	assert_int_equal(cg_of_process(&none, fake("self"), &group), -ENOENT);
	assert_null(group);
}

static void test_kill_each(void **state)
{
	struct cgfs fs;
	char text[64];
	int status;
	pid_t pid;

	(void)state;
	pid = sleeper();
	snprintf(text, sizeof(text), "%d\n", pid);
	put("cg/be/pod1/cgroup.procs", text);
	assert_int_equal(cgfs_open(&fs, fake("cg"), NULL), 0);
	assert_int_equal(cg_count_procs(fs.hier, "/be"), 1);
	assert_int_equal(cg_count_procs(fs.hier, "/on"), 0);
	assert_int_equal(cg_remove(fs.hier, "/be"), -EBUSY);
	assert_true(is_there("cg/be"));
	assert_int_equal(cg_kill(fs.hier, "/be"), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(cg_count_procs(fs.hier, "/be"), 0);
	assert_int_equal(cg_remove(fs.hier, "/be"), 0);
	assert_false(is_there("cg/be"));
	assert_true(is_there("cg/on"));
	cgfs_close(&fs);
}

static void test_kill_file(void **state)
{
	struct cgfs fs;

	(void)state;
	put("cg/be/cgroup.kill", "");
	assert_int_equal(cgfs_open(&fs, fake("cg"), NULL), 0);
	assert_int_equal(cg_kill(fs.hier, "/be"), 0);
	assert_file("cg/be/cgroup.kill", "1\n");
	cgfs_close(&fs);
}

/* ---- knobs.c ---- */

static void test_values(void **state)
{
	static const struct {
		const char *key, *value, *text;
		int err;
	} cases[] = {
		{ "cpu.offline", "1", "1", 0 },
		{ "cpu.offline", "0", "0", 0 },
		{ "cpu.offline", "0x1", "0x1", 0 },
		{ "cpu.offline", " 1 ", " 1 ", 0 },
		{ "cpu.offline", "2", NULL, -ERANGE },
		{ "cpu.offline", "-1", NULL, -EINVAL },
		{ "cpu.offline", "99999999999999999999", NULL, -ERANGE },
		{ "cpu.offline", "", NULL, -EINVAL },
		{ "cpu.offline", "yes", NULL, -EINVAL },
		{ "cpu.offline", "1x", NULL, -EINVAL },
		{ "cpu.offline", "1 0", NULL, -EINVAL },
		{ "cpu.weight", "1", "1", 0 },
		{ "cpu.weight", "10000", "10000", 0 },
		{ "cpu.weight", "0", NULL, -ERANGE },
		{ "cpu.weight", "10001", NULL, -ERANGE },
		{ "cpu.weight.nice", "-20", "-20", 0 },
		{ "cpu.weight.nice", "-21", NULL, -ERANGE },
		{ "cpu.max", "max", "max", 0 },
		{ "cpu.max", "50000 100000", "50000 100000", 0 },
		{ "cpu.max", "max 100000", "max 100000", 0 },
		{ "cpu.max", "", NULL, -EINVAL },
		{ "cpu.max", "1 2 3", NULL, -EINVAL },
		{ "cpu.max", "half", NULL, -EINVAL },
		{ "cpu.max", "1 max", NULL, -EINVAL },
		{ "memory.max", "max", "max", 0 },
		{ "memory.max", "4096", "4096", 0 },
		{ "memory.max", "4k", "4096", 0 },
		{ "memory.max", "3M", "3145728", 0 },
		{ "memory.max", "2G", "2147483648", 0 },
		{ "memory.max", "1T", "1099511627776", 0 },
		{ "memory.max", "16777215T", "18446742974197923840", 0 },
		{ "memory.max", "16777216T", NULL, -ERANGE },
		{ "memory.max", "18446744073709551616", NULL, -ERANGE },
		{ "memory.max", "1P", NULL, -EINVAL },
		{ "memory.max", "1GB", NULL, -EINVAL },
		{ "memory.max", "-1", NULL, -EINVAL },
		{ "memory.max", "50%", NULL, -EINVAL },
		{ "memory.max", "", NULL, -EINVAL },
		{ "memory.wmark_high", "95%", "95%", 0 },
		{ "memory.wmark_high", "1%", "1%", 0 },
		{ "memory.wmark_high", "100%", "100%", 0 },
		{ "memory.wmark_high", "0%", NULL, -ERANGE },
		{ "memory.wmark_high", "101%", NULL, -ERANGE },
		{ "memory.wmark_high", "-1%", NULL, -EINVAL },
		{ "memory.wmark_high", "90 %", NULL, -EINVAL },
		{ "memory.wmark_high", "90%%", NULL, -EINVAL },
		{ "memory.wmark_high", "%", NULL, -EINVAL },
		{ "memory.wmark_high", "9.5%", NULL, -EINVAL },
		{ "memory.wmark_high", "512M", "536870912", 0 },
		{ "memory.wmark_high", "1g", "1073741824", 0 },
		{ "memory.wmark_low", "80%", "80%", 0 },
		{ "memory.wmark_low", "max", NULL, -EINVAL },
		{ "memory.wmark_ratio", "100", "100", 0 },
		{ "memory.wmark_ratio", "101", NULL, -ERANGE },
		{ "memory.wmark_ratio", "95%", NULL, -EINVAL },
		{ "memory.wmark_scale_factor", "1", "1", 0 },
		{ "memory.wmark_scale_factor", "0", NULL, -ERANGE },
		{ "memory.wmark_scale_factor", "1001", NULL, -ERANGE },
		{ "memory.wmark_period_ms", "3600000", "3600000", 0 },
		{ "memory.wmark_period_ms", "3600001", NULL, -ERANGE },
		{ "memory.wmark_basis", "cache", "cache", 0 },
		{ "memory.wmark_basis", "file", NULL, -EINVAL },
		{ "memory.wmark_min_adj", "-25", "-25", 0 },
		{ "memory.wmark_min_adj", "-26", NULL, -ERANGE },
		{ "memory.wmark_min_adj", "51", NULL, -ERANGE },
		{ "memory.qos_level", "-1", "-1", 0 },
		{ "memory.qos_level", "1", NULL, -ERANGE },
		{ "memory.offline", "1", "1", 0 },
		{ "memory.offline", "-1", NULL, -EINVAL },
		{ "memory.wmark_high", "max", "max", 0 },
		{ "memory.wmark_high", "auto", NULL, -EINVAL },
		{ "memory.wmark_low", "auto", "auto", 0 },
		{ "memory.wmark_type", "file", "file", 0 },
		{ "memory.wmark_type", "fil", NULL, -EINVAL },
		{ "memory.wmark_type", "file all", NULL, -EINVAL },
		{ "memory.limit_in_bytes", "-1", "-1", 0 },
		{ "pids.max", "max", "max", 0 },
		{ "some.thing", "whatever 1", "whatever 1", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *text;
		int err = knob_value(knob_find(cases[i].key), cases[i].value,
				     &text);

		if (err != cases[i].err)
			fail_msg("%s=%s gives %d", cases[i].key, cases[i].value,
				 err);
		if (cases[i].text)
			assert_string_equal(text, cases[i].text);
		else
			assert_null(text);
		free(text);
	}
}

static void test_knob_table(void **state)
{
	const char *why;
	char *text;

	(void)state;
	for (size_t i = 0; i < n_knobs; i++) {
		const struct knob *k = &knobs[i];

		assert_ptr_equal(knob_find(k->name), k);
		assert_true(knob_name_ok(k->name, &why));
		assert_non_null(k->allowed);
		/* two names of a knob are put back by the first */
		if (k->same_as) {
			assert_non_null(knob_find(k->same_as));
			assert_true(knob_find(k->same_as) < k ||
				    !knob_find(k->same_as)->asked);
		}
		if (!k->neutral)
			continue;
		assert_int_equal(knob_value(k, k->neutral, &text), 0);
		assert_string_equal(text, k->neutral);
		free(text);
	}
	assert_null(knob_find("cpu.off"));
}

static void test_names(void **state)
{
	static const char *const bad[] = {
		"", "cpu", ".", ".x", "cpu.", "../x.y", "a/b.c", "cpu.offline/x",
		"cpu.x y", "cpu.\n", "cgroup.procs", "cgroup.kill",
		"memory.reclaim",
	};
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		why = NULL;
		if (knob_name_ok(bad[i], &why))
			fail_msg("\"%s\" is taken for a knob", bad[i]);
		assert_non_null(why);
	}
	assert_true(knob_name_ok("cgroup.freeze", &why));
	assert_true(knob_name_ok("hugetlb.2MB.max", &why));
}

/* ---- output.c ---- */

static void assert_text(char *text, const char *expected)
{
	assert_string_equal(text, expected);
	free(text);
}

static void test_numbers(void **state)
{
	(void)state;
	assert_text(out_usec(0), "0us");
	assert_text(out_usec(999), "999us");
	assert_text(out_usec(1000), "1.0ms");
	assert_text(out_usec(999999), "999.9ms");
	assert_text(out_usec(1000000), "1.0s");
	assert_text(out_usec(99999999), "99.9s");
	assert_text(out_usec(100000000), "1m40s");
	assert_text(out_usec(5999999999), "99m59s");
	assert_text(out_usec(6000000000), "1h40m");
	assert_text(out_usec(360000000000), "4d04h");
	assert_text(out_size(0), "0");
	assert_text(out_size(1023), "1023");
	assert_text(out_size(1024), "1.0K");
	assert_text(out_size(1048575), "1023.9K");
	assert_text(out_size(1048576), "1.0M");
	assert_text(out_size(134217728), "128.0M");
	assert_text(out_size(ULLONG_MAX), "15.9E");
	assert_text(out_count(0), "0");
	assert_text(out_count(99999), "99999");
	assert_text(out_count(100000), "100.0k");
	assert_text(out_count(999999), "999.9k");
	assert_text(out_count(1000000), "1.0M");
	assert_text(out_count(ULLONG_MAX), "18.4E");
}

static void test_hostile_names(void **state)
{
	(void)state;
	assert_text(out_name("a b"), "a b");
	assert_text(out_name("gr\xc3\xb6\xc3\x9f" "e"), "gr\xc3\xb6\xc3\x9f" "e");
	assert_text(out_name("\x1b[31m"), "\\x1b[31m");
	assert_text(out_name("a\xff\xc3z"), "a\\xff\\xc3z");
	assert_text(out_name("\xc0\xaf"), "\\xc0\\xaf");	/* overlong */
	assert_text(out_name("\xe0\x82\xa0"), "\\xe0\\x82\\xa0");
	assert_text(out_name("\xed\xa0\x80"), "\\xed\\xa0\\x80"); /* surrogate */
	assert_text(out_name("\xc2\x9b" "31m"), "\\xc2\\x9b" "31m"); /* CSI */
	assert_text(out_name("a\\b"), "a\\x5cb");
}

/* ---- colo, the options ---- */

static void test_options(void **state)
{
	static const char *const wrong[] = {
		"", "frobnicate", "--frobnicate", "check extra", "check -z",
		"status a b", "set", "set be", "set be x", "set be a=b",
		"set be cpu.offline=1 cpu.offline=0", "set be ../x.y=1",
		"set be cgroup.procs=1", "run", "run --", "run cpu.weight=1",
		"run --name a/b true", "run --name .. true", "run --keep --wait true",
		"run --offline cpu.offline=0 true", "off be", "--root",
	};
	const struct result *r;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		r = colo(wrong[i]);
		if (r->code != COLO_EXIT_USAGE)
			fail_msg("colo %s: exit code %d\n%s", wrong[i], r->code,
				 r->err);
		assert_string_equal(r->out, "");
		assert_has(r->err, "colo: ");
		assert_has(r->err, "--help");
	}
	r = colo("-V");
	assert_int_equal(r->code, 0);
	assert_string_equal(r->out, "colo " COLO_VERSION "\n");
	r = colo("--root /nonexistent status");
	assert_int_equal(r->code, COLO_EXIT_FAIL);
	assert_string_equal(r->err, "colo: status: /nonexistent: no cgroup hierarchy found\n");
}

static void test_help(void **state)
{
	static const char *const cmds[] = {
		"", "check", "status", "set", "run", "off",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cmds) / sizeof(*cmds); i++) {
		const struct result *r;
		const char *ex;
		char words[64];

		snprintf(words, sizeof(words), "%s --help", cmds[i]);
		r = colo(words);
		assert_int_equal(r->code, 0);
		assert_string_equal(r->err, "");
		assert_has(r->out, "Usage: colo ");
		assert_has(r->out, cmds[i]);
		assert_has(r->out, "--json");
		/* it ends with EXAMPLES: only indented lines follow */
		ex = strstr(r->out, "\nEXAMPLES\n");
		assert_non_null(ex);
		for (ex += 10; *ex; ex = strchr(ex, '\n') + 1)
			assert_true(!strncmp(ex, "  ", 2));
		for (const char *l = r->out; *l; l += strcspn(l, "\n") + 1)
			if (strcspn(l, "\n") > 80)
				fail_msg("colo %s: more than 80 columns: %.100s",
					 words, l);
	}
}

/* ---- colo check ---- */

static void test_check_ready(void **state)
{
	const struct result *r = colo("check");
	struct json_object *o;

	(void)state;
	assert_int_equal(r->code, 0);
	assert_string_equal(r->err, "");
	assert_has(r->out, "6.12.1-test");
	assert_has(r->out, "Ready: groups can be made offline.");
	for (const char *l = r->out; *l; l += strcspn(l, "\n") + 1)
		assert_true(strcspn(l, "\n") <= 80);

	r = colo("check --json");
	assert_int_equal(r->code, 0);
	o = parse(r->out);
	assert_string_equal(str_at(o, "/verdict"), "ready");
	assert_string_equal(str_at(o, "/hierarchy"), "v2");
	assert_string_equal(str_at(o, "/items/0/id"), "class");
	assert_string_equal(str_at(o, "/items/0/state"), "yes");
	assert_string_equal(str_at(o, "/items/1/state"), "yes");
	assert_string_equal(str_at(o, "/items/3/id"), "watermarks");
	assert_string_equal(str_at(o, "/items/3/state"), "no");
	assert_true(strlen(str_at(o, "/items/3/cost")) > 20);
	assert_string_equal(str_at(o, "/items/4/state"), "unneeded");
	assert_int_equal(json_object_array_length(at(o, "/vendor_knobs")), 0);
	json_object_put(o);
}

static const char *item_state(struct json_object *o, const char *id)
{
	struct json_object *items = at(o, "/items");

	for (size_t i = 0; i < json_object_array_length(items); i++) {
		struct json_object *e = json_object_array_get_idx(items, i);

		if (!strcmp(str_at(e, "/id"), id))
			return str_at(e, "/state");
	}
	fail_msg("no item %s", id);
	return NULL;
}

static void drop_knobs(void)
{
	static const char *const groups[] = { "be", "be/pod1", "be/pod2", "on" };
	char name[128];

	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "cg/%s/cpu.offline", groups[i]);
		del(name);
		snprintf(name, sizeof(name), "cg/%s/cpu.offline.stat", groups[i]);
		del(name);
		snprintf(name, sizeof(name), "cg/%s/cpu.offline.effective",
			 groups[i]);
		del(name);
	}
	del("sys/sys/module/colo");
	fake_offline_knob = false;
}

static void test_check_missing(void **state)
{
	const struct result *r;
	struct json_object *o;

	(void)state;
	/* the files count, whoever makes them */
	del("sys/sys/module/colo");
	assert_int_equal(colo("check")->code, 0);
	drop_knobs();
	r = colo("check");
	assert_int_equal(r->code, COLO_EXIT_NO_KNOB);
	assert_has(r->out, "modprobe colo");
	assert_has(r->out, "its module is not loaded");
	r = colo("check -j");
	assert_int_equal(r->code, COLO_EXIT_NO_KNOB);
	o = parse(r->out);
	assert_string_equal(str_at(o, "/verdict"), "no-knob");
	assert_string_equal(item_state(o, "class"), "yes");
	assert_string_equal(item_state(o, "module"), "no");
	json_object_put(o);

	del("sys/proc/sys/kernel/colo_net_grace_ms");
	r = colo("check");
	assert_int_equal(r->code, COLO_EXIT_NO_CLASS);
	assert_has(r->out, "has no offline class");
	assert_has(r->out, "cpu.idle=1");
	r = colo("check -p");
	assert_int_equal(r->code, COLO_EXIT_NO_CLASS);
	o = parse(r->out);
	assert_string_equal(str_at(o, "/verdict"), "no-class");
	assert_string_equal(item_state(o, "class"), "no");
	json_object_put(o);
}

static void test_check_details(void **state)
{
	const struct result *r;
	struct json_object *o;

	(void)state;
	del("sys/proc/pressure");
	put("sys/sys/devices/system/cpu/smt/active", "1\n");
	put("cg/on/memory.wmark_high", "max\n");
	put("cg/on/cgroup.kill", "");
	put("cg/on/cpu.bvt_warp_ns", "0\n");
	put("cg/be/cpu.bvt_warp_ns", "0\n");
	put("cg/be/cpu.qos_level", "0\n");
	put("sys/proc/sys/vm/memcg_qos_enable", "0\n");
	r = colo("check --json");
	assert_int_equal(r->code, 0);
	o = parse(r->out);
	assert_string_equal(item_state(o, "psi"), "no");
	assert_string_equal(item_state(o, "smt_expel"), "no");
	assert_string_equal(item_state(o, "watermarks"), "yes");
	assert_string_equal(item_state(o, "cpu_idle"), "yes");
	assert_string_equal(item_state(o, "cgroup_kill"), "yes");
	assert_int_equal(json_object_array_length(at(o, "/vendor_knobs")), 3);
	assert_string_equal(str_at(o, "/vendor_knobs/0/file"),
			    "cpu.bvt_warp_ns");
	json_object_put(o);
	put("sys/proc/sys/kernel/colo_smt_expel", "0\n");
	o = parse(colo("check --json")->out);
	assert_string_equal(item_state(o, "smt_expel"), "yes");
	json_object_put(o);
}

static const struct wmark_file {
	const char *name, *text;
} wmark_files[] = {
	{ "memory.current", "67108864\n" },
	{ "memory.offline", "0\n" },
	{ "memory.wmark_high", "max\n" },
	{ "memory.wmark_low", "auto\n" },
	{ "memory.wmark_ratio", "0\n" },
	{ "memory.wmark_scale_factor", "50\n" },
	{ "memory.wmark_type", "file\n" },
	{ "memory.wmark_basis", "usage\n" },
	{ "memory.wmark_period_ms", "0\n" },
	{ "memory.wmark_stat",
	  "high_bytes max\nlow_bytes max\nlimit_bytes max\nlow_auto 1\n"
	  "high_set max\nlow_set auto\noffline_effective 0\nruns 0\n"
	  "run_max_usec 0\ncpu_usec 0\nscanned 0\nreclaimed 0\nrefaulted 0\n"
	  "backoffs 0\nwidened 0\nfailed 0\ncrossed 0\n" },
};

static void put_in(const char *dir, const char *file, const char *text)
{
	char name[512];

	snprintf(name, sizeof(name), "%s/%s", dir, file);
	put(name, text);
}

/* The memory files of the module in cg/@group. */
static void add_wmarks(const char *group)
{
	char dir[256];

	snprintf(dir, sizeof(dir), "cg/%s", group);
	for (size_t i = 0; i < sizeof(wmark_files) / sizeof(*wmark_files); i++)
		put_in(dir, wmark_files[i].name, wmark_files[i].text);
	strcat(dir, "/memory.wmark_stat");
	chmod(fake(dir), 0444);
}

/* As after wmark_high=@high and wmark_low=@low under a limit of 128M. */
static void mark(const char *group, const char *high, const char *high_bytes,
		 const char *low, const char *low_bytes)
{
	char dir[256], text[1024];

	add_wmarks(group);
	snprintf(dir, sizeof(dir), "cg/%s/memory.wmark_stat", group);
	chmod(fake(dir), 0644);
	snprintf(text, sizeof(text), "high_bytes %s\nlow_bytes %s\n"
		 "limit_bytes 134217728\nlow_auto %d\nhigh_set %s\nlow_set %s\n"
		 "offline_effective 0\nruns 12\nrun_max_usec 900\ncpu_usec 250000\n"
		 "scanned 5000\nreclaimed 4000\nrefaulted 3\nbackoffs 2\nwidened 1\n"
		 "failed 0\ncrossed 11\n", high_bytes, low_bytes,
		 !strcmp(low, "auto"), high, low);
	put(dir, text);
	chmod(fake(dir), 0444);
	snprintf(dir, sizeof(dir), "cg/%s", group);
	snprintf(text, sizeof(text), "%s\n", high_bytes);
	put_in(dir, "memory.wmark_high", text);
	snprintf(text, sizeof(text), "%s\n", low_bytes);
	put_in(dir, "memory.wmark_low", text);
	snprintf(text, sizeof(text), "%d\n",
		 strchr(high, '%') ? atoi(high) : 0);
	put_in(dir, "memory.wmark_ratio", text);
}

/* What is missing for watermarks, one thing after the other. */
static void test_check_wmark(void **state)
{
	const struct result *r;
	struct json_object *o;

	(void)state;
	r = colo("check");
	assert_int_equal(r->code, 0);
	assert_has(r->out, "\nmemory watermarks          no\n");
	assert_has(r->out, "CONFIG_MEMCG_WMARK");
	/* the kernel has them; the module that is loaded does not know them */
	put("sys/proc/vmstat", "nr_free_pages 5\npgsteal_wmark 0\n");
	assert_has(colo("check")->out, "Load the colo.ko that belongs to this kernel.");
	/* no module */
	del("sys/sys/module/colo");
	drop_knobs();
	r = colo("check");
	assert_int_equal(r->code, COLO_EXIT_NO_KNOB);
	assert_has(r->out, "and none has\n  memory watermarks");
	put("sys/sys/module/colo/refcnt", "0\n");
	/* the controller is not on */
	put("cg/cgroup.subtree_control", "cpu\n");
	for (size_t i = 0; i < 4; i++) {
		static const char *const max[] = {
			"cg/be/memory.max", "cg/be/pod1/memory.max",
			"cg/be/pod2/memory.max", "cg/on/memory.max",
		};

		del(max[i]);
	}
	assert_has(colo("check")->out, "echo +memory > cgroup.subtree_control");
	put("cg/cgroup.controllers", "cpu\n");
	assert_has(colo("check")->out, "cgroup_disable=memory");
	/* all is there */
	put("cg/cgroup.controllers", "cpu memory\n");
	put("cg/cgroup.subtree_control", "cpu memory\n");
	add_wmarks("on");
	r = colo("check");
	assert_has(r->out, "\nmemory watermarks          yes\n");
	/* a kernel with watermarks and without the class: the module is wanted */
	del("sys/sys/module/colo");
	del("sys/proc/sys/kernel/colo_net_grace_ms");
	o = parse(colo("check --json")->out);
	assert_string_equal(str_at(o, "/verdict"), "no-class");
	assert_string_equal(item_state(o, "watermarks"), "yes");
	assert_string_equal(str_at(o, "/items/1/remedy"), "modprobe colo");
	json_object_put(o);
	/* no group to look into: not known */
	put("sys/sys/module/colo/refcnt", "0\n");
	del("cg/be");
	del("cg/on");
	o = parse(colo("check --json")->out);
	assert_string_equal(item_state(o, "watermarks"), "unknown");
	json_object_put(o);
}

static void test_check_controller(void **state)
{
	const struct result *r;
	struct json_object *o;

	(void)state;
	/* no group yet: ready all the same, and the rest is not known */
	del("cg/be");
	del("cg/on");
	r = colo("check --json");
	assert_int_equal(r->code, 0);
	o = parse(r->out);
	assert_string_equal(item_state(o, "cpu_idle"), "unknown");
	json_object_put(o);
	/* not on for groups below the root */
	put("cg/cgroup.subtree_control", "cpuset memory\n");
	r = colo("check");
	assert_int_equal(r->code, COLO_EXIT_NO_KNOB);
	assert_has(r->out, "echo +cpu");
	/* not there at all */
	put("cg/cgroup.controllers", "memory\n");
	r = colo("check");
	assert_int_equal(r->code, COLO_EXIT_NO_KNOB);
	assert_has(r->out, "cgroup_disable");
}

/* ---- colo status ---- */

static void go_offline(void)
{
	put("cg/be/cpu.offline", "1\n");
	put("cg/be/cpu.offline.effective", "1\n");
	put("cg/be/pod1/cpu.offline.effective", "1\n");
	put("cg/be/pod2/cpu.offline.effective", "1\n");
	put("cg/be/cpu.weight", "50\n");
	put("cg/be/cpu.offline.stat",
	    "run_usec 2500000\nwait_usec 61000000\nsteal_usec 60000000\n"
	    "wait_max_usec 1234\npreemptions 7\nmigrations 8\nswitches 9\nlift_net 1\nlift_kill 2\n"
	    "lift_freeze 3\nlift_ptrace 4\ntasks 5\nlifted 1\n");
}

static void test_status(void **state)
{
	const struct result *r;

	(void)state;
	r = colo("status");
	assert_int_equal(r->code, 0);
	assert_string_equal(r->out, "No group is offline.\n");
	go_offline();
	r = colo("status");
	assert_int_equal(r->code, 0);
	assert_string_equal(r->err, "");
	assert_string_equal(r->out,
"CGROUP   OFF EFF WEIGHT  RUN  WAIT LONGEST LIFTS TASKS\n"
"/be      yes yes     50 2.5s 61.0s   1.2ms    10     5\n"
"/be/pod1  no yes    100  0us   0us     0us     0     0\n"
"/be/pod2  no yes    100  0us   0us     0us     0     0\n");
	r = colo("status -a");
	assert_has(r->out, "\n/on ");
	assert_has(r->out, "\n/   ");
	r = colo("status be/pod1");
	assert_has(r->out, "\n/be/pod1 ");
	assert_not(r->out, "/be/pod2");
	r = colo("status on");
	assert_has(r->out, "\n/on ");
	r = colo("status nope");
	assert_int_equal(r->code, COLO_EXIT_FAIL);
	assert_string_equal(r->out, "");
	assert_has(r->err, "/cg/nope: No such file or directory\n");
	r = colo("status ../etc");
	assert_int_equal(r->code, COLO_EXIT_FAIL);
	assert_has(r->err, "../etc: not the name of a group");
}

static void test_status_json(void **state)
{
	const struct result *r;
	struct json_object *o;

	(void)state;
	go_offline();
	r = colo("--json status");
	o = parse(r->out);
	assert_int_equal(json_object_array_length(at(o, "/groups")), 3);
	assert_string_equal(str_at(o, "/root"), fake("cg"));
	assert_string_equal(str_at(o, "/groups/0/cgroup"), "/be");
	assert_true(json_object_get_boolean(at(o, "/groups/0/offline")));
	assert_false(json_object_get_boolean(at(o, "/groups/1/offline")));
	assert_true(json_object_get_boolean(at(o, "/groups/1/effective")));
	assert_int_equal(json_object_get_int(at(o, "/groups/0/weight")), 50);
	assert_int_equal(json_object_object_length(at(o, "/groups/0/stat")), 13);
	assert_int_equal(json_object_get_int(at(o, "/groups/0/stat/run_usec")),
			 2500000);
	assert_int_equal(json_object_get_int(at(o, "/groups/0/stat/lifted")), 1);
	json_object_put(o);
	/* one line; --pretty: several */
	assert_ptr_equal(strchr(r->out, '\n') + 1, r->out + strlen(r->out));
	r = colo("status --pretty");
	o = parse(r->out);
	assert_int_equal(json_object_array_length(at(o, "/groups")), 3);
	json_object_put(o);
	assert_has(r->out, "\n    {\n");
}

static void test_status_stock(void **state)
{
	const struct result *r;
	struct json_object *o;

	(void)state;
	drop_knobs();
	r = colo("status -a");
	assert_int_equal(r->code, 0);
	assert_has(r->out, "\n/on        -   -    100   -    -       -     -     -\n");
	assert_has(r->err, "colo check");
	r = colo("status -a --json");
	o = parse(r->out);
	assert_null(at(o, "/groups/1/offline"));
	assert_null(at(o, "/groups/1/stat"));
	json_object_put(o);
}

static void test_status_mem(void **state)
{
	const struct result *r;
	struct json_object *o;

	(void)state;
	add_wmarks("on");
	add_wmarks("be");
	r = colo("status");
	assert_string_equal(r->out,
			    "No group is offline, and none has a memory watermark.\n");
	mark("be", "90%", "120795955", "auto", "120124866");
	r = colo("status");
	assert_int_equal(r->code, 0);
	assert_string_equal(r->err, "");
	assert_string_equal(r->out,
"CGROUP OFF  USED    LOW   HIGH  LIMIT RUNS     CPU FREED BACK FAILED\n"
"/be     no 64.0M 114.5M 115.1M 128.0M   12 250.0ms  4000    3      0\n");
	/* set, without a limit to refer to; and memory.offline alone */
	mark("on", "90%", "max", "80%", "max");
	put("cg/be/pod1/memory.offline", "1\n");
	put("cg/be/pod1/memory.wmark_stat", "high_bytes max\nlow_bytes max\n");
	r = colo("status");
	assert_has(r->out, "\n/be/pod1 yes     -    max    max      -    0     0us     0    0      0\n");
	assert_has(r->out, "\n/on       no 64.0M    max    max 128.0M ");
	go_offline();
	r = colo("status");
	assert_has(r->out, "\n\nCGROUP ");
	r = colo("status -a");
	assert_not(r->out, "/be/pod2 -");
	r = colo("status be/pod2");
	assert_not(r->out, "HIGH");
	for (const char *l = colo("status -a")->out; *l; l += strcspn(l, "\n") + 1)
		assert_true(strcspn(l, "\n") <= 80);

	o = parse(colo("status --json")->out);
	assert_int_equal(json_object_array_length(at(o, "/memory")), 3);
	assert_string_equal(str_at(o, "/memory/0/cgroup"), "/be");
	assert_false(json_object_get_boolean(at(o, "/memory/0/offline")));
	assert_int_equal(json_object_get_int(at(o, "/memory/0/high")), 120795955);
	assert_int_equal(json_object_get_int(at(o, "/memory/0/used")), 67108864);
	assert_string_equal(str_at(o, "/memory/0/high_set"), "90%");
	assert_string_equal(str_at(o, "/memory/0/low_set"), "auto");
	assert_int_equal(json_object_get_int(at(o, "/memory/0/stat/reclaimed")), 4000);
	assert_true(json_object_get_boolean(at(o, "/memory/1/offline")));
	assert_null(at(o, "/memory/1/high"));
	assert_null(at(o, "/memory/1/high_set"));
	assert_null(at(o, "/memory/2/high"));
	assert_string_equal(str_at(o, "/memory/2/low_set"), "80%");
	json_object_put(o);
}

static void test_status_wide(void **state)
{
	char name[300] = "/be/", words[400];
	const struct result *r;
	struct json_object *o;

	(void)state;
	memset(name + 4, 'x', 150);
	strcpy(name + 154, "-the-end");
	make_group(name);
	make_group("/be/bad\x1b[31m\xff");
	snprintf(words, sizeof(words), "cg%s/cpu.offline.stat", name);
	chmod(fake(words), 0644);
	put(words, "run_usec 18446744073709551615\nwait_usec 9000000000000\n"
	    "wait_max_usec 100000000000\nlift_net 99999999999\ntasks 123456789\n"
	    "odd\n-1 -1\nnegative -1\ntrailing 1 2\n");
	r = colo("status be");
	assert_int_equal(r->code, 0);
	assert_has(r->out, "-the-end ");
	assert_has(r->out, "\n...xxx");
	assert_has(r->out, "/be/bad\\x1b[31m\\xff ");
	for (const char *l = r->out; *l; l += strcspn(l, "\n") + 1)
		if (strcspn(l, "\n") > 80)
			fail_msg("more than 80 columns: %s", l);
	r = colo("status be --json");
	o = parse(r->out);
	assert_int_equal(json_object_array_length(at(o, "/groups")), 5);
	/* what is no number is left out */
	assert_int_equal(json_object_object_length(at(o, "/groups/4/stat")), 5);
	assert_string_equal(str_at(o, "/groups/4/stat/run_usec"),
			    "18446744073709551615");
	json_object_put(o);
}

/* ---- colo set ---- */

static void test_set(void **state)
{
	const struct result *r;
	struct json_object *o;
	char words[512];

	(void)state;
	r = colo("set be cpu.offline=1 cpu.weight=50 memory.max=2G");
	assert_int_equal(r->code, 0);
	assert_string_equal(r->out, "");
	assert_string_equal(r->err, "");
	assert_file("cg/be/cpu.offline", "1\n");
	assert_file("cg/be/cpu.weight", "50\n");
	assert_file("cg/be/memory.max", "2147483648\n");
	assert_file("cg/be/pod1/cpu.offline", "0\n");
	snprintf(words, sizeof(words), "set %s cgroup.freeze=1 cpu.max=max",
		 fake("cg/be/pod1/"));
	r = colo(words);
	assert_int_equal(r->code, 0);
	assert_file("cg/be/pod1/cgroup.freeze", "1\n");
	assert_file("cg/be/pod1/cpu.max", "max\n");
	r = colo("set --json on cpu.weight=7");
	assert_int_equal(r->code, 0);
	o = parse(r->out);
	assert_true(json_object_get_boolean(at(o, "/ok")));
	assert_string_equal(str_at(o, "/cgroup"), "/on");
	assert_string_equal(str_at(o, "/settings/0/key"), "cpu.weight");
	assert_string_equal(str_at(o, "/settings/0/old"), "100");
	assert_string_equal(str_at(o, "/settings/0/state"), "written");
	json_object_put(o);
}

/* Nothing is written before all is known to be possible. */
static void test_set_refused(void **state)
{
	static const struct {
		const char *words, *says;
	} cases[] = {
		{ "set be cpu.weight=50 cpu.offline=2",
		  "/cg/be/cpu.offline: Numerical result out of range (0 or 1 allowed)" },
		{ "set be cpu.weight=50 cpu.offline=",
		  "/cg/be/cpu.offline: Invalid argument (0 or 1 allowed)" },
		{ "set be cpu.weight=50 memory.max=2GB",
		  "/cg/be/memory.max: Invalid argument (bytes, with K, M, G or T, or max allowed)" },
		{ "set be cpu.weight=50 cpu.nothing=1",
		  "/cg/be/cpu.nothing: No such file or directory\n" },
		{ "set be cpu.weight=50 cpu.offline.effective=1",
		  "/cg/be/cpu.offline.effective: Permission denied (read-only)" },
		{ "set be cpu.weight=50 some.dir=1",
		  "/cg/be/some.dir: Is a directory (what cannot be read" },
		{ "set be cpu.weight=50 io.max=1",
		  "/cg/be/io.max: Invalid argument (what has several lines" },
		{ "set nope cpu.weight=50", "/cg/nope: No such file or directory" },
		{ "set / cpu.offline=1",
		  "/cg/cpu.offline: No such file or directory (the root group has no such file)" },
		{ "set be/../on cpu.weight=50", "not the name of a group: Invalid argument" },
	};

	(void)state;
	put("cg/be/some.dir/x", "");
	put("cg/be/io.max", "8:0 rbps=1\n8:16 rbps=1\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct result *r = colo(cases[i].words);

		if (r->code != COLO_EXIT_FAIL)
			fail_msg("colo %s: exit code %d", cases[i].words, r->code);
		assert_has(r->err, cases[i].says);
		assert_not(r->err, "put back");
		assert_file("cg/be/cpu.weight", "100\n");
		assert_file("cg/be/cpu.offline", "0\n");
	}
}

/*
 * A write that the kernel itself refuses: 5000 is out of oom_score_adj's
 * range. What was written before it goes back.
 */
static void test_set_rollback(void **state)
{
	const struct result *r;
	struct json_object *o;
	const char *back;
	char *order;

	(void)state;
	assert_int_equal(symlink("/proc/self/oom_score_adj",
				 fake("cg/be/some.adj")), 0);
	r = colo("set be cpu.offline=1 cpu.weight=50 some.adj=5000 cpu.max=max");
	assert_int_equal(r->code, COLO_EXIT_FAIL);
	assert_has(r->err, "/cg/be/some.adj: Invalid argument\n");
	/* last one first */
	order = writes();
	assert_string_equal(order, "be/cpu.offline\nbe/cpu.weight\n"
			    "be/cpu.weight\nbe/cpu.offline\n");
	free(order);
	back = strstr(r->err, "put back: cpu.weight=100\n");
	assert_non_null(back);
	assert_non_null(strstr(back, "put back: cpu.offline=0\n"));
	assert_not(r->err, "NOT");
	assert_not(r->err, "nothing was changed");
	assert_file("cg/be/cpu.offline", "0\n");
	assert_file("cg/be/cpu.weight", "100\n");
	assert_file("cg/be/cpu.max", "max 100000\n");

	r = colo("set -j be cpu.offline=1 some.adj=5000 cpu.max=max");
	assert_int_equal(r->code, COLO_EXIT_FAIL);
	o = parse(r->out);
	assert_false(json_object_get_boolean(at(o, "/ok")));
	assert_string_equal(str_at(o, "/settings/0/state"), "put-back");
	assert_string_equal(str_at(o, "/settings/1/state"), "failed");
	assert_string_equal(str_at(o, "/settings/1/error"), "Invalid argument");
	assert_string_equal(str_at(o, "/settings/2/state"), "untouched");
	json_object_put(o);

	r = colo("set be some.adj=5000 cpu.weight=50");
	assert_int_equal(r->code, COLO_EXIT_FAIL);
	assert_has(r->err, "nothing was changed");
}

static void test_set_stuck(void **state)
{
	const struct result *r;

	(void)state;
	assert_int_equal(symlink("/proc/self/oom_score_adj",
				 fake("cg/be/some.adj")), 0);
	/* the write back fails */
	fail_write("cg/be/cpu.weight", 1, EIO);
	r = colo("set be cpu.offline=1 cpu.weight=50 some.adj=5000");
	assert_int_equal(r->code, COLO_EXIT_FAIL);
	assert_has(r->err, "NOT put back: ");
	assert_has(r->err, "/cg/be/cpu.weight: Input/output error (was 100, was set to 50)");
	assert_has(r->err, "put back: cpu.offline=0\n");
	assert_file("cg/be/cpu.offline", "0\n");

	/* the write back succeeds and does not take: comm keeps the newline */
	put("cg/be/cpu.weight", "100\n");
	assert_int_equal(unlink(fake("cg/be/cpu.max")), 0);
	assert_int_equal(symlink("/proc/self/comm", fake("cg/be/cpu.max")), 0);
	r = colo("set be cpu.offline=1 cpu.max=1 some.adj=5000");
	assert_int_equal(r->code, COLO_EXIT_FAIL);
	assert_has(r->err, "/cg/be/cpu.max: it reads differently now (was test_colo, was set to 1)");
	assert_has(r->err, "put back: cpu.offline=0\n");
}

/* Watermarks: as people write them, and the low one last. */
static void test_set_wmark(void **state)
{
	const struct result *r;
	char *order;

	(void)state;
	add_wmarks("be");
	r = colo("set be memory.wmark_low=480M memory.wmark_high=512M memory.offline=1");
	assert_string_equal(r->err, "");
	assert_int_equal(r->code, 0);
	order = writes();
	assert_string_equal(order, "be/memory.wmark_high\nbe/memory.offline\n"
			    "be/memory.wmark_low\n");
	free(order);
	assert_file("cg/be/memory.wmark_high", "536870912\n");
	assert_file("cg/be/memory.wmark_low", "503316480\n");
	assert_file("cg/be/memory.offline", "1\n");
	r = colo("set be memory.wmark_high=95% memory.wmark_low=auto memory.wmark_type=all"
		 " memory.wmark_basis=cache memory.wmark_period_ms=500"
		 " memory.wmark_scale_factor=20");
	assert_int_equal(r->code, 0);
	assert_file("cg/be/memory.wmark_high", "95%\n");
	assert_file("cg/be/memory.wmark_low", "auto\n");
	assert_file("cg/be/memory.wmark_type", "all\n");
	assert_file("cg/be/memory.wmark_scale_factor", "20\n");
	r = colo("set be memory.wmark_ratio=95 memory.wmark_high=0%");
	assert_int_equal(r->code, COLO_EXIT_FAIL);
	assert_has(r->err, "memory.wmark_high: Numerical result out of range (bytes, with K, M, G or T, N% or max allowed)");
	assert_has(r->err, "nothing was changed");
	assert_file("cg/be/memory.wmark_ratio", "0\n");
	r = colo("set be memory.wmark_stat=1");
	assert_int_equal(r->code, COLO_EXIT_FAIL);
	assert_has(r->err, "read-only");
}

/* Put back as it was asked for: the files show what follows from that. */
static void test_set_wmark_rollback(void **state)
{
	const struct result *r;
	struct json_object *o;
	char *order;

	(void)state;
	assert_int_equal(symlink("/proc/self/oom_score_adj",
				 fake("cg/be/some.adj")), 0);
	mark("be", "90%", "120795955", "auto", "120124866");
	r = colo("set be memory.wmark_high=64M memory.wmark_low=60M some.adj=5000");
	assert_int_equal(r->code, COLO_EXIT_FAIL);
	assert_has(r->err, "put back: memory.wmark_high=90%\n");
	assert_not(r->err, "NOT");
	assert_file("cg/be/memory.wmark_high", "90%\n");
	/* never reached: the low mark would have come last */
	assert_file("cg/be/memory.wmark_low", "120124866\n");

	mark("be", "90%", "120795955", "80%", "107374182");
	fail_write("cg/be/memory.wmark_low", 0, EINVAL);
	r = colo("set be memory.wmark_low=60M memory.wmark_high=50M");
	assert_int_equal(r->code, COLO_EXIT_FAIL);
	assert_has(r->err, "/cg/be/memory.wmark_low: Invalid argument");
	assert_has(r->err, "put back: memory.wmark_high=90%\n");
	assert_file("cg/be/memory.wmark_high", "90%\n");

	/* by another name of it: the ratio of a mark in bytes reads 0 */
	mark("be", "67108864", "67108864", "auto", "66000000");
	r = colo("set -j be memory.wmark_ratio=95 some.adj=5000");
	assert_int_equal(r->code, COLO_EXIT_FAIL);
	assert_has(r->err, "put back: memory.wmark_high=67108864\n");
	assert_file("cg/be/memory.wmark_high", "67108864\n");
	order = writes();
	assert_string_equal(order, "be/memory.wmark_ratio\nbe/memory.wmark_high\n");
	free(order);
	o = parse(r->out);
	assert_string_equal(str_at(o, "/settings/0/old"), "0");
	assert_string_equal(str_at(o, "/settings/0/state"), "put-back");
	json_object_put(o);
	/* a kernel that has the ratio alone */
	del("cg/be/memory.wmark_high");
	put("cg/be/memory.wmark_ratio", "80\n");
	r = colo("set be memory.wmark_ratio=95 some.adj=5000");
	assert_has(r->err, "put back: memory.wmark_ratio=80\n");
	assert_file("cg/be/memory.wmark_ratio", "80\n");
}

/* What it says when they are not there. */
static void test_set_wmark_missing(void **state)
{
	const struct result *r;

	(void)state;
	r = colo("set be cpu.weight=50 memory.wmark_high=90%");
	assert_int_equal(r->code, COLO_EXIT_FAIL);
	assert_has(r->err, "/cg/be/memory.wmark_high: No such file or directory");
	assert_has(r->err, "this kernel has no memory watermarks");
	assert_file("cg/be/cpu.weight", "100\n");
	put("sys/proc/vmstat", "pgsteal_wmark 0\n");
	del("sys/sys/module/colo");
	drop_knobs();
	r = colo("set be memory.offline=1");
	assert_int_equal(r->code, COLO_EXIT_FAIL);
	assert_has(r->err, "module is not loaded");
}

static void test_set_unsupported(void **state)
{
	const struct result *r;

	(void)state;
	drop_knobs();
	r = colo("set be cpu.weight=50 cpu.offline=1");
	assert_int_equal(r->code, COLO_EXIT_NO_KNOB);
	assert_has(r->err, "/cg/be/cpu.offline: No such file or directory");
	assert_has(r->err, "module is not loaded");
	assert_file("cg/be/cpu.weight", "100\n");
	del("sys/proc/sys/kernel/colo_net_grace_ms");
	r = colo("set be cpu.offline=1");
	assert_int_equal(r->code, COLO_EXIT_NO_CLASS);
	assert_has(r->err, "no offline class");
}

static void test_set_v1(void **state)
{
	const struct result *r;

	(void)state;
	del("cg");
	put("cg/cpu/cgroup.procs", "");
	put("cg/cpu/be/cgroup.procs", "");
	put("cg/cpu/be/cpu.shares", "1024\n");
	put("cg/cpu/be/cpu.offline", "0\n");
	put("cg/memory/cgroup.procs", "");
	put("cg/memory/be/memory.limit_in_bytes", "9223372036854771712\n");
	r = colo("set be cpu.offline=1 cpu.shares=2 memory.limit_in_bytes=1M");
	assert_string_equal(r->err, "");
	assert_int_equal(r->code, 0);
	assert_file("cg/cpu/be/cpu.offline", "1\n");
	assert_file("cg/cpu/be/cpu.shares", "2\n");
	assert_file("cg/memory/be/memory.limit_in_bytes", "1048576\n");
	r = colo("set be cpu.weight=100");
	assert_int_equal(r->code, COLO_EXIT_FAIL);
	assert_has(r->err, "(on this v1 hierarchy: cpu.shares)");
	r = colo("status be");
	assert_has(r->out, "SHARES");
	assert_has(r->out, "/be    yes   -      2");
	r = colo("off");
	assert_int_equal(r->code, 0);
	assert_file("cg/cpu/be/cpu.offline", "0\n");
}

/* ---- colo off ---- */

static void test_off(void **state)
{
	const struct result *r;
	struct json_object *o;
	const char *pod, *be;

	(void)state;
	r = colo("off");
	assert_int_equal(r->code, 0);
	assert_has(r->out, "Nothing to undo");

	go_offline();
	put("cg/be/pod1/cpu.offline", "1\n");
	put("cg/on/memory.wmark_high", "1048576\n");
	put("cg/on/memory.wmark_low", "4096\n");
	put("cg/on/memory.wmark_period_ms", "100\n");
	put("cg/on/memory.wmark_ratio", "95\n");
	put("cg/on/memory.offline", "1\n");
	put("cg/be/memory.wmark_high", "max\n");
	/* a kernel that has the ratio alone */
	put("cg/be/memory.wmark_ratio", "0\n");
	put("cg/be/pod2/memory.wmark_ratio", "80\n");

	r = colo("off --dry-run");
	assert_int_equal(r->code, 0);
	assert_has(r->out, "7 knobs would be put back.");
	assert_file("cg/be/cpu.offline", "1\n");
	assert_file("cg/on/memory.wmark_high", "1048576\n");
	r = colo("off -n --json");
	o = parse(r->out);
	assert_true(json_object_get_boolean(at(o, "/dry_run")));
	assert_int_equal(json_object_get_int(at(o, "/undone")), 7);
	json_object_put(o);
	assert_file("cg/be/cpu.offline", "1\n");

	r = colo("off");
	assert_int_equal(r->code, 0);
	assert_string_equal(r->err, "");
	assert_has(r->out, "7 knobs put back.");
	assert_has(r->out, "/on: memory.wmark_high 1048576 -> max\n");
	/* bottom-up, so that the tasks of all of them switch once */
	pod = strstr(r->out, "/be/pod1: cpu.offline 1 -> 0\n");
	be = strstr(r->out, "/be: cpu.offline 1 -> 0\n");
	assert_true(pod && be && pod < be);
	assert_file("cg/be/cpu.offline", "0\n");
	assert_file("cg/be/pod1/cpu.offline", "0\n");
	assert_file("cg/on/memory.wmark_high", "max\n");
	assert_file("cg/on/memory.wmark_period_ms", "0\n");
	/* the same mark by another name */
	assert_file("cg/on/memory.wmark_ratio", "95\n");
	assert_file("cg/be/pod2/memory.wmark_ratio", "0\n");
	assert_file("cg/on/memory.wmark_low", "auto\n");
	assert_file("cg/on/memory.offline", "0\n");
	assert_file("cg/be/cpu.weight", "50\n");
	r = colo("off --json");
	o = parse(r->out);
	assert_int_equal(json_object_get_int(at(o, "/undone")), 0);
	json_object_put(o);
}

/* Told as it was asked for; what does not show in its own file is undone too. */
static void test_off_wmark(void **state)
{
	const struct result *r;
	char *order;

	(void)state;
	add_wmarks("be");
	assert_has(colo("off")->out, "Nothing to undo");
	/* low is set while high is off: its file reads auto */
	mark("be", "max", "max", "80%", "auto");
	r = colo("off");
	assert_has(r->out, "/be: memory.wmark_low 80% -> auto\n");
	assert_has(r->out, "1 knob put back.");
	mark("be", "90%", "120795955", "80%", "107374182");
	put("cg/be/memory.wmark_type", "all\n");
	put("cg/be/memory.wmark_scale_factor", "20\n");
	put("cg/be/memory.wmark_basis", "cache\n");
	put("cg/be/memory.wmark_min_adj", "-25\n");
	put("cg/be/memory.offline", "1\n");
	put("cg/be/memory.qos_level", "-1\n");
	r = colo("off");
	assert_string_equal(r->err, "");
	assert_has(r->out, "/be: memory.wmark_high 90% -> max\n");
	assert_has(r->out, "/be: memory.wmark_low 80% -> auto\n");
	assert_has(r->out, "/be: memory.wmark_type all -> file\n");
	assert_has(r->out, "/be: memory.wmark_scale_factor 20 -> 50\n");
	assert_has(r->out, "/be: memory.wmark_basis cache -> usage\n");
	assert_has(r->out, "/be: memory.wmark_min_adj -25 -> 0\n");
	assert_has(r->out, "/be: memory.offline 1 -> 0\n");
	assert_has(r->out, "7 knobs put back.");
	/* the mark goes before what it is judged by */
	order = writes();
	assert_true(strstr(order, "memory.wmark_high") <
		    strstr(order, "memory.wmark_low"));
	assert_not(order, "memory.wmark_ratio");
	assert_not(order, "memory.qos_level");
	free(order);
	assert_file("cg/be/memory.max", "max\n");
}

/* One that fails does not keep the others. */
static void test_off_failing(void **state)
{
	const struct result *r;
	struct json_object *o;

	(void)state;
	go_offline();
	put("cg/be/pod1/cpu.offline", "1\n");
	put("cg/on/cpu.offline", "1\n");
	fail_write("cg/be/pod1/cpu.offline", 0, EIO);
	r = colo("off");
	assert_int_equal(r->code, COLO_EXIT_FAIL);
	assert_has(r->err, "/cg/be/pod1/cpu.offline: Input/output error");
	assert_has(r->out, "2 knobs put back.");
	assert_file("cg/be/cpu.offline", "0\n");
	assert_file("cg/on/cpu.offline", "0\n");

	put("cg/be/pod1/cpu.offline", "1\n");
	put("cg/on/cpu.offline", "1\n");
	fail_write("cg/be/pod1/cpu.offline", 0, EIO);
	r = colo("off --json");
	assert_int_equal(r->code, COLO_EXIT_FAIL);
	o = parse(r->out);
	assert_int_equal(json_object_get_int(at(o, "/failed")), 1);
	assert_int_equal(json_object_get_int(at(o, "/undone")), 1);
	json_object_put(o);

	/* removed while we looked: no error */
	put("cg/be/pod1/cpu.offline", "1\n");
	fail_write("cg/be/pod1/cpu.offline", 0, ENODEV);
	r = colo("off");
	assert_int_equal(r->code, 0);
	assert_string_equal(r->err, "");
}

/* ---- colo run ---- */

static const struct result *colo_sh(const char *options, const char *script)
{
	const char *argv[16] = { "run" };
	char *copy = strdup(options), *save = NULL, *w;
	const struct result *r;
	size_t n = 1;

	for (w = strtok_r(copy, " ", &save); w && n < 10;
	     w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n++] = "--";
	argv[n++] = "sh";
	argv[n++] = "-c";
	argv[n++] = script;
	r = colo_argv(argv);
	free(copy);
	return r;
}

/* The groups that are there, but for those of fake_setup(). */
static int leftovers(void)
{
	struct strv list = { 0 };
	struct cgfs fs;
	int n;

	assert_int_equal(cgfs_open(&fs, fake("cg"), NULL), 0);
	assert_int_equal(cg_list(fs.hier, "/", &list), 0);
	n = list.n - 5;
	strv_free(&list);
	cgfs_close(&fs);
	return n;
}

static void test_run(void **state)
{
	const struct result *r;
	char script[4096];

	(void)state;
	snprintf(script, sizeof(script),
		 "cd %s && cat cpu.offline cpu.weight memory.max && "
		 "test $(cat cgroup.procs) = $$ && echo in it; exit 7",
		 fake("cg/job"));
	r = colo_sh("--offline --name job cpu.weight=50 memory.max=1M", script);
	assert_string_equal(r->err, "");
	assert_string_equal(r->out, "1\n50\n1048576\nin it\n");
	assert_int_equal(r->code, 7);
	assert_int_equal(leftovers(), 0);

	/* nothing asked for: a plain group, which is made below --parent */
	snprintf(script, sizeof(script), "cd %s; cat job/cpu.offline", fake("cg/be"));
	r = colo_sh("--parent be -n job", script);
	assert_string_equal(r->out, "0\n");
	assert_int_equal(r->code, 0);
	assert_int_equal(leftovers(), 0);
	/* no dashes: settings end at the first other word */
	r = colo("run -o cpu.weight=3 echo a=b --offline");
	assert_string_equal(r->out, "a=b --offline\n");
	/* dashes end them too */
	r = colo("run -- cpu.weight=3");
	assert_int_equal(r->code, COLO_EXIT_RUN_NOTFOUND);
}

static void test_run_exit_codes(void **state)
{
	const struct result *r;

	(void)state;
	assert_int_equal(colo("run -- true")->code, 0);
	assert_int_equal(colo("run -- false")->code, 1);
	assert_int_equal(colo_sh("", "kill -TERM $$")->code, 128 + SIGTERM);
	assert_int_equal(colo_sh("", "kill -KILL $$")->code, 128 + SIGKILL);
	r = colo("run -- /nonexistent/command");
	assert_int_equal(r->code, COLO_EXIT_RUN_NOTFOUND);
	assert_string_equal(r->err,
		"colo: run: /nonexistent/command: No such file or directory\n");
	r = colo("run -- /dev/null");
	assert_int_equal(r->code, COLO_EXIT_RUN_NOEXEC);
	assert_int_equal(leftovers(), 0);
}

/* Whatever goes wrong: the command does not run and no group stays. */
static void test_run_refused(void **state)
{
	const struct result *r;

	(void)state;
	r = colo("run --offline cpu.weight=0 -- echo ran");
	assert_int_equal(r->code, COLO_EXIT_RUN_FAIL);
	assert_has(r->err, "/cpu.weight: Numerical result out of range (1 to 10000 allowed)");
	assert_string_equal(r->out, "");
	r = colo("run --parent nope -- echo ran");
	assert_int_equal(r->code, COLO_EXIT_RUN_FAIL);
	assert_has(r->err, "/cg/nope/");
	assert_string_equal(r->out, "");
	r = colo("run --name be -- echo ran");
	assert_int_equal(r->code, COLO_EXIT_RUN_FAIL);
	assert_has(r->err, "/cg/be: File exists (use another --name)");
	assert_true(is_there("cg/be"));
	assert_string_equal(r->out, "");
	put("cg/be/cgroup.subtree_control", "memory\n");
	fail_write("cg/be/cgroup.subtree_control", 0, EBUSY);
	r = colo("run --parent be --offline -- echo ran");
	assert_int_equal(r->code, COLO_EXIT_RUN_FAIL);
	assert_has(r->err, "subtree_control: Device or resource busy (a group with");
	assert_string_equal(r->out, "");
	/* --keep keeps nothing when there was no command */
	r = colo("run --keep cpu.weight=0 -- echo ran");
	assert_int_equal(r->code, COLO_EXIT_RUN_FAIL);
	assert_int_equal(leftovers(), 0);
}

static void test_run_unsupported(void **state)
{
	const struct result *r;

	(void)state;
	drop_knobs();
	put("cg/cgroup.subtree_control", "memory\n");
	r = colo("run --offline -- echo ran");
	assert_int_equal(r->code, COLO_EXIT_NO_KNOB);
	assert_string_equal(r->out, "");
	assert_string_equal(r->err,
		"colo: run: the colo module is not loaded (modprobe colo)\n");
	del("sys/proc/sys/kernel/colo_net_grace_ms");
	r = colo("run --offline -- echo ran");
	assert_int_equal(r->code, COLO_EXIT_NO_CLASS);
	assert_string_equal(r->out, "");
	assert_has(r->err, "no offline class");
	/* and nothing was touched: a controller that is on stays on */
	assert_file("cg/cgroup.subtree_control", "memory\n");
	assert_int_equal(leftovers(), 0);
	/* without --offline it runs, and turns on what it needs */
	r = colo("run cpu.weight=5 -- echo ran");
	assert_int_equal(r->code, 0);
	assert_string_equal(r->out, "ran\n");
	assert_file("cg/cgroup.subtree_control", "+cpu\n");
}

static void wait_for(const char *text)
{
	for (int i = 0; i < 3000; i++) {
		if (strstr(colo_output(), text))
			return;
		usleep(10000);
	}
	fail_msg("no \"%s\" came", text);
}

static void test_run_signals(void **state)
{
	static const struct {
		int sig;
		const char *name;
	} sigs[] = {
		{ SIGINT, "INT" }, { SIGTERM, "TERM" }, { SIGHUP, "HUP" },
		{ SIGQUIT, "QUIT" }, { SIGUSR1, "USR1" }, { SIGUSR2, "USR2" },
		{ SIGTSTP, "TSTP" }, { SIGCONT, "CONT" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sigs) / sizeof(*sigs); i++) {
		const char *argv[] = { "run", "--", "sh", "-c", NULL, NULL };
		const struct result *r;
		char script[256];
		pid_t pid;

		snprintf(script, sizeof(script),
			 "trap 'echo got %s; exit 9' %s; echo ready; "
			 "for i in $(seq 500); do sleep 0.02; done",
			 sigs[i].name, sigs[i].name);
		argv[4] = script;
		pid = colo_start(argv);
		wait_for("ready");
		kill(pid, sigs[i].sig);
		r = colo_finish(pid);
		assert_has(r->out, sigs[i].name);
		assert_int_equal(r->code, 9);
		assert_int_equal(leftovers(), 0);
	}
}

static void test_run_killed(void **state)
{
	const char *argv[] = { "run", "--", "sh", "-c",
		"echo ready; exec sleep 60", NULL };
	pid_t pid;

	(void)state;
	pid = colo_start(argv);
	wait_for("ready");
	kill(pid, SIGTERM);
	assert_int_equal(colo_finish(pid)->code, 128 + SIGTERM);
	assert_int_equal(leftovers(), 0);
}

static void test_run_stopped(void **state)
{
	const char *argv[] = { "run", "--", "sh", "-c",
		"kill -STOP $$; echo awake; exit 4", NULL };
	int status;
	pid_t pid;

	(void)state;
	pid = colo_start(argv);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	assert_string_equal(colo_output(), "");
	kill(pid, SIGCONT);
	assert_int_equal(colo_finish(pid)->code, 4);
	assert_int_equal(leftovers(), 0);
}

static void odd_signals(void)
{
	sigset_t set;

	signal(SIGCHLD, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

/*
 * The command gets the signal mask and actions as colo found them, also
 * SIGCHLD's, without which colo could not wait.
 */
static void test_run_inherits(void **state)
{
	const struct result *r;
	unsigned long long ign;
	char expected[64];

	(void)state;
	fake_in_child = odd_signals;
	r = colo("run -- grep -E ^Sig(Blk|Ign) /proc/self/status");
	assert_int_equal(r->code, 0);
	snprintf(expected, sizeof(expected), "SigBlk:\t%016x\n",
		 1U << (SIGUSR1 - 1));
	assert_has(r->out, expected);
	ign = strtoull(strstr(r->out, "SigIgn:") + 7, NULL, 16);
	/* glibc keeps 32 and 33 to itself, so we may have inherited them */
	assert_int_equal(ign & 0x7fffffff,
			 1U << (SIGCHLD - 1) | 1U << (SIGHUP - 1));
}

static void test_run_keep(void **state)
{
	const struct result *r;

	(void)state;
	r = colo("run --keep --name kept --offline -- true");
	assert_int_equal(r->code, 0);
	assert_int_equal(leftovers(), 1);
	assert_file("cg/kept/cpu.offline", "1\n");
}

/* What the command left in its group dies with it, and --wait waits for it. */
static void test_run_rest(void **state)
{
	const struct result *r;
	char script[4096];

	(void)state;
	snprintf(script, sizeof(script),
		 "sleep 60 & echo $! > %s; exit 3", fake("cg/job/cgroup.procs"));
	r = colo_sh("--name job", script);
	assert_int_equal(r->code, 3);
	assert_string_equal(r->err, "");
	assert_int_equal(leftovers(), 0);
	snprintf(script, sizeof(script),
		 "(sleep 0.3; echo done) & echo $! > %s; exit 3",
		 fake("cg/job/cgroup.procs"));
	r = colo_sh("--name job", script);
	assert_int_equal(r->code, 3);
	assert_not(r->out, "done");
	r = colo_sh("--name job --wait", script);
	assert_int_equal(r->code, 3);
	assert_has(r->out, "done");
	assert_int_equal(leftovers(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(canon), TEST(read_write), TEST(roots), TEST(mounts),
		TEST(list), TEST(enable), TEST(of_process), TEST(kill_each),
		TEST(kill_file), TEST(values), TEST(knob_table), TEST(names),
		TEST(numbers), TEST(hostile_names), TEST(options), TEST(help),
		TEST(check_ready), TEST(check_missing),
		TEST(check_details), TEST(check_wmark), TEST(check_controller), TEST(status),
		TEST(status_json), TEST(status_stock), TEST(status_wide), TEST(status_mem),
		TEST(set), TEST(set_refused), TEST(set_rollback),
		TEST(set_stuck), TEST(set_wmark), TEST(set_wmark_rollback),
		TEST(set_wmark_missing),
		TEST(set_unsupported), TEST(set_v1),
		TEST(off), TEST(off_wmark), TEST(off_failing), TEST(run), TEST(run_exit_codes),
		TEST(run_refused), TEST(run_unsupported), TEST(run_signals),
		TEST(run_killed), TEST(run_stopped), TEST(run_inherits),
		TEST(run_keep), TEST(run_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

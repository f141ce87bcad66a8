// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "knobs.h"

#define FLAG(...) .type = KNOB_INT, .min = 0, .max = 1, \
	.allowed = "0 or 1 allowed", ##__VA_ARGS__
#define INT(lo, hi, text, ...) .type = KNOB_INT, .min = (lo), .max = (hi), \
	.allowed = text " allowed", ##__VA_ARGS__
#define SIZE(w, text, ...) .type = KNOB_SIZE, .words = (w), \
	.allowed = "bytes, with K, M, G or T, " text "allowed", ##__VA_ARGS__
#define PERCENT(w, text, ...) .type = KNOB_SIZE_PERCENT, .words = (w), \
	.allowed = "bytes, with K, M, G or T, " text "allowed", ##__VA_ARGS__
#define TEXT(text, ...) .type = KNOB_TEXT, \
	.allowed = text " allowed", ##__VA_ARGS__
#define READ_ONLY TEXT("read-only: nothing")

const struct knob knobs[] = {
	{ "cpu.offline",	FLAG(.neutral = "0") },
	{ "cpu.offline.effective", READ_ONLY },
	{ "cpu.offline.stat",	READ_ONLY },
	{ "cpu.idle",		FLAG() },
	{ "cpu.max",		.type = KNOB_QUOTA,
	  .allowed = "max or microseconds, and perhaps a period, allowed",
	  .v1_name = "cpu.cfs_quota_us" },
	{ "cpu.max.burst",	INT(0, LLONG_MAX, "microseconds"),
	  .v1_name = "cpu.cfs_burst_us" },
	{ "cpu.shares",		INT(2, 262144, "2 to 262144") },
	{ "cpu.uclamp.max",	TEXT("max or a percentage") },
	{ "cpu.uclamp.min",	TEXT("max or a percentage") },
	{ "cpu.wait_hist",	READ_ONLY },
	{ "cpu.weight",		INT(1, 10000, "1 to 10000"),
	  .v1_name = "cpu.shares" },
	{ "cpu.weight.nice",	INT(-20, 19, "-20 to 19") },
	{ "cpuset.cpus",	TEXT("a list of CPUs such as 0-3,8") },
	{ "cpuset.mems",	TEXT("a list of memory nodes such as 0-1") },
	{ "memory.high",	SIZE("max", "or max ") },
	{ "memory.limit_in_bytes", SIZE("-1", "or -1 ") },
	{ "memory.low",		SIZE("max", "or max ") },
	{ "memory.max",		SIZE("max", "or max "),
	  .v1_name = "memory.limit_in_bytes" },
	{ "memory.min",		SIZE("max", "or max ") },
	{ "memory.offline",	FLAG(.neutral = "0") },
	{ "memory.swap.max",	SIZE("max", "or max ") },
	{ "memory.qos_level",	INT(-1, 0, "-1 or 0", .neutral = "0",
				    .same_as = "memory.offline") },
	/*
	 * high and ratio are two names of one mark, and the last writer wins:
	 * `colo off` undoes it by the first, and then low, which is judged by it
	 */
	{ "memory.wmark_high",	PERCENT("max", "N% or max ", .neutral = "max",
					.asked = "high_set") },
	{ "memory.wmark_ratio",	INT(0, 100, "0 to 100", .neutral = "0",
				    .same_as = "memory.wmark_high") },
	{ "memory.wmark_low",	PERCENT("auto", "N% or auto ", .neutral = "auto",
					.asked = "low_set") },
	{ "memory.wmark_basis",	.type = KNOB_WORD, .words = "usage cache",
	  .allowed = "usage or cache allowed", .neutral = "usage" },
	{ "memory.wmark_min_adj", INT(-25, 50, "-25 to 50", .neutral = "0") },
	{ "memory.wmark_period_ms", INT(0, 3600000, "0 to 3600000 milliseconds",
					.neutral = "0") },
	{ "memory.wmark_scale_factor", INT(1, 1000, "1 to 1000",
					   .neutral = "50") },
	{ "memory.wmark_stat",	READ_ONLY },
	{ "memory.wmark_type",	.type = KNOB_WORD, .words = "file all",
	  .allowed = "file or all allowed", .neutral = "file" },
	{ "pids.max",		INT(0, LLONG_MAX, "max or a number", .words = "max") },
};

const size_t n_knobs = sizeof(knobs) / sizeof(*knobs);

const struct knob *knob_find(const char *name)
{
	for (size_t i = 0; i < n_knobs; i++)
		if (!strcmp(knobs[i].name, name))
			return &knobs[i];
	return NULL;
}

bool knob_name_ok(const char *name, const char **why)
{
	/* actions, not states: there is nothing to put back */
	static const char *const actions[] = {
		"cgroup.kill", "cgroup.procs", "cgroup.threads", "cgroup.type",
		"cgroup.subtree_control", "cgroup.event_control",
		"memory.reclaim", "memory.force_empty",
	};
	const char *dot = strchr(name, '.');

	*why = "the name of a file such as cpu.offline is wanted";
	if (!dot || dot == name || !dot[1])
		return false;
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return false;
	*why = "this is an action and not a setting: it cannot be put back";
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (!strcmp(name, actions[i]))
			return false;
	return true;
}

/* A whole number with white space around it; base 0 as in the kernel. */
static int parse_int(const char *s, long long *val)
{
	char *end;

	errno = 0;
	*val = strtoll(s, &end, 0);
	if (end == s || end[strspn(end, " \t\n")])
		return -EINVAL;
	return errno ? -ERANGE : 0;
}

static int parse_size(const char *s, bool percent, char **text)
{
	static const char suffixes[] = "KMGT";
	unsigned long long val;
	const char *suffix;
	int shift = 0;
	char *end;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	errno = 0;
	val = strtoull(s, &end, 10);
	if (errno)
		return -ERANGE;
	if (percent && !strcmp(end, "%")) {
		*text = xstrdup(s);
		return !val || val > 100 ? -ERANGE : 0;
	}
	if (*end) {
		suffix = strchr(suffixes, toupper((unsigned char)*end));
		if (!suffix || end[1])
			return -EINVAL;
		shift = 10 * (suffix - suffixes + 1);
	}
	if (val > ULLONG_MAX >> shift)
		return -ERANGE;
	*text = xasprintf("%llu", val << shift);
	return 0;
}

static int parse_quota(const char *s)
{
	char *copy = xstrdup(s), *save, *quota, *period;
	long long val;
	int err = 0;

	quota = strtok_r(copy, " \t", &save);
	period = strtok_r(NULL, " \t", &save);
	if (!quota || strtok_r(NULL, " \t", &save))
		err = -EINVAL;
	if (!err && strcmp(quota, "max"))
		err = parse_int(quota, &val);
	if (!err && period)
		err = parse_int(period, &val);
	free(copy);
	return err;
}

int knob_value(const struct knob *k, const char *value, char **text)
{
	long long val;
	int err = 0;

	*text = NULL;
	if (k && k->words && *value && !strpbrk(value, " ,\n") &&
	    has_word(k->words, value)) {
		*text = xstrdup(value);
		return 0;
	}
	switch (k ? k->type : KNOB_TEXT) {
	case KNOB_TEXT:
		break;
	case KNOB_INT:
		err = parse_int(value, &val);
		if (k->min >= 0 && val < 0)
			err = -EINVAL;	/* as kstrtou64() in the kernel */
		if (!err && (val < k->min || val > k->max))
			err = -ERANGE;
		break;
	case KNOB_SIZE:
	case KNOB_SIZE_PERCENT:
		err = parse_size(value, k->type == KNOB_SIZE_PERCENT, text);
		break;
	case KNOB_WORD:
		err = -EINVAL;
		break;
	case KNOB_QUOTA:
		err = parse_quota(value);
		break;
	}
	if (err) {
		free(*text);
		*text = NULL;
	} else if (!*text) {
		*text = xstrdup(value);
	}
	return err;
}

int knob_read(const struct knob *k, const char *path, char **text)
{
	char *stat;
	int err;

	if (k && k->asked) {
		stat = xasprintf("%.*s/memory.wmark_stat",
				 (int)(strrchr(path, '/') - path), path);
		err = cg_read_key(stat, k->asked, text);
		free(stat);
		if (!err)
			return 0;
	}
	return cg_read(path, text);
}

char *knob_controller(const char *name)
{
	char *controller = xstrndup(name, strcspn(name, "."));

	if (strcmp(controller, "cgroup"))
		return controller;
	free(controller);
	return NULL;
}

const struct cg_hier *knob_hier(const struct cgfs *fs, const char *name)
{
	char *controller = knob_controller(name);
	const struct cg_hier *h = cgfs_hier(fs, controller ? controller : "cpu");

	free(controller);
	return h;
}

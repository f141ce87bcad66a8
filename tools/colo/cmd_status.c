// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "colo.h"
#include "output.h"

struct group {
	const char *name;
	char *own, *effective;	/* NULL: there is no such file */
	char *weight;
	char *stat;
};

static void read_group(struct group *g, const struct cg_hier *h,
		       const char *name, const char *weight_file)
{
	*g = (struct group){ .name = name };
	/* what cannot be read is shown as missing; groups come and go */
	cg_read_file(h, name, "cpu.offline", &g->own);
	cg_read_file(h, name, "cpu.offline.effective", &g->effective);
	cg_read_file(h, name, "cpu.offline.stat", &g->stat);
	cg_read_file(h, name, weight_file, &g->weight);
}

static void free_group(struct group *g)
{
	free(g->own);
	free(g->effective);
	free(g->weight);
	free(g->stat);
}

/* What the memory controller shows of a group. */
struct mem {
	const char *name;
	char *offline, *used, *stat;	/* NULL: there is no such file */
	char *high, *low, *limit;	/* of the statistics */
};

static void read_mem(struct mem *m, const struct cg_hier *h, const char *name)
{
	*m = (struct mem){ .name = name };
	cg_read_file(h, name, "memory.offline", &m->offline);
	cg_read_file(h, name, "memory.wmark_stat", &m->stat);
	cg_read_file(h, name, h->v2 ? "memory.current" :
		     "memory.usage_in_bytes", &m->used);
	if (m->stat) {
		m->high = cg_find_key(m->stat, "high_bytes");
		m->low = cg_find_key(m->stat, "low_bytes");
		m->limit = cg_find_key(m->stat, "limit_bytes");
	}
}

static void free_mem(struct mem *m)
{
	free(m->offline);
	free(m->used);
	free(m->stat);
	free(m->high);
	free(m->low);
	free(m->limit);
}

static bool is_on(const char *flag)
{
	return flag && !strcmp(flag, "1");
}

/* Calls @fn for each "key number" line of a flat-keyed file. */
static void for_each_stat(const char *stat, void *arg,
			  void (*fn)(void *arg, const char *key,
				     unsigned long long val))
{
	while (stat && *stat) {
		size_t line = strcspn(stat, "\n"), len = strcspn(stat, " \n");
		unsigned long long val;
		char *key, *end;

		if (len && len < line) {
			key = xstrndup(stat, len);
			errno = 0;
			val = strtoull(stat + len + 1, &end, 10);
			if (isdigit((unsigned char)stat[len + 1]) && !errno &&
			    end == stat + line)
				fn(arg, key, val);
			free(key);
		}
		stat += line;
		stat += *stat == '\n';
	}
}

struct sums {
	unsigned long long run, wait, wait_max, lifts, tasks;
};

static void add_sum(void *arg, const char *key, unsigned long long val)
{
	struct sums *s = arg;

	if (!strcmp(key, "run_usec"))
		s->run = val;
	else if (!strcmp(key, "wait_usec"))
		s->wait = val;
	else if (!strcmp(key, "wait_max_usec"))
		s->wait_max = val;
	else if (!strncmp(key, "lift_", 5))
		s->lifts += val;
	else if (!strcmp(key, "tasks"))
		s->tasks = val;
}

static void add_json_stat(void *arg, const char *key, unsigned long long val)
{
	json_object_object_add(arg, key, json_object_new_uint64(val));
}

static char *flag_text(const char *flag)
{
	return xstrdup(!flag ? "-" : is_on(flag) ? "yes" : "no");
}

static void table_row(struct out_table *t, const struct group *g)
{
	struct sums s = { 0 };

	out_table_cell(t, out_name(g->name));
	out_table_cell(t, flag_text(g->own));
	out_table_cell(t, flag_text(g->effective));
	out_table_cell(t, out_name(g->weight ? g->weight : "-"));
	for_each_stat(g->stat, &s, add_sum);
	out_table_cell(t, g->stat ? out_usec(s.run) : xstrdup("-"));
	out_table_cell(t, g->stat ? out_usec(s.wait) : xstrdup("-"));
	out_table_cell(t, g->stat ? out_usec(s.wait_max) : xstrdup("-"));
	out_table_cell(t, g->stat ? out_count(s.lifts) : xstrdup("-"));
	out_table_cell(t, g->stat ? out_count(s.tasks) : xstrdup("-"));
}

static struct json_object *json_row(const struct group *g, bool v2)
{
	struct json_object *o = json_object_new_object();
	struct json_object *stat = NULL;

	json_object_object_add(o, "cgroup", out_string(g->name));
	json_object_object_add(o, "offline", g->own ?
			       json_object_new_boolean(is_on(g->own)) : NULL);
	json_object_object_add(o, "effective", g->effective ?
			       json_object_new_boolean(is_on(g->effective)) :
			       NULL);
	json_object_object_add(o, v2 ? "weight" : "shares", g->weight ?
			       json_object_new_int64(atoll(g->weight)) : NULL);
	if (g->stat) {
		stat = json_object_new_object();
		for_each_stat(g->stat, stat, add_json_stat);
	}
	json_object_object_add(o, "stat", stat);
	return o;
}

/* Something is set here, even if it has no effect yet. */
static bool mem_is_set(const struct mem *m)
{
	char *asked = m->stat ? cg_find_key(m->stat, "high_set") : NULL;
	bool yes = asked && strcmp(asked, "max");

	free(asked);
	return yes || is_on(m->offline) || (m->high && strcmp(m->high, "max"));
}

/* A number of bytes, or "max", or what is missing. */
static char *size_text(const char *bytes)
{
	unsigned long long val;
	char *end;

	if (!bytes)
		return xstrdup("-");
	errno = 0;
	val = strtoull(bytes, &end, 10);
	if (!isdigit((unsigned char)*bytes) || errno || *end)
		return out_name(bytes);
	return out_size(val);
}

struct mem_sums {
	unsigned long long runs, cpu, reclaimed, refaulted, failed;
};

static void add_mem_sum(void *arg, const char *key, unsigned long long val)
{
	struct mem_sums *s = arg;

	if (!strcmp(key, "runs"))
		s->runs = val;
	else if (!strcmp(key, "cpu_usec"))
		s->cpu = val;
	else if (!strcmp(key, "reclaimed"))
		s->reclaimed = val;
	else if (!strcmp(key, "refaulted"))
		s->refaulted = val;
	else if (!strcmp(key, "failed"))
		s->failed = val;
}

static void mem_row(struct out_table *t, const struct mem *m)
{
	struct mem_sums s = { 0 };

	for_each_stat(m->stat, &s, add_mem_sum);
	out_table_cell(t, out_name(m->name));
	out_table_cell(t, flag_text(m->offline));
	out_table_cell(t, size_text(m->used));
	out_table_cell(t, size_text(m->low));
	out_table_cell(t, size_text(m->high));
	out_table_cell(t, size_text(m->limit));
	out_table_cell(t, m->stat ? out_count(s.runs) : xstrdup("-"));
	out_table_cell(t, m->stat ? out_usec(s.cpu) : xstrdup("-"));
	out_table_cell(t, m->stat ? out_count(s.reclaimed) : xstrdup("-"));
	out_table_cell(t, m->stat ? out_count(s.refaulted) : xstrdup("-"));
	out_table_cell(t, m->stat ? out_count(s.failed) : xstrdup("-"));
}

/* "max" and "auto" are null: numbers only. */
static struct json_object *json_size(const char *bytes)
{
	unsigned long long val;
	char *end;

	if (!bytes || !isdigit((unsigned char)*bytes))
		return NULL;
	errno = 0;
	val = strtoull(bytes, &end, 10);
	return errno || *end ? NULL : json_object_new_uint64(val);
}

static void add_text(struct json_object *o, const char *key, const char *stat,
		     const char *stat_key)
{
	char *text = stat ? cg_find_key(stat, stat_key) : NULL;

	json_object_object_add(o, key, out_string(text));
	free(text);
}

static struct json_object *json_mem(const struct mem *m)
{
	struct json_object *o = json_object_new_object();
	struct json_object *stat = NULL;

	json_object_object_add(o, "cgroup", out_string(m->name));
	json_object_object_add(o, "offline", m->offline ?
			       json_object_new_boolean(is_on(m->offline)) :
			       NULL);
	json_object_object_add(o, "used", json_size(m->used));
	json_object_object_add(o, "low", json_size(m->low));
	json_object_object_add(o, "high", json_size(m->high));
	json_object_object_add(o, "limit", json_size(m->limit));
	add_text(o, "low_set", m->stat, "low_set");
	add_text(o, "high_set", m->stat, "high_set");
	if (m->stat) {
		stat = json_object_new_object();
		for_each_stat(m->stat, stat, add_json_stat);
	}
	json_object_object_add(o, "stat", stat);
	return o;
}

/*
 * The groups below @start that have marks, or all. There need not be any, nor the
 * group itself, in the hierarchy of the memory controller.
 */
struct mem_report {
	struct out_table table;
	struct json_object *list;
	size_t shown;
	bool knob;
};

static void report_mem(struct mem_report *r, const struct cgfs *fs,
		       const char *start, bool all)
{
	const struct cg_hier *h = cgfs_hier(fs, "memory");
	struct strv groups = { 0 };

	*r = (struct mem_report){ .list = json_object_new_array() };
	out_table_init(&r->table,
		       "CGROUP OFF USED LOW HIGH LIMIT RUNS CPU FREED BACK FAILED");
	if (h)
		cg_list(h, start, &groups);
	for (size_t i = 0; i < groups.n; i++) {
		struct mem m;

		read_mem(&m, h, groups.v[i]);
		r->knob |= m.stat != NULL;
		if (m.stat && (all || mem_is_set(&m))) {
			r->shown++;
			mem_row(&r->table, &m);
			json_object_array_add(r->list, json_mem(&m));
		}
		free_mem(&m);
	}
	strv_free(&groups);
}

static int status(struct colo *c, int argc, char **argv)
{
	static const struct option longs[] = {
		COLO_LONG_OPTS,
		{ "all", no_argument, NULL, 'a' },
		{ 0 }
	};
	struct json_object *list = NULL, *o;
	bool all = false, knob = false;
	struct strv groups = { 0 };
	struct mem_report mem;
	const struct cg_hier *h;
	const char *weight_file;
	char *start = NULL;
	struct out_table t;
	size_t shown = 0;
	int opt, err;

	while ((opt = colo_getopt(c, argc, argv, COLO_SHORT_OPTS "a", longs)) != -1)
		if (opt == 'a')
			all = true;
	if (argc - optind > 1)
		colo_usage(c, "%s: one CGROUP is enough", argv[optind + 1]);
	if (colo_open_cgroups(c))
		return COLO_EXIT_FAIL;
	h = cgfs_hier(&c->fs, "cpu");
	if (!h) {
		colo_err(c, "no cgroup hierarchy has the cpu controller");
		return COLO_EXIT_FAIL;
	}

	if (optind < argc)
		all = true;
	start = cg_canon(h, optind < argc ? argv[optind] : "/");
	if (!start) {
		colo_err(c, "%s: not the name of a group: %s", argv[optind],
			 strerror(errno));
		return COLO_EXIT_FAIL;
	}
	err = cg_list(h, start, &groups);
	if (err) {
		char *path = cg_path(h, start, NULL);

		colo_err(c, "%s: %s", path, strerror(-err));
		free(path);
		strv_free(&groups);
		free(start);
		return COLO_EXIT_FAIL;
	}

	weight_file = h->v2 ? "cpu.weight" : "cpu.shares";
	out_table_init(&t, h->v2 ?
		       "CGROUP OFF EFF WEIGHT RUN WAIT LONGEST LIFTS TASKS" :
		       "CGROUP OFF EFF SHARES RUN WAIT LONGEST LIFTS TASKS");
	list = json_object_new_array();
	for (size_t i = 0; i < groups.n; i++) {
		struct group g;

		read_group(&g, h, groups.v[i], weight_file);
		knob |= g.own != NULL;
		if (all || is_on(g.own) || is_on(g.effective)) {
			shown++;
			table_row(&t, &g);
			json_object_array_add(list, json_row(&g, h->v2));
		}
		free_group(&g);
	}

	report_mem(&mem, &c->fs, start, all);

	if (!knob)
		colo_err(c, "no cpu.offline file in these groups; `colo check` says why");
	if (c->json) {
		o = json_object_new_object();
		json_object_object_add(o, "root", out_string(h->path));
		json_object_object_add(o, "hierarchy",
				       out_string(cgfs_kind(&c->fs)));
		json_object_object_add(o, "groups", list);
		json_object_object_add(o, "memory", mem.list);
		out_json(stdout, o, c->pretty);
	} else {
		json_object_put(list);
		json_object_put(mem.list);
		if (shown)
			out_table_print(&t, stdout);
		else if (!mem.shown)
			puts(mem.knob ?
			     "No group is offline, and none has a memory watermark." :
			     "No group is offline.");
		if (shown && mem.shown)
			putchar('\n');
		if (mem.shown)
			out_table_print(&mem.table, stdout);
	}
	out_table_free(&mem.table);
	out_table_free(&t);
	strv_free(&groups);
	free(start);
	return COLO_EXIT_OK;
}

const struct subcommand cmd_status = {
	.name = "status",
	.run = status,
	.synopsis = "[OPTIONS] [CGROUP]",
	.summary = "Show the state and the statistics of groups",
	.help =
"Without CGROUP: all groups that are offline by themselves or by a group above\n"
"them, and all that have memory watermarks. With CGROUP: that group and all\n"
"below it.\n\n"
"  -a, --all           online groups, and those without watermarks, too\n\n"
"Columns: OFF the group's own knob; EFF what holds, by its own or one above;\n"
"WEIGHT or SHARES (v1); of offline tasks, here and below: RUN time on a CPU,\n"
"WAIT time for one, the LONGEST wait, LIFTS (times a task was let past online\n"
"work, for a short while, because it had to leave the kernel), TASKS alive now.\n"
"JSON has all of cpu.offline.stat.\n\n"
"Then the memory of groups with watermarks: OFF is memory.offline, USED what they\n"
"use, LOW and HIGH the marks that hold, LIMIT what they refer to; RUNS of the\n"
"background reclaim, its CPU time, pages FREED, those that soon came BACK, and\n"
"runs that FAILED to reach LOW. JSON has what was asked for (low_set, high_set)\n"
"and all of memory.wmark_stat.\n\n"
"EXAMPLES\n"
"  colo status\n"
"  colo status kubepods/besteffort\n"
"  colo status --json | jq '.groups[] | {cgroup, run: .stat.run_usec}'\n",
};

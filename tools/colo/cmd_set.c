// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "colo.h"
#include "output.h"
#include "report.h"

static void print_json(const struct colo *c, const struct settings *s,
		       const char *group, int err)
{
	static const char *const states[] = {
		[SETTING_UNTOUCHED] = "untouched",
		[SETTING_WRITTEN] = "written",
		[SETTING_FAILED] = "failed",
		[SETTING_PUT_BACK] = "put-back",
		[SETTING_STUCK] = "not-put-back",
	};
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();

	json_object_object_add(o, "cgroup", out_string(group));
	json_object_object_add(o, "ok", json_object_new_boolean(!err));
	for (size_t i = 0; i < s->n; i++) {
		const struct setting *set = &s->v[i];
		struct json_object *e = json_object_new_object();

		json_object_object_add(e, "key", out_string(set->key));
		json_object_object_add(e, "path", out_string(set->path));
		json_object_object_add(e, "value", out_string(set->value));
		json_object_object_add(e, "old", out_string(set->old));
		json_object_object_add(e, "state", out_string(states[set->state]));
		if (set->err)
			json_object_object_add(e, "error",
					       out_string(strerror(-set->err)));
		json_object_array_add(list, e);
	}
	json_object_object_add(o, "settings", list);
	out_json(stdout, o, c->pretty);
}

/* The group has to exist in one hierarchy that the keys need. */
static int check_group(const struct colo *c, const struct cg_hier *h,
		       const char *group)
{
	char *path = cg_path(h, group, NULL);
	int err = access(path, F_OK) ? -errno : 0;

	if (err)
		colo_err(c, "%s: %s", path, strerror(-err));
	free(path);
	return err;
}

static int set(struct colo *c, int argc, char **argv)
{
	static const struct option longs[] = { COLO_LONG_OPTS, { 0 } };
	int err, code = COLO_EXIT_FAIL;
	const struct cg_hier *h;
	struct settings s = { 0 };
	const char *wrong, *name;
	char *group;

	colo_getopt(c, argc, argv, COLO_SHORT_OPTS, longs);
	if (argc - optind < 2)
		colo_usage(c, "CGROUP KEY=VALUE... is wanted");
	name = argv[optind++];
	for (; optind < argc; optind++) {
		wrong = settings_parse(&s, argv[optind]);
		if (wrong)
			colo_usage(c, "%s: %s", argv[optind], wrong);
	}
	if (colo_open_cgroups(c)) {
		settings_free(&s);
		return COLO_EXIT_FAIL;
	}

	h = knob_hier(&c->fs, s.v[0].key);
	group = h ? cg_canon(h, name) : NULL;
	if (!h) {
		colo_err(c, "no cgroup hierarchy has %s", s.v[0].key);
	} else if (!group) {
		colo_err(c, "%s: not the name of a group: %s", name,
			 strerror(errno));
	} else if (!check_group(c, h, group)) {
		err = settings_apply(&s, &c->fs, group);
		if (c->json)
			print_json(c, &s, group, err);
		code = err ? report_failed_settings(c, &s) : COLO_EXIT_OK;
	}
	free(group);
	settings_free(&s);
	return code;
}

const struct subcommand cmd_set = {
	.name = "set",
	.run = set,
	.synopsis = "[OPTIONS] CGROUP KEY=VALUE...",
	.summary = "Write knobs of a group: all or nothing",
	.help =
"KEY is the name of a file of the group. Sizes may have K, M, G or T; memory\n"
"watermarks may be N%, percent of the group's limit. memory.wmark_low is written\n"
"after the others, because it is judged by the high mark. If one cannot be\n"
"written, those written before it are put back, last one first; a watermark\n"
"as it was asked for (90% stays 90%), not in the bytes that its file shows.\n\n"
"EXAMPLES\n"
"  colo set batch cpu.offline=1\n"
"  colo set batch cpu.offline=1 cpu.weight=50 memory.max=2G\n"
"  colo set /sys/fs/cgroup/batch cpu.max='200000 100000'\n"
"  colo set web memory.max=1G memory.wmark_high=95%\n"
"  colo set batch memory.offline=1 memory.wmark_high=512M memory.wmark_low=480M\n",
};

// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "colo.h"
#include "knobs.h"
#include "output.h"

struct tally {
	const struct colo *c;
	bool dry_run;
	size_t undone, failed;
	struct json_object *list;
};

static void undo(struct tally *t, const struct cg_hier *h, const char *group,
		 const struct knob *k)
{
	char *path = cg_path(h, group, k->name);
	struct json_object *o;
	char *old = NULL, *name;
	int err;

	if (k->same_as && cg_has(h, group, k->same_as))
		goto out;	/* undone by that name */
	err = knob_read(k, path, &old);
	if (err == -ENOENT || err == -ENODEV || (!err && !strcmp(old, k->neutral)))
		goto out;	/* not there, just removed, or neutral already */
	if (!err && !t->dry_run)
		err = cg_write(path, k->neutral);
	if (err == -ENOENT || err == -ENODEV)
		goto out;

	if (err) {
		t->failed++;
		colo_err(t->c, "%s: %s", path, strerror(-err));
	} else {
		t->undone++;
	}
	o = json_object_new_object();
	json_object_object_add(o, "cgroup", out_string(group));
	json_object_object_add(o, "key", out_string(k->name));
	json_object_object_add(o, "old", out_string(old));
	json_object_object_add(o, "new", out_string(k->neutral));
	if (err)
		json_object_object_add(o, "error", out_string(strerror(-err)));
	json_object_array_add(t->list, o);
	if (!t->c->json && !err) {
		name = out_name(group);
		printf("%s: %s %s -> %s\n", name, k->name, old, k->neutral);
		free(name);
	}
out:
	free(old);
	free(path);
}

/* All neutral-able knobs of the controllers that @h has. */
static int undo_hier(struct tally *t, const struct cg_hier *h)
{
	struct strv groups = { 0 };
	int err = cg_list(h, "/", &groups);

	/*
	 * Bottom-up: below an offline group nothing switches yet, so that its
	 * own write, which comes last, switches the tasks of all of them in
	 * one walk. Top-down would walk every subtree once per level.
	 */
	for (size_t i = groups.n; i--;)
		for (size_t k = 0; k < n_knobs; k++)
			if (knobs[k].neutral &&
			    knob_hier(&t->c->fs, knobs[k].name) == h)
				undo(t, h, groups.v[i], &knobs[k]);
	strv_free(&groups);
	return err;
}

static int off(struct colo *c, int argc, char **argv)
{
	static const struct option longs[] = {
		COLO_LONG_OPTS,
		{ "dry-run", no_argument, NULL, 'n' },
		{ 0 }
	};
	struct tally t = { .c = c };
	struct json_object *o;
	int opt;

	while ((opt = colo_getopt(c, argc, argv, COLO_SHORT_OPTS "n", longs)) != -1)
		if (opt == 'n')
			t.dry_run = true;
	if (optind < argc)
		colo_usage(c, "%s: no argument is wanted", argv[optind]);
	if (colo_open_cgroups(c))
		return COLO_EXIT_FAIL;

	t.list = json_object_new_array();
	for (size_t i = 0; i < c->fs.nhier; i++) {
		int err = undo_hier(&t, &c->fs.hier[i]);

		if (err) {
			t.failed++;
			colo_err(c, "%s: %s", c->fs.hier[i].path, strerror(-err));
		}
	}

	if (c->json) {
		o = json_object_new_object();
		json_object_object_add(o, "dry_run",
				       json_object_new_boolean(t.dry_run));
		json_object_object_add(o, "undone",
				       json_object_new_uint64(t.undone));
		json_object_object_add(o, "failed",
				       json_object_new_uint64(t.failed));
		json_object_object_add(o, "knobs", t.list);
		out_json(stdout, o, c->pretty);
	} else {
		json_object_put(t.list);
		if (!t.undone && !t.failed)
			puts("Nothing to undo: no group is offline and no watermark is set.");
		else
			printf("%zu knob%s %s.\n", t.undone,
			       t.undone == 1 ? "" : "s",
			       t.dry_run ? "would be put back" : "put back");
	}
	return t.failed ? COLO_EXIT_FAIL : COLO_EXIT_OK;
}

const struct subcommand cmd_off = {
	.name = "off",
	.run = off,
	.synopsis = "[OPTIONS]",
	.summary = "Put every group back online, remove all watermarks",
	.help =
"Tells what it undid: cpu.offline and memory.offline, and every knob of memory\n"
"watermarks. Limits and weights stay. Groups that were removed meanwhile are no\n"
"error.\n\n"
"  -n, --dry-run       only tell what would be undone\n\n"
"EXAMPLES\n"
"  colo off --dry-run\n"
"  colo off\n"
"  colo off --json | jq .undone\n",
};

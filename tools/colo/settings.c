// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "settings.h"

const char *settings_parse(struct settings *s, const char *arg)
{
	const char *eq = strchr(arg, '=');
	struct setting *set;
	const char *why;
	char *key;

	if (!eq)
		return "KEY=VALUE is wanted";
	key = xstrndup(arg, eq - arg);
	if (!knob_name_ok(key, &why)) {
		free(key);
		return why;
	}
	if (settings_find(s, key)) {
		free(key);
		return "this key is given twice";
	}
	s->v = xgrow(s->v, s->n + 1, sizeof(*s->v));
	set = &s->v[s->n++];
	*set = (struct setting){
		.key = key,
		.value = xstrdup(eq + 1),
		.knob = knob_find(key),
	};
	return NULL;
}

struct setting *settings_find(struct settings *s, const char *key)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].key, key))
			return &s->v[i];
	return NULL;
}

void settings_free(struct settings *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].key);
		free(s->v[i].value);
		free(s->v[i].text);
		free(s->v[i].path);
		free(s->v[i].old);
		free(s->v[i].back);
		free(s->v[i].back_path);
	}
	free(s->v);
	*s = (struct settings){ 0 };
}

const char *setting_back_key(const struct setting *set)
{
	return set->back_knob ? set->back_knob->name : set->key;
}

/*
 * What would restore it. Another name of a knob may show less than what is set,
 * and then the knob itself is put back; if there is one, not in every kernel.
 */
static int remember(struct setting *set, const struct cg_hier *h,
		    const char *group)
{
	const struct knob *k = set->knob;

	if (k && k->same_as && cg_has(h, group, k->same_as))
		k = knob_find(k->same_as);
	set->back_knob = k;
	set->back_path = cg_path(h, group, k ? k->name : set->key);
	return knob_read(k, set->back_path, &set->back);
}

/* Everything that can be known before the first write. */
static int prepare(struct setting *set, const struct cgfs *fs,
		   const char *group)
{
	const struct cg_hier *h = knob_hier(fs, set->key);
	struct stat st;
	int err;

	if (!h) {
		set->path = xstrdup(set->key);
		set->note = "no hierarchy has this controller";
		return -ENOENT;
	}
	set->path = cg_path(h, group, set->key);
	if (stat(set->path, &st)) {
		err = -errno;
		if (err == -ENOENT && !h->v2 && set->knob)
			set->note = set->knob->v1_name;
		if (err == -ENOENT && !strcmp(group, "/"))
			set->note = "the root group has no such file";
		return err;
	}
	/* root may open what nobody may write */
	if (!S_ISDIR(st.st_mode) && !(st.st_mode & 0222)) {
		set->note = "read-only";
		return -EACCES;
	}
	err = knob_value(set->knob, set->value, &set->text);
	if (err)
		return err;
	err = cg_read(set->path, &set->old);
	if (err) {
		set->note = "what cannot be read cannot be restored";
		return err;
	}
	if (strchr(set->old, '\n')) {
		set->note = "what has several lines cannot be restored";
		return -EINVAL;
	}
	err = remember(set, h, group);
	if (err)
		set->note = "what cannot be read cannot be restored";
	return err;
}

/* Goes last: the kernel judges it by what others of @s may change. */
static bool is_last(const struct setting *set)
{
	return !strcmp(set->key, "memory.wmark_low");
}

/* What goes last was not written, or all had been. */
static void put_back(struct settings *s)
{
	for (size_t i = s->n; i--;) {
		struct setting *set = &s->v[i];

		if (set->state != SETTING_WRITTEN)
			continue;
		set->err = cg_write(set->back_path, set->back);
		set->state = set->err ? SETTING_STUCK : SETTING_PUT_BACK;
	}
	/* believe only what can be read, and only once all are written */
	for (size_t i = 0; i < s->n; i++) {
		struct setting *set = &s->v[i];
		char *now;

		if (set->state != SETTING_PUT_BACK)
			continue;
		set->err = knob_read(set->back_knob, set->back_path, &now);
		if (!set->err && strcmp(now, set->back)) {
			set->err = -EIO;
			set->note = "it reads differently now";
		}
		if (set->err)
			set->state = SETTING_STUCK;
		free(now);
	}
}

static int write_pass(struct settings *s, bool last)
{
	for (size_t i = 0; i < s->n; i++) {
		struct setting *set = &s->v[i];

		if (is_last(set) != last)
			continue;
		set->err = cg_write(set->path, set->text);
		if (set->err) {
			set->state = SETTING_FAILED;
			return set->err;
		}
		set->state = SETTING_WRITTEN;
	}
	return 0;
}

int settings_apply(struct settings *s, const struct cgfs *fs, const char *group)
{
	int err;

	for (size_t i = 0; i < s->n; i++) {
		struct setting *set = &s->v[i];

		set->err = prepare(set, fs, group);
		if (set->err) {
			set->state = SETTING_FAILED;
			return set->err;
		}
	}
	err = write_pass(s, false);
	if (!err)
		err = write_pass(s, true);
	if (err)
		put_back(s);
	return err;
}

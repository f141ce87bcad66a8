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
	}
	free(s->v);
	*s = (struct settings){ 0 };
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
	return 0;
}

static void put_back(struct settings *s)
{
	for (size_t i = s->n; i--;) {
		struct setting *set = &s->v[i];

		if (set->state != SETTING_WRITTEN)
			continue;
		set->err = cg_write(set->path, set->old);
		set->state = set->err ? SETTING_STUCK : SETTING_PUT_BACK;
	}
	/* believe only what can be read, and only once all are written */
	for (size_t i = 0; i < s->n; i++) {
		struct setting *set = &s->v[i];
		char *now;

		if (set->state != SETTING_PUT_BACK)
			continue;
		set->err = cg_read(set->path, &now);
		if (!set->err && strcmp(now, set->old)) {
			set->err = -EIO;
			set->note = "it reads differently now";
		}
		if (set->err)
			set->state = SETTING_STUCK;
		free(now);
	}
}

int settings_apply(struct settings *s, const struct cgfs *fs, const char *group)
{
	for (size_t i = 0; i < s->n; i++) {
		struct setting *set = &s->v[i];

		set->err = prepare(set, fs, group);
		if (set->err) {
			set->state = SETTING_FAILED;
			return set->err;
		}
	}
	for (size_t i = 0; i < s->n; i++) {
		struct setting *set = &s->v[i];

		set->err = cg_write(set->path, set->text);
		if (set->err) {
			set->state = SETTING_FAILED;
			put_back(s);
			return set->err;
		}
		set->state = SETTING_WRITTEN;
	}
	return 0;
}

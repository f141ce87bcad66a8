/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KEY=VALUE arguments and writing them: all or nothing.
 */
#ifndef COLO_SETTINGS_H
#define COLO_SETTINGS_H

#include "knobs.h"

enum setting_state {
	SETTING_UNTOUCHED,
	SETTING_WRITTEN,
	SETTING_FAILED,
	SETTING_PUT_BACK,
	SETTING_STUCK,		/* written, and could not be put back */
};

struct setting {
	char *key;
	char *value;		/* as given */
	char *text;		/* as written */
	char *path;
	char *old;		/* as shown */
	char *back, *back_path;	/* what restores it, and where */
	const struct knob *back_knob;
	const struct knob *knob;	/* NULL: not known */
	enum setting_state state;
	int err;		/* of SETTING_FAILED and SETTING_STUCK */
	const char *note;	/* why, when strerror() does not say it */
};

struct settings {
	struct setting *v;
	size_t n;
};

/* Add "KEY=VALUE"; NULL or what is wrong with it. */
const char *settings_parse(struct settings *s, const char *arg);
struct setting *settings_find(struct settings *s, const char *key);
void settings_free(struct settings *s);
/* The name of the file that it is put back by. */
const char *setting_back_key(const struct setting *set);

/*
 * Write all of them to @group, in this order, but for memory.wmark_low: the kernel
 * judges it by the high mark, so it goes last. On an error the written ones are put
 * back, last one first, and the states say what became of each: exactly one is
 * SETTING_FAILED. Returns 0 or -errno.
 */
int settings_apply(struct settings *s, const struct cgfs *fs, const char *group);

#endif

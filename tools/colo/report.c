// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"
#include "report.h"

int report_no_offline(const struct colo *c)
{
	struct probe p;
	int code;

	probe_kernel(&p, &c->fs, c->sysroot);
	code = probe_verdict(&p);
	if (code == COLO_EXIT_NO_CLASS)
		colo_err(c, "this kernel has no offline class; `colo check` says what that costs");
	else if (code && !p.module)
		colo_err(c, "the colo module is not loaded (modprobe colo)");
	else if (code)
		colo_err(c, "the cpu controller is not on for any group below the root");
	probe_free(&p);
	return code;
}

static bool is_wmark(const char *key)
{
	return !strncmp(key, "memory.wmark_", 13) ||
	       !strcmp(key, "memory.offline");
}

static void report_no_wmark(const struct colo *c)
{
	struct probe p;

	probe_kernel(&p, &c->fs, c->sysroot);
	switch (probe_wmark(&p)) {
	case PROBE_WMARK_NO_KERNEL:
		colo_err(c, "this kernel has no memory watermarks; `colo check` says what that costs");
		break;
	case PROBE_WMARK_NO_CONTROLLER:
		colo_err(c, "no cgroup hierarchy has the memory controller");
		break;
	case PROBE_WMARK_NO_MODULE:
		colo_err(c, "the colo module is not loaded (modprobe colo)");
		break;
	case PROBE_WMARK_NOT_ENABLED:
		colo_err(c, "the memory controller is not on for any group below the root");
		break;
	case PROBE_WMARK_OLD_MODULE:
		colo_err(c, "the colo module that is loaded knows no watermarks");
		break;
	case PROBE_WMARK_UNKNOWN:
	case PROBE_WMARK_YES:
		break;
	}
	probe_free(&p);
}

static void report_one(const struct colo *c, const struct setting *set)
{
	const char *allowed = set->knob ? set->knob->allowed : NULL;
	bool by_value = set->err == -EINVAL || set->err == -ERANGE;

	if (set->note && set->knob && set->note == set->knob->v1_name)
		colo_err(c, "%s: %s (on this v1 hierarchy: %s)", set->path,
			 strerror(-set->err), set->note);
	else if (set->note)
		colo_err(c, "%s: %s (%s)", set->path, strerror(-set->err),
			 set->note);
	else if (allowed && by_value)
		colo_err(c, "%s: %s (%s)", set->path, strerror(-set->err),
			 allowed);
	else
		colo_err(c, "%s: %s", set->path, strerror(-set->err));
}

int report_failed_settings(const struct colo *c, const struct settings *s)
{
	int code = COLO_EXIT_FAIL;
	bool touched = false;

	for (size_t i = 0; i < s->n; i++) {
		const struct setting *set = &s->v[i];

		if (set->state != SETTING_FAILED)
			continue;
		report_one(c, set);
		if (set->err == -ENOENT && !strncmp(set->key, "cpu.offline", 11)) {
			int why = report_no_offline(c);

			code = why ? why : code;
		} else if (set->err == -ENOENT && is_wmark(set->key)) {
			report_no_wmark(c);
		}
	}
	for (size_t i = s->n; i--;) {
		const struct setting *set = &s->v[i];

		touched |= set->state == SETTING_PUT_BACK ||
			   set->state == SETTING_STUCK;
		if (set->state == SETTING_PUT_BACK)
			colo_err(c, "put back: %s=%s", setting_back_key(set),
				 set->back);
		if (set->state == SETTING_STUCK)
			colo_err(c, "NOT put back: %s: %s (was %s, was set to %s)",
				 set->back_path,
				 set->note ? set->note : strerror(-set->err),
				 set->back, set->text);
	}
	if (!touched)
		colo_err(c, "nothing was changed");
	return code;
}

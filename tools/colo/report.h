/* SPDX-License-Identifier: GPL-2.0-only */
/* Telling people about refused settings; `set` and `run` share it. */
#ifndef COLO_REPORT_H
#define COLO_REPORT_H

#include "colo.h"
#include "settings.h"

/*
 * Say on stderr what failed and what became of the others. Returns the exit
 * code: 3 or 4 when this kernel has no cpu.offline, else 1.
 */
int report_failed_settings(const struct colo *c, const struct settings *s);

/* Say why there is no cpu.offline and return 3 or 4; 0 when nothing is wrong. */
int report_no_offline(const struct colo *c);

#endif

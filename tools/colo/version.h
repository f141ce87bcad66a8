/* SPDX-License-Identifier: GPL-2.0-only */
/* The one place that knows the version of the tool. */
#ifndef COLO_VERSION_H
#define COLO_VERSION_H

#define COLO_VERSION "0.1.0"

#endif

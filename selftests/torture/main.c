// SPDX-License-Identifier: GPL-2.0-only
/* What the tests share, the kernel's own file, with threads of threads.h. */
#include "threads.h"
#include <kernel/torture.c>

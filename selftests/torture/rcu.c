// SPDX-License-Identifier: GPL-2.0-only
/* rcutorture, the kernel's own file, with threads of threads.h. */
#include "threads.h"
#include <kernel/rcu/rcutorture.c>

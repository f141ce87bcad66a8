/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads for the kernel's torture tests.
 *
 * Kernel threads are never offline, whatever group they are in. So the tests are
 * compiled with the calls below in place of the kthread ones: each thread is one
 * that works for the process that loads the module (as vhost's do). It is in the
 * group of that process, and in the class that follows, and never leaves the
 * kernel. The process must outlive the module.
 */
#ifndef COLO_TORTURE_THREADS_H
#define COLO_TORTURE_THREADS_H

#include <linux/kthread.h>

__printf(3, 4)
struct task_struct *torture_thread_create(int (*fn)(void *arg), void *arg,
					  const char *fmt, ...);
int torture_thread_stop(struct task_struct *task);
bool torture_thread_should_stop(void);

#ifndef COLO_TORTURE_THREADS_C
#undef kthread_create
#define kthread_create(fn, arg, ...)	torture_thread_create(fn, arg, __VA_ARGS__)
#define kthread_stop(task)		torture_thread_stop(task)
#define kthread_should_stop()		torture_thread_should_stop()
#endif

#endif /* COLO_TORTURE_THREADS_H */

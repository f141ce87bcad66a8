// SPDX-License-Identifier: GPL-2.0-only
/* What threads.h promises, made of the workers that vhost uses. */
#define COLO_TORTURE_THREADS_C

#include <linux/completion.h>
#include <linux/module.h>
#include <linux/sched/task.h>
#include <linux/sched/vhost_task.h>
#include <linux/slab.h>

#include "threads.h"

/*
 * One thread, from torture_thread_create() to torture_thread_stop(). The thread
 * finds it in task_struct::worker_private, which vhost's workers do not use.
 */
struct torture_thread {
	struct vhost_task	*worker;
	struct task_struct	*task;
	struct completion	born;
	int			(*fn)(void *arg);
	void			*arg;
	bool			done;
	bool			stop;
};

/* False: nothing to do, sleep until the worker is stopped. */
static bool torture_thread_work(void *data)
{
	struct torture_thread *t = data;

	if (t->done)
		return false;

	/* Like a kthread it begins when it is woken for the first time. */
	current->worker_private = t;
	t->task = current;
	__set_current_state(TASK_UNINTERRUPTIBLE);
	complete(&t->born);
	schedule();

	t->fn(t->arg);
	t->done = true;
	return true;
}

/* The loader was killed: what runs goes on until the module is unloaded. */
static void torture_thread_killed(void *data)
{
	struct torture_thread *t = data;

	complete(&t->born);
}

struct task_struct *torture_thread_create(int (*fn)(void *arg), void *arg,
					  const char *fmt, ...)
{
	struct torture_thread *t;
	char name[TASK_COMM_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);

	t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return ERR_PTR(-ENOMEM);

	t->fn = fn;
	t->arg = arg;
	init_completion(&t->born);
	t->worker = vhost_task_create(torture_thread_work, torture_thread_killed,
				      t, name);
	if (IS_ERR(t->worker)) {
		struct task_struct *err = ERR_CAST(t->worker);

		kfree(t);
		return err;
	}

	vhost_task_start(t->worker);
	wait_for_completion(&t->born);
	if (!t->task) {
		vhost_task_stop(t->worker);
		kfree(t);
		return ERR_PTR(-EINTR);
	}
	return t->task;
}
EXPORT_SYMBOL_GPL(torture_thread_create);

int torture_thread_stop(struct task_struct *task)
{
	struct torture_thread *t;

	/* rcutorture's boosters are bound to a CPU each, and stay kthreads. */
	if (task->flags & PF_KTHREAD)
		return kthread_stop(task);

	t = task->worker_private;
	WRITE_ONCE(t->stop, true);
	wake_up_process(task);
	vhost_task_stop(t->worker);
	kfree(t);
	return 0;
}
EXPORT_SYMBOL_GPL(torture_thread_stop);

bool torture_thread_should_stop(void)
{
	struct torture_thread *t;

	if (current->flags & PF_KTHREAD)
		return kthread_should_stop();

	t = current->worker_private;
	return t && READ_ONCE(t->stop);
}
EXPORT_SYMBOL_GPL(torture_thread_should_stop);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A task changes its class in every state it can be in. Whatever the state:
 *
 * - "colo.state" follows at once, for the tasks that the class is for;
 * - policy, nice value and affinity stay what the user set;
 * - the task lives and gets on with its work afterwards;
 * - "tasks" and "lifted" of the group are exact, and 0 at the end.
 *
 * "At once" holds because the write returns only when every task of the subtree
 * has been switched. A task that a signal, the freezer or a debugger wants out
 * of the kernel may be "lifted" meanwhile: that is the class, too.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "colo_util.h"

#define G	"g"	/* the group that is switched */
#define NICE	3

/* ------------------------------------------------------------- checking */

static bool in_class(enum colo_state s)
{
	return s == COLO_OFFLINE || s == COLO_LIFTED;
}

static void set(const char *cg, int val)
{
	int ret = cg_set_offline(cg, val);

	REQUIRE(!ret, "%s: cpu.offline=%d: %s", cg, val, strerror(-ret));
}

static void make(const char *cg)
{
	int ret = cg_make(cg);

	REQUIRE(!ret, "mkdir %s: %s", cg, strerror(-ret));
}

static void expect_state(pid_t tid, int offline, const char *when)
{
	enum colo_state s = task_colo(tid);

	CHECK(offline ? in_class(s) : s == COLO_ONLINE,
	      "%s: task %d is %s, not %s", when, tid, colo_state_name(s),
	      offline ? "offline" : "online");
}

static void expect_tasks(const char *cg, int64_t want, const char *when)
{
	int64_t n = cg_stat(cg, "tasks");

	CHECK(n == want, "%s: tasks of %s is %lld, not %lld", when, cg,
	      (long long)n, (long long)want);
}

struct attrs {
	int		policy, nice, prio;
	cpu_set_t	cpus;
};

static struct attrs attrs_of(pid_t pid)
{
	struct sched_param sp;
	struct attrs a = { 0 };

	a.policy = syscall(SYS_sched_getscheduler, pid);
	a.nice = getpriority(PRIO_PROCESS, pid);
	if (!syscall(SYS_sched_getparam, pid, &sp))
		a.prio = sp.sched_priority;
	sched_getaffinity(pid, sizeof(a.cpus), &a.cpus);
	return a;
}

static void expect_attrs(pid_t pid, const struct attrs *want, const char *when)
{
	struct attrs a = attrs_of(pid);

	CHECK(a.policy == want->policy, "%s: policy %d was %d", when, a.policy,
	      want->policy);
	CHECK(a.nice == want->nice, "%s: nice %d was %d", when, a.nice,
	      want->nice);
	CHECK(a.prio == want->prio, "%s: priority %d was %d", when, a.prio,
	      want->prio);
	CHECK(CPU_EQUAL(&a.cpus, &want->cpus), "%s: affinity changed", when);
}

/*
 * Off, on, off, on, ... of G while @n tasks @pid are in the state under test.
 * @counted: tasks of the class among all in G, when it is offline.
 */
static void toggle(const char *when, const pid_t *pid, int n, int counted)
{
	struct attrs before[16];
	int round, i;

	REQUIRE(n <= (int)ARRAY_SIZE(before), "too many tasks");
	for (i = 0; i < n; i++)
		before[i] = attrs_of(pid[i]);
	for (round = 0; round < 10; round++) {
		int on = !(round & 1);

		set(G, on);
		for (i = 0; i < n; i++) {
			expect_state(pid[i], on, when);
			expect_attrs(pid[i], &before[i], when);
		}
		expect_tasks(G, on ? counted : 0, when);
		if (colo_failures())
			return;
	}
}

static void toggle_one(const char *when, pid_t pid)
{
	toggle(when, &pid, 1, 1);
}

/* The end of a scenario: lives, works in both classes, dies in both. */
static void end_well(const char *when, struct task *t)
{
	set(G, 1);
	CHECK(task_moves(t, 3, 5000), "%s: no progress while offline", when);
	set(G, 0);
	CHECK(task_moves(t, 3, 5000), "%s: no progress back online", when);
	set(G, 1);
	CHECK(task_end(t), "%s: cannot be killed", when);
	CHECK(WAIT_FOR(cg_stat(G, "tasks") == 0, 5000),
	      "%s: tasks is %lld after the last one ended", when,
	      (long long)cg_stat(G, "tasks"));
	expect_tasks(G, 0, when);
	CHECK(cg_stat(G, "lifted") == 0, "%s: lifted is not 0 at the end", when);
}

static struct task start(task_fn fn, int cpu, long arg)
{
	struct task_opt o = { .cg = G, .cpu = cpu, .nice = NICE, .arg = arg };

	make(G);
	return task_start(&o, fn);
}

/* ------------------------------------------- states a task is found in */

static void fn_self(struct task_ctl *c, long arg)
{
	(void)arg;
	while (!c->stop) {
		int on = !(c->progress & 1);

		c->err = cg_set_offline(G, on);
		if (!c->err && in_class(task_colo(gettid_())) != on)
			c->err = -EPROTO;
		if (c->err)
			return;
		c->progress++;
	}
}

/* The writer is in the group that it switches. */
static void running_here(void)
{
	struct task t = start(fn_self, 0, 0);
	int status = -1;

	CHECK(task_moves(&t, 50, 20000), "no 50 rounds");
	CHECK(!t.c->err, "round %llu: %s", (unsigned long long)t.c->progress,
	      strerror(-t.c->err));
	t.c->stop = 1;
	CHECK(task_wait(&t, 5000, &status) && !status, "status %x", status);
	expect_tasks(G, 0, "at the end");
}

/* Another CPU is running it at the moment of the write. */
static void running_elsewhere(void)
{
	struct task t;

	pin_self(0);
	t = start(fn_hog, 1, 0);
	CHECK(task_moves(&t, 1, 5000), "does not start");
	toggle_one("running elsewhere", t.pid);
	end_well("running elsewhere", &t);
}

/* Ready, but the writer, which is SCHED_FIFO, has its CPU. */
static void queued(void)
{
	struct task t;

	pin_self(0);
	t = start(fn_hog, 0, 0);
	CHECK(task_moves(&t, 1, 5000), "does not start");
	CHECK(task_letter(t.pid) == 'R', "is not ready");
	toggle_one("queued", t.pid);
	end_well("queued", &t);
}

static void queued_many(void)
{
	struct task t[8];
	pid_t pid[8];
	int i;

	pin_self(0);
	for (i = 0; i < 8; i++) {
		t[i] = start(fn_hog, 0, 0);
		pid[i] = t[i].pid;
	}
	toggle("eight queued", pid, 8, 8);
	for (i = 1; i < 8; i++)
		CHECK(task_end(&t[i]), "cannot kill %d", i);
	end_well("the last of eight queued", &t[0]);
}

static void sleeping(void)
{
	struct task t = start(fn_pause, 0, 0);
	int i;

	CHECK(WAIT_FOR(t.c->stage && task_letter(t.pid) == 'S', 5000),
	      "does not sleep");
	toggle_one("sleeping", t.pid);
	/* Wakes up in each class. */
	for (i = 0; i < 4; i++) {
		uint64_t was = t.c->progress;

		set(G, !(i & 1));
		kill(t.pid, SIGUSR1);
		CHECK(WAIT_FOR(t.c->progress > was, 5000), "does not wake up");
		CHECK(WAIT_FOR(task_letter(t.pid) == 'S', 5000),
		      "does not sleep again");
		expect_state(t.pid, !(i & 1), "after waking up");
	}
	CHECK(task_end(&t), "cannot be killed");
	CHECK(WAIT_FOR(cg_stat(G, "tasks") == 0, 5000), "tasks is not 0");
}

/* Asleep with its entity still queued (delayed dequeue), most of the time. */
static void sleeping_often(void)
{
	struct task t[4];
	pid_t pid[4];
	int i;

	for (i = 0; i < 4; i++) {
		t[i] = start(fn_sleeper, 0, 20 + 30 * i);
		pid[i] = t[i].pid;
	}
	for (i = 0; i < 20 && !colo_failures(); i++)
		toggle("sleeping often", pid, 4, 4);
	for (i = 1; i < 4; i++)
		CHECK(task_moves(&t[i], 10, 5000) && task_end(&t[i]),
		      "sleeper %d", i);
	end_well("sleeping often", &t[0]);
}

/* Waits for its vfork child: TASK_KILLABLE, shown as D. */
static void fn_vfork(struct task_ctl *c, long arg)
{
	pid_t pid;

	(void)arg;
	for (;;) {
		pid = vfork();
		if (!pid) {
			c->tid = syscall(SYS_getpid);
			while (!c->go)
				futex_op((void *)&c->go, FUTEX_WAIT, 0, 1000);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		c->progress++;
		c->go = c->stop;
	}
}

static void in_vfork(void)
{
	struct task t = start(fn_vfork, 0, 0);
	pid_t pid[2];

	CHECK(WAIT_FOR(t.c->tid && task_letter(t.pid) == 'D', 5000),
	      "parent is %c, not D", task_letter(t.pid));
	pid[0] = t.pid;
	pid[1] = t.c->tid;
	toggle("in vfork", pid, 2, 2);
	t.c->stop = 1;
	t.c->go = 1;
	futex_op((void *)&t.c->go, FUTEX_WAKE, 1, 0);
	end_well("in vfork", &t);
}

static void stopped(void)
{
	struct task t = start(fn_hog, 0, 0);

	kill(t.pid, SIGSTOP);
	CHECK(WAIT_FOR(task_letter(t.pid) == 'T', 5000), "does not stop");
	toggle_one("stopped", t.pid);
	set(G, 1);
	kill(t.pid, SIGCONT);
	end_well("stopped", &t);
}

static void traced(void)
{
	struct task t = start(fn_hog, 0, 0);
	int status;

	REQUIRE(!ptrace(PTRACE_SEIZE, t.pid, 0, 0), "seize: %s",
		strerror(errno));
	REQUIRE(!ptrace(PTRACE_INTERRUPT, t.pid, 0, 0), "interrupt");
	CHECK(WAIT_FOR(waitpid(t.pid, &status, WNOHANG) == t.pid, 5000),
	      "no stop");
	CHECK(task_letter(t.pid) == 't', "is %c", task_letter(t.pid));
	toggle_one("traced", t.pid);
	set(G, 1);
	/* Single steps in the class, each is a full round to user mode. */
	for (int i = 0; i < 20; i++) {
		REQUIRE(!ptrace(PTRACE_SINGLESTEP, t.pid, 0, 0), "step");
		REQUIRE(WAIT_FOR(waitpid(t.pid, &status, WNOHANG) == t.pid,
				 5000), "step %d does not end", i);
		set(G, i & 1);
	}
	REQUIRE(!ptrace(PTRACE_DETACH, t.pid, 0, 0), "detach");
	end_well("traced", &t);
}

static void frozen(void)
{
	struct task t[2];
	pid_t pid[2];
	int i;

	t[0] = start(fn_hog, 0, 0);
	t[1] = start(fn_sleeper, -1, 500);
	for (i = 0; i < 2; i++)
		pid[i] = t[i].pid;
	REQUIRE(!cg_write(G, "cgroup.freeze", "1"), "freeze");
	CHECK(WAIT_FOR(cg_key(G, "cgroup.events", "frozen") == 1, 5000),
	      "does not freeze");
	toggle("frozen", pid, 2, 2);
	CHECK(cg_key(G, "cgroup.events", "frozen") == 1, "has thawed");
	set(G, 1);
	REQUIRE(!cg_write(G, "cgroup.freeze", "0"), "thaw");
	CHECK(task_moves(&t[1], 3, 5000) && task_end(&t[1]), "the sleeper");
	end_well("frozen", &t[0]);
}

/* Switched in the middle of being throttled; the quota goes while offline. */
static void throttled(void)
{
	struct task t[2];
	pid_t pid[2];
	int i;

	pin_self(0);
	for (i = 0; i < 2; i++) {
		t[i] = start(fn_hog, i, 0);
		pid[i] = t[i].pid;
	}
	REQUIRE(!cg_write(G, "cpu.max", "1000 1000000"), "cpu.max");
	for (i = 0; i < 3; i++) {
		CHECK(WAIT_FOR(cg_key(G, "cpu.stat", "nr_throttled") > i, 10000),
		      "is not throttled");
		toggle("throttled", pid, 2, 2);
		set(G, i & 1);
	}
	/* Quota off in each class, then on in the other. */
	for (i = 0; i < 4; i++) {
		set(G, i & 1);
		REQUIRE(!cg_write(G, "cpu.max", "max 100000"), "no quota");
		CHECK(task_moves(&t[0], 1, 5000) && task_moves(&t[1], 1, 5000),
		      "still throttled without a quota, class %d", i & 1);
		REQUIRE(!cg_write(G, "cpu.max", "1000 100000"), "quota");
		sleep_ms(20);
		set(G, !(i & 1));
		sleep_ms(20);
	}
	/* Progress under a quota too: it is refilled. */
	set(G, 1);
	CHECK(task_moves(&t[0], 3, 10000), "never refilled");
	REQUIRE(!cg_write(G, "cpu.max", "max 100000"), "no quota");
	CHECK(task_end(&t[1]), "cannot be killed");
	end_well("throttled", &t[0]);
}

/* -------------------------------------------------------- PI and policies */

/*
 * Holds a PI futex until told to let go, working all the while. With @arg it
 * naps between: boosted by a deadline task it would leave nobody a CPU.
 */
static void fn_pi_owner(struct task_ctl *c, long arg)
{
	for (;;) {
		c->futex = gettid_();
		c->stage = 1;
		while (!c->go) {
			c->progress++;
			if (arg)
				usleep(300);
		}
		c->go = 0;
		c->stage = 2;
		if (futex_op(&c->futex, FUTEX_UNLOCK_PI, 0, 0) < 0)
			c->err = -errno;
		c->stage = 3;
		while (!c->go)
			c->progress++;
		c->go = 0;
	}
}

/* The other side, in its own process: the futex is in @pi_page, shared. */
static struct task_ctl *pi_page;

static void fn_pi_waiter(struct task_ctl *c, long arg)
{
	(void)arg;
	c->stage = 1;
	c->err = futex_op(&pi_page->futex, FUTEX_LOCK_PI, 0, 0);
	c->stage = 2;
	if (!c->err)
		c->err = futex_op(&pi_page->futex, FUTEX_UNLOCK_PI, 0, 0);
	c->stage = 3;
	fn_sleeper(c, 1000);
}

/* Priority of a task as the scheduler sees it: "prio" of /proc/PID/sched. */
static int effective_prio(pid_t pid)
{
	char path[64], buf[16384], *p;

	snprintf(path, sizeof(path), "/proc/%d/sched", pid);
	if (read_file(path, buf, sizeof(buf)) <= 0)
		return -1;
	p = strstr(buf, "\nprio ");
	p = p ? strchr(p, ':') : NULL;
	return p ? atoi(p + 1) : -1;
}

/*
 * While boosted it runs in the booster's class, whatever its group says; as soon
 * as the boost ends its group decides again.
 */
static void pi_boosted_by(int policy, const char *when)
{
	struct task_opt wo = { .cpu = -1, .policy = policy,
			       .prio = policy == SCHED_OTHER ? 0 : 5 };
	struct task owner, waiter;
	struct attrs before;
	int i, prio;

	owner = start(fn_pi_owner, 0, 0);
	CHECK(WAIT_FOR(owner.c->stage == 1, 5000), "no owner");
	before = attrs_of(owner.pid);
	prio = effective_prio(owner.pid);
	pi_page = owner.c;
	waiter = task_start(&wo, fn_pi_waiter);
	CHECK(WAIT_FOR(waiter.c->stage == 1 && task_letter(waiter.pid) == 'S',
		       5000), "waiter does not wait");
	if (policy == SCHED_FIFO)
		CHECK(WAIT_FOR(effective_prio(owner.pid) < 100, 5000),
		      "owner is not boosted: prio %d", effective_prio(owner.pid));
	for (i = 0; i < 10; i++) {
		set(G, !(i & 1));
		expect_attrs(owner.pid, &before, when);
		if (policy == SCHED_FIFO)
			CHECK(effective_prio(owner.pid) < 100,
			      "%s: the switch lost the boost", when);
		CHECK(task_moves(&owner, 1, 5000), "%s: owner stands", when);
	}
	/* Let go while offline: the boost ends there. */
	set(G, 1);
	owner.c->go = 1;
	CHECK(WAIT_FOR(owner.c->stage == 3, 10000), "%s: no unlock", when);
	CHECK(WAIT_FOR(waiter.c->stage == 3, 10000), "%s: no hand-over", when);
	CHECK(!owner.c->err && !waiter.c->err, "%s: futex: %d %d", when,
	      owner.c->err, waiter.c->err);
	CHECK(WAIT_FOR(effective_prio(owner.pid) == prio, 5000),
	      "%s: prio is %d, was %d", when, effective_prio(owner.pid), prio);
	expect_state(owner.pid, 1, when);
	expect_attrs(owner.pid, &before, when);
	CHECK(task_end(&waiter), "waiter cannot be killed");
	expect_tasks(G, 1, when);
	end_well(when, &owner);
}

static void pi_boosted_by_fifo(void)
{
	pi_boosted_by(SCHED_FIFO, "boosted by FIFO");
}

static void pi_boosted_by_fair(void)
{
	pi_boosted_by(SCHED_OTHER, "waited for by OTHER");
}

/* Boosted with SCHED_DEADLINE: the owner becomes a deadline task for a while. */
static void pi_boosted_by_deadline(void)
{
	struct task_opt wo = { .cpu = -1 };
	struct task owner, waiter;
	int i, ret;

	owner = start(fn_pi_owner, 0, 1);
	CHECK(WAIT_FOR(owner.c->stage == 1, 5000), "no owner");
	pi_page = owner.c;
	waiter = task_start(&wo, fn_pi_waiter);
	CHECK(WAIT_FOR(task_letter(waiter.pid) == 'S', 5000), "no waiter");
	ret = set_deadline(waiter.pid, 30000000, 100000000);
	REQUIRE(!ret, "SCHED_DEADLINE: %s", strerror(-ret));
	CHECK(WAIT_FOR(effective_prio(owner.pid) < 0, 5000),
	      "owner is not boosted: prio %d", effective_prio(owner.pid));
	for (i = 0; i < 9; i++) {
		set(G, !(i & 1));
		CHECK(task_moves(&owner, 1, 5000), "owner stands");
	}
	owner.c->go = 1;
	CHECK(WAIT_FOR(owner.c->stage == 3 && waiter.c->stage == 3, 10000),
	      "no hand-over: %d %d", owner.c->stage, waiter.c->stage);
	CHECK(WAIT_FOR(effective_prio(owner.pid) == 120 + NICE, 5000),
	      "prio %d", effective_prio(owner.pid));
	expect_state(owner.pid, 1, "after the boost");
	CHECK(task_end(&waiter), "waiter cannot be killed");
	end_well("boosted by DEADLINE", &owner);
}

/* It is the one that waits; an online task owns. */
static void pi_blocked(void)
{
	struct task_opt oo = { .cpu = 0 };
	struct task owner, waiter;

	owner = task_start(&oo, fn_pi_owner);
	CHECK(WAIT_FOR(owner.c->stage == 1, 5000), "no owner");
	pi_page = owner.c;
	waiter = start(fn_pi_waiter, 0, 0);
	CHECK(WAIT_FOR(waiter.c->stage == 1 && task_letter(waiter.pid) == 'S',
		       5000), "waiter does not wait");
	toggle_one("blocked on a PI futex", waiter.pid);
	set(G, 1);
	owner.c->go = 1;
	CHECK(WAIT_FOR(owner.c->stage == 3, 10000), "no unlock");
	/* The owner goes on computing: leave it no CPU. */
	CHECK(task_end(&owner), "owner cannot be killed");
	CHECK(WAIT_FOR(waiter.c->stage == 3, 10000), "waiter does not get it");
	CHECK(!waiter.c->err, "futex: %s", strerror(-waiter.c->err));
	end_well("blocked on a PI futex", &waiter);
}

/* FIFO, RR and DEADLINE are not for the class; demoted, they belong to it. */
static void real_time(void)
{
	static const int policies[] = { SCHED_FIFO, SCHED_RR, SCHED_DEADLINE };
	struct task t = start(fn_sleeper, -1, 1000);
	size_t i;
	int on;

	/*
	 * Deadline tasks want the whole root domain; and much of the time, as
	 * a virtual CPU that its host stops for a second has that to pay back,
	 * but less than half: the bandwidth of the last round is still taken.
	 */
	for (on = 0; on < 2; on++) {
		for (i = 0; i < ARRAY_SIZE(policies); i++) {
			int ret, pol = policies[i];

			set(G, on);
			ret = pol == SCHED_DEADLINE ?
				set_deadline(t.pid, 30000000, 100000000) :
				set_policy(t.pid, pol, 3);
			REQUIRE(!ret, "policy %d: %s", pol, strerror(-ret));
			expect_state(t.pid, 0, "a real-time policy");
			expect_tasks(G, 0, "a real-time policy");
			set(G, !on);
			expect_state(t.pid, 0, "real-time, switched");
			expect_tasks(G, 0, "real-time, switched");
			set(G, 1);
			CHECK(task_moves(&t, 3, 5000), "policy %d stands", pol);
			CHECK(sched_getscheduler(t.pid) == pol,
			      "policy is %d, not %d",
			      sched_getscheduler(t.pid), pol);
			REQUIRE(!set_policy(t.pid, SCHED_OTHER, 0), "demote");
			expect_state(t.pid, 1, "demoted in an offline group");
			expect_tasks(G, 1, "demoted in an offline group");
			set(G, 0);
			expect_state(t.pid, 0, "online again");
		}
	}
	end_well("after real-time", &t);
}

/* Running as FIFO while its group changes, on its own CPU. */
static void real_time_running(void)
{
	struct task_opt o = { .cg = G, .cpu = 1, .policy = SCHED_RR, .prio = 2 };
	struct task t;
	int i;

	make(G);
	pin_self(0);
	t = task_start(&o, fn_hog);
	CHECK(task_moves(&t, 1, 5000), "does not start");
	for (i = 0; i < 20; i++) {
		set(G, !(i & 1));
		expect_state(t.pid, 0, "running as RR");
		REQUIRE(!set_policy(t.pid, SCHED_BATCH, 0), "demote");
		expect_state(t.pid, !(i & 1), "demoted while running");
		REQUIRE(!set_policy(t.pid, SCHED_FIFO, 2), "promote");
		expect_state(t.pid, 0, "promoted while running");
	}
	REQUIRE(!set_policy(t.pid, SCHED_OTHER, 0), "demote");
	end_well("after running as RR", &t);
}

static void batch_and_idle(void)
{
	static const int policies[] = { SCHED_BATCH, SCHED_IDLE, SCHED_OTHER };
	struct task t = start(fn_hog, 0, 0);
	size_t i;

	pin_self(0);
	for (i = 0; i < ARRAY_SIZE(policies); i++) {
		REQUIRE(!set_policy(t.pid, policies[i], 0), "policy %d",
			policies[i]);
		toggle_one("BATCH, IDLE, OTHER", t.pid);
		set(G, 1);
		CHECK(task_moves(&t, 1, 5000), "policy %d stands", policies[i]);
		set(G, 0);
	}
	/* Changed while it is in the class. */
	set(G, 1);
	for (i = 0; i < 12; i++) {
		REQUIRE(!set_policy(t.pid, policies[i % 3], 0), "policy");
		expect_state(t.pid, 1, "policy changed in the class");
		expect_tasks(G, 1, "policy changed in the class");
	}
	end_well("BATCH, IDLE, OTHER", &t);
}

/* nice and affinity set while offline are those it has back online. */
static void attributes_survive(void)
{
	struct task t = start(fn_hog, 0, 0);
	struct attrs want;
	int n;

	for (n = -20; n < 20; n += 7) {
		set(G, 1);
		REQUIRE(!setpriority(PRIO_PROCESS, t.pid, n), "nice %d", n);
		REQUIRE(!set_affinity(t.pid, (n + 20) % n_cpus()), "affinity");
		want = attrs_of(t.pid);
		CHECK(want.nice == n, "nice is %d", want.nice);
		set(G, 0);
		expect_attrs(t.pid, &want, "back online");
		set(G, 1);
		expect_attrs(t.pid, &want, "offline again");
	}
	REQUIRE(!setpriority(PRIO_PROCESS, t.pid, 0), "nice 0");
	end_well("attributes", &t);
}

/* ------------------------------------------------- life: fork, exec, exit */

/* A child reports the class it finds itself in first thing. */
static void fn_forker(struct task_ctl *c, long arg)
{
	(void)arg;
	while (!c->stop) {
		int status;
		pid_t pid = fork();

		if (!pid)
			_exit(10 + task_colo(gettid_()));
		if (pid < 0 || waitpid(pid, &status, 0) != pid) {
			c->err = -errno;
			return;
		}
		c->stage = WEXITSTATUS(status) - 10;
		c->progress++;
	}
}

static void fork_in_class(void)
{
	struct task t = start(fn_forker, -1, 0);
	int on, i;

	for (i = 0; i < 10; i++) {
		on = !(i & 1);
		set(G, on);
		/* The second child from now was forked after the write. */
		CHECK(task_moves(&t, 3, 10000), "no children");
		CHECK(t.c->stage == (on ? COLO_OFFLINE : COLO_ONLINE),
		      "a child born with cpu.offline=%d was %s", on,
		      colo_state_name(t.c->stage));
	}
	CHECK(!t.c->err, "fork: %s", strerror(-t.c->err));
	set(G, 1);
	CHECK(task_end(&t), "cannot be killed");
	CHECK(WAIT_FOR(cg_stat(G, "tasks") == 0, 5000), "tasks is not 0");
}

/* FIFO with reset-on-fork: its children are ordinary, so they are offline. */
static void reset_on_fork(void)
{
	struct task t;

	t = start(fn_forker, -1, 0);
	REQUIRE(!set_policy(t.pid, SCHED_FIFO | SCHED_RESET_ON_FORK, 2),
		"reset-on-fork");
	set(G, 1);
	CHECK(task_moves(&t, 3, 10000), "no children");
	CHECK(t.c->stage == COLO_OFFLINE, "the child was %s",
	      colo_state_name(t.c->stage));
	expect_state(t.pid, 0, "the FIFO parent");
	REQUIRE(!set_policy(t.pid, SCHED_OTHER | SCHED_RESET_ON_FORK, 0),
		"demote");
	expect_state(t.pid, 1, "the parent, demoted");
	set(G, 0);
	CHECK(task_moves(&t, 3, 10000) && t.c->stage == COLO_ONLINE,
	      "back online the child was %s", colo_state_name(t.c->stage));
	CHECK(task_end(&t), "cannot be killed");
}

/* Forks as fast as it can while the knob moves; nobody ends in a wrong class. */
static void fn_storm(struct task_ctl *c, long arg)
{
	(void)arg;
	while (!c->stop) {
		pid_t pid = fork();

		if (!pid) {
			if (c->progress & 1)
				_exit(0);
			usleep(2000);
			_exit(0);
		}
		if (pid > 0)
			c->progress++;
		while (waitpid(-1, NULL, pid > 0 ? WNOHANG : 0) > 0)
			;
	}
	/* Leaves some behind to be looked at. */
	for (int i = 0; i < 5; i++)
		if (!fork())
			for (;;)
				pause();
	c->stage = 9;
	for (;;)
		pause();
}

static int check_group(const char *cg, int offline)
{
	char line[32];
	int n = 0;
	FILE *f;

	f = fopen(cg_path(cg, "cgroup.threads"), "re");
	REQUIRE(f, "cgroup.threads: %s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		enum colo_state s = task_colo(atoi(line));

		if (s == COLO_GONE)
			continue;
		CHECK(offline ? in_class(s) : s == COLO_ONLINE,
		      "task %d of %s is %s", atoi(line), cg,
		      colo_state_name(s));
		n++;
	}
	fclose(f);
	return n;
}

static void fork_storm(void)
{
	uint64_t seed = 4711;
	struct task t[3];
	int i, n;

	for (i = 0; i < 3; i++)
		t[i] = start(fn_storm, -1, 0);
	for (i = 0; i < 300; i++) {
		set(G, !(i & 1));
		sleep_ms(rnd(&seed) % 4);
	}
	for (i = 0; i < 3; i++)
		t[i].c->stop = 1;
	for (i = 0; i < 3; i++) {
		CHECK(WAIT_FOR(t[i].c->stage == 9, 10000), "storm %d goes on", i);
		CHECK(t[i].c->progress > 20, "only %llu forks",
		      (unsigned long long)t[i].c->progress);
	}
	for (i = 0; i < 4; i++) {
		set(G, !(i & 1));
		n = check_group(G, !(i & 1));
		CHECK(n >= 18, "only %d tasks", n);
		/* Short-lived ones may still end meanwhile. */
		CHECK(WAIT_FOR(cg_stat(G, "tasks") ==
			       (i & 1 ? 0 : check_group(G, 1)), 5000),
		      "tasks %lld, %d there", (long long)cg_stat(G, "tasks"),
		      check_group(G, !(i & 1)));
	}
	set(G, 1);
	REQUIRE(!cg_write(G, "cgroup.kill", "1"), "cgroup.kill");
	for (i = 0; i < 3; i++)
		CHECK(task_wait(&t[i], 10000, NULL), "cannot be killed");
	CHECK(WAIT_FOR(cg_stat(G, "tasks") == 0, 10000), "tasks is %lld",
	      (long long)cg_stat(G, "tasks"));
}

static char self_exe[PATH_MAX];

static void fn_exec(struct task_ctl *c, long arg)
{
	char tell[32];
	int fd = arg;

	(void)c;
	fcntl(fd, F_SETFD, 0);
	snprintf(tell, sizeof(tell), "%d", fd);
	execl(self_exe, "test_class", "--after-exec", tell, NULL);
	_exit(98);
}

/* The other side of fn_exec(): says what it is, then waits. */
static int after_exec(int fd)
{
	int s = task_colo(gettid_());

	if (write(fd, &s, sizeof(s)) != sizeof(s))
		return 97;
	for (;;)
		pause();
}

static void exec_keeps(void)
{
	struct task_opt o = { .cg = G, .cpu = -1 };
	struct task t;
	int on, fds[2], s;

	make(G);
	for (on = 1; on >= 0; on--) {
		set(G, on);
		REQUIRE(!pipe2(fds, O_CLOEXEC), "pipe");
		o.arg = fds[1];
		t = task_start(&o, fn_exec);
		close(fds[1]);
		REQUIRE(read(fds[0], &s, sizeof(s)) == sizeof(s),
			"exec failed");
		close(fds[0]);
		CHECK(s == (on ? COLO_OFFLINE : COLO_ONLINE),
		      "after exec it was %s", colo_state_name(s));
		expect_tasks(G, on, "after exec");
		toggle_one("after exec", t.pid);
		CHECK(task_end(&t), "cannot be killed");
	}
}

static void *thread_body(void *arg)
{
	struct task_ctl *c = arg;

	c->tid = gettid_();
	while (!c->stop) {
		c->extra++;
		usleep(500);
	}
	return NULL;
}

/* arg 1: the first thread ends and leaves the other alone. */
static void fn_threads(struct task_ctl *c, long arg)
{
	pthread_t th;

	if (pthread_create(&th, NULL, thread_body, c)) {
		c->err = -EAGAIN;
		return;
	}
	if (arg == 1) {
		while (!c->go)
			usleep(1000);
		pthread_exit(NULL);
	}
	fn_sleeper(c, 500);
}

/* The leader is a zombie while its thread lives on. */
static void leader_gone(void)
{
	struct task t = start(fn_threads, -1, 1);
	pid_t tid;
	int i;

	CHECK(WAIT_FOR(t.c->tid, 5000), "no thread");
	tid = t.c->tid;
	set(G, 1);
	expect_tasks(G, 2, "two threads");
	t.c->go = 1;
	CHECK(WAIT_FOR(task_letter(t.pid) == 'Z', 5000), "the leader stays");
	CHECK(WAIT_FOR(cg_stat(G, "tasks") == 1, 5000),
	      "tasks is %lld with a zombie leader",
	      (long long)cg_stat(G, "tasks"));
	for (i = 0; i < 10; i++) {
		uint64_t n;

		set(G, i & 1);
		expect_state(tid, i & 1, "thread without leader");
		expect_tasks(G, i & 1, "thread without leader");
		n = t.c->extra;
		CHECK(WAIT_FOR(t.c->extra > n, 5000), "the thread stands");
	}
	set(G, 1);
	CHECK(task_end(&t), "cannot be killed");
	CHECK(WAIT_FOR(cg_stat(G, "tasks") == 0, 5000), "tasks is not 0");
}

static void fn_exit(struct task_ctl *c, long arg)
{
	(void)c;
	(void)arg;
}

static void zombie(void)
{
	struct task t = start(fn_exit, -1, 0);
	int i;

	CHECK(WAIT_FOR(task_letter(t.pid) == 'Z', 5000), "no zombie");
	for (i = 0; i < 10; i++) {
		set(G, !(i & 1));
		expect_tasks(G, 0, "a zombie");
	}
	set(G, 1);
	CHECK(task_wait(&t, 5000, NULL), "cannot be reaped");
	expect_tasks(G, 0, "no zombie");
}

/* Whole processes with threads end while their group is switched. */
static void exit_storm(void)
{
	struct task t[6];
	int round, i;

	for (round = 0; round < 20; round++) {
		for (i = 0; i < 6; i++)
			t[i] = start(fn_threads, -1, 0);
		for (i = 0; i < 6; i++) {
			set(G, !(i & 1));
			kill(t[i].pid, i & 1 ? SIGTERM : SIGKILL);
		}
		set(G, round & 1);
		for (i = 0; i < 6; i++)
			REQUIRE(task_wait(&t[i], 10000, NULL),
				"round %d: %d does not end", round, i);
	}
	set(G, 1);
	CHECK(WAIT_FOR(cg_stat(G, "tasks") == 0, 5000), "tasks is %lld",
	      (long long)cg_stat(G, "tasks"));
}

/* ------------------------------------------------------ moves of groups */

static void attach_procs(void)
{
	struct task t = start(fn_threads, -1, 0);
	struct attrs before;
	int i;

	make("off/deep");
	make("on");
	set("off", 1);
	CHECK(WAIT_FOR(t.c->tid, 5000), "no thread");
	before = attrs_of(t.pid);
	for (i = 0; i < 30; i++) {
		const char *to = i & 1 ? "on" : "off/deep";
		int ret = cg_attach(to, t.pid);

		REQUIRE(!ret, "attach to %s: %s", to, strerror(-ret));
		expect_state(t.pid, !(i & 1), "attach, first thread");
		expect_state(t.c->tid, !(i & 1), "attach, second thread");
		expect_attrs(t.pid, &before, "attach");
		expect_tasks("off", i & 1 ? 0 : 2, "attach");
		expect_tasks("off/deep", i & 1 ? 0 : 2, "attach");
		expect_tasks("on", 0, "attach");
	}
	CHECK(task_moves(&t, 3, 5000), "stands");
	REQUIRE(!cg_attach("off/deep", t.pid), "attach");
	CHECK(task_end(&t), "cannot be killed");
	CHECK(WAIT_FOR(cg_stat("off", "tasks") == 0, 5000), "tasks is not 0");
}

/* A hog, moved while it runs on another CPU and while it waits for this one. */
static void attach_running(void)
{
	struct task t = start(fn_hog, n_cpus() - 1, 0);
	uint64_t n;
	int i;

	make("off");
	set("off", 1);
	pin_self(0);
	for (i = 0; i < 200; i++) {
		REQUIRE(!cg_attach(i & 1 ? G : "off", t.pid), "attach");
		expect_state(t.pid, !(i & 1), "attach of a hog");
		if (colo_failures())
			break;
	}
	n = t.c->progress;
	CHECK(WAIT_FOR(t.c->progress > n, 5000), "stands");
	CHECK(task_end(&t), "cannot be killed");
	CHECK(WAIT_FOR(cg_stat("off", "tasks") == 0, 5000), "tasks is not 0");
}

static void attach_threads(void)
{
	struct task_opt o = { .cg = "dom", .cpu = -1, .arg = 0 };
	struct task t;
	int i;

	make("dom");
	t = task_start(&o, fn_threads);
	CHECK(WAIT_FOR(t.c->tid, 5000), "no thread");
	REQUIRE(!cg_make_threaded("dom/on"), "threaded group");
	REQUIRE(!cg_make_threaded("dom/off"), "threaded group");
	REQUIRE(!cg_write("dom", "cgroup.subtree_control", "+cpu"),
		"cpu for threaded groups");
	set("dom/off", 1);
	for (i = 0; i < 20; i++) {
		int ret = cg_attach_thread(i & 1 ? "dom/on" : "dom/off",
					   t.c->tid);
		uint64_t n;

		REQUIRE(!ret, "cgroup.threads: %s", strerror(-ret));
		expect_state(t.c->tid, !(i & 1), "the moved thread");
		expect_state(t.pid, 0, "the other thread");
		expect_tasks("dom/off", !(i & 1), "one thread");
		n = t.c->extra;
		CHECK(WAIT_FOR(t.c->extra > n, 5000), "the thread stands");
	}
	/* The whole domain turns offline; the thread is in both ways. */
	set("dom", 1);
	expect_state(t.pid, 1, "the domain");
	expect_state(t.c->tid, 1, "the domain");
	expect_tasks("dom", 2, "the domain");
	CHECK(task_end(&t), "cannot be killed");
	CHECK(WAIT_FOR(cg_stat("dom", "tasks") == 0, 5000), "tasks is not 0");
}

/* Born into another group: the first instruction is in that group's class. */
static void clone_into(void)
{
	int i, status;
	pid_t pid;

	make("off");
	make("on");
	set("off", 1);
	for (i = 0; i < 20; i++) {
		const char *to = i & 1 ? "on" : "off";
		enum colo_state want = i & 1 ? COLO_ONLINE : COLO_OFFLINE;

		/* The parent must not be FIFO: that would be inherited. */
		REQUIRE(!set_policy(0, SCHED_OTHER, 0), "policy");
		pid = fork_into(to, 0);
		if (!pid)
			_exit(10 + task_colo(gettid_()));
		REQUIRE(!set_policy(0, SCHED_FIFO, 40), "policy");
		REQUIRE(pid > 0, "clone3: %s", strerror(-pid));
		REQUIRE(WAIT_FOR(waitpid(pid, &status, WNOHANG) == pid, 5000),
			"the child does not end");
		CHECK(WEXITSTATUS(status) - 10 == (int)want,
		      "born into %s it was %s", to,
		      colo_state_name(WEXITSTATUS(status) - 10));
	}
	/* From an offline parent to online. */
	REQUIRE(!cg_attach("off", getpid()), "attach");
	REQUIRE(!set_policy(0, SCHED_OTHER, 0), "policy");
	expect_state(getpid(), 1, "the parent");
	pid = fork_into("on", 0);
	if (!pid)
		_exit(10 + task_colo(gettid_()));
	REQUIRE(pid > 0, "clone3: %s", strerror(-pid));
	REQUIRE(WAIT_FOR(waitpid(pid, &status, WNOHANG) == pid, 5000),
		"the child does not end");
	CHECK(WEXITSTATUS(status) - 10 == COLO_ONLINE, "born online it was %s",
	      colo_state_name(WEXITSTATUS(status) - 10));
	REQUIRE(!cg_attach("on", getpid()), "attach back");
	CHECK(WAIT_FOR(cg_stat("off", "tasks") == 0, 5000), "tasks is not 0");
}

/* Driven from CPU to CPU all the while. */
static void migrating(void)
{
	struct task t[3];
	pid_t pid[3];
	int i, j;

	t[0] = start(fn_hog, -1, 0);
	t[1] = start(fn_sleeper, -1, 100);
	t[2] = start(fn_hog, 0, 0);
	for (i = 0; i < 3; i++)
		pid[i] = t[i].pid;
	for (i = 0; i < 300 && !colo_failures(); i++) {
		int on = i & 1;

		set(G, on);
		for (j = 0; j < 3; j++) {
			REQUIRE(!set_affinity(pid[j], i + j), "affinity");
			CHECK(WAIT_FOR(task_letter(pid[j]) != 'R' ||
				       task_on_cpu(pid[j]) == nth_cpu(i + j),
				       5000),
			      "task %d stays on CPU %d", j,
			      task_on_cpu(pid[j]));
			expect_state(pid[j], on, "migrating");
		}
	}
	for (i = 1; i < 3; i++)
		CHECK(task_moves(&t[i], 3, 5000) && task_end(&t[i]), "task %d", i);
	end_well("migrating", &t[0]);
}

/* The next kernel thread in /proc that has none of the flags @without, or 0. */
static pid_t next_kernel_thread(DIR *proc, unsigned long without)
{
	char path[64], buf[1024], *p;
	unsigned long flags;
	struct dirent *de;
	pid_t pid;
	int i;

	while ((de = readdir(proc))) {
		pid = atoi(de->d_name);
		if (pid < 3)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		if (read_file(path, buf, sizeof(buf)) <= 0)
			continue;
		p = strrchr(buf, ')');
		for (i = 0; p && i < 7; i++)
			p = strchr(p + 1, ' ');
		if (!p)
			continue;
		flags = strtoul(p + 1, NULL, 10);
		if ((flags & 0x00200000 /* PF_KTHREAD */) && !(flags & without))
			return pid;
	}
	return 0;
}

/* Nothing makes a kernel thread offline, not even sitting in such a group. */
static void kernel_thread(void)
{
	DIR *proc = opendir("/proc");
	pid_t pid;

	REQUIRE(proc, "/proc");
	make(G);
	set(G, 1);
	do {
		pid = next_kernel_thread(proc, 0x04000000 /* PF_NO_SETAFFINITY */);
	} while (pid && cg_attach(G, pid));
	closedir(proc);
	REQUIRE(pid, "no kernel thread may be moved to a group");
	expect_state(pid, 0, "a kernel thread");
	expect_tasks(G, 0, "a kernel thread");
	set(G, 0);
	set(G, 1);
	expect_state(pid, 0, "a kernel thread, switched");
	CHECK(!cg_attach("/", pid), "back to the root group");
}

/* What @pid asks for in ns, 0 if it is gone. */
static int64_t slice_of(pid_t pid)
{
	char path[64], buf[16384], *p;

	snprintf(path, sizeof(path), "/proc/%d/sched", pid);
	if (read_file(path, buf, sizeof(buf)) <= 0)
		return 0;
	p = strstr(buf, "\nse.slice");
	p = p ? strchr(p, ':') : NULL;
	return p ? strtoll(p + 1, NULL, 10) : 0;
}

/* With the class in use kernel threads ask for more, so online preempts them. */
static void kernel_thread_slice(void)
{
	struct task user = task_start(&(struct task_opt){ .cpu = -1, .arg = 500 },
				      fn_sleeper);
	DIR *proc = opendir("/proc");
	int64_t base;
	int longer = 0;
	char buf[64];
	pid_t pid;

	REQUIRE(proc, "/proc");
	REQUIRE(read_file("/sys/kernel/debug/sched/base_slice_ns", buf, sizeof(buf)) > 0,
		"base_slice_ns");
	base = strtoll(buf, NULL, 10);
	make(G);
	set(G, 1);
	CHECK(task_moves(&user, 100, 5000), "the user's task does not run");
	CHECK(slice_of(user.pid) == base, "a user's task has a slice of %lld ns, not %lld",
	      (long long)slice_of(user.pid), (long long)base);
	/* those that slept all the time keep what they had */
	while ((pid = next_kernel_thread(proc, 0)))
		longer += slice_of(pid) == 4 * base;
	closedir(proc);
	CHECK(longer, "no kernel thread has a slice of 4 x %lld ns", (long long)base);
	CHECK(task_end(&user), "cannot be killed");
}

/* The other hierarchy, in short: the same switch by the same code. */
static void on_v1(void)
{
	struct task t;
	int ret;

	ret = cg_enter_v1();
	REQUIRE(!ret, "cannot mount the cpu controller as v1: %s",
		strerror(-ret));
	pin_self(0);
	t = start(fn_hog, 0, 0);
	toggle_one("v1", t.pid);
	make("off/deep");
	set("off", 1);
	REQUIRE(!cg_attach("off/deep", t.pid), "attach");
	expect_state(t.pid, 1, "v1, attached");
	expect_tasks("off", 1, "v1, attached");
	REQUIRE(!cg_attach(G, t.pid), "attach");
	expect_state(t.pid, 0, "v1, attached back");
	end_well("v1", &t);
	ret = cg_leave_v1();
	REQUIRE(!ret, "back to v2: %s", strerror(-ret));
}

/* Many groups, each with a task, under one offline ancestor. */
static void whole_subtree(void)
{
	enum { N = 32 };
	struct task_opt o = { .cpu = -1, .arg = 2000 };
	struct task t[N];
	char name[64];
	int i, round;

	for (i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "top/m%d/g%d", i % 4, i);
		make(name);
		o.cg = name;
		t[i] = task_start(&o, fn_sleeper);
	}
	for (round = 0; round < 6; round++) {
		set("top", !(round & 1));
		for (i = 0; i < N; i++)
			expect_state(t[i].pid, !(round & 1), "subtree");
		expect_tasks("top", round & 1 ? 0 : N, "subtree");
		expect_tasks("top/m1", round & 1 ? 0 : N / 4, "subtree");
	}
	/* One branch keeps a flag of its own. */
	set("top/m1", 1);
	set("top", 1);
	set("top", 0);
	for (i = 0; i < N; i++)
		expect_state(t[i].pid, i % 4 == 1, "one branch");
	expect_tasks("top", N / 4, "one branch");
	for (i = 0; i < N; i++)
		CHECK(task_moves(&t[i], 3, 5000) && task_end(&t[i]), "task %d", i);
	CHECK(WAIT_FOR(cg_stat("top", "tasks") == 0, 5000), "tasks is not 0");
}

/* ------------------------------------------------------------ tracepoints */

/* Every tracepoint fires, with the fields that say who and why. */
static void tracepoints(void)
{
	struct task_opt o = { .cg = G, .cpu = 0, .arg = 256 << 10 };
	struct task off, on;
	char pid[32];

	mount("tracefs", TRACING, "tracefs", 0, NULL);
	REQUIRE(!cg_make(G), "mkdir");
	REQUIRE(!write_file(TRACING "trace", ""), "trace");
	REQUIRE(!write_file(TRACING "events/colo/enable", "1"), "events/colo");
	off = task_start(&o, fn_kernel);
	CHECK(WAIT_FOR(off.c->stage == 1, 5000), "does not run");
	snprintf(pid, sizeof(pid), "pid=%d ", off.pid);
	REQUIRE(!cg_set_offline(G, 1), "offline");
	CHECK(trace_lines("colo_switch:", pid), "no colo_switch with %s", pid);
	o.cg = NULL;
	on = task_start(&o, fn_hog);
	CHECK(task_moves(&on, 1, 5000), "online does not run");
	CHECK(WAIT_FOR(trace_lines("colo_preempt:", pid), 2000),
	      "no colo_preempt with %s", pid);
	if (n_cpus() > 1) {
		REQUIRE(!set_affinity(off.pid, -1), "affinity");
		CHECK(WAIT_FOR(trace_lines("colo_place:", pid), 5000),
		      "no colo_place with %s", pid);
		REQUIRE(!set_affinity(off.pid, 0), "affinity");
		sleep_ms(200);
	}
	CHECK(WAIT_FOR(trace_lines("colo_lift:", pid) && trace_lines("cause=net", pid), 5000),
	      "no colo_lift with %s and its cause", pid);
	CHECK(WAIT_FOR(trace_lines("colo_unlift:", pid), 5000),
	      "no colo_unlift with %s", pid);
	write_file(TRACING "events/colo/enable", "0");
	CHECK(task_end(&on), "cannot be killed");
	CHECK(task_end(&off), "cannot be killed");
}

static const struct colo_case cases[] = {
	{ "running_here", running_here, 60, 0, 0 },
	{ "running_elsewhere", running_elsewhere, 60, 2, 0 },
	{ "queued", queued, 60, 0, 0 },
	{ "queued_many", queued_many, 60, 0, 0 },
	{ "sleeping", sleeping, 60, 0, 0 },
	{ "sleeping_often", sleeping_often, 60, 0, 0 },
	{ "in_vfork", in_vfork, 60, 0, 0 },
	{ "stopped", stopped, 60, 0, 0 },
	{ "traced", traced, 60, 0, 0 },
	{ "frozen", frozen, 60, 0, 0 },
	{ "throttled", throttled, 90, 0, 0 },
	{ "pi_boosted_by_fifo", pi_boosted_by_fifo, 60, 0, 0 },
	{ "pi_boosted_by_fair", pi_boosted_by_fair, 60, 0, 0 },
	{ "pi_boosted_by_deadline", pi_boosted_by_deadline, 60, 0, 0 },
	{ "pi_blocked", pi_blocked, 60, 0, 0 },
	{ "real_time", real_time, 60, 0, 0 },
	{ "real_time_running", real_time_running, 60, 2, 0 },
	{ "batch_and_idle", batch_and_idle, 60, 0, 0 },
	{ "attributes_survive", attributes_survive, 60, 0, 0 },
	{ "fork_in_class", fork_in_class, 60, 0, 0 },
	{ "reset_on_fork", reset_on_fork, 60, 0, 0 },
	{ "fork_storm", fork_storm, 90, 0, 0 },
	{ "exec_keeps", exec_keeps, 60, 0, 0 },
	{ "leader_gone", leader_gone, 60, 0, 0 },
	{ "zombie", zombie, 60, 0, 0 },
	{ "exit_storm", exit_storm, 90, 0, 0 },
	{ "attach_procs", attach_procs, 60, 0, 0 },
	{ "attach_running", attach_running, 60, 0, 0 },
	{ "attach_threads", attach_threads, 60, 0, 0 },
	{ "clone_into", clone_into, 60, 0, 0 },
	{ "migrating", migrating, 90, 2, 0 },
	{ "kernel_thread", kernel_thread, 60, 0, 0 },
	{ "kernel_thread_slice", kernel_thread_slice, 60, 0, 0 },
	{ "whole_subtree", whole_subtree, 90, 0, 0 },
	{ "on_v1", on_v1, 120, 0, 0 },
	{ "tracepoints", tracepoints, 60, 0, 0 },
};

int main(int argc, char **argv)
{
	ssize_t n;

	if (argc == 3 && !strcmp(argv[1], "--after-exec"))
		return after_exec(atoi(argv[2]));
	n = readlink("/proc/self/exe", self_exe, sizeof(self_exe) - 1);
	if (n < 0)
		return 2;
	self_exe[n] = '\0';
	return colo_main(argc, argv, cases, ARRAY_SIZE(cases), NULL, 0);
}

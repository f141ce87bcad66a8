// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own torture tests of locks and RCU, run by offline threads: see
 * torture/threads.h. Each type has three phases of a third of "seconds":
 *
 *   starved   all threads offline, each CPU full of online work: what they hold,
 *	       they hold for long, and only the net lets them go on
 *   mixed     the same, but every other thread is online, and waits for those
 *   tossed    online work with gaps; threads change sides at random, and so does
 *	       the group
 *
 * The tests themselves judge that a lock excludes and that a grace period ends no
 * reader too early; the checks of the debug kernel do the rest.
 *
 * test_torture [seconds=24] [seed=N], with the modules in /lib/modules.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "colo_util.h"

#define DOM	"dom"
#define OFF	"dom/off"
#define ON	"dom/on"
#define HOGS	"hogs"

#define LOCKS	"locktorture"
#define RCU	"rcutorture"

enum { MAX_CPUS = 64, MAX_THREADS = 256 };

static long seconds = 24;
static long seed;
static uint64_t dice;

/* What is loaded; set before the loader is forked. */
static const char *module, *module_args;

static struct task loader;
static struct task hogs[MAX_CPUS];
static int n_hogs;
static int kmsg = -1;
static int succeeded;

/* ------------------------------------------------------------ the modules */

static int load(const char *name, const char *args)
{
	char path[128];
	int fd, ret;

	snprintf(path, sizeof(path), "/lib/modules/%s.ko", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, args, 0) ? -errno : 0;
	close(fd);
	return ret;
}

static int unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

/* The threads of the module are threads of this process, until it is unloaded. */
static void fn_loader(struct task_ctl *c, long arg)
{
	(void)arg;
	c->err = load(module, module_args);
	c->stage = 1;
	for (;;)
		pause();
}

/* ---------------------------------------------------------------- the log */

/* What the tests said since the last time; "???" is unfairness, no error. */
static void read_log(void)
{
	char rec[8192], *text;
	ssize_t n;

	for (;;) {
		n = read(kmsg, rec, sizeof(rec) - 1);
		if (n < 0 && errno == EPIPE) {
			CHECK(0, "the kernel log overflowed");
			continue;
		}
		if (n <= 0)
			break;
		rec[n] = '\0';
		text = strchr(rec, ';');
		if (!text)
			continue;
		text++;
		text[strcspn(text, "\n")] = '\0';
		if (strstr(text, "End of test: SUCCESS"))
			succeeded++;
		else
			CHECK(!strstr(text, "End of test:"), "log: %.200s", text);
		CHECK(!strstr(text, "!!!"), "log: %.200s", text);
		if (strstr(text, "Total: ") || strstr(text, "rtc: "))
			diag("%.200s", text);
	}
}

/* ------------------------------------------------------------ the threads */

static int threads_of(pid_t pid, pid_t *tids)
{
	struct dirent *de;
	char path[64];
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (n < MAX_THREADS && (de = readdir(dir))) {
		tids[n] = atoi(de->d_name);
		if (tids[n] > 0 && tids[n] != pid)
			n++;
	}
	closedir(dir);
	return n;
}

/* Is @tid in the class? locktorture makes some threads SCHED_FIFO for a while. */
static bool in_class(pid_t tid)
{
	enum colo_state s = task_colo(tid);

	return s == COLO_OFFLINE || s == COLO_LIFTED || s == COLO_GONE ||
	       sched_getscheduler(tid) != SCHED_OTHER;
}

static void check_class(const char *when)
{
	pid_t tids[MAX_THREADS];
	int i, n, real_time = 0;

	n = threads_of(loader.pid, tids);
	for (i = 0; i < n; i++) {
		CHECK(WAIT_FOR(in_class(tids[i]), 2000), "%s: thread %d is %s",
		      when, tids[i], colo_state_name(task_colo(tids[i])));
		real_time += sched_getscheduler(tids[i]) == SCHED_FIFO;
	}
	CHECK(n >= 4, "%s: only %d threads", when, n);
	CHECK(real_time < n, "%s: no thread of %d is offline", when, n);
	diag("%s: %d threads, %d of them real-time", when, n, real_time);
}

/* One that ends meanwhile cannot be moved. */
static void move(pid_t tid, const char *group)
{
	int ret = cg_attach_thread(group, tid);

	CHECK(!ret || ret == -ESRCH, "to %s: %s", group, strerror(-ret));
}

/* ------------------------------------------------------------- the phases */

static void start_hogs(task_fn fn, long arg)
{
	int n = n_cpus() < MAX_CPUS ? n_cpus() : MAX_CPUS;

	for (n_hogs = 0; n_hogs < n; n_hogs++) {
		struct task_opt o = { .cg = HOGS, .cpu = n_hogs, .arg = arg };

		hogs[n_hogs] = task_start(&o, fn);
	}
}

static void end_hogs(void)
{
	for (; n_hogs; n_hogs--)
		CHECK(task_end(&hogs[n_hogs - 1]), "hog %d cannot be killed",
		      n_hogs - 1);
}

/*
 * For a third of the time: @act, and then a pause of as many ms as it says. Returns
 * how often somebody offline was lifted because an online task waited.
 */
static int64_t phase(const char *name, unsigned int (*act)(void))
{
	static const char * const keys[] = {
		"run_usec", "lift_net", "lift_lock", "lift_drain",
	};
	uint64_t end = now_ns() + seconds * NSEC_PER_SEC / 3;
	int64_t old[ARRAY_SIZE(keys)];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		old[i] = cg_stat(OFF, keys[i]);
	while (now_ns() < end) {
		sleep_ms(act ? act() : 200);
		read_log();
	}
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		old[i] = cg_stat(OFF, keys[i]) - old[i];
	diag("%s: ran %lld ms; lifted by the net %lld times, for locks %lld, drained %lld",
	     name, (long long)old[0] / 1000, (long long)old[1],
	     (long long)old[2], (long long)old[3]);
	CHECK(old[0] > 0, "%s: nothing offline ran", name);
	return old[2] + old[3];
}

static void split(void)
{
	pid_t tids[MAX_THREADS];
	int i, n = threads_of(loader.pid, tids);

	for (i = 0; i < n; i += 2)
		move(tids[i], ON);
}

static unsigned int toss(void)
{
	pid_t tids[MAX_THREADS];
	int n = threads_of(loader.pid, tids);

	if (n)
		move(tids[rnd(&dice) % n], rnd(&dice) % 2 ? ON : OFF);
	if (rnd(&dice) % 8 == 0)
		CHECK(!cg_set_offline(OFF, rnd(&dice) % 2), "cpu.offline");
	return 1 + rnd(&dice) % 50;
}

/* Twice: a thread may have been born online while the first round went on. */
static void gather(void)
{
	pid_t tids[MAX_THREADS];
	int i, n, round;

	CHECK(!cg_set_offline(OFF, 1), "cpu.offline");
	for (round = 0; round < 2; round++) {
		n = threads_of(loader.pid, tids);
		for (i = 0; i < n; i++)
			move(tids[i], OFF);
	}
}

static void run(const char *name, const char *args)
{
	int64_t lifts;
	uint64_t from;
	int ret;

	if (!seed)
		seed = now_ns() % 1000000 + 1;
	dice = seed;
	diag("seed=%ld seconds=%ld", seed, seconds);
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	REQUIRE(kmsg >= 0, "/dev/kmsg: %s", strerror(errno));
	lseek(kmsg, 0, SEEK_END);
	REQUIRE(!cg_make(DOM) && !cg_make(HOGS), "mkdir");
	REQUIRE(!cg_make_threaded(OFF) && !cg_make_threaded(ON) &&
		!cg_write(DOM, "cgroup.subtree_control", "+cpu"), "threaded groups");
	REQUIRE(!cg_set_offline(OFF, 1), "cpu.offline");
	ret = load("torture", "");
	if (ret == -ENOENT)
		colo_skip("no torture.ko: built by EXTRA=torture scripts/module.sh");
	REQUIRE(!ret || ret == -EEXIST, "torture.ko: %s", strerror(-ret));

	module = name;
	module_args = args;
	loader = task_start(&(struct task_opt){ .cg = OFF, .cpu = -1 }, fn_loader);
	REQUIRE(WAIT_FOR(loader.c->stage, 20000), "%s.ko is not loaded", name);
	REQUIRE(!loader.c->err, "%s.ko: %s", name, strerror(-loader.c->err));

	/* From here on every way leads through unload(). */
	check_class("loaded");
	start_hogs(fn_hog, 0);
	phase("starved", NULL);
	check_class("starved");
	split();
	lifts = phase("mixed", NULL);
	CHECK(lifts > 0 || strcmp(name, LOCKS), "nobody was lifted for who waits");
	end_hogs();
	start_hogs(fn_duty, 80);
	phase("tossed", toss);
	gather();
	check_class("gathered");

	from = now_ns();
	ret = unload(name);
	diag("unloaded within %llu ms", (unsigned long long)((now_ns() - from) / NSEC_PER_MSEC));
	REQUIRE(!ret, "unloading %s: %s", name, strerror(-ret));
	read_log();
	CHECK(succeeded == 1, "the log says SUCCESS %d times", succeeded);

	CHECK(task_end(&loader), "the loader cannot be killed");
	CHECK(WAIT_FOR(cg_stat(OFF, "tasks") == 0, 20000), "tasks is %lld",
	      (long long)cg_stat(OFF, "tasks"));
	CHECK(cg_stat(OFF, "lifted") == 0, "lifted is %lld",
	      (long long)cg_stat(OFF, "lifted"));
	end_hogs();
	ret = unload("torture");
	CHECK(!ret, "unloading torture: %s", strerror(-ret));
}

/* Chains of up to four locks where the type has them. */
static void mutex_lock(void)
{
	run(LOCKS, "torture_type=mutex_lock nested_locks=4");
}

static void rwsem_lock(void)
{
	run(LOCKS, "torture_type=rwsem_lock long_hold=10");
}

static void rtmutex_lock(void)
{
	run(LOCKS, "torture_type=rtmutex_lock nested_locks=4");
}

static void ww_mutex_lock(void)
{
	run(LOCKS, "torture_type=ww_mutex_lock");
}

static void percpu_rwsem_lock(void)
{
	run(LOCKS, "torture_type=percpu_rwsem_lock long_hold=10");
}

/*
 * Threads are born and end all the time. The test of forward progress is left out:
 * it judges how soon grace periods end for one who calls without pause.
 */
#define RCU_ARGS " stutter=1 shuffle_interval=1 read_exit_delay=1 fwd_progress=0"

static void rcu(void)
{
	run(RCU, "torture_type=rcu" RCU_ARGS);
}

static void rcu_tasks(void)
{
	run(RCU, "torture_type=tasks" RCU_ARGS);
}

static struct colo_case cases[] = {
	{ "mutex_lock", mutex_lock, 0, 0, 0 },
	{ "rwsem_lock", rwsem_lock, 0, 0, 0 },
	{ "rtmutex_lock", rtmutex_lock, 0, 0, 0 },
	{ "ww_mutex_lock", ww_mutex_lock, 0, 0, 0 },
	{ "percpu_rwsem_lock", percpu_rwsem_lock, 0, 0, 0 },
	{ "rcu", rcu, 0, 0, 0 },
	{ "rcu_tasks", rcu_tasks, 0, 0, 0 },
};

static const struct colo_param params[] = {
	{ "seconds", &seconds },
	{ "seed", &seed },
};

int main(int argc, char **argv)
{
	size_t c;
	int i;

	for (i = 1; i < argc; i++)
		if (!strncmp(argv[i], "seconds=", 8))
			seconds = atoi(argv[i] + 8);
	for (c = 0; c < ARRAY_SIZE(cases); c++)
		cases[c].timeout_s = seconds + 120;
	return colo_main(argc, argv, cases, ARRAY_SIZE(cases), params,
			 ARRAY_SIZE(params));
}

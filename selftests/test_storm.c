// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once, at random, for some time: moves between groups, knobs at
 * every level, fork, exec and exit, policies, nice values, affinities, cpusets,
 * quotas, weights, freezing, groups made and removed, CPUs taken down. The
 * kernel's own checks are the judge while it rages (the log is read by whoever
 * runs this); afterwards, in the calm:
 *
 * - every task is in the class that its group and policy say;
 * - the counters of every group are what counting its tasks gives;
 * - every task can be killed, every group removed, and nothing is left over.
 *
 * test_storm [seconds=60] [seed=N]; the same seed makes the same decisions, though
 * not the same interleaving.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "colo_util.h"

static long seconds = 60;
static long seed;

#define N_STORMERS	3

/* Fixed part of the tree; leaves hold tasks, inner groups do not (version 2). */
static const char * const inner[] = { "s", "s/a", "s/b", "s/a/x", "s/b/y" };
static const char * const leaves[] = {
	"s/a/x/0", "s/a/x/1", "s/a/l", "s/b/y/0", "s/b/y/1", "s/b/l", "s/l",
};

static char self_exe[PATH_MAX];

static void fn_execs(struct task_ctl *c, long arg)
{
	(void)arg;
	while (!c->stop) {
		pid_t pid = fork();

		if (!pid) {
			execl(self_exe, "test_storm", "--exec-child", NULL);
			_exit(1);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
		else
			usleep(1000);
		c->progress++;
	}
}

static const struct {
	task_fn	fn;
	long	arg;
} bodies[] = {
	{ fn_hog, 0 }, { fn_hog, 0 }, { fn_sleeper, 100 }, { fn_sleeper, 1500 },
	{ fn_duty, 30 }, { fn_forks, 0 }, { fn_pipes, 0 }, { fn_maps, 16 },
	{ fn_files, 0 }, { fn_locks, 0 }, { fn_signals, 0 }, { fn_execs, 0 },
	{ fn_kernel, 4096 }, { fn_pause, 0 },
};

enum { N_TASKS = ARRAY_SIZE(bodies) };

static struct task tasks[N_TASKS];

static const char *any_group(uint64_t *r)
{
	unsigned int n = rnd(r) % (ARRAY_SIZE(inner) + ARRAY_SIZE(leaves));

	return n < ARRAY_SIZE(inner) ? inner[n] : leaves[n - ARRAY_SIZE(inner)];
}

static const char *any_leaf(uint64_t *r)
{
	return leaves[rnd(r) % ARRAY_SIZE(leaves)];
}

/* A task of ours, or one of those it made. */
static pid_t any_pid(uint64_t *r)
{
	char line[32];
	pid_t pid = tasks[rnd(r) % N_TASKS].pid;
	int skip = rnd(r) % 8;
	FILE *f;

	if (rnd(r) & 1)
		return pid;
	f = fopen(cg_path(any_leaf(r), "cgroup.threads"), "re");
	if (!f)
		return pid;
	while (fgets(line, sizeof(line), f)) {
		if (atoi(line) > 1)
			pid = atoi(line);
		if (!skip--)
			break;
	}
	fclose(f);
	return pid;
}

/*
 * CPUs go down while nobody else holds this:
 *
 * - What may leave a task inside the kernel without a turn for minutes: a harsh
 *   quota, weights far from each other on several levels. A CPU going down waits
 *   for such a task through RCU, and whoever would lift the quota waits for the
 *   CPU, on any kernel. So an extreme lasts for milliseconds, and with the lock.
 * - clone3() into a cgroup: cpuset_fork() does not hold the kernel's own lock
 *   and warns if the last CPU of the cpuset goes down, on any 6.12 kernel.
 */
static int hotplug_lock(int how)
{
	int fd = open(self_exe, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0 && !flock(fd, how), "%s: %s", self_exe, strerror(errno));
	return fd;
}

/* Says so to the file too: a child cloned meanwhile has it open as well. */
static void hotplug_unlock(int fd)
{
	flock(fd, LOCK_UN);
	close(fd);
}

static void any_policy(uint64_t *r, pid_t pid)
{
	switch (rnd(r) % 8) {
	case 0:
		set_policy(pid, SCHED_FIFO, 1 + rnd(r) % 3);
		/* A real-time hog must not be the one that ends the storm. */
		sleep_ms(rnd(r) % 3);
		set_policy(pid, SCHED_OTHER, 0);
		break;
	case 1:
		set_policy(pid, SCHED_RR, 1);
		sleep_ms(rnd(r) % 3);
		set_policy(pid, SCHED_BATCH, 0);
		break;
	case 2:
		if (!set_deadline(pid, 1000000, 20000000)) {
			sleep_ms(rnd(r) % 3);
			set_policy(pid, SCHED_OTHER, 0);
		}
		break;
	case 3: {
		int lock = hotplug_lock(LOCK_SH);

		set_policy(pid, SCHED_IDLE | SCHED_RESET_ON_FORK, 0);
		sleep_ms(rnd(r) % 20);
		set_policy(pid, SCHED_OTHER, 0);
		hotplug_unlock(lock);
		break;
	}
	case 4:
		set_policy(pid, SCHED_BATCH, 0);
		break;
	case 5:
		set_policy(pid, SCHED_OTHER | SCHED_RESET_ON_FORK, 0);
		break;
	default:
		set_policy(pid, SCHED_OTHER, 0);
	}
}

static void any_cpuset(uint64_t *r)
{
	const char *cg = any_leaf(r);
	int a = rnd(r) % n_cpus(), b = a + rnd(r) % (n_cpus() - a);

	if (rnd(r) & 1)
		cg_write(cg, "cpuset.cpus", "%d-%d", nth_cpu(a), nth_cpu(b));
	else
		cg_write(cg, "cpuset.cpus", "\n");
}

static void any_nice(uint64_t *r, pid_t pid)
{
	if (rnd(r) % 4) {
		setpriority(PRIO_PROCESS, pid, (int)(rnd(r) % 5) - 2);
	} else {
		int lock = hotplug_lock(LOCK_SH);

		/* Not to 19: children inherit it. */
		setpriority(PRIO_PROCESS, pid, (int)(rnd(r) % 31) - 20);
		sleep_ms(rnd(r) % 20);
		setpriority(PRIO_PROCESS, pid, 0);
		hotplug_unlock(lock);
	}
}

static void any_quota(uint64_t *r)
{
	const char *cg = any_group(r);

	/*
	 * Long periods: when a slow guest is late for a few of them in a row the
	 * kernel says so under the scheduler's locks, and lockdep complains
	 * about that printk(), on any kernel.
	 */
	unsigned int period = 300000 + rnd(r) % 300000;

	if (rnd(r) & 1) {
		cg_write(cg, "cpu.max", "max 100000");
	} else if (rnd(r) & 1) {
		cg_write(cg, "cpu.max", "%u %u",
			 period / 2 + rnd(r) % period, period);
	} else {
		int lock = hotplug_lock(LOCK_SH);

		cg_write(cg, "cpu.max", "5000 %u", period);
		sleep_ms(rnd(r) % 40);
		cg_write(cg, "cpu.max", "max 100000");
		hotplug_unlock(lock);
	}
}

static void any_weight(uint64_t *r)
{
	const char *cg = any_group(r);

	if (rnd(r) & 1) {
		cg_write(cg, "cpu.weight", "%u", 80 + rnd(r) % 45);
	} else {
		int lock = hotplug_lock(LOCK_SH);

		cg_write(cg, "cpu.weight", "%u", 1 + rnd(r) % 10000);
		sleep_ms(rnd(r) % 20);
		cg_write(cg, "cpu.weight", "100");
		hotplug_unlock(lock);
	}
}

static void any_idle(uint64_t *r)
{
	int lock = hotplug_lock(LOCK_SH);
	const char *cg = any_group(r);

	cg_write(cg, "cpu.idle", "1");
	sleep_ms(rnd(r) % 20);
	cg_write(cg, "cpu.idle", "0");
	hotplug_unlock(lock);
}

/* Groups that come and go, one of them with a task moved in and out. */
static void any_rmdir(uint64_t *r, unsigned int id)
{
	char cg[64];
	pid_t pid;

	snprintf(cg, sizeof(cg), "s/t%u-%u", id, rnd(r) % 4);
	if (mkdir(cg_path(cg, ""), 0755) && errno != EEXIST)
		return;
	if (rnd(r) & 1)
		cg_set_offline(cg, 1);
	if (rnd(r) & 1) {
		pid = tasks[rnd(r) % N_TASKS].pid;
		cg_attach(cg, pid);
		cg_set_offline(cg, rnd(r) & 1);
		if (rnd(r) & 1)
			sleep_ms(1);
		cg_attach(any_leaf(r), pid);
	}
	rmdir(cg_path(cg, ""));
}

static void any_clone_into(uint64_t *r)
{
	int lock = hotplug_lock(LOCK_SH);
	pid_t pid = fork_into(any_leaf(r), 0);

	if (!pid) {
		set_policy(0, SCHED_OTHER, 0);
		for (volatile int i = 0; i < 20000; i++)
			;
		_exit(0);
	}
	hotplug_unlock(lock);
}

static void any_hotplug(uint64_t *r)
{
	char path[64];
	int cpu, lock;

	if (n_cpus() < 2)
		return;
	lock = hotplug_lock(LOCK_EX);
	cpu = nth_cpu(1 + rnd(r) % (n_cpus() - 1));
	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online",
		 cpu);
	write_file(path, "0");
	sleep_ms(rnd(r) % 30);
	write_file(path, "1");
	hotplug_unlock(lock);
}

/* One source of trouble; the tasks are all started before. */
static void fn_storm(struct task_ctl *c, long id)
{
	uint64_t r = seed * 1000003 + id * 7919 + 1;

	/* Warm up: neighbouring seeds begin alike. */
	for (int i = 0; i < 16; i++)
		rnd(&r);
	/* Above the tasks, below the test that will want to stop it. */
	set_policy(0, SCHED_FIFO, 30);
	while (!c->stop) {
		unsigned int op = rnd(&r) % 20;

		/* One of them stays clear of what waits for others' forks. */
		if (id == N_STORMERS - 1 &&
		    ((op >= 4 && op <= 6) || op == 12 || op >= 16))
			op = rnd(&r) % 4;
		switch (op) {
		case 0:
		case 1:
		case 2:
		case 3:
			cg_set_offline(any_group(&r), rnd(&r) & 1);
			break;
		case 4:
		case 5:
		case 6:
			cg_attach(any_leaf(&r), any_pid(&r));
			break;
		case 7:
		case 8:
			any_policy(&r, any_pid(&r));
			break;
		case 9:
			any_nice(&r, any_pid(&r));
			break;
		case 10:
		case 11:
			set_affinity(any_pid(&r), rnd(&r) % 3 ?
				     (int)(rnd(&r) % n_cpus()) : -1);
			break;
		case 12:
			any_cpuset(&r);
			break;
		case 13:
			any_quota(&r);
			break;
		case 14:
			any_weight(&r);
			break;
		case 15:
			any_idle(&r);
			break;
		case 16:
			any_rmdir(&r, id);
			break;
		case 17: {
			const char *cg = any_group(&r);

			cg_write(cg, "cgroup.freeze", "1");
			sleep_ms(rnd(&r) % 5);
			cg_write(cg, "cgroup.freeze", "0");
			break;
		}
		case 18:
			any_clone_into(&r);
			break;
		case 19:
			/* Rarer than the rest: it stops the machine. */
			if (id == 0 && !(rnd(&r) % 4))
				any_hotplug(&r);
			break;
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		c->progress++;
		/* Leaves the tasks some of the time to get anywhere. */
		if (!(rnd(&r) % 4))
			usleep(rnd(&r) % 3000);
	}
}

static struct task start_body(int i)
{
	struct task_opt o = {
		.cg = leaves[i % ARRAY_SIZE(leaves)], .cpu = -1,
		.arg = bodies[i].arg,
	};

	return task_start(&o, bodies[i].fn);
}

static void calm(void)
{
	size_t i;
	int cpu;

	for (cpu = 1; cpu < n_cpus(); cpu++) {
		char path[64];

		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%d/online", nth_cpu(cpu));
		/* Not there: it cannot have been taken down either. */
		if (!access(path, F_OK))
			CHECK(!write_file(path, "1"), "cpu %d does not return",
			      nth_cpu(cpu));
	}
	for (i = 0; i < ARRAY_SIZE(inner); i++) {
		cg_write(inner[i], "cgroup.freeze", "0");
		cg_write(inner[i], "cpu.max", "max 100000");
	}
	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		cg_write(leaves[i], "cgroup.freeze", "0");
		cg_write(leaves[i], "cpu.max", "max 100000");
		cg_write(leaves[i], "cpuset.cpus", "\n");
	}
}

/* Tasks of @cg (not below) that should be, and are, in the class. */
static int count_class(const char *cg, bool quiet)
{
	bool off = cg_read_num(cg, "cpu.offline.effective") == 1;
	char line[32];
	int n = 0;
	FILE *f;

	f = fopen(cg_path(cg, "cgroup.threads"), "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		pid_t tid = atoi(line);
		int policy = syscall(SYS_sched_getscheduler, tid);
		enum colo_state s = task_colo(tid);
		bool fair, want;

		if (policy < 0 || s == COLO_GONE)
			continue;
		policy &= ~SCHED_RESET_ON_FORK;
		fair = policy == SCHED_OTHER || policy == SCHED_BATCH ||
		       policy == SCHED_IDLE;
		want = off && fair;
		if (!quiet)
			CHECK(want ? s == COLO_OFFLINE || s == COLO_LIFTED :
			      s == COLO_ONLINE,
			      "task %d, policy %d, of %s (effective %d) is %s",
			      tid, policy, cg, off, colo_state_name(s));
		n += want;
	}
	fclose(f);
	return n;
}

static bool tasks_add_up(const char *cg)
{
	size_t i, len = strlen(cg);
	int n = 0;

	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		if (!strncmp(leaves[i], cg, len) &&
		    (!leaves[i][len] || leaves[i][len] == '/'))
			n += count_class(leaves[i], true);
	return cg_stat(cg, "tasks") == n;
}

/* With everything stopped, the books are compared with the tasks. */
static void audit(void)
{
	size_t i;

	/* Forkers come and go: stop all, so that nothing moves. */
	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		cg_write(leaves[i], "cgroup.freeze", "1");
	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		CHECK(WAIT_FOR(cg_key(leaves[i], "cgroup.events", "frozen") == 1 ||
			       cg_key(leaves[i], "cgroup.events", "populated") ==
			       0, 20000), "%s does not freeze", leaves[i]);
	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		count_class(leaves[i], false);
	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		CHECK(WAIT_FOR(tasks_add_up(leaves[i]), 5000),
		      "%s: tasks is %lld, counted %d", leaves[i],
		      (long long)cg_stat(leaves[i], "tasks"),
		      count_class(leaves[i], true));
	for (i = 0; i < ARRAY_SIZE(inner); i++)
		CHECK(WAIT_FOR(tasks_add_up(inner[i]), 5000),
		      "%s: tasks is %lld", inner[i],
		      (long long)cg_stat(inner[i], "tasks"));
	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		cg_write(leaves[i], "cgroup.freeze", "0");
}

static void show_file(const char *path)
{
	char buf[4096], *line, *save;

	if (read_file(path, buf, sizeof(buf)) <= 0)
		return;
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		diag("    %s", line);
}

/* For whoever asks why: where a task stands. */
static void show_task(const char *what, int i, pid_t pid)
{
	char path[64];

	diag("%s %d: pid %d, %c, cpu %d, policy %d, %s", what, i, pid,
	     task_letter(pid), task_on_cpu(pid), sched_getscheduler(pid),
	     colo_state_name(task_colo(pid)));
	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	show_file(path);
	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	show_file(path);
}

static void show_group(const char *cg)
{
	static const char * const knobs[] = {
		"cpu.offline", "cpu.offline.effective", "cpu.max", "cpu.weight",
		"cpu.idle", "cpuset.cpus.effective", "cgroup.freeze",
	};
	size_t i;

	diag("group %s:", cg);
	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		show_file(cg_path(cg, knobs[i]));
}

static void show_all(struct task *stormer)
{
	size_t i;

	for (i = 0; i < N_STORMERS; i++)
		if (stormer[i].pid)	/* not reaped */
			show_task("storm", i, stormer[i].pid);
	for (i = 0; i < N_TASKS; i++)
		show_task("task", i, tasks[i].pid);
	for (i = 0; i < ARRAY_SIZE(inner); i++)
		show_group(inner[i]);
	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		show_group(leaves[i]);
	/* to the console: what each CPU runs, and every task's stack */
	write_file("/proc/sysrq-trigger", "l");
	write_file("/proc/sysrq-trigger", "t");
}

static void storm(void)
{
	struct task_opt so = { .cpu = -1, .policy = SCHED_FIFO, .prio = 30 };
	struct task stormer[N_STORMERS];
	uint64_t ops = 0, end, last = 0;
	bool stopped = true;
	size_t i;
	int ret;

	if (!seed)
		seed = now_ns() % 1000000 + 1;
	diag("seed=%ld seconds=%ld", seed, seconds);
	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		ret = cg_make(leaves[i]);
		REQUIRE(!ret, "mkdir %s: %s", leaves[i], strerror(-ret));
	}
	for (i = 0; i < N_TASKS; i++)
		tasks[i] = start_body(i);
	/* Those with threads or a child have them before anything moves. */
	for (i = 0; i < N_TASKS; i++)
		if (bodies[i].fn != fn_pause)
			REQUIRE(task_moves(&tasks[i], 1, 10000),
				"task %zu does not start", i);
	for (i = 0; i < N_STORMERS; i++) {
		so.arg = i;
		stormer[i] = task_start(&so, fn_storm);
	}

	end = now_ns() + seconds * NSEC_PER_SEC;
	while (now_ns() < end) {
		sleep_ms(1000);
		for (ops = 0, i = 0; i < N_STORMERS; i++) {
			ops += stormer[i].c->progress;
			REQUIRE(task_alive(stormer[i].pid),
				"storm %zu ended, seed %ld", i, seed);
		}
		if (now_ns() - last > 10 * NSEC_PER_SEC) {
			last = now_ns();
			diag("%llu operations",
			     (unsigned long long)ops);
		}
	}
	for (i = 0; i < N_STORMERS; i++)
		stormer[i].c->stop = 1;
	for (i = 0; i < N_STORMERS; i++)
		stopped &= CHECK(task_wait(&stormer[i], 30000, NULL),
				 "storm %zu does not stop, seed %ld", i, seed);
	if (!stopped)
		show_all(stormer);
	diag("%llu operations in all", (unsigned long long)ops);
	CHECK(ops >= (uint64_t)seconds * 2, "hardly a storm: %llu operations",
	      (unsigned long long)ops);

	calm();
	audit();

	/* Alive and able to work, whatever was done to them. */
	for (i = 0; i < N_TASKS; i++) {
		if (bodies[i].fn == fn_pause)
			kill(tasks[i].pid, SIGUSR1);
		CHECK(task_alive(tasks[i].pid), "task %zu is gone, seed %ld", i,
		      seed);
	}
	/* With a few of them online for ever the offline ones may wait. */
	for (i = 0; i < ARRAY_SIZE(inner); i++)
		CHECK(!cg_set_offline(inner[i], 0), "%s online", inner[i]);
	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		CHECK(!cg_set_offline(leaves[i], 0), "%s online", leaves[i]);
	for (i = 0; i < N_TASKS; i++) {
		set_policy(tasks[i].pid, SCHED_OTHER, 0);
		setpriority(PRIO_PROCESS, tasks[i].pid, 0);
		set_affinity(tasks[i].pid, -1);
	}
	for (i = 0; i < ARRAY_SIZE(inner); i++) {
		cg_write(inner[i], "cpu.idle", "0");
		cg_write(inner[i], "cpu.weight", "100");
	}
	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		cg_write(leaves[i], "cpu.idle", "0");
		cg_write(leaves[i], "cpu.weight", "100");
	}
	CHECK(WAIT_FOR(cg_stat("s", "tasks") == 0, 5000),
	      "all online, tasks is %lld", (long long)cg_stat("s", "tasks"));
	CHECK(cg_stat("s", "lifted") == 0, "all online, lifted is %lld",
	      (long long)cg_stat("s", "lifted"));
	for (i = 0; i < N_TASKS; i++)
		if (bodies[i].fn != fn_pause)
			CHECK(task_moves(&tasks[i], 1, 20000),
			      "task %zu stands, seed %ld", i, seed);

	/* Offline once more, and die there. */
	CHECK(!cg_set_offline("s", 1), "offline");
	CHECK(WAIT_FOR(cg_stat("s", "tasks") >= N_TASKS, 5000),
	      "offline, tasks is %lld", (long long)cg_stat("s", "tasks"));
	for (i = 0; i < N_TASKS; i++)
		CHECK(task_end(&tasks[i]), "task %zu cannot be killed, seed %ld",
		      i, seed);
	/* The children of the killed ones, too. */
	CHECK(!cg_write("s", "cgroup.kill", "1"), "cgroup.kill");
	CHECK(WAIT_FOR(cg_key("s", "cgroup.events", "populated") == 0, 20000),
	      "somebody is left");
	CHECK(WAIT_FOR(cg_stat("s", "tasks") == 0, 5000), "tasks is %lld",
	      (long long)cg_stat("s", "tasks"));
	CHECK(cg_stat("s", "lifted") == 0, "lifted is %lld",
	      (long long)cg_stat("s", "lifted"));
	ret = cg_clean("s");
	CHECK(!ret, "a group stays: %s", strerror(-ret));

	/* A control group made now knows nothing of all that. */
	ret = cg_make("control");
	REQUIRE(!ret, "mkdir: %s", strerror(-ret));
	CHECK(cg_stat("control", "tasks") == 0 &&
	      cg_stat("control", "switches") == 0 &&
	      cg_stat("control", "run_usec") == 0, "the control group counts");
}

static struct colo_case cases[] = {
	{ "storm", storm, 0, 0, 0 },
};

static const struct colo_param params[] = {
	{ "seconds", &seconds },
	{ "seed", &seed },
};

int main(int argc, char **argv)
{
	ssize_t n;
	int i;

	if (argc == 2 && !strcmp(argv[1], "--exec-child"))
		return 0;
	n = readlink("/proc/self/exe", self_exe, sizeof(self_exe) - 1);
	if (n < 0)
		return 2;
	self_exe[n] = '\0';
	/* The limit of the case depends on an argument. */
	for (i = 1; i < argc; i++)
		if (!strncmp(argv[i], "seconds=", 8))
			cases[0].timeout_s = atoi(argv[i] + 8);
	if (!cases[0].timeout_s)
		cases[0].timeout_s = seconds;
	cases[0].timeout_s += 240;
	return colo_main(argc, argv, cases, ARRAY_SIZE(cases), params,
			 ARRAY_SIZE(params));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The net: an offline task beside endless online load still leaves the kernel. A
 * fatal signal, the freezer and a debugger get it at once; anything else that is
 * starved inside the kernel gets out within the grace and the budget; nothing of
 * it is for user mode.
 *
 * All on one CPU with an online hog at nice 0 that never sleeps. Times are of the
 * guest's clock, under icount. On the perf kernel "bound_ms" is 100. On the debug
 * kernel an exit takes twenty times the instructions and has the same budget, so
 * that completion is what it means there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/vhost.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "colo_util.h"

#define OFF	"off"
#define GRACE	"/proc/sys/kernel/colo_net_grace_ms"
#define RUNTIME	"/proc/sys/kernel/colo_net_runtime_us"
#define GRACE_MS	50
#define RUNTIME_US	2000

static long bound_ms = 100;
static struct task hog;		/* the online load */

static int the_cpu(void)
{
	return n_cpus() - 1;
}

static void sysctl_set(const char *path, long val)
{
	char buf[32];
	int ret;

	snprintf(buf, sizeof(buf), "%ld", val);
	ret = write_file(path, buf);
	REQUIRE(!ret, "%s=%s: %s", path, buf, strerror(-ret));
}

/* Every case starts from the defaults, whatever the one before left. */
static void prepare(void)
{
	int ret;

	sysctl_set(GRACE, GRACE_MS);
	sysctl_set(RUNTIME, RUNTIME_US);
	ret = cg_make(OFF);
	REQUIRE(!ret, "mkdir: %s", strerror(-ret));
	ret = cg_make("on");
	REQUIRE(!ret, "mkdir: %s", strerror(-ret));
	ret = cg_set_offline(OFF, 1);
	REQUIRE(!ret, "cpu.offline: %s", strerror(-ret));
}

static struct task start(task_fn fn, long arg)
{
	struct task_opt o = { .cg = OFF, .cpu = the_cpu(), .arg = arg };

	return task_start(&o, fn);
}

static void start_online(void)
{
	struct task_opt o = { .cg = "on", .cpu = the_cpu() };

	hog = task_start(&o, fn_hog);
	CHECK(task_moves(&hog, 1, 5000), "the online hog does not run");
}

/* Really starved: no run time for 150 ms, and ready. */
static void expect_starved(struct task *t)
{
	uint64_t was;

	sleep_ms(50);
	was = task_cpu_ns(t->pid);
	sleep_ms(150);
	CHECK(task_cpu_ns(t->pid) - was < NSEC_PER_MSEC / 2,
	      "ran %llu us of 150 ms beside the hog",
	      (unsigned long long)(task_cpu_ns(t->pid) - was) / 1000);
	CHECK(task_letter(t->pid) == 'R', "is %c", task_letter(t->pid));
}

static void expect_within(const char *what, uint64_t from)
{
	uint64_t us = (now_ns() - from) / 1000;

	diag("%s took %llu us", what, (unsigned long long)us);
	CHECK(us <= (uint64_t)bound_ms * 1000, "%s took %llu us", what,
	      (unsigned long long)us);
}

static void expect_lifted(const char *key, int64_t before, int64_t by)
{
	int64_t n = cg_stat(OFF, key);

	CHECK(n >= before + by, "%s is %lld, was %lld: should rise by %lld", key,
	      (long long)n, (long long)before, (long long)by);
}

static void expect_empty(void)
{
	CHECK(WAIT_FOR(cg_stat(OFF, "tasks") == 0, 5000), "tasks is %lld",
	      (long long)cg_stat(OFF, "tasks"));
	CHECK(cg_stat(OFF, "lifted") == 0, "lifted is %lld",
	      (long long)cg_stat(OFF, "lifted"));
}

/* --------------------------------------------------------------- signals */

static void fatal_signal(int sig, task_fn fn, long arg, const char *what)
{
	struct task t;
	int64_t kills;
	uint64_t from;
	int status;

	prepare();
	/* Only the signal may help: the grace is far away. */
	sysctl_set(GRACE, 10000);
	t = start(fn, arg);
	CHECK(task_moves(&t, 3, 5000), "does not run alone");
	start_online();
	expect_starved(&t);
	kills = cg_stat(OFF, "lift_kill");
	from = now_ns();
	kill(t.pid, sig);
	REQUIRE(task_wait(&t, 10000, &status), "%s: still there", what);
	expect_within(what, from);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == sig, "%s: status %x",
	      what, status);
	expect_lifted("lift_kill", kills, 1);
	expect_empty();
	sysctl_set(GRACE, GRACE_MS);
}

static void kill_in_user_mode(void)
{
	fatal_signal(SIGKILL, fn_hog, 0, "SIGKILL in user mode");
}

static void kill_in_kernel(void)
{
	fatal_signal(SIGKILL, fn_kernel, 65536, "SIGKILL in the kernel");
}

static void term_in_user_mode(void)
{
	fatal_signal(SIGTERM, fn_hog, 0, "SIGTERM in user mode");
}

/* Writes to a file and rewinds: page cache, inode lock. */
static void fn_writer(struct task_ctl *c, long arg)
{
	size_t len = arg << 10;
	char *buf = malloc(len);
	int fd = open("/tmp/colo-test-net", O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (!buf || fd < 0) {
		c->err = -errno;
		return;
	}
	unlink("/tmp/colo-test-net");
	memset(buf, 1, len);
	while (!c->stop) {
		if (pwrite(fd, buf, len, 0) < 0)
			c->err = -errno;
		c->progress++;
	}
}

static void kill_in_write(void)
{
	fatal_signal(SIGKILL, fn_writer, 4096, "SIGKILL in a write");
}

/* Starved where it went to sleep and was woken: in the kernel, not running. */
static void kill_woken_sleeper(void)
{
	fatal_signal(SIGKILL, fn_sleeper, 200, "SIGKILL of a woken sleeper");
}

/* A whole group: as the budget lets them, but all of them. */
static void kill_group(void)
{
	enum { N = 20 };
	struct task t[N];
	uint64_t from;
	int i;

	prepare();
	for (i = 0; i < N; i++)
		t[i] = i & 1 ? start(fn_hog, 0) : start(fn_kernel, 16384);
	for (i = 0; i < N; i++)
		CHECK(task_moves(&t[i], 1, 20000), "%d does not run alone", i);
	start_online();
	sleep_ms(200);
	from = now_ns();
	REQUIRE(!cg_write(OFF, "cgroup.kill", "1"), "cgroup.kill");
	for (i = 0; i < N; i++)
		REQUIRE(task_wait(&t[i], 20000, NULL), "%d of %d is left", i, N);
	diag("%d tasks: %llu us", N, (unsigned long long)(now_ns() - from) / 1000);
	expect_empty();
}

/* --------------------------------------------------------------- freezer */

static void freeze_ten(void)
{
	enum { N = 10 };
	struct task t[N];
	int64_t before;
	uint64_t from;
	int i, round;

	prepare();
	sysctl_set(GRACE, 10000);
	for (i = 0; i < N; i++)
		t[i] = i & 1 ? start(fn_hog, 0) : start(fn_kernel, 16384);
	for (i = 0; i < N; i++)
		CHECK(task_moves(&t[i], 1, 20000), "%d does not run alone", i);
	start_online();
	for (round = 0; round < 3; round++) {
		for (i = 0; i < N; i++)
			expect_starved(&t[i]);
		before = cg_stat(OFF, "lift_freeze");
		from = now_ns();
		REQUIRE(!cg_write(OFF, "cgroup.freeze", "1"), "freeze");
		REQUIRE(WAIT_FOR(cg_key(OFF, "cgroup.events", "frozen") == 1,
				 20000), "does not freeze");
		expect_within("freezing ten tasks", from);
		expect_lifted("lift_freeze", before, 1);
		REQUIRE(!cg_write(OFF, "cgroup.freeze", "0"), "thaw");
		/* Thawed they go back to user mode, and there they wait. */
		CHECK(WAIT_FOR(cg_stat(OFF, "lifted") == 0, 10000),
		      "lifted is %lld after the thaw",
		      (long long)cg_stat(OFF, "lifted"));
		CHECK(cg_stat(OFF, "tasks") == N, "tasks is %lld",
		      (long long)cg_stat(OFF, "tasks"));
		/* Let them into the kernel again for the next round. */
		kill(hog.pid, SIGSTOP);
		for (i = 0; i < N; i++)
			CHECK(task_moves(&t[i], 1, 20000), "%d stands", i);
		kill(hog.pid, SIGCONT);
	}
	sysctl_set(GRACE, GRACE_MS);
	for (i = 0; i < N; i++)
		CHECK(task_end(&t[i]), "%d cannot be killed", i);
	expect_empty();
}

/* ---------------------------------------------------------------- ptrace */

static void ptrace_one(task_fn fn, long arg, bool attach, const char *what)
{
	struct task t;
	int64_t before;
	uint64_t from;
	int status, i;

	prepare();
	sysctl_set(GRACE, 10000);
	t = start(fn, arg);
	CHECK(task_moves(&t, 1, 5000), "does not run alone");
	start_online();
	for (i = 0; i < 3; i++) {
		expect_starved(&t);
		before = cg_stat(OFF, "lift_ptrace");
		from = now_ns();
		if (attach) {
			REQUIRE(!ptrace(PTRACE_ATTACH, t.pid, 0, 0),
				"attach: %s", strerror(errno));
		} else {
			REQUIRE(!ptrace(PTRACE_SEIZE, t.pid, 0, 0), "seize: %s",
				strerror(errno));
			REQUIRE(!ptrace(PTRACE_INTERRUPT, t.pid, 0, 0),
				"interrupt: %s", strerror(errno));
		}
		REQUIRE(WAIT_FOR(waitpid(t.pid, &status, WNOHANG) == t.pid,
				 10000), "%s: no stop", what);
		expect_within(what, from);
		CHECK(WIFSTOPPED(status), "%s: status %x", what, status);
		expect_lifted("lift_ptrace", before, 1);
		REQUIRE(!ptrace(PTRACE_DETACH, t.pid, 0, 0), "detach: %s",
			strerror(errno));
		CHECK(WAIT_FOR(task_colo(t.pid) == COLO_OFFLINE, 10000),
		      "%s: it is %s afterwards", what,
		      colo_state_name(task_colo(t.pid)));
	}
	sysctl_set(GRACE, GRACE_MS);
	CHECK(task_end(&t), "cannot be killed");
	expect_empty();
}

static void ptrace_interrupt_user(void)
{
	ptrace_one(fn_hog, 0, false, "PTRACE_INTERRUPT in user mode");
}

static void ptrace_interrupt_kernel(void)
{
	ptrace_one(fn_kernel, 16384, false, "PTRACE_INTERRUPT in the kernel");
}

static void ptrace_attach(void)
{
	ptrace_one(fn_hog, 0, true, "PTRACE_ATTACH");
}

/* ------------------------------------------------------- grace and budget */

/* One long system call, then user mode for ever: the two can be told apart. */
static void fn_once(struct task_ctl *c, long arg)
{
	c->stop = 1;
	fn_kernel(c, arg);
	c->stage = 3;
	for (;;)
		c->extra++;
}

/*
 * Starved in the middle of a system call: the net has it out of the kernel. In
 * user mode it gets nothing more.
 */
static void grace_lets_it_leave(void)
{
	struct task t;
	int64_t lifts;
	uint64_t was;
	int i;

	prepare();
	t = start(fn_once, 64 << 10);
	CHECK(WAIT_FOR(t.c->stage == 1, 5000), "does not run alone");
	lifts = cg_stat(OFF, "lift_net");
	start_online();
	CHECK(t.c->progress == 0 && t.c->stage < 3,
	      "the call was over before the hog came: make it longer");
	CHECK(WAIT_FOR(cg_stat(OFF, "lift_net") > lifts, 5000),
	      "lift_net did not rise");
	/* It is lifted again, and again, until it is out: then no more. */
	for (i = 0; i < 60; i++) {
		lifts = cg_stat(OFF, "lift_net");
		sleep_ms(1000);
		if (cg_stat(OFF, "lift_net") == lifts)
			break;
	}
	CHECK(i < 60, "never leaves the kernel");
	CHECK(task_colo(t.pid) == COLO_OFFLINE, "it is %s",
	      colo_state_name(task_colo(t.pid)));
	was = task_cpu_ns(t.pid);
	sleep_ms(1000);
	CHECK(task_cpu_ns(t.pid) - was < NSEC_PER_MSEC / 2,
	      "back in user mode it ran %llu us",
	      (unsigned long long)(task_cpu_ns(t.pid) - was) / 1000);
	CHECK(task_end(&hog), "cannot be killed");
	CHECK(WAIT_FOR(t.c->progress >= 1, 5000), "its call never returned");
	CHECK(task_end(&t), "cannot be killed");
	expect_empty();
}

/* The grace is what it says: no lift before it, one soon after it. */
static void grace_is_obeyed(void)
{
	struct task t;
	int64_t lifts;

	prepare();
	sysctl_set(GRACE, 3000);
	t = start(fn_kernel, 256 << 10);
	CHECK(WAIT_FOR(t.c->stage == 1, 5000), "does not run alone");
	sleep_ms(5);
	start_online();
	lifts = cg_stat(OFF, "lift_net");
	sleep_ms(2500);
	CHECK(cg_stat(OFF, "lift_net") == lifts,
	      "lifted before a grace of 3000 ms was over");
	CHECK(task_colo(t.pid) == COLO_OFFLINE, "it is %s",
	      colo_state_name(task_colo(t.pid)));
	CHECK(WAIT_FOR(cg_stat(OFF, "lift_net") > lifts, 1500),
	      "not lifted after a grace of 3000 ms");
	/* A shorter one holds for those who wait already. */
	CHECK(task_end(&t), "cannot be killed");
	CHECK(task_end(&hog), "cannot be killed");
	sysctl_set(GRACE, 10);
	t = start(fn_kernel, 256 << 10);
	CHECK(WAIT_FOR(t.c->stage == 1, 5000), "does not run alone");
	sleep_ms(5);
	lifts = cg_stat(OFF, "lift_net");
	start_online();
	CHECK(WAIT_FOR(cg_stat(OFF, "lift_net") > lifts, 500),
	      "not lifted after a grace of 10 ms");
	sysctl_set(GRACE, GRACE_MS);
	CHECK(task_end(&t), "cannot be killed");
	expect_empty();
}

/* What the net runs in a window, in us per 100 ms. */
static double net_use(struct task *t, int n, unsigned int ms)
{
	uint64_t sum = 0, from = now_ns();
	int i;

	for (i = 0; i < n; i++)
		sum -= task_cpu_ns(t[i].pid);
	sleep_ms(ms);
	for (i = 0; i < n; i++)
		sum += task_cpu_ns(t[i].pid);
	return sum / 1e3 / ((now_ns() - from) / 1e8);
}

/* Eight of them, each with a call of 0.3 s: only the budget limits them. */
static void budget_holds(void)
{
	static const long budget[] = { 1000, RUNTIME_US, 10000 };
	enum { N = 8 };
	struct task t[N];
	size_t b;
	int i;

	prepare();
	for (i = 0; i < N; i++)
		t[i] = start(fn_kernel, 2 << 20);
	for (i = 0; i < N; i++)
		CHECK(WAIT_FOR(t[i].c->stage == 1, 10000), "%d stands", i);
	sleep_ms(20);
	start_online();
	for (b = 0; b < ARRAY_SIZE(budget); b++) {
		double use;

		sysctl_set(RUNTIME, budget[b]);
		sleep_ms(500);
		use = net_use(t, N, 3000);
		diag("budget %ld us: %.0f us per 100 ms", budget[b], use);
		/* A tick of overrun is paid back in the next period. */
		CHECK(use <= budget[b] * 1.25 + 100,
		      "budget %ld us: %.0f us per 100 ms", budget[b], use);
		CHECK(use >= budget[b] * 0.25,
		      "budget %ld us: only %.0f us per 100 ms, no progress",
		      budget[b], use);
	}
	sysctl_set(RUNTIME, RUNTIME_US);
	for (i = 0; i < N; i++)
		CHECK(task_end(&t[i]), "%d cannot be killed", i);
	expect_empty();
}

/* When online ends, a lifted task goes on as an offline one. */
static void back_when_online_ends(void)
{
	struct task t;

	prepare();
	t = start(fn_kernel, 64 << 10);
	CHECK(WAIT_FOR(t.c->stage == 1, 5000), "does not run alone");
	sleep_ms(5);
	start_online();
	CHECK(WAIT_FOR(cg_stat(OFF, "lift_net") > 0, 5000), "not lifted");
	CHECK(task_end(&hog), "cannot be killed");
	CHECK(task_moves(&t, 5, 10000), "stands");
	/* Between two calls it is in user mode for a moment: that ends a lift. */
	CHECK(WAIT_FOR(task_colo(t.pid) == COLO_OFFLINE &&
		       cg_stat(OFF, "lifted") == 0, 5000), "it is %s",
	      colo_state_name(task_colo(t.pid)));
	CHECK(task_end(&t), "cannot be killed");
	expect_empty();
}

/* Children of a lifted task start unlifted; the knob written under it too. */
static void switched_while_lifted(void)
{
	struct task t;
	int i;

	prepare();
	sysctl_set(GRACE, 1);
	/* Not demoted between two lines of this. */
	sysctl_set(RUNTIME, 50000);
	t = start(fn_kernel, 1 << 20);
	CHECK(WAIT_FOR(t.c->stage == 1, 5000), "does not run alone");
	sleep_ms(5);
	start_online();
	for (i = 0; i < 20; i++) {
		enum colo_state s;

		CHECK(WAIT_FOR(task_colo(t.pid) == COLO_LIFTED, 5000),
		      "round %d: it is %s", i,
		      colo_state_name(task_colo(t.pid)));
		CHECK(cg_stat(OFF, "lifted") == 1, "lifted");
		REQUIRE(!cg_set_offline(OFF, 0), "online");
		s = task_colo(t.pid);
		CHECK(s == COLO_ONLINE, "round %d: switched online it is %s", i,
		      colo_state_name(s));
		CHECK(cg_stat(OFF, "lifted") == 0 && cg_stat(OFF, "tasks") == 0,
		      "counters");
		REQUIRE(!cg_set_offline(OFF, 1), "offline");
		s = task_colo(t.pid);
		CHECK(s == COLO_OFFLINE || s == COLO_LIFTED,
		      "round %d: switched offline it is %s", i,
		      colo_state_name(s));
		CHECK(cg_stat(OFF, "tasks") == 1, "counters");
	}
	sysctl_set(RUNTIME, RUNTIME_US);
	sysctl_set(GRACE, GRACE_MS);
	CHECK(task_end(&t), "cannot be killed");
	expect_empty();
}

/* -------------------------------------------------------------- io_uring */

struct ring {
	int			fd;
	struct io_uring_params	p;
	unsigned int		*sq_tail, *sq_mask, *sq_array;
	unsigned int		*cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe	*sqes;
	struct io_uring_cqe	*cqes;
};

static int ring_open(struct ring *r, unsigned int entries)
{
	size_t len;
	char *m;

	memset(&r->p, 0, sizeof(r->p));
	r->fd = syscall(SYS_io_uring_setup, entries, &r->p);
	if (r->fd < 0)
		return -errno;
	len = r->p.cq_off.cqes + r->p.cq_entries * sizeof(struct io_uring_cqe);
	if (len < r->p.sq_off.array + r->p.sq_entries * sizeof(unsigned int))
		len = r->p.sq_off.array + r->p.sq_entries * sizeof(unsigned int);
	m = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		 r->fd, IORING_OFF_SQ_RING);
	if (m == MAP_FAILED)
		return -errno;
	r->sq_tail = (void *)(m + r->p.sq_off.tail);
	r->sq_mask = (void *)(m + r->p.sq_off.ring_mask);
	r->sq_array = (void *)(m + r->p.sq_off.array);
	r->cq_head = (void *)(m + r->p.cq_off.head);
	r->cq_tail = (void *)(m + r->p.cq_off.tail);
	r->cq_mask = (void *)(m + r->p.cq_off.ring_mask);
	r->cqes = (void *)(m + r->p.cq_off.cqes);
	r->sqes = mmap(NULL, r->p.sq_entries * sizeof(*r->sqes),
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		       IORING_OFF_SQES);
	return r->sqes == MAP_FAILED ? -errno : 0;
}

/* Queues a read of @n iovecs that a worker has to do. */
static void ring_read(struct ring *r, int fd, struct iovec *iov, int n)
{
	unsigned int tail = *r->sq_tail, idx = tail & *r->sq_mask;
	struct io_uring_sqe *sqe = &r->sqes[idx];

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_READV;
	sqe->flags = IOSQE_ASYNC;
	sqe->fd = fd;
	sqe->addr = (unsigned long)iov;
	sqe->len = n;
	r->sq_array[idx] = idx;
	__atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_RELEASE);
}

static unsigned int ring_done(struct ring *r)
{
	unsigned int head = *r->cq_head, n;

	n = __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE) - head;
	__atomic_store_n(r->cq_head, head + n, __ATOMIC_RELEASE);
	return n;
}

/* Submits one long read at a time; "stage" says how far, "tid" is a worker. */
static void fn_uring(struct task_ctl *c, long arg)
{
	enum { CHUNK = 256 << 10, MAX = 512 };
	static struct iovec iov[MAX];
	int i, n = (arg << 10) / CHUNK, fd = open("/dev/zero", O_RDONLY);
	char *buf = malloc(CHUNK);
	struct ring r;

	if (n > MAX)
		n = MAX;
	c->err = ring_open(&r, 8);
	if (c->err || fd < 0 || !buf)
		return;
	memset(buf, 0, CHUNK);
	for (i = 0; i < n; i++) {
		iov[i].iov_base = buf;
		iov[i].iov_len = CHUNK;
	}
	for (;;) {
		ring_read(&r, fd, iov, n);
		if (syscall(SYS_io_uring_enter, r.fd, 1, 0, 0, NULL, 0) != 1) {
			c->err = -errno;
			return;
		}
		c->stage = 1;
		while (!ring_done(&r))
			usleep(500);
		c->progress++;
	}
}

/* A thread of @pid whose name begins with @name, or 0. */
static pid_t find_worker(pid_t pid, const char *name)
{
	char path[64], buf[64];
	int tid;

	/* New threads have the next numbers: no need to list a directory. */
	for (tid = pid + 1; tid < pid + 200; tid++) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", pid, tid);
		if (read_file(path, buf, sizeof(buf)) > 0 &&
		    !strncmp(buf, name, strlen(name)))
			return tid;
	}
	return 0;
}

/*
 * A worker never sees user mode: lifted while it does its work, it is offline
 * again when that is done, with the load still on.
 */
static void io_worker(void)
{
	struct task_opt o = { .cg = OFF, .cpu = the_cpu() };
	struct task t;
	int64_t lifts;
	pid_t w;
	int i;

	prepare();
	sysctl_set(RUNTIME, 20000);
	o.arg = 64 << 10;
	t = task_start(&o, fn_uring);
	CHECK(task_moves(&t, 3, 10000), "does not run alone: %s",
	      strerror(-t.c->err));
	w = find_worker(t.pid, "iou-wrk");
	REQUIRE(w, "no io_uring worker");
	CHECK(task_colo(w) == COLO_OFFLINE, "the worker is %s",
	      colo_state_name(task_colo(w)));
	CHECK(cg_stat(OFF, "tasks") >= 2, "the worker is not counted");
	for (i = 0; i < 3; i++) {
		lifts = cg_stat(OFF, "lift_net");
		/* Caught in the middle of a read. */
		CHECK(WAIT_FOR(task_letter(w) == 'R', 5000), "it idles");
		start_online();
		CHECK(WAIT_FOR(cg_stat(OFF, "lift_net") > lifts, 5000),
		      "nobody is lifted");
		/* The submitter is starved in user mode: no new work. */
		CHECK(WAIT_FOR(task_letter(w) == 'S', 20000),
		      "the worker is not done with its read: %c",
		      task_letter(w));
		CHECK(WAIT_FOR(task_colo(w) == COLO_OFFLINE, 5000),
		      "asleep the worker is %s", colo_state_name(task_colo(w)));
		CHECK(WAIT_FOR(cg_stat(OFF, "lifted") == 0, 5000),
		      "lifted is %lld", (long long)cg_stat(OFF, "lifted"));
		CHECK(task_end(&hog), "cannot be killed");
		CHECK(task_moves(&t, 3, 10000), "does not resume");
	}
	sysctl_set(RUNTIME, RUNTIME_US);
	CHECK(task_end(&t), "cannot be killed");
	expect_empty();
}

/* ------------------------------------------------------------------ vhost */

/* Has a worker that the eventfd @arg wakes. */
static void fn_vhost(struct task_ctl *c, long arg)
{
	struct vhost_vring_file kick = { .index = 0, .fd = arg };
	int fd = open("/dev/vhost-net", O_RDWR);

	if (fd < 0 || ioctl(fd, VHOST_SET_OWNER, NULL) ||
	    ioctl(fd, VHOST_SET_VRING_KICK, &kick)) {
		c->err = -errno;
		return;
	}
	c->stage = 1;
	for (;;)
		pause();
}

/* Like a worker of io_uring it never sees user mode. */
static void vhost_worker(void)
{
	struct task_opt o = { .cg = OFF, .cpu = the_cpu() };
	uint64_t one = 1;
	struct task t;
	int64_t lifts;
	int i, kick;
	pid_t w;

	prepare();
	kick = eventfd(0, EFD_NONBLOCK);
	REQUIRE(kick >= 0, "eventfd: %s", strerror(errno));
	o.arg = kick;
	t = task_start(&o, fn_vhost);
	CHECK(WAIT_FOR(t.c->stage == 1, 5000), "no vhost: %s",
	      strerror(-t.c->err));
	w = find_worker(t.pid, "vhost-");
	REQUIRE(w, "no vhost worker");
	CHECK(task_colo(w) == COLO_OFFLINE, "the worker is %s",
	      colo_state_name(task_colo(w)));
	start_online();
	for (i = 0; i < 5; i++) {
		lifts = cg_stat(OFF, "lift_net");
		REQUIRE(write(kick, &one, sizeof(one)) == sizeof(one), "kick: %s",
			strerror(errno));
		CHECK(WAIT_FOR(task_letter(w) == 'R', 1000) ||
		      cg_stat(OFF, "lift_net") > lifts, "it was not woken");
		CHECK(WAIT_FOR(cg_stat(OFF, "lift_net") > lifts, 5000),
		      "woken it starves: nobody is lifted");
		CHECK(WAIT_FOR(task_letter(w) == 'S', 5000), "it is not done: %c",
		      task_letter(w));
		CHECK(WAIT_FOR(task_colo(w) == COLO_OFFLINE, 5000),
		      "asleep the worker is %s", colo_state_name(task_colo(w)));
		CHECK(cg_stat(OFF, "lifted") == 0, "lifted is %lld",
		      (long long)cg_stat(OFF, "lifted"));
	}
	CHECK(task_end(&t), "cannot be killed");
	expect_empty();
}

/* ------------------------------------------------------------------ locks */

/*
 * Not the net's job to be fast here, but its job that it ends: online waits for
 * an inode lock that a starved offline writer holds.
 */
static void fn_appender(struct task_ctl *c, long arg)
{
	static char buf[1 << 20];
	int fd = open("/tmp/colo-test-shared", O_WRONLY | O_CREAT, 0600);

	c->stage = 1;
	while (!c->stop) {
		long i;

		for (i = 0; i < arg; i++)
			if (pwrite(fd, buf, sizeof(buf), 0) < 0)
				c->err = -errno;
		c->progress++;
	}
}

static void lock_holder_gets_out(void)
{
	struct task_opt o = { .cg = "on", .cpu = the_cpu(), .arg = 1 };
	struct task off, on;

	prepare();
	off = start(fn_appender, 1);
	CHECK(task_moves(&off, 3, 10000), "does not run alone");
	start_online();
	on = task_start(&o, fn_appender);
	CHECK(task_moves(&on, 20, 60000), "online waits for ever: %llu rounds",
	      (unsigned long long)on.c->progress);
	CHECK(task_end(&on), "online cannot be killed");
	CHECK(task_end(&off), "offline cannot be killed");
	unlink("/tmp/colo-test-shared");
	expect_empty();
}

static const struct colo_case cases[] = {
	{ "kill_in_user_mode", kill_in_user_mode, 60, 0, 0 },
	{ "kill_in_kernel", kill_in_kernel, 60, 0, 0 },
	{ "kill_in_write", kill_in_write, 60, 0, 0 },
	{ "kill_woken_sleeper", kill_woken_sleeper, 60, 0, 0 },
	{ "term_in_user_mode", term_in_user_mode, 60, 0, 0 },
	{ "kill_group", kill_group, 90, 0, 0 },
	{ "freeze_ten", freeze_ten, 120, 0, 0 },
	{ "ptrace_interrupt_user", ptrace_interrupt_user, 60, 0, 0 },
	{ "ptrace_interrupt_kernel", ptrace_interrupt_kernel, 60, 0, 0 },
	{ "ptrace_attach", ptrace_attach, 60, 0, 0 },
	{ "grace_lets_it_leave", grace_lets_it_leave, 120, 0, 0 },
	{ "grace_is_obeyed", grace_is_obeyed, 60, 0, 0 },
	{ "budget_holds", budget_holds, 90, 0, 0 },
	{ "back_when_online_ends", back_when_online_ends, 60, 0, 0 },
	{ "switched_while_lifted", switched_while_lifted, 60, 0, 0 },
	/* Workers are not pinned with their submitter: one CPU only. */
	{ "io_worker", io_worker, 120, 0, 1 },
	{ "vhost_worker", vhost_worker, 60, 0, 1 },
	{ "lock_holder_gets_out", lock_holder_gets_out, 120, 0, 0 },
};

static const struct colo_param params[] = {
	{ "bound_ms", &bound_ms },
};

int main(int argc, char **argv)
{
	return colo_main(argc, argv, cases, ARRAY_SIZE(cases), params,
			 ARRAY_SIZE(params));
}

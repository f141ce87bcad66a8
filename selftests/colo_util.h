/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers of the colo selftests: KTAP with one process per case, cgroups,
 * tasks that can be watched, and small wrappers.
 *
 * Every wait in here has a bound. Bounds are in milliseconds of the guest's
 * clock and are multiplied by COLO_TIME_SCALE (environment, default 1) where
 * the name says "scaled"; what a test asserts about time never is.
 */
#ifndef COLO_UTIL_H
#define COLO_UTIL_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define NSEC_PER_MSEC	1000000ULL
#define NSEC_PER_SEC	1000000000ULL

/* Not in every libc's headers. */
#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE	6
#endif
#ifndef SCHED_RESET_ON_FORK
#define SCHED_RESET_ON_FORK 0x40000000
#endif

/* ------------------------------------------------------------------ KTAP */

/**
 * struct colo_case - one line of KTAP
 * @name: as in the plan
 * @fn: runs in a process of its own; returning means passed unless CHECK failed
 * @timeout_s: seconds (scaled) until the case is killed and fails
 * @min_cpus, @max_cpus: the case is in the plan only with so many CPUs; 0 = any.
 *	Where it does not apply it is not in the plan at all, so it cannot be
 *	mistaken for one that ran.
 */
struct colo_case {
	const char	*name;
	void		(*fn)(void);
	unsigned int	timeout_s;
	int		min_cpus;
	int		max_cpus;
};

/*
 * Runs the cases, each in a fresh group and a child process, prints the plan and
 * the results. After each case every task it left is killed and every group
 * removed; not being able to is a failure of the case.
 * "-l" lists the cases, "-c NAME[,NAME...]" runs these, other arguments are the caller's:
 * it uses getopt() before and passes only the names of cases, set apart by commas,
 * or NULL.
 * Returns the exit code: 0 all passed, 1 a failure, 4 everything skipped.
 */
int colo_run(const char *prog, const struct colo_case *cases, size_t n,
	     const char *only);

/*
 * The usual main(): options -l, -c NAME and, in @set, name=number pairs given as
 * "name=N" arguments. An unknown argument is an error (exit 2).
 */
struct colo_param {
	const char	*name;
	long		*value;
};
int colo_main(int argc, char **argv, const struct colo_case *cases, size_t n,
	      const struct colo_param *params, size_t nparams);

/* A diagnostic line, "# text", in one write. */
void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Failure that lets the case go on. Returns @ok. */
bool colo_check(bool ok, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
#define CHECK(cond, ...)	colo_check((cond), __FILE__, __LINE__, __VA_ARGS__)

/* Failure that ends the case. */
void colo_fail_now(void) __attribute__((noreturn));
#define REQUIRE(cond, ...)				\
	do {						\
		if (!CHECK(cond, __VA_ARGS__))		\
			colo_fail_now();		\
	} while (0)

/* Number of failed CHECKs of this case so far. */
int colo_failures(void);

/*
 * Ends the case for a reason outside of what is tested. In the project's guest,
 * where everything exists (COLO_OUT is set), that is a failure.
 */
void colo_skip(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/* ------------------------------------------------------------------ time */

uint64_t now_ns(void);			/* CLOCK_MONOTONIC */
void sleep_ms(unsigned int ms);		/* not cut short by signals */
unsigned int scaled(unsigned int ms);	/* times COLO_TIME_SCALE */

/* Polls @cond each millisecond for at most @ms (scaled). True if it held. */
#define WAIT_FOR(cond, ms)						\
	({								\
		uint64_t __end = now_ns() + scaled(ms) * NSEC_PER_MSEC;	\
		bool __ok;						\
									\
		while (!(__ok = !!(cond)) && now_ns() < __end)		\
			sleep_ms(1);					\
		__ok;							\
	})

/* --------------------------------------------------------------- cgroups */

/*
 * Groups are named relative to the case's own group ("" is that group, a name
 * that begins with '/' is relative to the root of the hierarchy).
 * Functions return 0 (or a count) or -errno.
 */
enum cg_hier { CG_V2, CG_V1 };
extern enum cg_hier cg_hier;		/* which one the functions work on */

/*
 * What a test is about; to be set before colo_main(). The defaults are the cpu
 * controller's. A group without @file shows that the kernel or the module lacks
 * what is tested; @v1 are the controllers that cg_enter_v1() moves, @ctrl the first
 * of them; @more is one that the groups have beside cpu and cpuset, or NULL.
 */
struct cg_subject {
	const char	*file;
	const char	*ctrl;
	const char	*v1;
	const char	*more;
};
extern struct cg_subject cg_subject;

/*
 * For the v1 half of a test: removes the case's group, takes the controller from
 * v2, mounts it as v1 and makes the case's group there; and back. Needs that no
 * other group uses the controller. 0 or -errno.
 */
int cg_enter_v1(void);
int cg_leave_v1(void);

/*
 * All of a run on v1: to be called before colo_main(), and before any group was
 * made. (What was charged to memory on v2 and is freed on v1 makes any 6.12 warn of
 * an underflow.) 0 or -errno.
 */
int cg_start_v1(void);

const char *cg_path(const char *cg, const char *file);	/* static ring of 8 */
int cg_make(const char *cg);		/* parents too; cpu, cpuset enabled */
int cg_make_threaded(const char *cg);	/* one level, domain is its parent */
int cg_rm(const char *cg);
int cg_clean(const char *cg);		/* kill, wait, remove; bounded */
int cg_write(const char *cg, const char *file, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int cg_read(const char *cg, const char *file, char *buf, size_t len);
int64_t cg_read_num(const char *cg, const char *file);
/* A line "key value" of a flat keyed file, or -ENOENT if there is no such key. */
int64_t cg_key(const char *cg, const char *file, const char *key);
int cg_attach(const char *cg, pid_t pid);		/* cgroup.procs */
int cg_attach_thread(const char *cg, pid_t tid);	/* cgroup.threads, tasks */
bool cg_exists(const char *cg, const char *file);

/* cpu.offline and friends */
int cg_set_offline(const char *cg, int val);
int64_t cg_stat(const char *cg, const char *key);	/* of cpu.offline.stat */

/* ----------------------------------------------------------------- tasks */

/* Shared between a task and its test. */
struct task_ctl {
	_Atomic uint64_t	progress;	/* the task counts here */
	_Atomic uint64_t	extra;
	_Atomic int		stage;		/* set by the task */
	_Atomic int		go;		/* set by the test */
	_Atomic int		stop;		/* set by the test: please end */
	_Atomic uint32_t	futex;		/* free for the two */
	_Atomic uint32_t	futex2;
	_Atomic int		tid;		/* a second thread's, or child's */
	_Atomic int		err;		/* -errno of the task's last trouble */
};

struct task {
	pid_t		pid;
	struct task_ctl	*c;
};

typedef void (*task_fn)(struct task_ctl *c, long arg);

struct task_opt {
	const char	*cg;		/* NULL: where the test is */
	int		cpu;		/* -1: any; else the n-th usable CPU */
	int		policy;		/* 0 is SCHED_OTHER */
	int		prio;		/* for FIFO and RR */
	int		nice;
	long		arg;
};

/*
 * Starts a process with these attributes (never the test's own FIFO), already in
 * its group before @fn runs. Ends the case if that cannot be done. @fn returning
 * ends the process with status 0.
 */
struct task task_start(const struct task_opt *o, task_fn fn);

/* SIGKILL and reap, within 10 s scaled. True if it died. Frees the shared page. */
bool task_end(struct task *t);
/* As above without the signal: waits for its own end; *status may be NULL. */
bool task_wait(struct task *t, unsigned int ms, int *status);
bool task_alive(pid_t pid);		/* exists and is no zombie */

/* Bodies to use with task_start(). */
void fn_hog(struct task_ctl *c, long arg);		/* user mode, for ever */
void fn_sleeper(struct task_ctl *c, long arg);		/* arg us naps */
void fn_pause(struct task_ctl *c, long arg);		/* SIGUSR1 counts */
/* Busy for arg % of each 10 ms of the clock. */
void fn_duty(struct task_ctl *c, long arg);
/*
 * One system call after another, each copying arg KiB (up to 2 GiB) inside the
 * kernel: about 0.17 ms per MiB under icount. "stage" is 1 from the first call.
 */
void fn_kernel(struct task_ctl *c, long arg);
/* Kernel-heavy work of many kinds, all small; each ends when "stop" is set. */
void fn_forks(struct task_ctl *c, long arg);	/* fork, exit, wait */
void fn_pipes(struct task_ctl *c, long arg);	/* ping-pong with a child */
void fn_maps(struct task_ctl *c, long arg);	/* mmap, touch, munmap */
void fn_files(struct task_ctl *c, long arg);	/* create, write, rename, unlink */
void fn_locks(struct task_ctl *c, long arg);	/* threads on a PI futex */
void fn_signals(struct task_ctl *c, long arg);	/* sends itself signals */

/* True if @t's counter moved by @delta within @ms (scaled). */
bool task_moves(struct task *t, uint64_t delta, unsigned int ms);

/* CPU time of a process, exact also while it runs; 0 if it is gone. */
uint64_t task_cpu_ns(pid_t pid);
/* State letter of /proc/PID/stat, or 0. */
char task_letter(pid_t pid);
/* CPU it runs or ran on last, or -1. */
int task_on_cpu(pid_t pid);

enum colo_state { COLO_GONE = -2, COLO_NONE = -1, COLO_ONLINE, COLO_OFFLINE,
		  COLO_LIFTED };
/* What /proc/TID/sched says in "colo.state". */
enum colo_state task_colo(pid_t tid);

/* Events of the kernel; the test mounts what is there. */
#define TRACING	"/sys/kernel/tracing/"
int trace_lines(const char *event, const char *text);
const char *colo_state_name(enum colo_state s);

/* ------------------------------------------------------------------ misc */

int n_cpus(void);			/* usable by the test at its start */
int nth_cpu(int n);			/* its number */
void pin_self(int n);			/* to the n-th usable CPU, -1: all */
int set_policy(pid_t pid, int policy, int prio);	/* 0 or -errno */
int set_deadline(pid_t pid, uint64_t runtime, uint64_t period);
int set_affinity(pid_t pid, int n);	/* n-th usable, -1: all */
pid_t gettid_(void);
/* fork() into a v2 group with clone3(); -errno if the kernel refuses. */
pid_t fork_into(const char *cg, uint64_t flags);
int write_file(const char *path, const char *text);	/* 0 or -errno */
int read_file(const char *path, char *buf, size_t len);	/* length or -errno */
int futex_op(_Atomic uint32_t *u, int op, uint32_t val, unsigned int ms);
/* xorshift; the same seed gives the same sequence. */
uint32_t rnd(uint64_t *seed);

#endif /* COLO_UTIL_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locks of the kernel between online and offline: an online task that sleeps on a
 * lock waits for a starved offline owner about as long as for an online one.
 *
 * All on one CPU. A holder, or several, does one thing again and again, nearly all
 * of it with the lock held. A waiter asks for the lock now and then, in rounds:
 *
 *	the load rests		the holder gets at the lock again; in the middle of
 *				it the waiter wakes up and then
 *	the load spins		for 10 to 20 ms: an offline holder is starved
 *	the waiter asks		the load goes on spinning until it has the lock
 *
 * A load that never rests would be no test: a holder is caught with the lock once,
 * goes back to user mode, and stays there.
 *
 * Each case has two arms, the holder online and the holder offline; judged is the
 * worst round of one against that of the other. The net, which gets everybody out
 * of the kernel sooner or later, is put off to 10 s meanwhile and so is no help.
 * That the lock was held is no guess: the waiter must have slept, which no operation
 * here does otherwise, and the holder must have been lifted for a lock.
 *
 * With report=1 nothing of that is judged: the figures are printed, as JSON in lines
 * that begin with "# figures ", for whoever judges those of several boots together.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "colo_util.h"

#define ON		"on"		/* the load */
#define DOM		"dom"		/* of the threads, if it is threads */
#define WAIT		"dom/wait"
#define OFF		"dom/off"	/* the holders; online in the first arm */
#define GRACE		"/proc/sys/kernel/colo_net_grace_ms"
#define GRACE_MS	50
#define HOLDERS		64
#define ROUNDS		1000
#define ALONE		15		/* rounds of the waiter before anybody else's */
#define HOLD_NS		(4 * NSEC_PER_MSEC)	/* a holder's, if it can be set */
#define ARM_MS		60000
#define PAGE		4096UL

static long rounds = 100;
static long known = 1;		/* ticks that may be lost to find an owner */
static long unknown = 3;	/* where there are only suspects */
static long grace_ms = 10000;
static long kill_ms = 2000;
static long kills = 1;		/* times that the crowd is killed */
static long seed = 1;		/* of the waiter's naps, of the probe's phase */
static long report;

enum second { NO_SECOND, SECOND_WAITS, SECOND_HOLDS };

/**
 * struct lock_case - what is different between two locks
 * @setup: in the case itself, before the arms; all tasks have what it leaves
 * @hold: one round of a holder, false and errno if it fails. More "units" take
 *	longer: doubled, up to @max, until it takes HOLD_NS. 0: it is what it is.
 * @want: one round of the waiter
 * @peer: an online task with a part in the case
 * @holders: how many; @base: how many in the online arm, if not as many
 * @times: so many times the rounds, where the worst one is rare
 * @second: the holder's process has a second thread, the waiter or another holder
 * @together: the holders stand in line for one lock, all of them in each round
 * @suspects: the lock does not know its owner
 * @later: it does, but not yet when the waiter goes to sleep
 * @idle: nobody waits for anybody
 */
struct lock_case {
	const char	*name;
	void		(*setup)(void);
	bool		(*hold)(void);
	bool		(*want)(void);
	task_fn		peer;
	unsigned long	max;
	int		holders, base, times;
	enum second	second;
	bool		together, suspects, later, idle;
};

enum stage { STARTED, READY, GO, RUN, DONE };

/* What the tasks of an arm share. */
static struct shared {
	_Atomic uint32_t	stage;		/* enum stage, only ever goes up */
	_Atomic uint32_t	gate;		/* 0: the load rests */
	_Atomic uint64_t	ops[HOLDERS];	/* rounds of each holder */
	_Atomic int		call, came;	/* the round that the peer is wanted in */
	_Atomic int		tid;		/* of a second thread */
	_Atomic int		err;		/* errno of what went wrong */
	uint64_t		alone[ALONE];	/* ns */
	uint64_t		ns[ROUNDS];
	uint32_t		slept;		/* rounds */
	unsigned long		units;		/* the only one that outlives an arm */
	pthread_mutex_t		pi;
} *sh;

static const struct lock_case *lc;
static int nr_holders;			/* in this arm */
static struct task victim;		/* of a case, until its end */

static __thread int me;			/* which holder */
static unsigned long units;		/* the holder's: how long */
static unsigned int turn;		/* the waiter's: which round */

/* ---------------------------------------------------------------- stages */

static void reach(enum stage stage)
{
	if (sh->stage < stage) {
		sh->stage = stage;
		futex_op(&sh->stage, FUTEX_WAKE, INT_MAX, 0);
	}
}

/* False if it is not reached within @ms; 0 is for ever. */
static bool await(enum stage stage, unsigned int ms)
{
	uint32_t now;

	while ((now = sh->stage) < stage)
		if (futex_op(&sh->stage, FUTEX_WAIT, now, ms) == -ETIMEDOUT)
			return sh->stage >= stage;
	return true;
}

/* Ends the arm. */
static void give_up(void)
{
	sh->err = errno ?: EIO;
	reach(DONE);
}

static void spin_or_rest(bool spin)
{
	sh->gate = spin;
	if (spin)
		futex_op(&sh->gate, FUTEX_WAKE, INT_MAX, 0);
}

static void nap_us(uint32_t us)
{
	struct timespec ts = { .tv_nsec = us * 1000L };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

/* ----------------------------------------------------------------- tasks */

static void fn_load(struct task_ctl *c, long arg)
{
	(void)arg;
	for (;;) {
		while (sh->gate)
			c->progress++;
		futex_op(&sh->gate, FUTEX_WAIT, 0, 0);
	}
}

/* Waits until one of the holders, or each, has got on. */
static void let_in(bool all)
{
	uint64_t had[HOLDERS];
	int i, n;

	for (i = 0; i < nr_holders; i++)
		had[i] = sh->ops[i];
	do {
		sleep_ms(1);
		for (i = n = 0; i < nr_holders; i++)
			n += sh->ops[i] != had[i];
	} while (n < (all ? nr_holders : 1) && !sh->err);
}

/* In ns; counts those that slept. */
static uint64_t ask(void)
{
	struct rusage before, after;
	uint64_t from, took;

	getrusage(RUSAGE_THREAD, &before);
	from = now_ns();
	if (!lc->want())
		give_up();
	took = now_ns() - from;
	getrusage(RUSAGE_THREAD, &after);
	sh->slept += after.ru_nvcsw != before.ru_nvcsw;
	return took;
}

static void fn_waiter(struct task_ctl *c, long arg)
{
	uint64_t rng = seed;

	(void)c;
	(void)arg;
	prctl(PR_SET_TIMERSLACK, 1);
	await(GO, 0);
	for (turn = 0; turn < ALONE; turn++)
		sh->alone[turn] = ask();
	sh->slept = 0;

	reach(RUN);
	let_in(true);
	for (turn = 0; turn < rounds && !sh->err; turn++) {
		spin_or_rest(false);
		let_in(lc->together);
		sh->call = turn + 1;
		while (lc->peer && sh->came != sh->call && !sh->err)
			sleep_ms(1);
		/* More than a tick: several holders all get their turn. */
		nap_us(4000 + rnd(&rng) % 8000);
		spin_or_rest(true);
		nap_us(10000 + rnd(&rng) % 10000);
		sh->ns[turn] = ask();
	}
	reach(DONE);
}

static void hold_for_ever(void)
{
	await(RUN, 0);
	units = sh->units;
	while (lc->hold())
		sh->ops[me]++;
	give_up();
	pause();
}

static void *second_thread(void *c)
{
	sh->tid = gettid_();
	if (lc->second == SECOND_HOLDS) {
		me = 1;
		hold_for_ever();
	}
	reach(READY);
	fn_waiter(c, 0);
	return NULL;
}

/* How many units take HOLD_NS. The first time is longer: it touches all memory. */
static bool calibrate(void)
{
	uint64_t from;

	units = lc->max;
	if (!lc->hold())
		return false;
	for (units = 1; units < lc->max; units *= 2) {
		from = now_ns();
		if (!lc->hold())
			return false;
		if (now_ns() - from >= HOLD_NS)
			break;
	}
	sh->units = units;
	return true;
}

static void fn_holder(struct task_ctl *c, long arg)
{
	pthread_t th;

	me = arg;
	if (!me && !sh->units && !calibrate())
		give_up();
	if (lc->second) {
		errno = pthread_create(&th, NULL, second_thread, c);
		if (errno)
			give_up();
	}
	if (!me && lc->second != SECOND_WAITS)
		reach(READY);
	hold_for_ever();
}

/* ---------------------------------------------------------------- engine */

struct result {
	uint64_t	worst;			/* us */
	uint32_t	slept;			/* rounds */
	int64_t		lock, drain;		/* lifts */
};

static void make(const char *cg)
{
	int ret = cg_make(cg);

	REQUIRE(!ret, "mkdir %s: %s", cg, strerror(-ret));
}

static int64_t lifts(const char *key)
{
	int64_t n = cg_stat(OFF, key);

	REQUIRE(n >= 0, "no %s in cpu.offline.stat", key);
	return n;
}

static void set_offline(int val)
{
	int ret = cg_set_offline(OFF, val);

	REQUIRE(!ret, "cpu.offline=%d: %s", val, strerror(-ret));
}

static void set_grace(long ms)
{
	char text[32];
	int ret;

	snprintf(text, sizeof(text), "%ld", ms);
	ret = write_file(GRACE, text);
	REQUIRE(!ret, GRACE "=%s: %s", text, strerror(-ret));
}

/* Nothing is left of the arm before, least of all a lock. */
static void renew(void)
{
	unsigned long keep = sh->units;
	pthread_mutexattr_t attr;

	memset(sh, 0, sizeof(*sh));
	sh->units = keep;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	errno = pthread_mutex_init(&sh->pi, &attr);
	REQUIRE(!errno, "PI mutex: %s", strerror(errno));
}

static void end(struct task *t)
{
	if (t->pid)
		CHECK(task_end(t), "cannot be killed");
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void sort(uint64_t *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
}

/* Nearest rank, @per10k in 1/10000, of what is sorted. */
static uint64_t rank(const uint64_t *v, size_t n, unsigned int per10k)
{
	size_t i = (n * per10k + 9999) / 10000;

	return n ? v[i ? i - 1 : 0] : 0;
}

/* What is sorted, in the words of the probes of tools/bench. */
static void put_series(FILE *f, const char *name, const uint64_t *v, size_t n)
{
	const char *sep = "";
	size_t i, same;

	fprintf(f, "\"%s\":{\"n\":%zu,\"p50\":%" PRIu64 ",\"p99\":%" PRIu64
		",\"p999\":%" PRIu64 ",\"max\":%" PRIu64 ",\"hist\":[", name, n,
		rank(v, n, 5000), rank(v, n, 9900), rank(v, n, 9990),
		rank(v, n, 10000));
	/* Eight buckets to the octave: the upper bound of each. */
	for (i = 0; i < n; i += same) {
		unsigned int shift = 0;
		uint64_t top;

		while (v[i] >> shift >= 16)
			shift++;
		top = ((v[i] >> shift) + 1) << shift;
		for (same = 1; i + same < n && v[i + same] < top; same++)
			;
		fprintf(f, "%s[%" PRIu64 ",%zu]", sep, top, same);
		sep = ",";
	}
	fputs("]}", f);
}

static char *figures;
static size_t figures_len;

static FILE *figures_begin(const char *name)
{
	FILE *f = open_memstream(&figures, &figures_len);

	REQUIRE(f, "open_memstream");
	fprintf(f, "# figures %s {", name);
	return f;
}

static void figures_end(FILE *f)
{
	fputs("}\n", f);
	fclose(f);
	CHECK(write(STDOUT_FILENO, figures, figures_len) == (ssize_t)figures_len,
	      "write: %s", strerror(errno));
	free(figures);
}

static void tell(const char *what, struct result *res)
{
	FILE *f;

	sort(sh->alone, ALONE);
	sort(sh->ns, rounds);
	res->slept = sh->slept;
	res->worst = sh->ns[rounds - 1] / 1000;
	if (report) {
		f = figures_begin(what);
		fprintf(f, "\"suspects\":%s,\"holders\":%d,\"slept\":%u,\"alone\":%"
			PRIu64 ",\"lift_lock\":%" PRId64 ",\"lift_drain\":%" PRId64
			",", lc->suspects ? "true" : "false", nr_holders,
			res->slept, sh->alone[ALONE / 2], res->lock, res->drain);
		put_series(f, "wait", sh->ns, rounds);
		figures_end(f);
		return;
	}
	diag("%s %s: alone %" PRIu64 " us, median %" PRIu64 " us, worst %" PRIu64
	     " us, slept in %u of %ld", lc->name, what, sh->alone[ALONE / 2] / 1000,
	     sh->ns[rounds / 2] / 1000, res->worst, res->slept, rounds);
	diag("%s %s: lift_lock %lld, lift_drain %lld", lc->name, what,
	     (long long)res->lock, (long long)res->drain);
}

/* The rounds. Whatever comes of them, nobody is left and OFF is online. */
static void arm(bool offline, struct result *res)
{
	struct task_opt o = { .cg = lc->second == SECOND_WAITS ? DOM : OFF };
	struct task holder[HOLDERS] = { }, load = { }, peer = { }, waiter = { };
	const char *what = offline ? "offline" : "online";
	int i, n, ret = 0;

	renew();
	nr_holders = offline || !lc->base ? lc->holders : lc->base;
	n = lc->second == SECOND_HOLDS ? 1 : nr_holders;
	set_offline(offline);
	for (i = 0; i < n; i++) {
		o.arg = i;
		holder[i] = task_start(&o, fn_holder);
	}
	if (!CHECK(await(READY, scaled(30000)), "%s: no holder gets ready", what))
		goto out;
	o.cg = ON;
	load = task_start(&o, fn_load);
	if (lc->peer)
		peer = task_start(&o, lc->peer);
	o.cg = WAIT;
	if (lc->second == SECOND_WAITS)
		ret = cg_attach_thread(OFF, holder[0].pid) ?:
		      cg_attach_thread(WAIT, sh->tid);
	else
		waiter = task_start(&o, fn_waiter);
	if (!CHECK(!ret, "cgroup.threads: %s", strerror(-ret)))
		goto out;

	res->lock = -lifts("lift_lock");
	res->drain = -lifts("lift_drain");
	reach(GO);
	CHECK(await(DONE, scaled(ARM_MS)), "%s: the rounds do not end", what);
	/* The load still spins. */
	CHECK(WAIT_FOR(cg_stat(OFF, "lifted") == 0, 1000),
	      "nobody waits any more, but lifted is %lld",
	      (long long)cg_stat(OFF, "lifted"));
	res->lock += lifts("lift_lock");
	res->drain += lifts("lift_drain");
	tell(what, res);
out:
	CHECK(!sh->err, "%s: %s", what, strerror(sh->err));
	set_offline(0);
	end(&load);
	end(&peer);
	end(&waiter);
	for (i = 0; i < n; i++)
		end(&holder[i]);
}

static void prepare(const struct lock_case *c, long grace)
{
	lc = c;
	make(ON);
	if (lc->second == SECOND_WAITS) {
		/* Threads of a process only part in groups that are threaded. */
		make(DOM);
		REQUIRE(!cg_make_threaded(WAIT) && !cg_make_threaded(OFF) &&
			!cg_write(DOM, "cgroup.subtree_control", "+cpu"),
			"threaded groups");
	} else {
		make(WAIT);
		make(OFF);
	}
	lifts("lift_lock");
	lifts("lift_drain");
	mount("tracefs", TRACING, "tracefs", 0, NULL);
	REQUIRE(!write_file(TRACING "trace", "") &&
		!write_file(TRACING "events/colo/colo_drain/enable", "1"), "colo_drain");
	set_grace(grace);
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(sh != MAP_FAILED, "mmap: %s", strerror(errno));
}

static void judge(const struct result *on, const struct result *off)
{
	int64_t got = lc->suspects ? off->drain : off->lock;
	struct timespec tick;
	uint64_t late;

	CHECK(!on->lock && !on->drain, "lifts without anybody offline");
	if (report)
		return;
	REQUIRE(!clock_getres(CLOCK_MONOTONIC_COARSE, &tick), "clock_getres");
	late = (lc->suspects || lc->later ? unknown : known) * tick.tv_nsec / 1000;
	CHECK(off->worst <= on->worst + late,
	      "worst %" PRIu64 " us, %" PRIu64 " us with an online holder: may be %"
	      PRIu64 " us more", off->worst, on->worst, late);
	if (lc->idle) {
		CHECK(!on->slept && !off->slept, "slept in %u and %u rounds",
		      on->slept, off->slept);
		CHECK(!off->lock && !off->drain, "%lld and %lld lifts for nobody",
		      (long long)off->lock, (long long)off->drain);
		return;
	}
	CHECK(on->slept * 2 >= rounds && off->slept * 2 >= rounds,
	      "the lock was held in %u and %u of %ld rounds: that proves nothing",
	      on->slept, off->slept, rounds);
	if (lc->suspects)
		CHECK(trace_lines("colo_drain:", "comm=test_lock"), "no colo_drain in the trace");
	/* Some may have been between two locks; two in the way are lifted both. */
	CHECK(lc->together ? got > off->slept : got * 4 >= off->slept * 3LL,
	      "%s %lld in %u rounds that slept",
	      lc->suspects ? "lift_drain" : "lift_lock", (long long)got, off->slept);
}

static void run(const struct lock_case *c)
{
	const long asked = rounds;
	struct result on, off;

	rounds *= c->times ?: 1;
	REQUIRE(rounds > 0 && rounds <= ROUNDS, "rounds=%ld", rounds);
	prepare(c, grace_ms);
	if (lc->setup)
		lc->setup();
	arm(false, &on);
	if (!colo_failures())
		arm(true, &off);
	set_grace(GRACE_MS);
	end(&victim);
	if (!colo_failures())
		judge(&on, &off);
	rounds = asked;
}

#define LOCK_CASE(_name, ...)						\
static void lock_##_name(void)						\
{									\
	run(&(struct lock_case){ .name = #_name, __VA_ARGS__ });	\
}

/* ----------------------------------------------------------------- inodes */

#define FILE_PAGES	2048UL		/* 8 MiB */

static char buf[FILE_PAGES * PAGE];	/* never written: the zero page */
static int file[HOLDERS];

/* tmpfs without a name. */
static void setup_files(void)
{
	int i;

	for (i = 0; i < HOLDERS; i++) {
		file[i] = memfd_create("lock", MFD_CLOEXEC);
		REQUIRE(file[i] >= 0, "memfd: %s", strerror(errno));
	}
}

/* One for all who are together, else one for each. */
static bool write_to(int i, size_t len)
{
	return pwrite(file[lc->together ? 0 : i], buf, len, 0) == (ssize_t)len;
}

static bool hold_file(void)
{
	return write_to(me, units * PAGE);
}

static bool want_file(void)
{
	return write_to(lc->idle ? 1 : turn % nr_holders, 1);
}

/*
 * i_rwsem, by a writer: shmem_file_write_iter() has it around all of
 * generic_perform_write(), however many pages that is.
 */
LOCK_CASE(inode_write, .setup = setup_files, .hold = hold_file, .want = want_file,
	  .max = FILE_PAGES, .holders = 1)

/*
 * The same with two holders: one has it, the other is first in line. Woken when it
 * is free, and starved, that one is not the owner yet, but rwsem_try_write_lock()
 * lets nobody else have it for long.
 */
LOCK_CASE(ahead, .setup = setup_files, .hold = hold_file, .want = want_file,
	  .max = FILE_PAGES, .holders = 2, .together = true, .times = 4)

/*
 * Many owners, all starved, each of a file of its own: the one that is needed gets
 * out, not one after another. It is to take no longer than with one, online.
 */
LOCK_CASE(many, .setup = setup_files, .hold = hold_file, .want = want_file,
	  .max = 256, .holders = HOLDERS, .base = 1)

/* Nobody is lifted who holds what nobody wants. */
LOCK_CASE(idle, .setup = setup_files, .hold = hold_file, .want = want_file,
	  .max = FILE_PAGES, .holders = 1, .idle = true)

/* ----------------------------------------------------------------- rename */

#define DEPTH	8192
#define MNT	"/tmp/colo-test-lock"

static int deep[2], shallow[2];		/* directories */

static int make_dir(int at, const char *name)
{
	int fd;

	REQUIRE(!mkdirat(at, name, 0700), "mkdir %s: %s", name, strerror(errno));
	fd = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	REQUIRE(fd >= 0, "open %s: %s", name, strerror(errno));
	return fd;
}

/* Two directories, and a file in the first. */
static void make_pair(int at, int dir[2])
{
	int fd;

	dir[0] = make_dir(at, "v");
	dir[1] = make_dir(at, "w");
	fd = openat(dir[0], "f", O_CREAT | O_WRONLY, 0600);
	REQUIRE(fd >= 0, "create: %s", strerror(errno));
	close(fd);
}

/* A tmpfs that goes with the last one who has something of it open. */
static void setup_dirs(void)
{
	int i, at, fd;

	REQUIRE(!mkdir(MNT, 0700) || errno == EEXIST, "mkdir: %s", strerror(errno));
	REQUIRE(!mount("none", MNT, "tmpfs", 0, NULL), "tmpfs: %s", strerror(errno));
	at = open(MNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	umount2(MNT, MNT_DETACH);
	rmdir(MNT);
	REQUIRE(at >= 0, "open: %s", strerror(errno));

	make_pair(at, shallow);
	for (i = 0; i < DEPTH; i++, at = fd) {
		fd = make_dir(at, "d");
		close(at);
	}
	make_pair(at, deep);
	close(at);
}

/* There and back; a holder that was killed may have left it there. */
static bool rename_in(const int dir[2])
{
	if (renameat(dir[0], "f", dir[1], "f") && errno != ENOENT)
		return false;
	return !renameat(dir[1], "f", dir[0], "f");
}

static bool hold_rename(void)
{
	return rename_in(deep);
}

static bool want_rename(void)
{
	return rename_in(shallow);
}

/*
 * s_vfs_rename_mutex, one for all of a file system: lock_rename() takes it when the
 * directories differ, unlock_rename() gives it back. What is long is the way up to
 * the root, in lock_two_directories() and for __d_move() in d_ancestor().
 */
LOCK_CASE(rename, .setup = setup_dirs, .hold = hold_rename, .want = want_rename,
	  .holders = 1)

/* ------------------------------------------------------------------- pipe */

static int ends[2];
static char sink[FILE_PAGES * PAGE];

static void setup_pipe(void)
{
	REQUIRE(!pipe2(ends, O_NONBLOCK | O_CLOEXEC), "pipe: %s", strerror(errno));
	REQUIRE(fcntl(ends[1], F_SETPIPE_SZ, FILE_PAGES * PAGE) > 0, "F_SETPIPE_SZ: %s",
		strerror(errno));
}

/* Its own reader: it never sleeps. A holder that was killed may have left it full. */
static bool hold_pipe(void)
{
	if (write(ends[1], buf, units * PAGE) <= 0 && errno != EAGAIN)
		return false;
	return read(ends[0], sink, units * PAGE) > 0;
}

static bool want_pipe(void)
{
	int n;

	return !ioctl(ends[0], FIONREAD, &n);
}

/*
 * pipe->mutex: pipe_write() and pipe_read() have it while there is room, or data,
 * and copy under it; pipe_ioctl() takes it for FIONREAD.
 */
LOCK_CASE(pipe, .setup = setup_pipe, .hold = hold_pipe, .want = want_pipe,
	  .max = FILE_PAGES, .holders = 1)

/* -------------------------------------------------------------- mmap_lock */

#define REGION	65536UL			/* pages: 256 MiB of the zero page */
#define FAULTS	512UL			/* of them, those that chain faults in */

static char *region;

static void setup_region(void)
{
	region = mmap(NULL, REGION * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(region != MAP_FAILED, "mmap: %s", strerror(errno));
	/* EINVAL where there are no huge ones. */
	madvise(region, REGION * PAGE, MADV_NOHUGEPAGE);
}

static bool hold_mprotect(void)
{
	static bool populated;

	if (!populated)
		populated = !madvise(region, REGION * PAGE, MADV_POPULATE_READ);
	return populated && !mprotect(region, units * PAGE, PROT_READ | PROT_EXEC) &&
	       !mprotect(region, units * PAGE, PROT_READ);
}

static bool hold_populate(void)
{
	return !madvise(region, units * PAGE, MADV_POPULATE_READ) &&
	       !madvise(region, units * PAGE, MADV_DONTNEED);
}

static bool want_map(void)
{
	void *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && !munmap(p, PAGE);
}

/*
 * mmap_lock, by a writer: do_mprotect_pkey() has it while it changes all entries of
 * the range; vm_mmap_pgoff() and __vm_munmap() want to write, too.
 */
LOCK_CASE(mmap_write, .setup = setup_region, .hold = hold_mprotect, .want = want_map,
	  .max = REGION, .holders = 1, .second = SECOND_WAITS)

/*
 * mmap_lock, by a reader: do_madvise() has it around madvise_populate(), a fault for
 * each page, and around MADV_DONTNEED.
 */
LOCK_CASE(mmap_read, .setup = setup_region, .hold = hold_populate, .want = want_map,
	  .max = REGION, .holders = 1, .second = SECOND_WAITS, .suspects = true)

static void setup_chain(void)
{
	setup_files();
	setup_region();
}

/* The first writes a page, from where there is none: that faults under i_rwsem. */
static bool hold_chain(void)
{
	unsigned long page = sh->ops[0] % FAULTS;

	units = REGION / 2;
	if (me)
		return hold_mprotect();
	if (!page && madvise(region, FAULTS * PAGE, MADV_DONTNEED))
		return false;
	return pwrite(file[0], region + page * PAGE, PAGE, 0) == (ssize_t)PAGE;
}

/*
 * i_rwsem, whose owner waits for mmap_lock, whose owner is starved: with the inode
 * locked generic_perform_write() faults its source in, and for a fault of the kernel
 * do_user_addr_fault() always takes mmap_lock. The second thread has that for write
 * nearly all the time.
 */
LOCK_CASE(chain, .setup = setup_chain, .hold = hold_chain, .want = want_file,
	  .holders = 2, .second = SECOND_HOLDS, .together = true)

/* ---------------------------------------------------------------- cgroups */

#define CROWD	256			/* threads that are moved */
#define GROUPS	512			/* without anybody in them */

static int fds[2];
static char who[16], *mine;

static int open_file(const char *cg, const char *name)
{
	int fd = open(cg_path(cg, name), O_WRONLY | O_CLOEXEC);

	REQUIRE(fd >= 0, "%s: %s", name, strerror(errno));
	return fd;
}

static bool write_text(int fd, const char *text)
{
	return pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text);
}

static void *pause_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void fn_crowd(struct task_ctl *c, long arg)
{
	pthread_attr_t attr;
	pthread_t th;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN);
	while (arg-- && !c->err)
		c->err = -pthread_create(&th, &attr, pause_for_ever, NULL);
	c->stage = 1;
	pause_for_ever(NULL);
}

static void setup_crowd(void)
{
	make("a");
	make("b");
	fds[0] = open_file("a", "cgroup.procs");
	fds[1] = open_file("b", "cgroup.procs");
	victim = task_start(&(struct task_opt){ .cg = "a", .arg = CROWD }, fn_crowd);
	REQUIRE(WAIT_FOR(victim.c->stage == 1, 20000) && !victim.c->err, "threads: %s",
		strerror(-victim.c->err));
	snprintf(who, sizeof(who), "%d", victim.pid);
}

static bool hold_move(void)
{
	return write_text(fds[1], who) && write_text(fds[0], who);
}

/* Without a wait for the child: when that runs is no lock's doing. */
static bool want_fork(void)
{
	pid_t pid;

	signal(SIGCHLD, SIG_IGN);
	pid = fork();
	if (!pid)
		_exit(0);
	return pid > 0;
}

/*
 * cgroup_threadgroup_rwsem: __cgroup_procs_write() has it for write, by
 * cgroup_attach_lock(), while it moves thread after thread; cgroup_css_set_fork()
 * reads. (cgroup_mutex is held as well, but a fork does not need it.)
 */
LOCK_CASE(threadgroup, .setup = setup_crowd, .hold = hold_move, .want = want_fork,
	  .holders = 1, .suspects = true)

/* Different parents: the VFS locks the inode of one in which it makes something. */
static void setup_groups(void)
{
	char name[32];
	int i;

	make("tree");
	make("mine");
	for (i = 0; i < GROUPS; i++) {
		snprintf(name, sizeof(name), "tree/%d", i);
		REQUIRE(!mkdir(cg_path(name, ""), 0755), "mkdir %s: %s", name,
			strerror(errno));
	}
	fds[0] = open_file("tree", "cgroup.kill");
	mine = strdup(cg_path("mine", ""));
	REQUIRE(mine, "strdup");
}

static bool hold_kill(void)
{
	return write_text(fds[0], "1");
}

/* And no rmdir: a worker would want cgroup_mutex later, and come before the waiter. */
static bool want_group(void)
{
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%s/%d.%u.%u", mine, getpid(), sh->stage, turn);
	return !mkdir(name, 0755);
}

/*
 * cgroup_mutex: cgroup_kill_write() has it, by cgroup_kn_lock_live(), while
 * cgroup_kill() looks for tasks in each group below; cgroup_mkdir() takes it.
 */
LOCK_CASE(cgroup_mutex, .setup = setup_groups, .hold = hold_kill, .want = want_group,
	  .holders = 1)

static void fn_cgroup_kill(struct task_ctl *c, long arg)
{
	struct rusage use;
	uint64_t from;

	while (!c->stop && hold_kill())
		for (from = now_ns(); now_ns() < from + arg * 1000;)
			c->progress++;
	c->err = c->stop ? 0 : -errno;
	getrusage(RUSAGE_SELF, &use);
	c->extra = use.ru_nvcsw;
	c->stage = 1;
	pause_for_ever(NULL);
}

/*
 * Two online tasks take turns at cgroup_mutex, beside others: who slept on it is woken,
 * the mutex is free, and all that the task waits for is the CPU, for some ticks. That
 * is no reason to lift anybody.
 */
static void lock_woken(void)
{
	struct task_opt o = { .cg = OFF, .arg = 4096 };
	struct task t[8];
	uint64_t slept = 0;
	int64_t got;
	size_t i;

	prepare(&(struct lock_case){ }, grace_ms);
	setup_groups();
	set_offline(1);
	t[0] = task_start(&o, fn_kernel);
	REQUIRE(WAIT_FOR(t[0].c->stage == 1, 5000), "the offline task does not start");
	o.cg = ON;
	o.arg = 100;
	for (i = 1; i < ARRAY_SIZE(t); i++)
		t[i] = task_start(&o, i <= 2 ? fn_cgroup_kill : fn_hog);
	sleep_ms(6000);
	for (i = 1; i <= 2; i++) {
		t[i].c->stop = 1;
		CHECK(WAIT_FOR(t[i].c->stage == 1, 5000) && !t[i].c->err,
		      "cgroup.kill: %s", strerror(-t[i].c->err));
		slept += t[i].c->extra;
	}
	CHECK(slept > 10, "they slept %llu times, too rarely", (unsigned long long)slept);
	got = lifts("lift_lock") + lifts("lift_drain");
	CHECK(!got, "%lld lifts for nobody", (long long)got);
	set_grace(GRACE_MS);
	set_offline(0);
	for (i = 0; i < ARRAY_SIZE(t); i++)
		end(&t[i]);
}

/* -------------------------------------------------------------- PI futexes */

static bool pi_lock(void)
{
	errno = pthread_mutex_lock(&sh->pi);
	return !errno;
}

static bool pi_unlock(void)
{
	errno = pthread_mutex_unlock(&sh->pi);
	return !errno;
}

static bool hold_pi(void)
{
	unsigned long i;

	if (!pi_lock())
		return false;
	for (i = 0; i < units * 1000; i++)
		asm volatile("" ::: "memory");
	return pi_unlock();
}

static bool want_pi(void)
{
	return pi_lock() && pi_unlock();
}

/*
 * The rt_mutex of a futex, by futex_lock_pi(): its owner is in user mode, and has
 * to go on there.
 */
LOCK_CASE(pi_futex, .hold = hold_pi, .want = want_pi, .max = 8192, .holders = 1)

/* Has the lock, and sleeps on it, until the holder and then the waiter want it. */
static void fn_sleeping_owner(struct task_ctl *c, long arg)
{
	(void)c;
	(void)arg;
	for (;;) {
		while (sh->call == sh->came)
			sleep_ms(1);
		if (!pi_lock())
			break;
		sh->came = sh->call;
		while (!sh->gate)
			sleep_ms(1);
		/* The waiter comes within 20. */
		sleep_ms(25);
		if (!pi_unlock())
			break;
	}
	give_up();
}

/*
 * The same, but when the waiter goes to sleep the owner is online, and the offline
 * task only ahead in line: wake_futex_pi() makes that the owner later on.
 */
LOCK_CASE(ahead_pi, .hold = hold_pi, .want = want_pi, .max = 8192, .holders = 1,
	  .peer = fn_sleeping_owner)

/* -------------------------------------------------------------------- RCU */

static char *long_path;

/* As long as a path may be; the file at its end is not there. */
static void setup_path(void)
{
	size_t i;
	int fd, at;

	REQUIRE(!mkdir(MNT, 0700) || errno == EEXIST, "mkdir: %s", strerror(errno));
	REQUIRE(!mount("none", MNT, "tmpfs", 0, NULL), "tmpfs: %s", strerror(errno));
	at = open(MNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	umount2(MNT, MNT_DETACH);
	rmdir(MNT);
	REQUIRE(at >= 0, "open: %s", strerror(errno));
	REQUIRE(!fchdir(at), "fchdir: %s", strerror(errno));
	REQUIRE(!mkdir(MNT, 0700), "mkdir: %s", strerror(errno));
	long_path = malloc(PATH_MAX);
	REQUIRE(long_path, "malloc");
	for (i = 0; i + 4 < PATH_MAX; i += 2) {
		fd = make_dir(at, "d");
		close(at);
		at = fd;
		memcpy(long_path + i, "d/", 2);
	}
	strcpy(long_path + i, "n");
	close(at);
}

static bool hold_path(void)
{
	struct stat st;

	return stat(long_path, &st) && errno == ENOENT;
}

static bool want_grace_period(void)
{
	return !mount("none", MNT, "tmpfs", 0, NULL) && !umount2(MNT, MNT_DETACH);
}

/*
 * The read side of RCU, in which path_lookupat() walks, all components of a path in
 * one; namespace_unlock(), when something was unmounted, has an expedited grace period.
 * Whom that waits for is known when it has begun.
 */
LOCK_CASE(rcu, .setup = setup_path, .hold = hold_path, .want = want_grace_period,
	  .holders = 1, .later = true)

/* ------------------------------------------------------------------- kill */

#define MOB	1000

/* Every other one in user mode, the rest in system calls; they start together. */
static void fn_mob(struct task_ctl *c, long arg)
{
	const size_t len = 16 * PAGE;
	int fd = open("/dev/zero", O_RDONLY);
	char *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);
	pid_t pid;
	long i;

	setpgid(0, 0);
	for (i = 0; i < arg && !c->err; i++) {
		pid = fork();
		if (pid < 0)
			c->err = -errno;
		if (pid)
			continue;
		while (!c->futex)
			futex_op(&c->futex, FUTEX_WAIT, 0, 0);
		c->extra++;
		for (;;)
			if (i & 1 && read(fd, mem, len) < 0)
				_exit(1);
	}
	c->futex = 1;
	futex_op(&c->futex, FUTEX_WAKE, INT_MAX, 0);
	pause_for_ever(NULL);
}

#define PERIOD_NS	(2 * NSEC_PER_MSEC)	/* of the probe; its work: */
#define BUSY_NS		(100 * 1000ULL)
#define SAMPLES		65536

/* Online: when each activation was due, and when it came and was done after that. */
static struct probe {
	_Atomic uint32_t	n;
	struct sample {
		uint64_t	due, wake, done;
	} v[SAMPLES];
} *probe;

static void work(uint64_t loops)
{
	for (; loops; loops--)
		asm volatile("" : "+r"(loops));
}

/* The fastest of some: the others were interrupted. */
static uint64_t loops_in(uint64_t ns)
{
	const uint64_t loops = 50000;
	uint64_t from, took, best = UINT64_MAX;
	int i;

	for (i = 0; i < 50; i++) {
		from = now_ns();
		work(loops);
		took = now_ns() - from;
		if (took < best)
			best = took;
	}
	return loops * ns / (best ?: 1);
}

/*
 * Activations at fixed times, however late the one before was. The period is
 * stretched a little: in 4000 of them the phase moves through a tick of 4 ms.
 */
static void fn_probe(struct task_ctl *c, long arg)
{
	const uint64_t loops = loops_in(BUSY_NS);
	uint64_t rng = arg, due;
	uint32_t i;

	prctl(PR_SET_TIMERSLACK, 1);
	due = now_ns() + PERIOD_NS + rnd(&rng) % (4 * NSEC_PER_MSEC);
	for (i = 0; i < SAMPLES; i++, due += PERIOD_NS + 1000) {
		struct timespec ts = { .tv_sec = due / NSEC_PER_SEC,
				       .tv_nsec = due % NSEC_PER_SEC };
		struct sample *s = &probe->v[i];

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		s->wake = now_ns() - due;
		work(loops);
		s->done = now_ns() - due;
		s->due = due;
		probe->n = i + 1;
	}
	c->err = -ENOSPC;
	pause_for_ever(NULL);
}

struct window {
	uint64_t from, to;
};

/* The activations that were due in one of the windows. */
static void tell_probe(const char *what, const struct window *w)
{
	static uint64_t wake[SAMPLES], done[SAMPLES];
	const struct sample *s;
	size_t n = 0;
	FILE *f;
	long i;

	for (s = probe->v; s < probe->v + probe->n; s++) {
		for (i = 0; i < kills; i++) {
			if (s->due >= w[i].from && s->due < w[i].to) {
				wake[n] = s->wake;
				done[n++] = s->done;
				break;
			}
		}
	}
	sort(wake, n);
	sort(done, n);
	if (!report) {
		diag("online %s: p50 %" PRIu64 " us, p99.9 %" PRIu64 " us, done %"
		     PRIu64 " us, of %zu wake-ups", what, rank(wake, n, 5000) / 1000,
		     rank(wake, n, 9990) / 1000, rank(done, n, 9990) / 1000, n);
		return;
	}
	f = figures_begin(what);
	put_series(f, "wake", wake, n);
	fputc(',', f);
	put_series(f, "done", done, n);
	figures_end(f);
}

/* An online task like others: what it does is part of what online has to bear. */
static void fn_killer(struct task_ctl *c, long arg)
{
	int fd = open(cg_path(OFF, "cgroup.kill"), O_WRONLY);

	(void)arg;
	while (!c->futex)
		futex_op(&c->futex, FUTEX_WAIT, 0, 0);
	c->extra = now_ns();
	c->err = write_text(fd, "1") ? 0 : -errno;
	c->stage = 1;
	pause_for_ever(NULL);
}

/* Without looking now and then, which would be in online's way. */
static bool await_empty(unsigned int ms)
{
	struct pollfd p = { .events = POLLPRI };
	uint64_t end_ns = now_ns() + scaled(ms) * NSEC_PER_MSEC;
	char text[128];
	ssize_t n;

	p.fd = open(cg_path(OFF, "cgroup.events"), O_RDONLY | O_CLOEXEC);
	REQUIRE(p.fd >= 0, "cgroup.events: %s", strerror(errno));
	do {
		n = pread(p.fd, text, sizeof(text) - 1, 0);
		text[n > 0 ? n : 0] = '\0';
	} while (!strstr(text, "populated 0") && now_ns() < end_ns &&
		 poll(&p, 1, (end_ns - now_ns()) / NSEC_PER_MSEC + 1) >= 0);
	close(p.fd);
	return strstr(text, "populated 0");
}

/* For tasks that nobody waits for. Their pages go, too: the next crowd inherits them. */
static void dismiss(struct task *t)
{
	kill(t->pid, SIGKILL);
	CHECK(WAIT_FOR(kill(t->pid, 0) && errno == ESRCH, 10000), "cannot be killed");
	munmap(t->c, sizeof(*t->c));
}

/* From the signal to the end of the last one. */
static struct window kill_once(void)
{
	struct task_opt o = { .cg = OFF, .arg = MOB };
	struct task mob, hog, killer;
	struct window w;
	bool gone;

	mob = task_start(&o, fn_mob);
	REQUIRE(WAIT_FOR(mob.c->extra == MOB || mob.c->err, 120000) && !mob.c->err,
		"%llu of %d run: %s", (unsigned long long)mob.c->extra, MOB,
		strerror(-mob.c->err));
	o.cg = "killer";
	killer = task_start(&o, fn_killer);
	o.cg = ON;
	hog = task_start(&o, fn_hog);
	CHECK(task_moves(&hog, 1, 5000), "the online hog does not run");
	sleep_ms(200);
	CHECK(cg_stat(OFF, "tasks") == MOB + 1, "tasks is %lld, should be %d",
	      (long long)cg_stat(OFF, "tasks"), MOB + 1);

	killer.c->futex = 1;
	futex_op(&killer.c->futex, FUTEX_WAKE, INT_MAX, 0);
	gone = await_empty(ARM_MS);
	/* Nobody waits for them: once they are gone, they are gone. */
	gone = gone && WAIT_FOR(kill(-mob.pid, 0) && errno == ESRCH, 5000);
	w.to = now_ns();
	w.from = killer.c->extra;
	REQUIRE(killer.c->stage && !killer.c->err, "cgroup.kill: %s",
		strerror(-killer.c->err));
	CHECK(gone, "not all of them end");
	CHECK(WAIT_FOR(cg_stat(OFF, "tasks") == 0, 5000), "tasks is %lld",
	      (long long)cg_stat(OFF, "tasks"));
	CHECK(cg_stat(OFF, "lifted") == 0, "lifted is %lld",
	      (long long)cg_stat(OFF, "lifted"));
	dismiss(&mob);
	dismiss(&killer);
	dismiss(&hog);
	return w;
}

/*
 * Not for a lock, but all of them have to get out: the bound is on the last one. Beside
 * an online hog, which starves them, and a light online task, whose latency meanwhile
 * is compared with that beside the hog alone, for as long.
 */
static void kill_many(void)
{
	struct task_opt o = { .cg = WAIT, .arg = seed };
	struct window *w, *alone;
	struct task light, hog;
	uint64_t us, worst = 0;
	FILE *f;
	long i;

	REQUIRE(kills > 0, "kills=%ld", kills);
	w = calloc(kills, sizeof(*w));
	alone = calloc(kills, sizeof(*alone));
	probe = mmap(NULL, sizeof(*probe), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(w && alone && probe != MAP_FAILED, "no memory");
	prepare(&(struct lock_case){ }, GRACE_MS);
	make("killer");
	/*
	 * The orphans of the one who starts them are this one's, and are to need
	 * nobody who waits for them.
	 */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGCHLD, SIG_IGN);
	set_offline(1);
	light = task_start(&o, fn_probe);
	for (i = 0; i < kills; i++) {
		w[i] = kill_once();
		us = (w[i].to - w[i].from) / 1000;
		worst = us > worst ? us : worst;
		o.cg = ON;
		hog = task_start(&o, fn_hog);
		CHECK(task_moves(&hog, 1, 5000), "the online hog does not run");
		sleep_ms(200);
		alone[i].from = now_ns();
		sleep_ms(us / 1000);
		alone[i].to = now_ns();
		dismiss(&hog);
	}
	sleep_ms(200);
	REQUIRE(probe->n && probe->v[probe->n - 1].due > alone[kills - 1].to &&
		!light.c->err, "the light online task fell behind");
	dismiss(&light);

	tell_probe("alone", alone);
	tell_probe("meanwhile", w);
	if (report) {
		f = figures_begin("kill");
		fprintf(f, "\"tasks\":%d,\"n\":%ld,\"max\":%" PRIu64 "000,\"each\":[",
			MOB, kills, worst);
		for (i = 0; i < kills; i++)
			fprintf(f, "%s%" PRIu64, i ? "," : "", w[i].to - w[i].from);
		fputc(']', f);
		figures_end(f);
	} else {
		diag("%d tasks gone after %" PRIu64 " us", MOB + 1, worst);
		CHECK(worst <= kill_ms * 1000ULL, "gone after %" PRIu64 " us", worst);
	}
	set_offline(0);
}

static const struct colo_case cases[] = {
	{ "inode_write", lock_inode_write, 240, 0, 0 },
	{ "rename", lock_rename, 240, 0, 0 },
	{ "pipe", lock_pipe, 240, 0, 0 },
	{ "mmap_write", lock_mmap_write, 240, 0, 0 },
	{ "mmap_read", lock_mmap_read, 240, 0, 0 },
	{ "threadgroup", lock_threadgroup, 240, 0, 0 },
	{ "cgroup_mutex", lock_cgroup_mutex, 240, 0, 0 },
	{ "woken", lock_woken, 240, 0, 0 },
	{ "pi_futex", lock_pi_futex, 240, 0, 0 },
	{ "chain", lock_chain, 240, 0, 0 },
	{ "ahead", lock_ahead, 240, 0, 0 },
	{ "ahead_pi", lock_ahead_pi, 240, 0, 0 },
	{ "rcu", lock_rcu, 240, 0, 0 },
	{ "many", lock_many, 240, 0, 0 },
	{ "kill_many", kill_many, 240, 0, 0 },
	{ "idle", lock_idle, 240, 0, 0 },
};

static const struct colo_param params[] = {
	{ "rounds", &rounds },
	{ "known", &known },
	{ "unknown", &unknown },
	{ "grace_ms", &grace_ms },
	{ "kill_ms", &kill_ms },
	{ "kills", &kills },
	{ "seed", &seed },
	{ "report", &report },
};

int main(int argc, char **argv)
{
	return colo_main(argc, argv, cases, ARRAY_SIZE(cases), params,
			 ARRAY_SIZE(params));
}

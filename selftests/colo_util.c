// SPDX-License-Identifier: GPL-2.0-only
/* See colo_util.h for what each function promises. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "colo_util.h"

#define V2_ROOT		"/sys/fs/cgroup"
#define V1_ROOT		"/tmp/colo-cgroup1"
#define MAX_DIAG	20	/* failures of one case that are told */
#define CASE_PRIO	40	/* of a case and of the runner: SCHED_FIFO */

enum { EXIT_PASS = 0, EXIT_FAIL = 1, EXIT_SKIP = 4 };

enum cg_hier cg_hier = CG_V2;
struct cg_subject cg_subject = {
	.file = "cpu.offline", .ctrl = "cpu", .v1 = "cpu,cpuacct",
};

static char base_name[64];	/* the case's group, in both hierarchies */
static int failures;
static cpu_set_t all_cpus;
static unsigned int time_scale = 1;

/* ------------------------------------------------------------------ time */

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

void sleep_ms(unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000,
			       .tv_nsec = (ms % 1000) * NSEC_PER_MSEC };

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
		;
}

unsigned int scaled(unsigned int ms)
{
	return ms * time_scale;
}

/* ------------------------------------------------------------------ KTAP */

static void vdiag(const char *prefix, const char *fmt, va_list ap)
{
	char buf[1024];
	int n, m;

	n = snprintf(buf, sizeof(buf), "# %s", prefix);
	m = vsnprintf(buf + n, sizeof(buf) - n - 1, fmt, ap);
	if (m < 0)
		return;
	n += m;
	if (n > (int)sizeof(buf) - 2)
		n = sizeof(buf) - 2;
	buf[n++] = '\n';
	if (write(STDOUT_FILENO, buf, n) != n)
		failures++;
}

void diag(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vdiag("", fmt, ap);
	va_end(ap);
}

bool colo_check(bool ok, const char *file, int line, const char *fmt, ...)
{
	char where[128];
	va_list ap;

	if (ok)
		return true;
	if (failures++ >= MAX_DIAG)
		return false;
	snprintf(where, sizeof(where), "%s:%d: ", file, line);
	va_start(ap, fmt);
	vdiag(where, fmt, ap);
	va_end(ap);
	return false;
}

void colo_fail_now(void)
{
	_exit(EXIT_FAIL);
}

int colo_failures(void)
{
	return failures;
}

void colo_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vdiag("not run: ", fmt, ap);
	va_end(ap);
	_exit(getenv("COLO_OUT") ? EXIT_FAIL : EXIT_SKIP);
}

static void ktap_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	fflush(stdout);
}

/* Collects everything that ended, so that no zombie keeps a group busy. */
static void reap_all(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static int run_one(const struct colo_case *c)
{
	struct pollfd end_of = { .events = POLLIN };
	int status, ret = EXIT_FAIL, err;
	pid_t pid;

	/* A fresh group; its file is also how a missing class is noticed. */
	snprintf(base_name, sizeof(base_name), "colo-test-%d", getpid());
	err = cg_make("");
	if (!err)
		err = cg_make("probe");
	if (err) {
		diag("cannot make a group below %s: %s", cg_path("", ""),
		     strerror(-err));
		cg_clean("");
		return EXIT_FAIL;
	}
	if (!cg_exists("probe", cg_subject.file)) {
		diag("no %s: kernel or module do not have it", cg_subject.file);
		cg_clean("");
		return getenv("COLO_OUT") ? EXIT_FAIL : EXIT_SKIP;
	}
	err = cg_rm("probe");
	if (err) {
		diag("cannot remove an empty group: %s", strerror(-err));
		return EXIT_FAIL;
	}

	pid = fork();
	if (pid < 0) {
		diag("fork: %s", strerror(errno));
		return EXIT_FAIL;
	}
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		failures = 0;
		c->fn();
		_exit(failures ? EXIT_FAIL : EXIT_PASS);
	}

	/* Without polling: the test's own time is not online's to give. */
	end_of.fd = syscall(SYS_pidfd_open, pid, 0);
	if (poll(&end_of, 1, c->timeout_s * time_scale * 1000) != 1) {
		diag("%s: no end within %u s", c->name,
		     c->timeout_s * time_scale);
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
		/* In the kernel for good? Then the clean-up says so. */
		WAIT_FOR(waitpid(pid, &status, WNOHANG) == pid, 10000);
		status = -1;
	} else {
		waitpid(pid, &status, 0);
	}
	close(end_of.fd);
	if (status != -1 && WIFEXITED(status))
		ret = WEXITSTATUS(status);
	else if (status != -1)
		diag("%s: ended by signal %d", c->name, WTERMSIG(status));

	if (cg_hier == CG_V2 && !access(V1_ROOT "/cgroup.procs", F_OK)) {
		/* It ended before it could put this back. */
		cg_hier = CG_V1;
		cg_clean("");
		err = cg_leave_v1();
		cg_hier = CG_V2;
		diag("%s: left the v1 hierarchy mounted; putting it back: %s",
		     c->name, strerror(-err));
		ret = EXIT_FAIL;
	}
	err = cg_clean("");
	if (err) {
		diag("%s: cannot clean up its groups: %s", c->name,
		     strerror(-err));
		ret = EXIT_FAIL;
	}
	reap_all();
	return ret;
}

static bool case_applies(const struct colo_case *c)
{
	if (c->min_cpus && n_cpus() < c->min_cpus)
		return false;
	return !c->max_cpus || n_cpus() <= c->max_cpus;
}

/* Is @name one of the words, set apart by commas, of @only? */
static bool chosen(const char *only, const char *name)
{
	size_t len = strlen(name);

	for (; only; only = strchr(only, ',')) {
		only += *only == ',';
		if (!strncmp(only, name, len) && (!only[len] || only[len] == ','))
			return true;
	}
	return false;
}

int colo_run(const char *prog, const struct colo_case *cases, size_t n,
	     const char *only)
{
	unsigned int planned = 0, failed = 0, skipped = 0, nr = 0;
	const char *scale = getenv("COLO_TIME_SCALE");
	size_t i;

	if (scale && atoi(scale) > 0)
		time_scale = atoi(scale);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* The cases judge loads that may take all of a CPU: stay above them. */
	if (set_policy(0, SCHED_FIFO, CASE_PRIO))
		diag("no SCHED_FIFO for the test itself, it may be slow");

	for (i = 0; i < n; i++)
		if (case_applies(&cases[i]) &&
		    (!only || chosen(only, cases[i].name)))
			planned++;

	ktap_line("KTAP version 1\n1..%u\n", planned);
	diag("%s: %d CPUs, time scale %u", prog, n_cpus(), time_scale);
	for (i = 0; i < n; i++) {
		int ret;

		if (only && !chosen(only, cases[i].name))
			continue;
		if (!case_applies(&cases[i])) {
			diag("%s is for %d to %d CPUs: not in this plan",
			     cases[i].name, cases[i].min_cpus,
			     cases[i].max_cpus ?: INT_MAX);
			continue;
		}
		ret = run_one(&cases[i]);
		nr++;
		if (ret == EXIT_PASS) {
			ktap_line("ok %u %s\n", nr, cases[i].name);
		} else if (ret == EXIT_SKIP) {
			skipped++;
			ktap_line("ok %u %s # SKIP\n", nr, cases[i].name);
		} else {
			failed++;
			ktap_line("not ok %u %s\n", nr, cases[i].name);
		}
	}
	diag("%s: %u passed, %u failed, %u skipped", prog,
	     planned - failed - skipped, failed, skipped);
	if (failed || !planned)
		return EXIT_FAIL;
	return skipped == planned ? EXIT_SKIP : EXIT_PASS;
}

int colo_main(int argc, char **argv, const struct colo_case *cases, size_t n,
	      const struct colo_param *params, size_t nparams)
{
	const char *only = NULL, *prog = strrchr(argv[0], '/');
	size_t i;
	int opt;

	prog = prog ? prog + 1 : argv[0];
	while ((opt = getopt(argc, argv, "lc:")) != -1) {
		switch (opt) {
		case 'l':
			for (i = 0; i < n; i++)
				printf("%s\n", cases[i].name);
			return 0;
		case 'c':
			only = optarg;
			break;
		default:
			goto usage;
		}
	}
	for (; optind < argc; optind++) {
		char *eq = strchr(argv[optind], '='), *rest;
		long v;

		if (!eq)
			goto usage;
		v = strtol(eq + 1, &rest, 0);
		if (*rest || rest == eq + 1)
			goto usage;
		for (i = 0; i < nparams; i++)
			if (strlen(params[i].name) == (size_t)(eq - argv[optind]) &&
			    !strncmp(params[i].name, argv[optind],
				     eq - argv[optind]))
				break;
		if (i == nparams)
			goto usage;
		*params[i].value = v;
	}
	return colo_run(prog, cases, n, only);

usage:
	fprintf(stderr, "usage: %s [-l] [-c CASE[,CASE...]]", prog);
	for (i = 0; i < nparams; i++)
		fprintf(stderr, " [%s=%ld]", params[i].name, *params[i].value);
	fprintf(stderr, "\n");
	return 2;
}

/* ------------------------------------------------------------------ misc */

int write_file(const char *path, const char *text)
{
	size_t len = strlen(text);
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len)
		ret = -errno;
	close(fd);
	return ret;
}

int read_file(const char *path, char *buf, size_t len)
{
	size_t got = 0;
	ssize_t n = 0;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (got < len - 1 && (n = read(fd, buf + got, len - 1 - got)) > 0)
		got += n;
	if (n < 0)
		n = -errno;
	close(fd);
	buf[got] = '\0';
	return n < 0 ? n : (int)got;
}

static void init_cpus(void)
{
	if (!CPU_COUNT(&all_cpus))
		sched_getaffinity(0, sizeof(all_cpus), &all_cpus);
}

int n_cpus(void)
{
	init_cpus();
	return CPU_COUNT(&all_cpus);
}

int nth_cpu(int n)
{
	int cpu;

	init_cpus();
	n %= CPU_COUNT(&all_cpus);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all_cpus) && !n--)
			return cpu;
	return -1;
}

int set_affinity(pid_t pid, int n)
{
	cpu_set_t set;

	init_cpus();
	set = all_cpus;
	if (n >= 0) {
		CPU_ZERO(&set);
		CPU_SET(nth_cpu(n), &set);
	}
	return sched_setaffinity(pid, sizeof(set), &set) ? -errno : 0;
}

void pin_self(int n)
{
	int ret = set_affinity(0, n);

	REQUIRE(!ret, "sched_setaffinity: %s", strerror(-ret));
}

int set_policy(pid_t pid, int policy, int prio)
{
	struct sched_param sp = { .sched_priority = prio };

	return syscall(SYS_sched_setscheduler, pid, policy, &sp) ? -errno : 0;
}

struct dl_attr {	/* struct sched_attr, as far as it is needed */
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

int set_deadline(pid_t pid, uint64_t runtime, uint64_t period)
{
	struct dl_attr a = {
		.size = sizeof(a), .policy = SCHED_DEADLINE,
		.runtime = runtime, .deadline = period, .period = period,
	};

	return syscall(SYS_sched_setattr, pid, &a, 0) ? -errno : 0;
}

pid_t gettid_(void)
{
	return syscall(SYS_gettid);
}

int futex_op(_Atomic uint32_t *u, int op, uint32_t val, unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000,
			       .tv_nsec = (ms % 1000) * NSEC_PER_MSEC };
	long r;

	r = syscall(SYS_futex, u, op, val, ms ? &ts : NULL, NULL, 0);
	return r < 0 ? -errno : (int)r;
}

uint32_t rnd(uint64_t *seed)
{
	uint64_t x = *seed ?: 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*seed = x;
	return x >> 16;
}

/* --------------------------------------------------------------- cgroups */

const char *cg_path(const char *cg, const char *file)
{
	static char ring[8][PATH_MAX];
	static unsigned int next;
	char *buf = ring[next++ % 8];
	const char *root = cg_hier == CG_V1 ? V1_ROOT : V2_ROOT;

	if (*cg == '/')
		snprintf(buf, PATH_MAX, "%s%s/%s", root, *(cg + 1) ? cg : "",
			 file);
	else
		snprintf(buf, PATH_MAX, "%s/%s/%s%s%s", root, base_name, cg,
			 *cg ? "/" : "", file);
	/* A directory is named without the slash at its end. */
	if (!*file)
		while (strlen(buf) > 1 && buf[strlen(buf) - 1] == '/')
			buf[strlen(buf) - 1] = '\0';
	return buf;
}

bool cg_exists(const char *cg, const char *file)
{
	return !access(cg_path(cg, file), F_OK);
}

int cg_write(const char *cg, const char *file, const char *fmt, ...)
{
	char text[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return write_file(cg_path(cg, file), text);
}

int cg_read(const char *cg, const char *file, char *buf, size_t len)
{
	return read_file(cg_path(cg, file), buf, len);
}

int64_t cg_read_num(const char *cg, const char *file)
{
	char buf[64];
	int n = cg_read(cg, file, buf, sizeof(buf));

	return n < 0 ? n : strtoll(buf, NULL, 10);
}

int64_t cg_key(const char *cg, const char *file, const char *key)
{
	size_t klen = strlen(key);
	char buf[4096], *line;
	int n;

	n = cg_read(cg, file, buf, sizeof(buf));
	if (n < 0)
		return n;
	for (line = buf; line && *line; ) {
		if (!strncmp(line, key, klen) && line[klen] == ' ')
			return strtoll(line + klen + 1, NULL, 10);
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return -ENOENT;
}

/* Is @word one of those in the file? */
static bool file_has_word(const char *path, const char *word)
{
	char buf[512], *p, *save;

	if (read_file(path, buf, sizeof(buf)) < 0)
		return false;
	for (p = strtok_r(buf, " \n", &save); p; p = strtok_r(NULL, " \n", &save))
		if (!strcmp(p, word))
			return true;
	return false;
}

static bool subject_on_v2(void)
{
	return file_has_word(V2_ROOT "/cgroup.controllers", cg_subject.ctrl);
}

/* Switches the controller for the children of the root: '+' or '-'. */
static int switch_subject(char how)
{
	char word[32];

	snprintf(word, sizeof(word), "%c%s", how, cg_subject.ctrl);
	return write_file(V2_ROOT "/cgroup.subtree_control", word);
}

/* Lets the children of @dir have the controllers that the tests use. */
static int enable_children(const char *dir)
{
	const char * const ctrls[] = { "cpu", "cpuset", cg_subject.more };
	char path[PATH_MAX + 32], ctl[PATH_MAX + 32], word[32];
	size_t i;
	int ret;

	snprintf(path, sizeof(path), "%s/cgroup.controllers", dir);
	snprintf(ctl, sizeof(ctl), "%s/cgroup.subtree_control", dir);
	for (i = 0; i < ARRAY_SIZE(ctrls); i++) {
		if (!ctrls[i] || !file_has_word(path, ctrls[i]))
			continue;
		snprintf(word, sizeof(word), "+%s", ctrls[i]);
		ret = write_file(ctl, word);
		if (ret)
			return ret;
	}
	return 0;
}

int cg_make(const char *cg)
{
	char path[PATH_MAX];
	size_t root;
	char *p;
	int ret;

	snprintf(path, sizeof(path), "%s", cg_path(cg, ""));
	root = strlen(cg_hier == CG_V1 ? V1_ROOT : V2_ROOT);
	for (p = path + root; p; ) {
		if (cg_hier == CG_V2) {
			*p = '\0';
			ret = enable_children(path);
			*p = '/';
			if (ret)
				return ret;
		}
		p = strchr(p + 1, '/');
		if (p)
			*p = '\0';
		ret = mkdir(path, 0755) && errno != EEXIST ? -errno : 0;
		if (p)
			*p = '/';
		if (ret)
			return ret;
	}
	return 0;
}

int cg_make_threaded(const char *cg)
{
	int ret;

	if (mkdir(cg_path(cg, ""), 0755))
		return -errno;
	ret = cg_write(cg, "cgroup.type", "threaded");
	if (ret)
		rmdir(cg_path(cg, ""));
	return ret;
}

int cg_rm(const char *cg)
{
	const char *path = cg_path(cg, "");
	int ret = 0;

	/* A task that just ended may take its time to leave. */
	if (!WAIT_FOR(!(ret = rmdir(path) ? -errno : 0) || ret != -EBUSY, 10000))
		return -EBUSY;
	return ret;
}

int cg_attach(const char *cg, pid_t pid)
{
	return cg_write(cg, "cgroup.procs", "%d", pid);
}

int cg_attach_thread(const char *cg, pid_t tid)
{
	return cg_write(cg, cg_hier == CG_V1 ? "tasks" : "cgroup.threads",
			"%d", tid);
}

/* SIGKILLs what is in @path, as often as it is called. */
static void kill_procs(const char *path)
{
	char name[PATH_MAX + 32], line[32];
	FILE *f;

	snprintf(name, sizeof(name), "%s/cgroup.kill", path);
	if (!write_file(name, "1"))
		return;
	snprintf(name, sizeof(name), "%s/cgroup.procs", path);
	f = fopen(name, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		int pid = atoi(line);

		/* 0: a zombie's leader, or a task of another pid namespace. */
		if (pid > 1 && pid != getpid())
			kill(pid, SIGKILL);
	}
	fclose(f);
}

/* Children first. Returns 0 or the last -errno. */
static int clean_tree(const char *path)
{
	char sub[PATH_MAX];
	struct dirent *de;
	int ret = 0, r;
	DIR *d;

	d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while ((de = readdir(d))) {
		if (de->d_type != DT_DIR || de->d_name[0] == '.')
			continue;
		if (snprintf(sub, sizeof(sub), "%s/%s", path, de->d_name) >=
		    (int)sizeof(sub))
			continue;
		r = clean_tree(sub);
		if (r)
			ret = r;
	}
	closedir(d);
	kill_procs(path);
	reap_all();
	if (rmdir(path) && errno != ENOENT)
		ret = -errno;
	return ret;
}

int cg_clean(const char *cg)
{
	char path[PATH_MAX];
	int ret = 0;

	snprintf(path, sizeof(path), "%s", cg_path(cg, ""));
	if (!WAIT_FOR(!(ret = clean_tree(path)), 20000))
		return ret;
	return 0;
}

int cg_enter_v1(void)
{
	int ret;

	/* The case's own group is one that uses it. */
	ret = cg_clean("");
	if (ret)
		return ret;
	ret = switch_subject('-');
	if (ret)
		return ret;
	if (mkdir(V1_ROOT, 0755) && errno != EEXIST)
		return -errno;
	/* Removed groups hold the controller on v2 until they are released. */
	ret = -EBUSY;
	if (!WAIT_FOR(!(ret = mount("none", V1_ROOT, "cgroup", 0,
				    cg_subject.v1) ? -errno : 0) ||
		      ret != -EBUSY, 20000))
		return ret;
	if (ret)
		return ret;
	cg_hier = CG_V1;
	return cg_make("");
}

int cg_start_v1(void)
{
	int ret;

	ret = switch_subject('-');
	if (ret)
		return ret;
	if (mkdir(V1_ROOT, 0755) && errno != EEXIST)
		return -errno;
	if (mount("none", V1_ROOT, "cgroup", 0, cg_subject.v1))
		return -errno;
	cg_hier = CG_V1;
	return 0;
}

int cg_leave_v1(void)
{
	int ret, try;

	ret = cg_clean("");
	if (ret)
		return ret;
	/*
	 * A hierarchy that is unmounted while removed groups are still being
	 * released stays behind: then once more, until it had none.
	 */
	for (try = 0; try < 30; try++) {
		if (umount(V1_ROOT))
			return -errno;
		if (WAIT_FOR(subject_on_v2(), 500))
			break;
		if (mount("none", V1_ROOT, "cgroup", 0, cg_subject.v1))
			return -errno;
	}
	cg_hier = CG_V2;
	if (!subject_on_v2())
		return -ETIMEDOUT;
	rmdir(V1_ROOT);
	ret = switch_subject('+');
	return ret ?: cg_make("");
}

int cg_set_offline(const char *cg, int val)
{
	return cg_write(cg, "cpu.offline", "%d", val);
}

int64_t cg_stat(const char *cg, const char *key)
{
	return cg_key(cg, "cpu.offline.stat", key);
}

/* ----------------------------------------------------------------- tasks */

pid_t fork_into(const char *cg, uint64_t flags)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | flags,
		.exit_signal = SIGCHLD,
	};
	int fd, err;
	pid_t pid;

	fd = open(cg_path(cg, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	args.cgroup = fd;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	err = errno;
	if (pid)
		close(fd);
	return pid < 0 ? -err : pid;
}

struct task task_start(const struct task_opt *o, task_fn fn)
{
	struct task t;
	int fds[2], ret;
	char ch = 'x';

	t.c = mmap(NULL, sizeof(*t.c), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(t.c != MAP_FAILED, "mmap: %s", strerror(errno));
	REQUIRE(!pipe(fds), "pipe: %s", strerror(errno));

	t.pid = fork();
	REQUIRE(t.pid >= 0, "fork: %s", strerror(errno));
	if (!t.pid) {
		close(fds[1]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (read(fds[0], &ch, 1) != 1)
			_exit(99);
		close(fds[0]);
		fn(t.c, o->arg);
		_exit(0);
	}
	close(fds[0]);

	/* All from here: nothing of it depends on the child getting the CPU. */
	ret = set_affinity(t.pid, o->cpu);
	REQUIRE(!ret, "affinity of a task: %s", strerror(-ret));
	ret = set_policy(t.pid, o->policy, o->prio);
	REQUIRE(!ret, "policy %d of a task: %s", o->policy, strerror(-ret));
	if (setpriority(PRIO_PROCESS, t.pid, o->nice))
		REQUIRE(0, "nice: %s", strerror(errno));
	if (o->cg) {
		ret = cg_attach(o->cg, t.pid);
		REQUIRE(!ret, "attach to %s: %s", o->cg, strerror(-ret));
	}
	REQUIRE(write(fds[1], &ch, 1) == 1, "start: %s", strerror(errno));
	close(fds[1]);
	return t;
}

bool task_wait(struct task *t, unsigned int ms, int *status)
{
	int st = 0;
	bool ok;

	ok = WAIT_FOR(waitpid(t->pid, &st, WNOHANG) == t->pid, ms);
	if (!ok)
		return false;
	if (status)
		*status = st;
	munmap(t->c, sizeof(*t->c));
	t->pid = 0;
	return true;
}

bool task_end(struct task *t)
{
	kill(t->pid, SIGKILL);
	return task_wait(t, 10000, NULL);
}

/* Field @n (1-based, from 3 on) of /proc/PID/stat, or NULL. */
static char *stat_field(pid_t pid, int n, char *buf, size_t len)
{
	char path[64], *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_file(path, buf, len) < 0)
		return NULL;
	p = strrchr(buf, ')');
	if (!p)
		return NULL;
	p++;
	for (n -= 3; p && n; n--)
		p = strchr(p + 1, ' ');
	return p ? p + 1 : NULL;
}

char task_letter(pid_t pid)
{
	char buf[1024], *p = stat_field(pid, 3, buf, sizeof(buf));

	return p ? *p : 0;
}

int task_on_cpu(pid_t pid)
{
	char buf[1024], *p = stat_field(pid, 39, buf, sizeof(buf));

	return p ? atoi(p) : -1;
}

bool task_alive(pid_t pid)
{
	char l = task_letter(pid);

	return l && l != 'Z' && l != 'X';
}

bool task_moves(struct task *t, uint64_t delta, unsigned int ms)
{
	uint64_t from = t->c->progress;

	return WAIT_FOR(t->c->progress - from >= delta, ms);
}

uint64_t task_cpu_ns(pid_t pid)
{
	/* The CPU clock of a process, see clock_getcpuclockid(3). */
	clockid_t clk = (~(clockid_t)pid << 3) | 2;
	struct timespec ts;

	if (clock_gettime(clk, &ts))
		return 0;
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

enum colo_state task_colo(pid_t tid)
{
	char path[64], buf[16384], *p;

	snprintf(path, sizeof(path), "/proc/%d/sched", tid);
	if (read_file(path, buf, sizeof(buf)) <= 0)
		return COLO_GONE;
	p = strstr(buf, "\ncolo.state");
	if (!p)
		return COLO_NONE;
	p = strchr(p, ':');
	if (!p)
		return COLO_NONE;
	p += 1 + strspn(p + 1, " \t");
	if (!strncmp(p, "online\n", 7))
		return COLO_ONLINE;
	if (!strncmp(p, "offline\n", 8))
		return COLO_OFFLINE;
	if (!strncmp(p, "lifted\n", 7) || !strncmp(p, "needed\n", 7))
		return COLO_LIFTED;
	return COLO_NONE;
}

const char *colo_state_name(enum colo_state s)
{
	switch (s) {
	case COLO_GONE:		return "gone";
	case COLO_NONE:		return "not shown";
	case COLO_ONLINE:	return "online";
	case COLO_OFFLINE:	return "offline";
	case COLO_LIFTED:	return "lifted";
	}
	return "?";
}

void fn_hog(struct task_ctl *c, long arg)
{
	uint64_t n = 0;

	(void)arg;
	for (;;) {
		n++;
		if (!(n & 0xff))
			atomic_store_explicit(&c->progress, n,
					      memory_order_relaxed);
	}
}

/* Lines of the trace that have @event and @text. */
int trace_lines(const char *event, const char *text)
{
	static char line[512];
	int n = 0;
	FILE *f = fopen(TRACING "trace", "r");

	REQUIRE(f, "trace: %s", strerror(errno));
	while (fgets(line, sizeof(line), f))
		n += strstr(line, event) && strstr(line, text);
	fclose(f);
	return n;
}

void fn_sleeper(struct task_ctl *c, long arg)
{
	struct timespec ts = { .tv_nsec = arg * 1000 };

	prctl(PR_SET_TIMERSLACK, 1);
	while (!c->stop) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
		c->progress++;
	}
}

static void do_nothing(int sig)
{
	(void)sig;
}

void fn_pause(struct task_ctl *c, long arg)
{
	(void)arg;
	signal(SIGUSR1, do_nothing);
	c->stage = 1;
	for (;;) {
		pause();
		c->progress++;
	}
}

void fn_duty(struct task_ctl *c, long arg)
{
	const uint64_t period = 10 * NSEC_PER_MSEC;
	uint64_t start = now_ns();

	prctl(PR_SET_TIMERSLACK, 1);
	for (;;) {
		struct timespec ts;
		uint64_t now;

		while (now_ns() - start < period * arg / 100)
			c->progress++;
		start += period;
		now = now_ns();
		if (start < now)
			start = now;
		ts.tv_sec = start / NSEC_PER_SEC;
		ts.tv_nsec = start % NSEC_PER_SEC;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
	}
}

void fn_kernel(struct task_ctl *c, long arg)
{
	struct iovec iov[IOV_MAX];
	size_t len = (size_t)arg << 10, chunk = 256 << 10;
	int fd = open("/dev/zero", O_RDONLY);
	size_t i, n;
	char *buf;

	if (len / chunk > IOV_MAX)
		chunk = len / IOV_MAX;
	n = len / chunk ?: 1;
	buf = malloc(chunk);
	if (!buf || fd < 0) {
		c->err = -errno;
		return;
	}
	/* Its page faults are over before it says that it starts. */
	memset(buf, 1, chunk);
	for (i = 0; i < n; i++) {
		iov[i].iov_base = buf;
		iov[i].iov_len = chunk;
	}
	c->stage = 1;
	do {
		if (readv(fd, iov, n) < 0)
			c->err = -errno;
		c->progress++;
	} while (!c->stop);
}

void fn_forks(struct task_ctl *c, long arg)
{
	(void)arg;
	while (!c->stop) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		if (pid > 0) {
			waitpid(pid, NULL, 0);
			c->progress++;
		} else {
			c->err = -errno;
			usleep(1000);
		}
	}
}

void fn_pipes(struct task_ctl *c, long arg)
{
	int there[2], back[2];
	char ch = 0;
	pid_t pid;

	(void)arg;
	if (pipe(there) || pipe(back)) {
		c->err = -errno;
		return;
	}
	pid = fork();
	if (!pid) {
		close(there[1]);
		close(back[0]);
		/* Ends when the other side is gone. */
		while (read(there[0], &ch, 1) == 1 && write(back[1], &ch, 1) == 1)
			;
		_exit(0);
	}
	close(there[0]);
	close(back[1]);
	while (!c->stop) {
		if (write(there[1], &ch, 1) != 1 || read(back[0], &ch, 1) != 1) {
			c->err = -EPIPE;
			break;
		}
		c->progress++;
	}
	close(there[1]);
	close(back[0]);
	waitpid(pid, NULL, 0);
}

void fn_maps(struct task_ctl *c, long arg)
{
	const size_t len = (arg ?: 64) << 12;
	size_t i;

	while (!c->stop) {
		char *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED) {
			c->err = -errno;
			usleep(1000);
			continue;
		}
		for (i = 0; i < len; i += 4096)
			p[i] = 1;
		mprotect(p, len / 2, PROT_READ);
		munmap(p, len);
		c->progress++;
	}
}

void fn_files(struct task_ctl *c, long arg)
{
	char a[64], b[64], buf[16384] = { 0 };

	(void)arg;
	snprintf(a, sizeof(a), "/tmp/colo-load-%d", getpid());
	snprintf(b, sizeof(b), "/tmp/colo-load-%d.new", getpid());
	while (!c->stop) {
		int fd = open(a, O_RDWR | O_CREAT | O_TRUNC, 0600);

		if (fd < 0 || write(fd, buf, sizeof(buf)) < 0)
			c->err = -errno;
		if (fd >= 0)
			close(fd);
		rename(a, b);
		unlink(b);
		c->progress++;
	}
	unlink(a);
}

static void *locks_thread(void *arg)
{
	struct task_ctl *c = arg;
	uint32_t me = gettid_();

	while (!c->stop) {
		uint32_t free_ = 0;

		/* The fast paths of a PI lock, then the kernel's. */
		if (!atomic_compare_exchange_strong(&c->futex2, &free_, me) &&
		    futex_op(&c->futex2, FUTEX_LOCK_PI, 0, 0) < 0)
			continue;
		c->progress++;
		if (!(c->progress & 7))
			sched_yield();
		if (!atomic_compare_exchange_strong(&c->futex2, &me, 0)) {
			me = gettid_();
			futex_op(&c->futex2, FUTEX_UNLOCK_PI, 0, 0);
		}
	}
	return NULL;
}

void fn_locks(struct task_ctl *c, long arg)
{
	pthread_t th[3];
	int i, n = 0;

	(void)arg;
	for (i = 0; i < 3; i++)
		n += !pthread_create(&th[n], NULL, locks_thread, c);
	locks_thread(c);
	while (n--)
		pthread_join(th[n], NULL);
}

void fn_signals(struct task_ctl *c, long arg)
{
	(void)arg;
	signal(SIGUSR2, do_nothing);
	while (!c->stop) {
		raise(SIGUSR2);
		sched_yield();
		c->progress++;
	}
}

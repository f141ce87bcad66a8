// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"

int colo_main(int argc, char **argv);	/* main() of the tool, renamed */

int __real_mkdir(const char *path, mode_t mode);
int __real_rmdir(const char *path);
int __real_open(const char *path, int flags, ...);
ssize_t __real_write(int fd, const void *buf, size_t n);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_rmdir(const char *path);
int __wrap_open(const char *path, int flags, ...);
ssize_t __wrap_write(int fd, const void *buf, size_t n);

bool fake_offline_knob = true;
void (*fake_in_child)(void);

static char dir[PATH_MAX];
static char fail_path[PATH_MAX + 64];
static int fail_skip, fail_errno;
static struct result last;

static void die(const char *what)
{
	perror(what);
	abort();
}

const char *fake(const char *name)
{
	static char path[PATH_MAX + 256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

void put(const char *name, const char *text)
{
	char cmd[2 * PATH_MAX];
	FILE *f;

	snprintf(cmd, sizeof(cmd), "%s", fake(name));
	for (char *p = strchr(cmd + strlen(dir) + 1, '/'); p;
	     p = strchr(p + 1, '/')) {
		*p = '\0';
		__real_mkdir(cmd, 0755);
		*p = '/';
	}
	f = fopen(cmd, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		die(cmd);
}

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *buf;
	size_t n;

	if (!f)
		return NULL;
	buf = calloc(1 << 20, 1);
	n = fread(buf, 1, (1 << 20) - 1, f);
	buf[n] = '\0';
	fclose(f);
	return buf;
}

char *get(const char *name)
{
	return slurp(fake(name));
}

void del(const char *name)
{
	char cmd[2 * PATH_MAX];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", fake(name));
	if (system(cmd))
		die(cmd);
}

void make_group(const char *group)
{
	static const char *const files[][2] = {
		{ "cgroup.controllers", "cpuset cpu memory\n" },
		{ "cgroup.subtree_control", "cpu memory\n" },
		{ "cgroup.procs", "" },
		{ "cgroup.type", "domain\n" },
		{ "cgroup.freeze", "0\n" },
		{ "cpu.weight", "100\n" },
		{ "cpu.max", "max 100000\n" },
		{ "cpu.idle", "0\n" },
		{ "memory.max", "max\n" },
		{ "memory.high", "max\n" },
		{ "cpu.offline", "0\n" },
		{ "cpu.offline.effective", "0\n" },
		{ "cpu.offline.stat",
		  "run_usec 0\nwait_usec 0\nsteal_usec 0\nwait_max_usec 0\n"
		  "preemptions 0\nmigrations 0\nswitches 0\nlift_net 0\nlift_kill 0\n"
		  "lift_freeze 0\nlift_ptrace 0\nlift_lock 0\nlift_drain 0\ntasks 0\nlifted 0\n" },
	};
	char name[512];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (!fake_offline_knob && !strncmp(files[i][0], "cpu.offline", 11))
			continue;
		snprintf(name, sizeof(name), "cg%s/%s", group, files[i][0]);
		put(name, files[i][1]);
	}
	if (fake_offline_knob) {
		snprintf(name, sizeof(name), "cg%s/cpu.offline.stat", group);
		chmod(fake(name), 0444);
		snprintf(name, sizeof(name), "cg%s/cpu.offline.effective", group);
		chmod(fake(name), 0444);
	}
}

void fake_setup(void)
{
	snprintf(dir, sizeof(dir), "%s/colo-test-XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(dir))
		die(dir);
	fake_offline_knob = true;
	*fail_path = '\0';
	fake_in_child = NULL;

	put("sys/proc/sys/kernel/osrelease", "6.12.1-test\n");
	put("sys/proc/sys/kernel/colo_net_grace_ms", "50\n");
	put("sys/proc/pressure/cpu", "some avg10=0.00\n");
	put("sys/proc/self/cgroup", "0::/on\n");
	put("sys/sys/module/colo/refcnt", "0\n");
	put("sys/sys/devices/system/cpu/smt/active", "0\n");
	put("cg/cgroup.controllers", "cpuset cpu memory\n");
	put("cg/cgroup.subtree_control", "cpu memory\n");
	put("cg/cgroup.procs", "1\n");
	make_group("/be");
	make_group("/be/pod1");
	make_group("/be/pod2");
	make_group("/on");
}

static void forget(void)
{
	free(last.out);
	free(last.err);
	last = (struct result){ 0 };
}

void fake_teardown(void)
{
	forget();
	del("");
}

/* ---- what kernfs does ---- */

static bool ours(const char *path)
{
	size_t n = strlen(dir);

	return n && !strncmp(path, dir, n) && !strncmp(path + n, "/cg", 3);
}

static bool ends(const char *path, const char *with)
{
	size_t n = strlen(path), w = strlen(with);

	return n >= w && !strcmp(path + n - w, with);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	if (!ours(path))
		return __real_mkdir(path, mode);
	if (__real_mkdir(path, mode))
		return -1;
	make_group(path + strlen(dir) + strlen("/cg"));
	return 0;
}

static void drop_dead(const char *path)
{
	char *text = slurp(path), *p, alive[65536] = "";
	FILE *f;

	for (p = text; p && *p; p += strcspn(p, "\n"), p += *p == '\n') {
		long pid = strtol(p, NULL, 10);

		if (pid > 0 && !kill(pid, 0))
			sprintf(alive + strlen(alive), "%ld\n", pid);
	}
	free(text);
	f = fopen(path, "w");
	if (!f || fputs(alive, f) < 0 || fclose(f))
		die(path);
}

int __wrap_rmdir(const char *path)
{
	char name[2 * PATH_MAX], *procs;
	bool busy;

	if (!ours(path))
		return __real_rmdir(path);
	snprintf(name, sizeof(name), "%s/cgroup.procs", path);
	drop_dead(name);
	procs = slurp(name);
	busy = procs && *procs;
	free(procs);
	snprintf(name, sizeof(name),
		 "test -z \"$(find '%s' -mindepth 1 -type d)\"", path);
	if (busy || system(name)) {
		errno = EBUSY;
		return -1;
	}
	snprintf(name, sizeof(name), "rm -r '%s'", path);
	return system(name);
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, int) : 0;
	va_end(ap);
	if (ours(path) && ends(path, "/cgroup.procs") &&
	    (flags & O_ACCMODE) == O_RDONLY)
		drop_dead(path);
	return __real_open(path, flags, mode);
}

void fail_write(const char *name, int skip, int err)
{
	snprintf(fail_path, sizeof(fail_path), "%s", fake(name));
	fail_skip = skip;
	fail_errno = err;
}

ssize_t __wrap_write(int fd, const void *buf, size_t n)
{
	char link[64], path[PATH_MAX], self[32];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	path[len < 0 ? 0 : len] = '\0';
	if (*fail_path && !strcmp(path, fail_path) && !fail_skip--) {
		errno = fail_errno;
		return fail_errno ? -1 : (ssize_t)n / 2;
	}
	if (ours(path)) {
		FILE *f = fopen(fake("writes"), "a");

		if (!f || fprintf(f, "%s\n", path + strlen(dir) + 4) < 0 ||
		    fclose(f))
			die("writes");
	}
	if (ours(path) && ends(path, "/cgroup.procs") && n == 2 &&
	    !memcmp(buf, "0\n", 2)) {
		len = snprintf(self, sizeof(self), "%d\n", getpid());
		return __real_write(fd, self, len) == len ? 2 : -1;
	}
	return __real_write(fd, buf, n);
}

char *writes(void)
{
	return get("writes");
}

/* ---- running the tool ---- */

pid_t colo_start(const char *const *words)
{
	const char *argv[64] = { "colo", "--root", NULL, "--sysroot", NULL };
	char root[PATH_MAX + 16], sysroot[PATH_MAX + 16];
	size_t n = 5;
	sigset_t none;
	pid_t pid;

	snprintf(root, sizeof(root), "%s/cg", dir);
	snprintf(sysroot, sizeof(sysroot), "%s/sys", dir);
	argv[2] = root;
	argv[4] = sysroot;
	while (*words && n < 63)
		argv[n++] = *words++;
	argv[n] = NULL;

	put("out", "");
	put("err", "");
	put("writes", "");
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		if (!freopen(fake("out"), "a", stdout) ||
		    !freopen(fake("err"), "a", stderr))
			_exit(99);
		/* we may run in the background or under nohup */
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		for (int sig = 1; sig < 32; sig++)
			signal(sig, SIG_DFL);
		alarm(120);	/* a test that hangs is one that fails */
		if (fake_in_child)
			fake_in_child();
		exit(colo_main(n, (char **)argv));
	}
	return pid;
}

const char *colo_output(void)
{
	free(last.out);
	last.out = get("out");
	return last.out;
}

const struct result *colo_finish(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	forget();
	last.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status)
					: WEXITSTATUS(status);
	last.out = get("out");
	last.err = get("err");
	*fail_path = '\0';
	return &last;
}

const struct result *colo_argv(const char *const *argv)
{
	return colo_finish(colo_start(argv));
}

const struct result *colo(const char *words)
{
	char *copy = strdup(words), *save = NULL, *w;
	const char *argv[64] = { NULL };
	const struct result *r;
	size_t n = 0;

	for (w = strtok_r(copy, " ", &save); w && n < 63;
	     w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	r = colo_argv(argv);
	free(copy);
	return r;
}

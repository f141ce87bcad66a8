// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 of the guest.
 *
 * Mounts what the tests expect, loads colo.ko, runs /run.sh (or a shell when
 * there is none), and then, in this order: kills what is left, asks kmemleak,
 * reads the taint, and only after all that says COLO-DONE on the second serial
 * port and resets the machine. A host that does not find that line knows that
 * the guest died.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define RESULTS		"/dev/ttyS1"
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
/* Statuses of init's own, beside those of the command. */
#define STATUS_SETUP	126	/* a mount or the module failed */
#define STATUS_STUCK	125	/* tasks that SIGKILL does not end */

static int results = -1;
static int setup_errors;

__attribute__((format(printf, 1, 2)))
static void complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("init: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	setup_errors++;
}

static void write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			return;
		}
		buf += n;
		len -= n;
	}
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

static long read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	long value = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &value) != 1)
		value = -1;
	fclose(f);
	return value;
}

static void sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void mount_one(const char *type, const char *dir, const char *options)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, 0, options) && errno != EBUSY)
		complain("cannot mount %s on %s: %s", type, dir, strerror(errno));
}

static void mount_all(void)
{
	mount_one("proc", "/proc", NULL);
	mount_one("sysfs", "/sys", NULL);
	mount_one("devtmpfs", "/dev", NULL);
	mount_one("devpts", "/dev/pts", NULL);
	mount_one("tmpfs", "/dev/shm", NULL);
	mount_one("tmpfs", "/tmp", NULL);
	mount_one("tmpfs", "/run", NULL);
	mount_one("cgroup2", "/sys/fs/cgroup", NULL);
	mount_one("debugfs", "/sys/kernel/debug", NULL);
	mount_one("tracefs", "/sys/kernel/tracing", NULL);
}

/* Every controller that this kernel has, for the children of the root. */
static void enable_controllers(void)
{
	char line[512] = "", word[64], *p, *save = NULL;
	FILE *f = fopen("/sys/fs/cgroup/cgroup.controllers", "re");

	if (!f || !fgets(line, sizeof(line), f))
		complain("cannot read cgroup.controllers");
	if (f)
		fclose(f);
	for (p = strtok_r(line, " \n", &save); p; p = strtok_r(NULL, " \n", &save)) {
		snprintf(word, sizeof(word), "+%s", p);
		if (!write_file("/sys/fs/cgroup/cgroup.subtree_control", word))
			complain("cannot enable %s: %s", word, strerror(errno));
	}
}

static bool on_command_line(const char *word)
{
	char line[4096] = "", *p, *save = NULL;
	FILE *f = fopen("/proc/cmdline", "re");

	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	for (p = strtok_r(line, " \n", &save); p; p = strtok_r(NULL, " \n", &save))
		if (!strcmp(p, word))
			return true;
	return false;
}

static void load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;		/* an image without the module */
	if (syscall(SYS_finit_module, fd, "", 0))
		complain("cannot load %s: %s", path, strerror(errno));
	close(fd);
}

static void open_results(void)
{
	struct termios t;
	int fd = open(RESULTS, O_WRONLY | O_NOCTTY | O_CLOEXEC);

	/* away from 3, which dup2() must make anew without close-on-exec */
	results = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 10);
	if (results < 0) {
		complain("cannot open %s: %s", RESULTS, strerror(errno));
		return;
	}
	close(fd);
	/* bytes as they are: no echo, no carriage returns */
	if (!tcgetattr(results, &t)) {
		cfmakeraw(&t);
		tcsetattr(results, TCSANOW, &t);
	}
}

static void child_setup(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (results >= 0 && dup2(results, 3) < 0)
		_exit(STATUS_SETUP);
}

static int exit_status(int wstatus)
{
	return WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : 128 + WTERMSIG(wstatus);
}

/* Reaps what has ended. Returns true when pid is among it. */
static bool reap(pid_t pid, int *wstatus)
{
	bool found = false;
	pid_t got;
	int ws;

	while ((got = waitpid(-1, &ws, WNOHANG)) > 0) {
		if (got == pid) {
			*wstatus = ws;
			found = true;
		}
	}
	return found;
}

/*
 * Runs /run.sh, its stdout to the console and to the results. Returns when the
 * command itself has ended, even if children of it hold the pipe. It sleeps
 * until something happens: a PID 1 that polls would show in the latencies.
 */
static int run_command(void)
{
	struct signalfd_siginfo info;
	struct pollfd pfd[2];
	int out[2], wstatus = 0;
	bool ended = false;
	sigset_t chld;
	char buf[4096];
	pid_t pid;
	ssize_t n;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	pfd[0].fd = -1;
	pfd[1].fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	pfd[0].events = pfd[1].events = POLLIN;
	pid = pipe2(out, O_CLOEXEC) || pfd[1].fd < 0 ? -1 : fork();
	if (pid < 0) {
		complain("cannot start the command: %s", strerror(errno));
		return STATUS_SETUP;
	}
	if (!pid) {
		child_setup();
		dup2(out[1], STDOUT_FILENO);
		execl("/bin/sh", "sh", "/run.sh", (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	pfd[0].fd = out[0];
	for (;;) {
		if (poll(pfd, 2, ended ? 0 : -1) <= 0 && ended)
			break;
		if (pfd[0].revents) {
			n = read(out[0], buf, sizeof(buf));
			if (n > 0) {
				write_all(STDOUT_FILENO, buf, n);
				write_all(results, buf, n);
			} else {
				pfd[0].fd = -1;		/* no writer left */
			}
		}
		if (pfd[1].revents)
			while (read(pfd[1].fd, &info, sizeof(info)) > 0)
				;
		if (!ended)
			ended = reap(pid, &wstatus);
	}
	close(out[0]);
	close(pfd[1].fd);
	return exit_status(wstatus);
}

static void run_shell(void)
{
	pid_t pid = fork();
	int tty;

	if (!pid) {
		child_setup();
		/* a terminal that can control jobs, which /dev/console is not */
		tty = open("/dev/ttyS0", O_RDWR);
		if (tty >= 0) {
			ioctl(tty, TIOCSCTTY, 1);
			dup2(tty, STDIN_FILENO);
			dup2(tty, STDOUT_FILENO);
			dup2(tty, STDERR_FILENO);
		}
		if (chdir("/root"))
			_exit(STATUS_SETUP);
		execl("/bin/sh", "-sh", (char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(-1, NULL, 0) != pid)
		;
}

/* Every task must be killable. Returns 0, or STATUS_STUCK. */
static int kill_all(void)
{
	long deadline = now_ms() + 60000;

	for (;;) {
		pid_t got;

		kill(-1, SIGKILL);
		while ((got = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (got < 0 && errno == ECHILD)
			return 0;
		if (now_ms() > deadline)
			break;
		sleep_ms(20);
	}
	fputs("init: tasks that SIGKILL did not end within 60 s:\n", stderr);
	if (!fork()) {
		execl("/bin/sh", "sh", "-c", "ps; echo t >/proc/sysrq-trigger", (char *)NULL);
		_exit(127);
	}
	sleep_ms(5000);
	return STATUS_STUCK;
}

/* The number of leaks kmemleak knows; -1 if it could not be asked. */
static long count_leaks(void)
{
	char line[256];
	long leaks = 0;
	FILE *f;

	if (access(KMEMLEAK, F_OK))
		return 0;	/* not in this kernel */
	/* It reports only what is older than 5 s and was seen by two scans. */
	sleep_ms(5500);
	if (!write_file(KMEMLEAK, "scan") || !write_file(KMEMLEAK, "scan"))
		return -1;
	f = fopen(KMEMLEAK, "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "unreferenced object", 19))
			leaks++;
		fprintf(stderr, "kmemleak: %s", line);
	}
	fclose(f);
	return leaks;
}

static void finish(int status)
{
	char line[128];
	long leaks, taint;
	int stuck;

	stuck = kill_all();
	if (!status)
		status = stuck;
	if (!status && setup_errors)
		status = STATUS_SETUP;
	leaks = count_leaks();
	taint = read_number("/proc/sys/kernel/tainted");
	sync();
	snprintf(line, sizeof(line), "COLO-DONE status=%d taint=%ld leaks=%ld\n",
		 status, taint, leaks);
	write_all(STDOUT_FILENO, line, strlen(line));
	tcdrain(STDOUT_FILENO);
	write_all(results, line, strlen(line));
	tcdrain(results);
	/* QEMU runs with -no-reboot; power-off would need ACPI over PCI */
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

int main(void)
{
	bool batch = !access("/run.sh", F_OK);
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	mount_all();
	open_results();
	enable_controllers();
	if (!on_command_line("colo.nomodule"))
		load_module("/lib/colo.ko");

	setenv("PATH", "/usr/bin:/bin:/bench:/selftests", 1);
	setenv("HOME", "/root", 1);
	setenv("TERM", "linux", 0);
	setenv("COLO_OUT", RESULTS, 1);
	setenv("ENV", "/etc/profile", 1);
	if (batch) {
		finish(run_command());
	} else {
		run_shell();
		finish(0);
	}
	return 0;
}

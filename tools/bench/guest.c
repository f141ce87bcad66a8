// SPDX-License-Identifier: GPL-2.0-only
/* What the programs that carry out a plan have in common; see guest.h. */
#define _GNU_SOURCE
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_MADE	4608

const char *cgroot = "/sys/fs/cgroup";
const char *bench_dir = "/bench";

const char * const policies[] = { "normal", "fifo", "idle", NULL };

/* The groups of the cell that is set up, in the order they were made. */
static char made[MAX_MADE][PATH_SIZE];
static unsigned int nr_made;

/* --- small things ------------------------------------------------------ */

const char *fmt(char *buf, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(buf, PATH_SIZE, format, ap);
	va_end(ap);
	if (n >= PATH_SIZE)
		die(ENAMETOOLONG, "%s", buf);
	return buf;
}

int write_file(const char *path, const char *text)
{
	ssize_t n, len = strlen(text);
	int fd, err = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	if (n != len)
		err = n < 0 ? -errno : -EIO;
	close(fd);
	return err;
}

int read_file(const char *path, char *buf, size_t size)
{
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return n;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

/* The value of "@key NUMBER" in a flat keyed file, or -errno. */
int64_t read_keyed(const char *path, const char *key)
{
	unsigned long long v;
	char name[64];
	FILE *f;

	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (fscanf(f, "%63s %llu", name, &v) == 2) {
		if (!strcmp(name, key)) {
			fclose(f);
			return v;
		}
	}
	fclose(f);
	return -ENOENT;
}

void json_string(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if ((unsigned char)*s < ' ')
			fprintf(out, "\\u%04x", *s);
		else
			fputc(*s, out);
	}
	fputc('"', out);
}

/* --- the plan ----------------------------------------------------------- */

int pick(const char *key, const char *value, const char * const *names)
{
	int i;

	for (i = 0; names[i]; i++) {
		if (!strcmp(names[i], value))
			return i;
	}
	die(0, "%s=%s: not known", key, value);
}

/* Returns false for a line without a word. The line is cut up and kept. */
static bool words_parse(struct words *w, char *line)
{
	char *word, *eq, *save = NULL;

	w->nr = 0;
	line[strcspn(line, "#\n")] = '\0';
	for (word = strtok_r(line, " \t", &save); word;
	     word = strtok_r(NULL, " \t", &save)) {
		eq = strchr(word, '=');
		if (!eq)
			die(0, "'%s' in the plan is not KEY=VALUE", word);
		*eq = '\0';
		if (w->nr == MAX_KEYS)
			die(0, "more than %d keys in a cell", MAX_KEYS);
		w->key[w->nr] = word;
		w->value[w->nr++] = eq + 1;
	}
	return w->nr > 0;
}

struct words *plan_load(const char *path, unsigned int *nr)
{
	struct words *all = NULL;
	char *line = NULL;
	size_t size = 0;
	FILE *plan;

	*nr = 0;
	plan = fopen(path, "re");
	if (!plan)
		die(errno, "%s", path);
	while (getline(&line, &size, plan) > 0) {
		all = realloc(all, (*nr + 1) * sizeof(*all));
		if (!all)
			die(ENOMEM, "plan");
		if (!words_parse(&all[*nr], line))
			continue;
		(*nr)++;
		line = NULL;	/* the words point into it */
		size = 0;
	}
	fclose(plan);
	if (!*nr)
		die(0, "%s: no cell", path);
	return all;
}

void words_json(FILE *out, const struct words *w)
{
	const char *v;
	unsigned int i;

	fputc('{', out);
	for (i = 0; i < w->nr; i++) {
		v = w->value[i];
		fprintf(out, "%s\"%s\":", i ? "," : "", w->key[i]);
		if (*v && strspn(v, "0123456789") == strlen(v) &&
		    (*v != '0' || !v[1]))
			fputs(v, out);
		else
			json_string(out, v);
	}
	fputc('}', out);
}

/* --- groups ------------------------------------------------------------- */

int write_checked(const char *dir, const char *name, const char *value)
{
	char file[PATH_SIZE], back[64];
	int err;

	fmt(file, "%s/%s", dir, name);
	err = write_file(file, value);
	if (!err)
		err = read_file(file, back, sizeof(back));
	if (err)
		warn_err(-err, "%s", file);
	else if (strcmp(back, value)) {
		warn_err(0, "%s: wrote %s, read %s", file, value, back);
		err = -EIO;
	}
	return err;
}

int group_make(const char *path, const char *controllers)
{
	char file[PATH_SIZE];
	int err;

	if (nr_made == MAX_MADE)
		return -ENOSPC;
	if (mkdir(path, 0755)) {
		err = -errno;
		warn_err(-err, "mkdir %s", path);
		return err;
	}
	fmt(made[nr_made++], "%s", path);
	if (!controllers)
		return 0;
	err = write_file(fmt(file, "%s/cgroup.subtree_control", path),
			 controllers);
	if (err)
		warn_err(-err, "%s", file);
	return err;
}

bool group_populated(const char *path)
{
	char file[PATH_SIZE];

	return read_keyed(fmt(file, "%s/cgroup.events", path), "populated") > 0;
}

int group_kill(const char *path)
{
	char file[PATH_SIZE];
	int err;

	err = write_file(fmt(file, "%s/cgroup.kill", path), "1");
	if (err)
		warn_err(-err, "%s", file);
	return err;
}

int groups_remove(void)
{
	uint64_t end = now_ns() + 120 * NSEC_PER_SEC;
	unsigned int i;
	int err = 0;

	/* All at once, or the dying would share the CPU with the rest. */
	for (i = 0; i < nr_made; i++)
		err = group_kill(made[i]) ?: err;
	while (nr_made) {
		char *path = made[nr_made - 1];

		while (group_populated(path) && now_ns() < end) {
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
			sleep_ns(2 * NSEC_PER_MSEC);
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (rmdir(path)) {
			err = -errno;
			warn_err(errno, "rmdir %s", path);
		}
		nr_made--;
	}
	return err;
}

/* --- programs ----------------------------------------------------------- */

const char *bench_prog(char *buf, const char *name)
{
	return fmt(buf, "%s/%s", bench_dir, name);
}

pid_t spawn(const char *group, enum policy policy, int out, char *const argv[])
{
	static const int numbers[] = {
		[NORMAL] = SCHED_OTHER,
		[FIFO] = SCHED_FIFO,
		[IDLEPOL] = SCHED_IDLE,
	};
	struct sched_param param = {
		.sched_priority = policy == FIFO ? 10 : 0,
	};
	char file[PATH_SIZE];
	pid_t pid;
	int err;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		die(errno, "fork");
	if (pid)
		return pid;

	if (group) {
		err = write_file(fmt(file, "%s/cgroup.procs", group), "0");
		if (err) {
			warn_err(-err, "%s", file);
			_exit(126);
		}
	}
	if (sched_setscheduler(0, numbers[policy], &param)) {
		warn_err(errno, "policy %s", policies[policy]);
		_exit(126);
	}
	if (out >= 0 && dup2(out, STDOUT_FILENO) < 0)
		_exit(126);
	execvp(argv[0], argv);
	warn_err(errno, "%s", argv[0]);
	_exit(127);
}

int wait_for(pid_t pid, const char *name)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			die(errno, "waitpid %s", name);
	}
	if (!status)
		return 0;
	warn_err(0, "%s failed, wait status %#x", name, status);
	return -ECHILD;
}

int job_start(struct job *j, const char *group, enum policy policy,
	      char *const argv[])
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	j->name = argv[0];
	j->start = now_ns();
	j->pid = spawn(group, policy, fds[1], argv);
	j->fd = fds[0];
	close(fds[1]);
	return 0;
}

int job_end(struct job *j, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(j->fd, buf + len, size - 1 - len)) > 0)
		len += n;
	close(j->fd);
	buf[len] = '\0';
	if (len && buf[len - 1] == '\n')
		buf[len - 1] = '\0';
	if (len == size - 1) {
		warn_err(0, "%s: more than %zu bytes of output", j->name, len);
		kill(j->pid, SIGKILL);
	}
	return wait_for(j->pid, j->name);
}

/* --- report ------------------------------------------------------------- */

static void report_guest(FILE *out)
{
	static const struct {
		const char *name, *path;
	} files[] = {
		{ "cmdline", "/proc/cmdline" },
		{ "clocksource",
		  "/sys/devices/system/clocksource/clocksource0/current_clocksource" },
		{ "module", "/sys/module/colo/version" },
		{ "rt_runtime_us", "/proc/sys/kernel/sched_rt_runtime_us" },
	};
	struct utsname uts;
	char buf[4096];
	unsigned int i;

	uname(&uts);
	fputs("# guest {\"release\":", out);
	json_string(out, uts.release);
	fputs(",\"version\":", out);
	json_string(out, uts.version);
	fprintf(out, ",\"cpus\":%ld", sysconf(_SC_NPROCESSORS_ONLN));
	fprintf(out, ",\"module_loaded\":%s",
		access("/sys/module/colo", F_OK) ? "false" : "true");
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		if (read_file(files[i].path, buf, sizeof(buf)))
			continue;
		fprintf(out, ",\"%s\":", files[i].name);
		json_string(out, buf);
	}
	fputs("}\n", out);
	fflush(out);
}

int plan_run(unsigned int nr, uint64_t settle_ms, int (*run)(unsigned int i),
	     const char *(*name)(unsigned int i))
{
	struct sched_param fifo = { .sched_priority = 50 };
	unsigned int i;
	int failed = 0;

	/*
	 * This process must get the CPU whatever the cell does to others. It
	 * sleeps through every window. Orphans of the load come to it.
	 */
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &fifo))
		die(errno, "SCHED_FIFO");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		die(errno, "subreaper");

	printf("TAP version 13\n1..%u\n", nr);
	report_guest(stdout);
	sleep_ns(settle_ms * NSEC_PER_MSEC);
	for (i = 0; i < nr; i++) {
		uint64_t start = now_ns();
		bool bad = run(i) != 0;

		failed += bad;
		printf("%sok %u %s # %" PRIu64 " ms\n", bad ? "not " : "",
		       i + 1, name(i), (now_ns() - start) / NSEC_PER_MSEC);
		fflush(stdout);
	}
	return failed;
}

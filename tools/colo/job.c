// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "job.h"

static const int forwarded[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT,
};

#define N_FORWARDED (sizeof(forwarded) / sizeof(*forwarded))

static sigset_t caller_mask;
static struct sigaction caller_chld;

/* ---- groups ---- */

/*
 * A new v1 cpuset has no CPUs and no memory, and takes no task before it
 * gets some: give it its parent's.
 */
static int inherit_cpuset(const struct cg_hier *h, const char *parent,
			  const char *group, char **where)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
	int err = 0;

	if (h->v2)
		return 0;
	for (size_t i = 0; i < 2 && !err; i++) {
		char *path = cg_path(h, group, files[i]), *own, *above = NULL;

		err = cg_read(path, &own);
		if (err == -ENOENT) {
			err = 0;	/* not a cpuset hierarchy */
		} else if (!err && !*own) {
			err = cg_read_file(h, parent, files[i], &above);
			if (!err)
				err = cg_write(path, above);
		}
		free(own);
		free(above);
		if (err)
			*where = path;
		else
			free(path);
	}
	return err;
}

int job_make_group(struct job *j, const struct cg_hier *h, const char *parent,
		   const char *name, const struct strv *controllers,
		   char **where)
{
	char *group = xasprintf("%s/%s", strcmp(parent, "/") ? parent : "", name);
	char *path = cg_path(h, group, NULL);
	int err = 0;

	*where = NULL;
	for (size_t i = 0; i < controllers->n && !err; i++)
		err = cg_enable(h, parent, controllers->v[i], where);
	if (err)
		goto err_enable;
	if (mkdir(path, 0755)) {
		err = -errno;
		*where = path;
		path = NULL;
		goto err_enable;
	}
	err = inherit_cpuset(h, parent, group, where);
	if (err) {
		rmdir(path);
		goto err_enable;
	}
	free(path);
	j->dirs = xgrow(j->dirs, j->n + 1, sizeof(*j->dirs));
	j->dirs[j->n++] = (struct job_dir){ h, group, true };
	return 0;

err_enable:
	free(path);
	free(group);
	return err;
}

int job_remove(struct job *j, char **where)
{
	int err = 0;

	*where = NULL;
	for (size_t i = j->n; i--;) {
		struct job_dir *d = &j->dirs[i];
		int e;

		if (!d->made)
			continue;
		e = cg_remove(d->h, d->group);
		if (e && e != -ENOENT) {
			if (!err)
				*where = cg_path(d->h, d->group, NULL);
			err = err ? err : e;
		} else {
			d->made = false;
		}
	}
	return err;
}

void job_free(struct job *j)
{
	for (size_t i = 0; i < j->n; i++)
		free(j->dirs[i].group);
	free(j->dirs);
	*j = (struct job){ 0 };
}

/* ---- the process ---- */

static sigset_t wanted(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < N_FORWARDED; i++)
		sigaddset(&set, forwarded[i]);
	return set;
}

void job_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t set = wanted();

	/* a caller that ignores SIGCHLD would leave us nothing to wait for */
	sigaction(SIGCHLD, &dfl, &caller_chld);
	sigprocmask(SIG_BLOCK, &set, &caller_mask);
}

/* What the child says before it becomes the command. */
struct verdict {
	int err;
	int dir;		/* which group refused us; -1: execvp() */
};

__attribute__((noreturn))
static void become(char **argv, const int *procs, size_t n, size_t skip, int out)
{
	struct verdict v = { .dir = -1 };

	for (size_t i = 0; i < n; i++) {
		if (i == skip || write(procs[i], "0\n", 2) == 2)
			continue;
		v = (struct verdict){ errno, i };
		goto out;
	}
	sigaction(SIGCHLD, &caller_chld, NULL);
	sigprocmask(SIG_SETMASK, &caller_mask, NULL);
	execvp(argv[0], argv);
	v.err = errno;
out:
	while (write(out, &v, sizeof(v)) < 0 && errno == EINTR)
		;
	_exit(127);
}

static pid_t clone_into(int cgroup_fd)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = cgroup_fd,
	};

	return syscall(SYS_clone3, &args, sizeof(args));
}

/* Born in the v2 group of @j if the kernel can do that; *@skip says which. */
static pid_t spawn(const struct job *j, size_t *skip)
{
	*skip = SIZE_MAX;
	for (size_t i = 0; i < j->n; i++) {
		char *path;
		pid_t pid;
		int fd;

		if (!j->dirs[i].h->v2)
			continue;
		path = cg_path(j->dirs[i].h, j->dirs[i].group, NULL);
		fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
		free(path);
		if (fd < 0)
			break;
		*skip = i;
		pid = clone_into(fd);
		close(fd);
		if (pid >= 0)
			return pid;
		/* too old, or refused: moving says why */
		*skip = SIZE_MAX;
		break;
	}
	return fork();
}

int job_start(struct job *j, char **argv, char **where)
{
	struct verdict v = { .dir = -1 };
	int pipefd[2] = { -1, -1 };
	size_t opened = 0, skip;
	int *procs, err = 0;
	ssize_t n;

	*where = NULL;
	procs = xcalloc(j->n, sizeof(*procs));
	for (; opened < j->n; opened++) {
		char *path = cg_path(j->dirs[opened].h, j->dirs[opened].group,
				     "cgroup.procs");

		procs[opened] = open(path, O_WRONLY | O_CLOEXEC);
		if (procs[opened] < 0) {
			err = -errno;
			*where = path;
			goto out;
		}
		free(path);
	}
	if (pipe2(pipefd, O_CLOEXEC)) {
		err = -errno;
		*where = xstrdup("pipe");
		goto out;
	}
	fflush(NULL);
	j->pid = spawn(j, &skip);
	if (!j->pid)
		become(argv, procs, j->n, skip, pipefd[1]);
	if (j->pid < 0) {
		err = -errno;
		*where = xstrdup("fork");
		goto out;
	}
	close(pipefd[1]);
	pipefd[1] = -1;
	do {
		n = read(pipefd[0], &v, sizeof(v));
	} while (n < 0 && errno == EINTR);
	if (n == sizeof(v)) {
		err = -v.err;
		if (v.dir >= 0)
			*where = cg_path(j->dirs[v.dir].h, j->dirs[v.dir].group,
					 "cgroup.procs");
		while (waitpid(j->pid, NULL, 0) < 0 && errno == EINTR)
			;
		j->pid = 0;
	}
out:
	if (pipefd[0] >= 0)
		close(pipefd[0]);
	if (pipefd[1] >= 0)
		close(pipefd[1]);
	while (opened--)
		close(procs[opened]);
	free(procs);
	return err;
}

int job_wait(struct job *j)
{
	sigset_t set = wanted();
	siginfo_t si;
	int status;

	for (;;) {
		if (sigwaitinfo(&set, &si) < 0)
			continue;	/* EINTR: stopped and continued */
		if (si.si_signo != SIGCHLD) {
			/* the terminal has sent it to the command as well */
			if (si.si_code != SI_KERNEL)
				kill(j->pid, si.si_signo);
			continue;
		}
		while (waitpid(j->pid, &status, WNOHANG | WUNTRACED) > 0) {
			if (!WIFSTOPPED(status))
				return status;
			/* let our own parent see it; SIGCONT wakes both */
			raise(SIGSTOP);
		}
	}
}

static int count(const struct job *j)
{
	int sum = 0;

	for (size_t i = 0; i < j->n; i++) {
		int n = cg_count_procs(j->dirs[i].h, j->dirs[i].group);

		if (n < 0 && n != -ENOENT)
			return n;
		sum = n > sum ? n : sum;
	}
	return sum;
}

int job_drain(struct job *j, bool kill_rest, void (*slow)(void *arg, int procs),
	      void *arg)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	long long waited_ns = 0;
	sigset_t set = wanted();
	int n, err;

	while ((n = count(j)) > 0) {
		/* again each time: without cgroup.kill a fork can escape */
		for (size_t i = 0; i < j->n && kill_rest; i++) {
			err = cg_kill(j->dirs[i].h, j->dirs[i].group);
			if (err && err != -ENOENT)
				return err;
		}
		switch (sigtimedwait(&set, NULL, &pause)) {
		case SIGINT:
		case SIGTERM:
		case SIGHUP:
		case SIGQUIT:
			/* patience is over: first with them, then with us */
			if (kill_rest && !slow)
				return -EINTR;
			kill_rest = true;
		}
		waited_ns += pause.tv_nsec;
		if (pause.tv_nsec < 50000000)
			pause.tv_nsec *= 2;
		if (slow && waited_ns > 2000000000) {
			slow(arg, n);
			slow = NULL;
		}
	}
	return n;
}

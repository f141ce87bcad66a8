/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the programs that carry out a plan in the guest: its lines, files
 * and cgroups, programs that run in them, and the report.
 *
 * A plan has one cell a line, as KEY=VALUE words; '#' starts a comment. The
 * report is KTAP, with the figures as JSON in lines that begin with "# result ".
 */
#ifndef COLO_BENCH_GUEST_H
#define COLO_BENCH_GUEST_H

#include "bench.h"

#define MAX_KEYS	40
#define PATH_SIZE	256

extern const char *cgroot;
extern const char *bench_dir;

enum policy { NORMAL, FIFO, IDLEPOL };
extern const char * const policies[];

/* Print into a buffer of PATH_SIZE or die; returns @buf. */
const char *fmt(char *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* These return 0 or -errno. read_file() gives the first line only. */
int write_file(const char *path, const char *text);
int read_file(const char *path, char *buf, size_t size);
/* Also reads back, compares, and reports what went wrong. */
int write_checked(const char *dir, const char *name, const char *value);

/* The value of "@key NUMBER" in a flat keyed file, or -errno. */
int64_t read_keyed(const char *path, const char *key);

void json_string(FILE *out, const char *s);

/* The words of one line of a plan, in their order. */
struct words {
	const char *key[MAX_KEYS];
	const char *value[MAX_KEYS];
	unsigned int nr;
};

/* The lines of a plan that have a word; dies when there is none. */
struct words *plan_load(const char *path, unsigned int *nr);
void words_json(FILE *out, const struct words *w);

/* The index of @value in @names, or die, naming @key. */
int pick(const char *key, const char *value, const char * const *names);

/*
 * Makes a cgroup, and unless @controllers is NULL enables these for its
 * children. groups_remove() kills what is left in all that were made, waits for
 * it and removes them, the last first. All return 0 or -errno.
 */
int group_make(const char *path, const char *controllers);
int group_kill(const char *path);
int groups_remove(void);
bool group_populated(const char *path);

/* The path of a probe. */
const char *bench_prog(char *buf, const char *name);

/*
 * Starts a program in a group under a policy. Its output goes to @out unless
 * that is negative. This process's own policy is not passed on.
 */
pid_t spawn(const char *group, enum policy policy, int out,
	    char *const argv[]);
/* Returns 0 when it ended well, else reports and returns -ECHILD. */
int wait_for(pid_t pid, const char *name);

/* A running program whose output is collected. */
struct job {
	pid_t pid;
	int fd;
	const char *name;
	uint64_t start;
};

int job_start(struct job *j, const char *group, enum policy policy,
	      char *const argv[]);
/* Waits for the end; the output without its last newline is in @buf. */
int job_end(struct job *j, char *buf, size_t size);

/*
 * Runs the cells 0..@nr-1 of a plan one after the other, @settle_ms after the
 * start, and reports. @run returns 0 or -errno, @name what to call the cell.
 * Returns how many failed.
 */
int plan_run(unsigned int nr, uint64_t settle_ms, int (*run)(unsigned int i),
	     const char *(*name)(unsigned int i));

#endif

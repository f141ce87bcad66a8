/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * colo: command-line tool for colocated online and offline work.
 *
 * main.c knows the options and the subcommand table, cmd_*.c hold one command
 * each, and everything else is library code that a daemon can use as well: it
 * neither prints nor exits, and reports with -errno.
 */
#ifndef COLO_H
#define COLO_H

#include <getopt.h>
#include <stdbool.h>

#include "cgroup.h"

/* Exit codes; the man page lists them. */
enum {
	COLO_EXIT_OK		= 0,
	COLO_EXIT_FAIL		= 1,
	COLO_EXIT_USAGE		= 2,
	COLO_EXIT_NO_CLASS	= 3,	/* a kernel without the offline class */
	COLO_EXIT_NO_KNOB	= 4,	/* class there, cpu.offline not */
	/* `colo run` only, as env(1) and timeout(1) have them */
	COLO_EXIT_RUN_FAIL	= 125,
	COLO_EXIT_RUN_NOEXEC	= 126,
	COLO_EXIT_RUN_NOTFOUND	= 127,
};

struct colo;

struct subcommand {
	const char *name;
	int (*run)(struct colo *c, int argc, char **argv);
	const char *synopsis;
	const char *summary;
	const char *help;		/* options, notes, EXAMPLES */
};

struct colo {
	const struct subcommand *cmd;	/* NULL before one is chosen */
	const char *root;		/* --root, or NULL */
	const char *sysroot;		/* prefix of /proc and /sys, or "" */
	bool json;
	bool pretty;
	struct cgfs fs;			/* after colo_open_cgroups() */
};

/*
 * Options that every command takes, before or after its name. "+" in front:
 * options end at the first argument.
 */
#define COLO_SHORT_OPTS ":jphVR:"
#define COLO_LONG_OPTS \
	{ "json",	no_argument,		NULL, 'j' }, \
	{ "pretty",	no_argument,		NULL, 'p' }, \
	{ "help",	no_argument,		NULL, 'h' }, \
	{ "version",	no_argument,		NULL, 'V' }, \
	{ "root",	required_argument,	NULL, 'R' }, \
	{ "sysroot",	required_argument,	NULL, 'S' }

extern const struct subcommand cmd_check;
extern const struct subcommand cmd_status;
extern const struct subcommand cmd_set;
extern const struct subcommand cmd_run;
extern const struct subcommand cmd_off;

int colo_getopt(struct colo *c, int argc, char **argv, const char *shorts,
		const struct option *longs);
int colo_open_cgroups(struct colo *c);
void colo_err(const struct colo *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void colo_usage(const struct colo *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));
void colo_exit(const struct colo *c, int code) __attribute__((noreturn));

#endif

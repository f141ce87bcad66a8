// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "colo.h"
#include "version.h"

static const struct subcommand *const subcommands[] = {
	&cmd_check,
	&cmd_status,
	&cmd_set,
	&cmd_run,
	&cmd_off,
};

#define N_SUBCOMMANDS (sizeof(subcommands) / sizeof(*subcommands))

static const char common_help[] =
"Common options (before or after the command's name):\n"
"  -j, --json          JSON on standard output\n"
"  -p, --pretty        JSON on several lines, indented\n"
"  -R, --root PATH     cgroup root; default: $COLO_CGROUP_ROOT, else what is\n"
"                      mounted\n"
"      --sysroot PATH  take PATH/proc and PATH/sys for /proc and /sys\n"
"  -h, --help          this help\n"
"  -V, --version       print the version\n";

static void help(const struct colo *c)
{
	if (c->cmd) {
		printf("Usage: colo %s %s\n\n%s.\n\n", c->cmd->name,
		       c->cmd->synopsis, c->cmd->summary);
		/* the command's own options, ours, and then its EXAMPLES */
		const char *examples = strstr(c->cmd->help, "EXAMPLES");

		printf("%.*s%s\n%s", (int)(examples - c->cmd->help),
		       c->cmd->help, common_help, examples);
		return;
	}
	printf("Usage: colo [OPTIONS] COMMAND [ARGUMENTS]\n\n"
	       "Run online and offline work on one machine: offline work takes only the CPU\n"
	       "time that online work leaves.\n\nCommands:\n");
	for (size_t i = 0; i < N_SUBCOMMANDS; i++)
		printf("  %-8s %s\n", subcommands[i]->name,
		       subcommands[i]->summary);
	printf("\n%s\n"
	       "`colo COMMAND --help` tells more about a command.\n\n"
	       "EXAMPLES\n"
	       "  colo check                        what this kernel can do\n"
	       "  colo run --offline -- make -j8    a build that disturbs nobody\n"
	       "  colo set batch cpu.offline=1      a group goes offline\n"
	       "  colo status                       what is offline, and how it fares\n"
	       "  colo off                          everything back to normal\n",
	       common_help);
}

static void verr(const struct colo *c, const char *fmt, va_list ap)
{
	fflush(stdout);
	fputs("colo: ", stderr);
	if (c->cmd)
		fprintf(stderr, "%s: ", c->cmd->name);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void colo_err(const struct colo *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	verr(c, fmt, ap);
	va_end(ap);
}

void colo_usage(const struct colo *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	verr(c, fmt, ap);
	va_end(ap);
	fprintf(stderr, "Try `colo %s%s--help`.\n", c->cmd ? c->cmd->name : "",
		c->cmd ? " " : "");
	exit(COLO_EXIT_USAGE);
}

void colo_exit(const struct colo *c, int code)
{
	/* output that got lost is a failure */
	if (fflush(stdout) || ferror(stdout)) {
		colo_err(c, "standard output: %s", strerror(errno));
		if (!code)
			code = COLO_EXIT_FAIL;
	}
	exit(code);
}

/*
 * The next option of the command itself, or -1 at the first argument. Common
 * options are dealt with here, wrong ones end the program.
 */
int colo_getopt(struct colo *c, int argc, char **argv, const char *shorts,
		const struct option *longs)
{
	int opt;

	for (;;) {
		const char *arg = argv[optind ? optind : 1];

		opt = getopt_long(argc, argv, shorts, longs, NULL);
		switch (opt) {
		case 'p':
			c->pretty = true;
			/* fall through */
		case 'j':
			c->json = true;
			break;
		case 'R':
			c->root = optarg;
			break;
		case 'S':
			c->sysroot = optarg;
			break;
		case 'h':
			help(c);
			colo_exit(c, COLO_EXIT_OK);
		case 'V':
			puts("colo " COLO_VERSION);
			colo_exit(c, COLO_EXIT_OK);
		case ':':
			colo_usage(c, "%s: an argument is missing", arg);
		case '?':
			colo_usage(c, "%s: not an option here", arg);
		default:
			return opt;
		}
	}
}

int colo_open_cgroups(struct colo *c)
{
	char *mounts = xasprintf("%s/proc/self/mounts", c->sysroot);
	int err = cgfs_open(&c->fs, c->root, mounts);

	if (err)
		colo_err(c, "%s: %s", c->root ? c->root : mounts,
			 err == -ENOENT ? "no cgroup hierarchy found"
					: strerror(-err));
	free(mounts);
	return err;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { COLO_LONG_OPTS, { 0 } };
	struct colo c = { .sysroot = "" };
	const char *name;
	int code;

	c.root = getenv("COLO_CGROUP_ROOT");
	if (c.root && !*c.root)
		c.root = NULL;

	colo_getopt(&c, argc, argv, "+" COLO_SHORT_OPTS, longs);
	if (optind == argc)
		colo_usage(&c, "a command is wanted");
	name = argv[optind];
	for (size_t i = 0; i < N_SUBCOMMANDS && !c.cmd; i++)
		if (!strcmp(subcommands[i]->name, name))
			c.cmd = subcommands[i];
	if (!c.cmd)
		colo_usage(&c, "%s: no such command", name);

	argc -= optind;
	argv += optind;
	optind = 0;
	code = c.cmd->run(&c, argc, argv);
	cgfs_close(&c.fs);
	colo_exit(&c, code);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "colo.h"
#include "job.h"
#include "output.h"
#include "probe.h"
#include "report.h"

enum { OPT_KEEP = 256, OPT_WAIT };

struct plan {
	struct settings set;
	const char *name;
	const char *parent;	/* as given, or NULL */
	bool offline, keep, wait;
	char **argv;
};

/* KEY=VALUE: a file name with a dot before the first '='. */
static bool is_setting(const char *arg)
{
	const char *eq = strchr(arg, '='), *dot = strchr(arg, '.');

	return eq && dot && dot < eq && !memchr(arg, '/', eq - arg);
}

static void parse(struct colo *c, int argc, char **argv, struct plan *p)
{
	static const struct option longs[] = {
		COLO_LONG_OPTS,
		{ "offline",	no_argument,		NULL, 'o' },
		{ "name",	required_argument,	NULL, 'n' },
		{ "parent",	required_argument,	NULL, 'P' },
		{ "keep",	no_argument,		NULL, OPT_KEEP },
		{ "wait",	no_argument,		NULL, OPT_WAIT },
		{ 0 }
	};
	const char *wrong;
	bool dashes;
	int opt;

	while ((opt = colo_getopt(c, argc, argv, "+" COLO_SHORT_OPTS "on:P:",
				  longs)) != -1) {
		switch (opt) {
		case 'o':
			p->offline = true;
			break;
		case 'n':
			p->name = optarg;
			break;
		case 'P':
			p->parent = optarg;
			break;
		case OPT_KEEP:
			p->keep = true;
			break;
		case OPT_WAIT:
			p->wait = true;
			break;
		}
	}
	if (p->keep && p->wait)
		colo_usage(c, "--keep and --wait exclude each other");
	if (p->name && (!*p->name || strchr(p->name, '/') ||
			*p->name == '.' || *p->name == '-'))
		colo_usage(c, "%s: not a name for a group", p->name);

	dashes = !strcmp(argv[optind - 1], "--");
	while (!dashes && optind < argc) {
		dashes = !strcmp(argv[optind], "--");
		if (!dashes && !is_setting(argv[optind]))
			break;
		if (!dashes) {
			wrong = settings_parse(&p->set, argv[optind]);
			if (wrong)
				colo_usage(c, "%s: %s", argv[optind], wrong);
		}
		optind++;
	}
	if (optind == argc)
		colo_usage(c, "a command is wanted");
	p->argv = argv + optind;

	if (p->offline) {
		if (settings_find(&p->set, "cpu.offline"))
			colo_usage(c, "--offline and cpu.offline= exclude each other");
		settings_parse(&p->set, "cpu.offline=1");
	}
}

/* The controllers that the settings need in @h. */
static struct strv needed(const struct colo *c, const struct plan *p,
			  const struct cg_hier *h)
{
	struct strv list = { 0 };

	for (size_t i = 0; i < p->set.n; i++) {
		char *ctrl = knob_controller(p->set.v[i].key);
		bool seen = !ctrl || knob_hier(&c->fs, p->set.v[i].key) != h;

		for (size_t k = 0; k < list.n && !seen; k++)
			seen = !strcmp(list.v[k], ctrl);
		if (seen)
			free(ctrl);
		else
			strv_add(&list, ctrl);
	}
	return list;
}

/*
 * Where to put the group. --parent is taken as it is. Else the root group for
 * those who may write there. Others have what was delegated to them: on v2 a
 * group with processes, such as our own, cannot give controllers to groups
 * below it, so the groups above ours come first, as long as they can be
 * written, and our own is the last choice.
 */
static int parents(const struct colo *c, const struct plan *p,
		   const struct cg_hier *h, struct strv *out)
{
	char *own, *path, *proc;
	int err;

	if (p->parent) {
		char *group = cg_canon(h, p->parent);

		if (!group)
			return -errno;
		strv_add(out, group);
		return 0;
	}
	path = cg_path(h, "/", NULL);
	err = access(path, W_OK);
	free(path);
	if (!err) {
		strv_add(out, xstrdup("/"));
		return 0;
	}
	proc = xasprintf("%s/proc/self", c->sysroot);
	err = cg_of_process(h, proc, &own);
	free(proc);
	if (err)
		return err;
	path = xstrdup(own);
	for (;;) {
		char *slash = strrchr(path, '/'), *procs;
		bool ok;

		if (!slash || slash == path)
			break;
		*slash = '\0';
		procs = cg_path(h, path, "cgroup.procs");
		ok = !access(procs, W_OK);
		free(procs);
		if (!ok)
			break;
		strv_add(out, xstrdup(path));
	}
	free(path);
	strv_add(out, own);
	return 0;
}

static int make_group(const struct colo *c, const struct plan *p, struct job *j,
		      const struct cg_hier *h)
{
	struct strv controllers = needed(c, p, h), list = { 0 };
	char *name, *where = NULL;
	int err;

	name = p->name ? xstrdup(p->name) : xasprintf("colo-run-%d", getpid());
	err = parents(c, p, h, &list);
	if (err)
		colo_err(c, "%s: %s", p->parent ? p->parent : "own group",
			 strerror(-err));
	for (size_t i = 0; i < list.n; i++) {
		free(where);
		err = job_make_group(j, h, list.v[i], name, &controllers,
				     &where);
		if (!err)
			break;
	}
	if (err && where) {
		colo_err(c, "%s: %s%s", where, strerror(-err),
			 err == -EBUSY && strstr(where, "subtree_control") ?
			 " (a group with processes cannot give controllers to groups below it; use --parent)" :
			 err == -EACCES || err == -EPERM || err == -EROFS ?
			 " (no group here may be written; use --parent or be root)" :
			 err == -EEXIST ? " (use another --name)" : "");
	}
	free(where);
	free(name);
	strv_free(&list);
	strv_free(&controllers);
	return err;
}

static int make_groups(const struct colo *c, const struct plan *p, struct job *j)
{
	const struct cg_hier *cpu = cgfs_hier(&c->fs, "cpu");
	int err = make_group(c, p, j, cpu);

	for (size_t i = 0; i < p->set.n && !err; i++) {
		const struct cg_hier *h = knob_hier(&c->fs, p->set.v[i].key);
		bool have = !h;

		for (size_t k = 0; k < j->n; k++)
			have |= j->dirs[k].h == h;
		if (!have)
			err = make_group(c, p, j, h);
	}
	return err;
}

/* Each setting goes where its hierarchy's group is. */
static int apply(struct plan *p, const struct colo *c, const struct job *j)
{
	/* the same name below the same parent, unless parents were chosen */
	for (size_t i = 1; i < j->n; i++)
		if (strcmp(j->dirs[i].group, j->dirs[0].group))
			return -EXDEV;
	return settings_apply(&p->set, &c->fs, j->dirs[0].group);
}

static void slow(void *arg, int procs)
{
	colo_err(arg, "waiting for %d process%s that the command left", procs,
		 procs == 1 ? "" : "es");
}

static void clean_up(const struct colo *c, const struct plan *p, struct job *j)
{
	char *where;
	int err;

	if (p->keep && j->pid)
		return;
	err = job_drain(j, !p->wait, slow, (void *)c);
	if (err) {
		colo_err(c, "processes are left in the group: %s",
			 strerror(-err));
	}
	err = job_remove(j, &where);
	if (err) {
		char *name = out_name(where);

		colo_err(c, "%s: not removed: %s", name, strerror(-err));
		free(name);
	}
	free(where);
}

static int run_in(struct colo *c, struct plan *p, struct job *j)
{
	int err, status;
	char *where;

	/* from here on a signal must not leave a group behind */
	job_signals();
	err = make_groups(c, p, j);
	if (err)
		return COLO_EXIT_RUN_FAIL;
	err = apply(p, c, j);
	if (err == -EXDEV) {
		colo_err(c, "the hierarchies have different groups for us; use --parent");
		return COLO_EXIT_RUN_FAIL;
	}
	if (err) {
		err = report_failed_settings(c, &p->set);
		return err == COLO_EXIT_FAIL ? COLO_EXIT_RUN_FAIL : err;
	}

	err = job_start(j, p->argv, &where);
	if (err) {
		colo_err(c, "%s: %s%s", where ? where : p->argv[0],
			 strerror(-err), where && err == -EOPNOTSUPP ?
			 " (the parent is threaded, or has processes; use --parent)" :
			 "");
		status = where ? COLO_EXIT_RUN_FAIL :
			 err == -ENOENT ? COLO_EXIT_RUN_NOTFOUND :
			 COLO_EXIT_RUN_NOEXEC;
		free(where);
		return status;
	}
	status = job_wait(j);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

static int run(struct colo *c, int argc, char **argv)
{
	struct plan p = { 0 };
	struct job j = { 0 };
	int code = 0;

	parse(c, argc, argv, &p);
	if (colo_open_cgroups(c)) {
		code = COLO_EXIT_RUN_FAIL;
	} else if (!cgfs_hier(&c->fs, "cpu")) {
		colo_err(c, "no cgroup hierarchy has the cpu controller");
		code = COLO_EXIT_RUN_FAIL;
	}
	/* before anything is made; an enabled controller would stay */
	if (!code && p.offline) {
		struct probe probe;

		probe_kernel(&probe, &c->fs, c->sysroot);
		if (!probe.module)
			code = report_no_offline(c);
		probe_free(&probe);
	}
	if (!code) {
		code = run_in(c, &p, &j);
		clean_up(c, &p, &j);
	}
	job_free(&j);
	settings_free(&p.set);
	return code;
}

const struct subcommand cmd_run = {
	.name = "run",
	.run = run,
	.synopsis = "[OPTIONS] [KEY=VALUE...] [--] COMMAND [ARGUMENTS]",
	.summary = "Run a command in a group of its own",
	.help =
"The group is made below the root group, or below what is delegated to the\n"
"user, and removed afterwards; processes that the command left there are\n"
"killed. The controllers that the keys need are turned on and stay on.\n"
"INT, TERM, HUP, QUIT, USR1, USR2, TSTP and CONT are passed on.\n\n"
"  -o, --offline       same as cpu.offline=1\n"
"  -n, --name NAME     name of the group; default: colo-run-PID\n"
"  -P, --parent CGROUP make it below CGROUP\n"
"      --wait          wait for what the command left instead of killing it\n"
"      --keep          leave the group, and what is in it, at the end\n\n"
"Exit status: the command's own, 128+N if signal N killed it, 127 not found,\n"
"126 cannot be run, 125 colo's own failure, 2 wrong usage, 3 --offline on a\n"
"kernel without the offline class, 4 --offline without cpu.offline files.\n\n"
"EXAMPLES\n"
"  colo run --offline -- make -j8\n"
"  colo run --offline cpu.weight=50 memory.max=2G -- ffmpeg -i a.mkv b.mp4\n"
"  colo run memory.max=1G memory.wmark_high=95% -- tar cf backup.tar /srv\n"
"  colo run --name nightly --parent batch -- ./nightly.sh\n",
};

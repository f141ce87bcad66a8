// SPDX-License-Identifier: GPL-2.0-only
/*
 * cell: sets up and measures the cells of a plan, one after the other.
 *
 * A plan has one cell a line, as KEY=VALUE words; '#' starts a comment. Each
 * cell makes its cgroups, writes the knob, starts the load, runs a probe,
 * reports and takes everything down again. The report is KTAP, with the
 * figures as JSON in lines that begin with "# result ".
 *
 * Layouts (the group of the service; the offline groups; who has the knob):
 *
 *	parent	/service		/off/podN		/off
 *	flat	/service		/podN			each pod
 *	be	/kube/burstable/pod	/kube/besteffort/podN	/kube/besteffort
 *	pod	/kube/burstable/pod	/kube/besteffort/podN	each pod
 *	top	/service		/kube/besteffort/podN	/kube/besteffort
 *
 * Weights are as Kubernetes sets them: besteffort 1, burstable 20 (half a CPU
 * of requests); all others have the default of 100.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_GROUPS	4096

enum layout { PARENT, FLAT, BE, POD, TOP };
enum knob { NONE, WEIGHT, IDLE, OFFLINE };
enum load { NO_LOAD, HOGS, HACKBENCH, STRESS, MIXED };
enum probe { WAKEUP, BUSY, PIPE, FORKEXEC, HACKTIME, SAMPLER };

static const char * const layouts[] = { "parent", "flat", "be", "pod", "top",
					NULL };
static const char * const knobs[] = { "none", "weight", "idle", "offline",
				      NULL };
static const char * const loads[] = { "none", "hogs", "hackbench", "stress",
				      "mixed", NULL };
static const char * const probes[] = { "wakeup", "busy", "pipe", "forkexec",
				       "hackbench", "sampler", NULL };

struct cell {
	const struct words *words;
	const char *id;
	enum layout layout;
	enum knob knob;
	enum load load;
	enum probe probe;
	enum policy online, offline;
	bool inside;			/* the probe runs in an offline group */
	uint64_t groups, hogs, seed;
	uint64_t threads, period_us, step_us, busy_us, sleep_us;
	uint64_t settle_ms, window_ms, sweep_us, rounds;
};

static struct cell *cells;

/* The groups of the cell that is set up. */
static char (*pods)[PATH_SIZE];
static char (*knob_dirs)[PATH_SIZE];
static unsigned int nr_knob_dirs;
static char service[PATH_SIZE];

/* --- the plan ----------------------------------------------------------- */

static void cell_set(struct cell *c, const char *key, const char *value)
{
	static const struct {
		const char *key;
		size_t at;
		uint64_t max;
	} numbers[] = {
		{ "groups",    offsetof(struct cell, groups),	 MAX_GROUPS },
		{ "hogs",      offsetof(struct cell, hogs),	 65536 },
		{ "seed",      offsetof(struct cell, seed),	 UINT32_MAX },
		{ "threads",   offsetof(struct cell, threads),	 1024 },
		{ "period_us", offsetof(struct cell, period_us), 10000000 },
		{ "step_us",   offsetof(struct cell, step_us),	 1000000 },
		{ "busy_us",   offsetof(struct cell, busy_us),	 10000000 },
		{ "sleep_us",  offsetof(struct cell, sleep_us),	 10000000 },
		{ "settle_ms", offsetof(struct cell, settle_ms), 3600000 },
		{ "window_ms", offsetof(struct cell, window_ms), 3600000 },
		{ "sweep_us",  offsetof(struct cell, sweep_us),	 10000000 },
		{ "rounds",    offsetof(struct cell, rounds),	 100000000 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (!strcmp(numbers[i].key, key)) {
			*(uint64_t *)((char *)c + numbers[i].at) =
				parse_u64(key, value, 0, numbers[i].max);
			return;
		}
	}
	if (!strcmp(key, "id"))
		c->id = value;
	else if (!strcmp(key, "layout"))
		c->layout = pick(key, value, layouts);
	else if (!strcmp(key, "knob"))
		c->knob = pick(key, value, knobs);
	else if (!strcmp(key, "load"))
		c->load = pick(key, value, loads);
	else if (!strcmp(key, "probe"))
		c->probe = pick(key, value, probes);
	else if (!strcmp(key, "online"))
		c->online = pick(key, value, policies);
	else if (!strcmp(key, "offline"))
		c->offline = pick(key, value, policies);
	else if (!strcmp(key, "inside"))
		c->inside = parse_u64(key, value, 0, 1);
	else if (strncmp(key, "x_", 2))	/* x_*: passed through to the report */
		die(0, "%s: no such key", key);
}

static void cell_parse(struct cell *c, const struct words *words)
{
	unsigned int i;

	*c = (struct cell){
		.words = words,
		.groups = 1,
		.hogs = 4,
		.threads = 1,
		.period_us = 2000,
		.busy_us = 100,
		.settle_ms = 6000,
		.window_ms = 6400,
		.sweep_us = 4000,
		.rounds = 40000,
	};
	for (i = 0; i < words->nr; i++)
		cell_set(c, words->key[i], words->value[i]);
	if (!c->id || !c->groups || !c->window_ms || !c->threads)
		die(0, "a cell needs id, groups, threads and window_ms");
}

/* --- groups ------------------------------------------------------------- */

static int groups_make(const struct cell *c)
{
	bool kube = c->layout == BE || c->layout == POD || c->layout == TOP;
	bool burstable = c->layout == BE || c->layout == POD;
	bool knob_on_pod = c->layout == FLAT || c->layout == POD;
	char path[PATH_SIZE], top[PATH_SIZE];
	unsigned int i;
	int err = 0;

	nr_knob_dirs = 0;
	if (kube) {
		err = group_make(fmt(path, "%s/kube", cgroot), "+cpu");
		fmt(top, "%s/kube/besteffort", cgroot);
	} else if (c->layout == PARENT) {
		fmt(top, "%s/off", cgroot);
	} else {
		fmt(top, "%s", cgroot);
	}
	if (!err && c->layout != FLAT)
		err = group_make(top, "+cpu");
	if (!err && kube)
		err = write_checked(top, "cpu.weight", "1");
	if (!err && burstable) {
		err = group_make(fmt(path, "%s/kube/burstable", cgroot), "+cpu");
		if (!err)
			err = write_checked(path, "cpu.weight", "20");
	}
	if (err)
		return err;

	if (burstable)
		fmt(service, "%s/kube/burstable/pod", cgroot);
	else
		fmt(service, "%s/service", cgroot);
	err = group_make(service, NULL);
	for (i = 0; i < c->groups && !err; i++) {
		err = group_make(fmt(pods[i], "%.200s/pod%u", top, i), NULL);
		if (knob_on_pod)
			fmt(knob_dirs[nr_knob_dirs++], "%s", pods[i]);
	}
	if (!knob_on_pod)
		fmt(knob_dirs[nr_knob_dirs++], "%s", top);
	return err;
}

/* --- knobs and load ------------------------------------------------------ */

static int knobs_write(const struct cell *c)
{
	char file[PATH_SIZE], back[64];
	unsigned int i;
	int err = 0;

	for (i = 0; i < nr_knob_dirs && !err; i++) {
		char *const argv[] = { "colo", "set", knob_dirs[i],
				       "cpu.offline=1", NULL };

		switch (c->knob) {
		case NONE:
			break;
		case WEIGHT:
			err = write_checked(knob_dirs[i], "cpu.weight", "1");
			break;
		case IDLE:
			err = write_checked(knob_dirs[i], "cpu.idle", "1");
			break;
		case OFFLINE:
			err = wait_for(spawn(NULL, NORMAL, STDERR_FILENO, argv),
				       "colo set");
			break;
		}
	}
	if (c->knob != OFFLINE)
		return err;
	for (i = 0; i < c->groups && !err; i++) {
		err = read_file(fmt(file, "%s/cpu.offline.effective", pods[i]),
				back, sizeof(back));
		if (!err && strcmp(back, "1"))
			err = -EIO;
		if (err)
			warn_err(-err, "%s", file);
	}
	return err;
}

/* Hogs wait at the gate, so that they all start at the same moment. */
static int hogs_start(const struct cell *c, int *gate)
{
	char prog[PATH_SIZE], count[24], wait_fd[24], ready_fd[24], byte;
	unsigned int *order, i, n;
	uint64_t rng = c->seed;
	int fds[2], ready[2];

	if (pipe2(fds, O_CLOEXEC) || pipe2(ready, O_CLOEXEC))
		return -errno;
	if (fcntl(fds[0], F_SETFD, 0) || fcntl(ready[1], F_SETFD, 0))
		return -errno;
	*gate = fds[1];
	snprintf(wait_fd, sizeof(wait_fd), "%d", fds[0]);
	snprintf(ready_fd, sizeof(ready_fd), "%d", ready[1]);
	bench_prog(prog, "hog");

	order = xcalloc(c->groups, sizeof(*order));
	for (i = 0; i < c->groups; i++)
		order[i] = i;
	shuffle(order, c->groups, &rng);
	for (i = 0; i < c->groups; i++) {
		char *const argv[] = { prog, "-n", count, "--ready", ready_fd,
				       "--gate", wait_fd, NULL };

		n = c->hogs / c->groups + (order[i] < c->hogs % c->groups);
		if (!n)
			continue;
		snprintf(count, sizeof(count), "%u", n);
		spawn(pods[order[i]], c->offline, -1, argv);
	}
	free(order);
	close(fds[0]);
	close(ready[1]);
	for (i = 0; i < c->hogs && read(ready[0], &byte, 1) == 1; i++)
		;
	close(ready[0]);
	if (i < c->hogs) {
		warn_err(0, "only %u of %" PRIu64 " hogs came up", i, c->hogs);
		return -ECHILD;
	}
	/* The last one has still to go to sleep. */
	sleep_ns(20 * NSEC_PER_MSEC);
	return 0;
}

static int load_start(const struct cell *c, int *gate)
{
	char *const hack[] = { "hackbench", "-g", "2", "-l", "100000000",
			       NULL };
	char *const stress[] = { "stress-ng", "--quiet", "--temp-path", "/tmp",
				 "--timeout", "0", "--fork", "1", "--vm", "1",
				 "--vm-bytes", "16M", "--pipe", "1",
				 "--sockpair", "1", NULL };
	int err = 0;

	*gate = -1;
	if (c->load == HOGS || c->load == MIXED)
		err = hogs_start(c, gate);
	if (!err && (c->load == HACKBENCH || c->load == MIXED))
		spawn(pods[0], c->offline, STDERR_FILENO, hack);
	if (!err && (c->load == STRESS || c->load == MIXED))
		spawn(pods[c->groups - 1], c->offline, STDERR_FILENO, stress);
	if (!err && (c->load == HACKBENCH || c->load == STRESS ||
		     c->load == MIXED))
		sleep_ns(1000 * NSEC_PER_MSEC);
	return err;
}

/* CPU time of all offline groups so far in ns, or -errno. */
static int64_t offline_usage(void)
{
	char file[PATH_SIZE];
	int64_t sum = 0, one;
	unsigned int i;

	for (i = 0; i < nr_knob_dirs; i++) {
		one = read_keyed(fmt(file, "%s/cpu.stat", knob_dirs[i]),
				 "usage_usec");
		if (one < 0) {
			warn_err(-one, "%s", file);
			return one;
		}
		sum += one * NSEC_PER_USEC;
	}
	return sum;
}

static bool load_alive(const struct cell *c)
{
	if (c->load == NO_LOAD)
		return true;
	return group_populated(pods[0]) && group_populated(pods[c->groups - 1]);
}

/* --- probes ------------------------------------------------------------- */

static char result[256 * 1024];
static int64_t usage_ns = -1;
static uint64_t span_ns;

static int probe_wakeup(const struct cell *c, int *gate)
{
	char prog[PATH_SIZE], v[8][24];
	char *const argv[] = { prog, "--threads", v[0], "--period-us", v[1],
			       "--step-us", v[2], "--busy-us", v[3],
			       "--settle-ms", v[4], "--window-ms", v[5],
			       "--sweep-us", v[6], "--seed", v[7], NULL };
	const uint64_t n[] = { c->threads, c->period_us, c->step_us, c->busy_us,
			       c->settle_ms, c->window_ms, c->sweep_us,
			       c->seed };
	uint64_t lead = c->settle_ms > 1000 ? 500 : 0;
	struct job job;
	int64_t before;
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(n); i++)
		snprintf(v[i], sizeof(v[i]), "%" PRIu64, n[i]);
	bench_prog(prog, "wakeup");
	err = job_start(&job, service, c->online, argv);
	if (err)
		return err;
	/* It calibrates itself before the load starts. */
	sleep_ns(50 * NSEC_PER_MSEC);
	if (*gate >= 0)
		close(*gate);
	*gate = -1;

	/* Count the load's CPU time around the window, never in it. */
	sleep_until(job.start + (c->settle_ms - lead) * NSEC_PER_MSEC);
	before = offline_usage();
	span_ns = now_ns();
	err = job_end(&job, result, sizeof(result));
	usage_ns = offline_usage();
	span_ns = now_ns() - span_ns;
	if (before < 0 || usage_ns < 0)
		return -EIO;
	usage_ns -= before;
	return err;
}

static int probe_busy(const struct cell *c)
{
	char prog[PATH_SIZE], count[24], settle[24], window[24];
	char *const hog[] = { prog, "-n", count, NULL };
	char exectime[PATH_SIZE];
	struct job job;
	char **argv;
	unsigned int i, n = 0;
	int err;

	bench_prog(prog, "hog");
	bench_prog(exectime, "exectime");
	snprintf(count, sizeof(count), "%" PRIu64, c->threads);
	snprintf(settle, sizeof(settle), "%" PRIu64, c->settle_ms);
	snprintf(window, sizeof(window), "%" PRIu64, c->window_ms);
	/*
	 * Each hog leaves the system call it waited in first: what starves
	 * inside the kernel is another question.
	 */
	sleep_ns((200 + 6 * c->hogs) * NSEC_PER_MSEC);
	spawn(service, c->online, -1, hog);

	argv = xcalloc(c->groups + 7, sizeof(*argv));
	argv[n++] = exectime;
	argv[n++] = "--fifo";
	argv[n++] = "--settle-ms";
	argv[n++] = settle;
	argv[n++] = "--window-ms";
	argv[n++] = window;
	for (i = 0; i < c->groups; i++)
		argv[n++] = pods[i];
	err = job_start(&job, NULL, NORMAL, argv);
	if (!err)
		err = job_end(&job, result, sizeof(result));
	free(argv);
	if (!group_populated(service)) {
		warn_err(0, "the online task ended");
		err = -ECHILD;
	}
	/* First the online task, or nothing else would get to its end. */
	return group_kill(service) ?: err;
}

static int probe_program(const struct cell *c)
{
	char prog[PATH_SIZE], rounds[24], phase[24];
	char *const argv[] = { prog, "--rounds", rounds, "--phase-us", phase,
			       NULL };
	char *const hack[] = { "hackbench", "-g", "1", "-l", rounds, NULL };
	const char *group = c->inside ? pods[0] : service;
	struct job job;
	uint64_t took;
	int err;

	sleep_ns(c->settle_ms * NSEC_PER_MSEC);
	snprintf(rounds, sizeof(rounds), "%" PRIu64, c->rounds);
	snprintf(phase, sizeof(phase), "%" PRIu64, c->seed * 797 % 4000);
	bench_prog(prog, c->probe == PIPE ? "pipe" : "forkexec");
	/* The phase of a program that has no option for it. */
	if (c->probe == HACKTIME)
		sleep_ns(c->seed * 797 % 4000 * NSEC_PER_USEC);
	err = job_start(&job, group, c->online,
			c->probe == HACKTIME ? hack : argv);
	if (err)
		return err;
	err = job_end(&job, result, sizeof(result));
	took = now_ns() - job.start;
	if (c->probe == HACKTIME)
		snprintf(result, sizeof(result),
			 "{\"probe\":\"hackbench\",\"rounds\":%" PRIu64
			 ",\"ns_per_op\":%.3f}", c->rounds,
			 (double)took / c->rounds);
	return err;
}

static int probe_sampler(const struct cell *c)
{
	char prog[PATH_SIZE], sampler[PATH_SIZE], v[5][24];
	char *const hog[] = { prog, "-n", v[0], "--busy-us", v[1],
			      "--sleep-us", v[2], NULL };
	char *const full[] = { prog, "-n", v[0], NULL };
	struct job job;
	char **argv;
	unsigned int i, n = 0;
	int err;

	bench_prog(prog, "hog");
	bench_prog(sampler, "sampler");
	snprintf(v[0], sizeof(v[0]), "%" PRIu64, c->threads);
	snprintf(v[1], sizeof(v[1]), "%" PRIu64, c->busy_us);
	snprintf(v[2], sizeof(v[2]), "%" PRIu64, c->sleep_us);
	snprintf(v[3], sizeof(v[3]), "%" PRIu64, c->settle_ms);
	snprintf(v[4], sizeof(v[4]), "%" PRIu64, c->rounds);
	spawn(service, c->online, -1, c->sleep_us ? hog : full);
	/* All are there before the sampler lists them. */
	sleep_ns(500 * NSEC_PER_MSEC);

	argv = xcalloc(2 * c->groups + 8, sizeof(*argv));
	argv[n++] = sampler;
	argv[n++] = "--settle-ms";
	argv[n++] = v[3];
	argv[n++] = "--samples";
	argv[n++] = v[4];
	argv[n++] = "--online";
	argv[n++] = service;
	for (i = 0; i < c->groups; i++) {
		argv[n++] = "--offline";
		argv[n++] = pods[i];
	}
	err = job_start(&job, NULL, NORMAL, argv);
	if (!err)
		err = job_end(&job, result, sizeof(result));
	free(argv);
	return group_kill(service) ?: err;
}

static int probe_run(const struct cell *c, int *gate)
{
	result[0] = '\0';
	usage_ns = -1;
	if (c->probe == WAKEUP)
		return probe_wakeup(c, gate);
	if (*gate >= 0)
		close(*gate);
	*gate = -1;
	switch (c->probe) {
	case BUSY:
		return probe_busy(c);
	case SAMPLER:
		return probe_sampler(c);
	default:
		return probe_program(c);
	}
}

/* --- report ------------------------------------------------------------- */

static void report_stat(FILE *out)
{
	static const char * const keys[] = {
		"run_usec", "wait_usec", "steal_usec", "wait_max_usec",
		"preemptions", "migrations", "switches", "lift_net",
		"lift_kill", "lift_freeze", "lift_ptrace",
		"lift_lock", "lift_drain", "tasks", "lifted",
	};
	char file[PATH_SIZE];
	unsigned int i, k;
	int64_t sum, one;

	fputs(",\"stat\":{", out);
	for (k = 0; k < ARRAY_SIZE(keys); k++) {
		for (i = 0, sum = 0; i < nr_knob_dirs; i++) {
			one = read_keyed(fmt(file, "%s/cpu.offline.stat",
					     knob_dirs[i]), keys[k]);
			if (one < 0)
				sum = INT64_MIN;
			else if (!strcmp(keys[k], "wait_max_usec"))
				sum = one > sum ? one : sum;
			else
				sum += one;
		}
		if (sum >= 0)
			fprintf(out, "%s\"%s\":%" PRId64, k ? "," : "", keys[k],
				sum);
	}
	fputc('}', out);
}

static void report_cell(FILE *out, const struct cell *c)
{
	fputs("# result {\"cell\":", out);
	words_json(out, c->words);
	if (usage_ns >= 0)
		fprintf(out, ",\"offline_ns\":%" PRId64 ",\"span_ns\":%" PRIu64,
			usage_ns, span_ns);
	if (c->knob == OFFLINE)
		report_stat(out);
	fprintf(out, ",\"result\":%s}\n", result);
	fflush(out);
}

static int cell_run(unsigned int nr)
{
	const struct cell *c = &cells[nr];
	int err, err_remove, gate = -1;

	err = groups_make(c);
	if (!err)
		err = knobs_write(c);
	if (!err)
		err = load_start(c, &gate);
	if (!err)
		err = probe_run(c, &gate);
	if (gate >= 0)
		close(gate);
	if (!err && !load_alive(c)) {
		warn_err(0, "%s: the offline load ended by itself", c->id);
		err = -ECHILD;
	}
	if (!err)
		report_cell(stdout, c);
	err_remove = groups_remove();
	sleep_ns(200 * NSEC_PER_MSEC);
	return err ?: err_remove;
}

static const char *cell_name(unsigned int nr)
{
	return cells[nr].id;
}

static void usage(FILE *out)
{
	fputs("Usage: cell [OPTION]... PLAN\n"
	      "Set up and measure the cells of a plan, one after the other.\n\n"
	      "  --cgroup DIR      root of the cgroup v2 tree (/sys/fs/cgroup)\n"
	      "  --bench DIR       where the probes are (/bench)\n"
	      "  --settle-ms N     wait before the first cell (6000)\n", out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cgroup",	required_argument, NULL, 'c' },
		{ "bench",	required_argument, NULL, 'b' },
		{ "settle-ms",	required_argument, NULL, 's' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ }
	};
	uint64_t settle_ms = 6000;
	struct words *words;
	unsigned int nr, i;
	int c;

	progname = "cell";
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			cgroot = optarg;
			break;
		case 'b':
			bench_dir = optarg;
			break;
		case 's':
			settle_ms = parse_u64("--settle-ms", optarg, 0, 3600000);
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind != argc - 1) {
		usage(stderr);
		return 2;
	}

	words = plan_load(argv[optind], &nr);
	cells = xcalloc(nr, sizeof(*cells));
	for (i = 0; i < nr; i++)
		cell_parse(&cells[i], &words[i]);

	pods = xcalloc(MAX_GROUPS, sizeof(*pods));
	knob_dirs = xcalloc(MAX_GROUPS, sizeof(*knob_dirs));

	return plan_run(nr, settle_ms, cell_run, cell_name) ? 1 : 0;
}

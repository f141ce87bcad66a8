// SPDX-License-Identifier: GPL-2.0-only
/*
 * lockcell: measures the cells of a plan, each of which is a case of the selftest
 * test_lock. The id is the name of the case, the other words are its parameters;
 * see guest.h for the rest. What the case says in lines of "# figures NAME JSON"
 * is, by name, the result of the cell.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define FIGURES		"# figures "

static const char *test = "/selftests/test_lock";
static const struct words *cells;

static const char *cell_name(unsigned int nr)
{
	const struct words *w = &cells[nr];
	unsigned int i;

	for (i = 0; i < w->nr; i++) {
		if (!strcmp(w->key[i], "id"))
			return w->value[i];
	}
	die(0, "a cell needs an id");
}

/* Figures into @out; what else the test has to say is passed on. */
static int report_figures(FILE *out, char *text)
{
	char *line, *json, *save = NULL;
	int n = 0;

	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, FIGURES, strlen(FIGURES))) {
			line += strlen(FIGURES);
			json = strchr(line, ' ');
			if (!json)
				return -EIO;
			*json++ = '\0';
			fprintf(out, ",\"%s\":%s", line, json);
			n++;
		} else if (*line == '#') {
			puts(line);
		}
	}
	return n ? 0 : -ENODATA;
}

static int cell_run(unsigned int nr)
{
	const struct words *w = &cells[nr];
	char *argv[MAX_KEYS + 5];
	static char text[256 * 1024];
	unsigned int i, n = 0;
	char *json = NULL;
	struct job job;
	size_t len;
	FILE *out;
	int err;

	argv[n++] = (char *)test;
	argv[n++] = "-c";
	argv[n++] = (char *)cell_name(nr);
	argv[n++] = "report=1";
	for (i = 0; i < w->nr; i++) {
		if (strcmp(w->key[i], "id") && asprintf(&argv[n++], "%s=%s",
							w->key[i], w->value[i]) < 0)
			die(ENOMEM, "%s", w->key[i]);
	}
	argv[n] = NULL;
	err = job_start(&job, NULL, NORMAL, argv);
	if (err)
		return err;
	err = job_end(&job, text, sizeof(text));
	while (n-- > 4)
		free(argv[n]);

	out = open_memstream(&json, &len);
	if (!out)
		die(errno, "open_memstream");
	fputs("# result {\"cell\":", out);
	words_json(out, w);
	fputs(",\"result\":{\"probe\":\"lock\"", out);
	err = report_figures(out, text) ?: err;
	fputs("}}\n", out);
	fclose(out);
	if (!err)
		fputs(json, stdout);
	else
		warn_err(-err, "%s", cell_name(nr));
	free(json);
	return err;
}

static void usage(FILE *out)
{
	fputs("Usage: lockcell [OPTION]... PLAN\n"
	      "Measure the cells of a plan: cases of test_lock, one after the other.\n\n"
	      "  --test FILE       the program (/selftests/test_lock)\n"
	      "  --settle-ms N     wait before the first cell (6000)\n", out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "test",	required_argument, NULL, 't' },
		{ "settle-ms",	required_argument, NULL, 's' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ }
	};
	uint64_t settle_ms = 6000;
	unsigned int nr, i;
	int c;

	progname = "lockcell";
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 't':
			test = optarg;
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

	cells = plan_load(argv[optind], &nr);
	for (i = 0; i < nr; i++)
		cell_name(i);
	return plan_run(nr, settle_ms, cell_run, cell_name) ? 1 : 0;
}

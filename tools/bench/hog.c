// SPDX-License-Identifier: GPL-2.0-only
/* hog: busy processes, endless, or by turns busy and asleep. */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t busy_us, sleep_us;
static int gate = -1, ready = -1;

/* Waits until the writer of the gate closes it, so that all start at once. */
static void gate_wait(void)
{
	char c = 0;
	ssize_t n;

	if (ready >= 0) {
		if (write(ready, &c, 1) != 1)
			die(errno, "ready");
		close(ready);
	}
	if (gate < 0)
		return;
	do {
		n = read(gate, &c, 1);
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		die(errno, "gate");
	close(gate);
}

static void hog_run(void)
{
	uint64_t lpm = 0;

	if (sleep_us)
		lpm = spin_calibrate();
	gate_wait();
	for (;;) {
		if (!sleep_us) {
			spin_loops(UINT64_MAX);
			continue;
		}
		spin_ns(lpm, busy_us * NSEC_PER_USEC);
		sleep_ns(sleep_us * NSEC_PER_USEC);
	}
}

static void usage(FILE *out)
{
	fputs("Usage: hog [OPTION]...\n"
	      "Keep CPUs busy until killed.\n\n"
	      "  -n, --procs N      busy processes (1)\n"
	      "      --busy-us N    work in each turn; needs --sleep-us\n"
	      "      --sleep-us N   sleep after each turn (0: never)\n"
	      "      --ready FD     write a byte to FD for each that is ready\n"
	      "      --gate FD      start when FD, a pipe, comes to its end\n",
	      out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "procs",	required_argument, NULL, 'n' },
		{ "busy-us",	required_argument, NULL, 'b' },
		{ "sleep-us",	required_argument, NULL, 's' },
		{ "ready",	required_argument, NULL, 'r' },
		{ "gate",	required_argument, NULL, 'g' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ }
	};
	uint64_t procs = 1, i;
	pid_t parent, pid;
	int c;

	progname = "hog";
	while ((c = getopt_long(argc, argv, "n:h", options, NULL)) != -1) {
		switch (c) {
		case 'n':
			procs = parse_u64("--procs", optarg, 1, 65536);
			break;
		case 'b':
			busy_us = parse_u64("--busy-us", optarg, 1, 60000000);
			break;
		case 's':
			sleep_us = parse_u64("--sleep-us", optarg, 0, 60000000);
			break;
		case 'r':
			ready = parse_u64("--ready", optarg, 0, 1 << 20);
			break;
		case 'g':
			gate = parse_u64("--gate", optarg, 0, 1 << 20);
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind != argc || !!busy_us != !!sleep_us) {
		usage(stderr);
		return 2;
	}

	/* The last one is this process itself: no idle parent is left. */
	parent = getpid();
	for (i = 1; i < procs; i++) {
		pid = fork();
		if (pid < 0)
			die(errno, "fork");
		if (pid)
			continue;
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
			_exit(1);
		break;
	}
	hog_run();
}

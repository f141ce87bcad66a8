// SPDX-License-Identifier: GPL-2.0-only
/* See mem_util.h for what each function promises. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem_util.h"

#define RAMDISK	"/dev/ram0"

int mem_main(int argc, char **argv, const struct colo_case *cases, size_t n,
	     const struct colo_case *v1, size_t nv1,
	     const struct colo_param *params, size_t nparams)
{
	int i, ret;

	cg_subject = (struct cg_subject){
		.file = "memory.wmark_high", .ctrl = "memory", .v1 = "memory",
		.more = "memory",
	};
	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], "v1=1"))
			break;
	if (i == argc || !nv1)
		return colo_main(argc, argv, cases, n, params, nparams);

	for (; i < argc; i++)
		argv[i] = argv[i + 1];
	ret = cg_start_v1();
	if (ret) {
		fprintf(stderr, "cannot mount the memory controller as v1: %s\n",
			strerror(-ret));
		return 1;
	}
	return colo_main(argc - 1, argv, v1, nv1, params, nparams);
}

/* --------------------------------------------------------------- storage */

static const char *disk_path(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), DISK "/%s", name);
	return path;
}

void disk_drop(void)
{
	while (!umount2(DISK, MNT_DETACH))
		;
	drop_caches();
}

static int mkfs(void)
{
	int status, null;
	pid_t pid = fork();

	if (!pid) {
		null = open("/dev/null", O_WRONLY);
		dup2(null, STDOUT_FILENO);
		/* That of busybox, which comes first in the path, makes ext2. */
		execl("/usr/bin/mke2fs", "mke2fs", "-q", "-F", "-t", "ext4",
		      "-m", "0", RAMDISK, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

void disk(void)
{
	int ret;

	disk_drop();
	if (access(RAMDISK, F_OK))
		colo_skip("no " RAMDISK);
	/* A file system that was in use a moment ago may still be going. */
	REQUIRE(WAIT_FOR(!(ret = mkfs()), 20000), "mke2fs " RAMDISK ": %d", ret);
	mkdir(DISK, 0755);
	REQUIRE(!mount(RAMDISK, DISK, "ext4", MS_NOATIME, NULL),
		"mount " RAMDISK ": %s", strerror(errno));
}

void disk_file(const char *name, unsigned int mib)
{
	static char block[MIB];
	unsigned int i;
	int fd;

	fd = open(disk_path(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	REQUIRE(fd >= 0, "%s: %s", name, strerror(errno));
	for (i = 0; i < mib; i++) {
		memset(block, i + 1, sizeof(block));
		REQUIRE(write(fd, block, sizeof(block)) == (ssize_t)sizeof(block),
			"writing %s: %s", name, strerror(errno));
	}
	REQUIRE(!fsync(fd), "fsync: %s", strerror(errno));
	/* What is on a per-CPU list at the first call is not at the second. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
}

void drop_caches(void)
{
	sync();
	write_file("/proc/sys/vm/drop_caches", "3");
}

/* ---------------------------------------------------------------- groups */

int mem_limit(const char *cg, uint64_t bytes)
{
	return cg_write(cg, cg_hier == CG_V1 ? "memory.limit_in_bytes" :
			"memory.max", "%llu", (unsigned long long)bytes);
}

void mem_group(const char *cg, uint64_t limit)
{
	int ret = cg_make(cg);

	REQUIRE(!ret, "mkdir %s: %s", cg, strerror(-ret));
	ret = limit ? mem_limit(cg, limit) : 0;
	REQUIRE(!ret, "%s: limit %llu: %s", cg, (unsigned long long)limit,
		strerror(-ret));
}

int64_t mem_usage(const char *cg)
{
	return cg_read_num(cg, cg_hier == CG_V1 ? "memory.usage_in_bytes" :
			   "memory.current");
}

int64_t mem_max_events(const char *cg)
{
	if (cg_hier == CG_V1)
		return cg_read_num(cg, "memory.failcnt");
	return cg_key(cg, "memory.events", "max");
}

int64_t mem_file(const char *cg)
{
	return cg_key(cg, "memory.stat", cg_hier == CG_V1 ? "cache" : "file");
}

int64_t mem_anon(const char *cg)
{
	return cg_key(cg, "memory.stat", cg_hier == CG_V1 ? "rss" : "anon");
}

void mem_set(const char *cg, const char *file, const char *fmt, ...)
{
	char name[64], text[256];
	va_list ap;
	int ret;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(name, sizeof(name), "memory.%s", file);
	ret = cg_write(cg, name, "%s", text);
	REQUIRE(!ret, "%s: %s = %s: %s", cg, name, text, strerror(-ret));
}

/* A number, or NONE. */
static int64_t number(const char *text)
{
	char *end;
	long long v = strtoll(text, &end, 10);

	return end == text ? NONE : v;
}

int64_t mem_num(const char *cg, const char *file)
{
	char name[64], buf[64];
	int n;

	snprintf(name, sizeof(name), "memory.%s", file);
	n = cg_read(cg, name, buf, sizeof(buf));
	return n < 0 ? n : number(buf);
}

const char *wm_text(const char *cg, const char *key)
{
	size_t len = strlen(key);
	static char buf[2048];
	char *line, *save;
	int n;

	n = cg_read(cg, "memory.wmark_stat", buf, sizeof(buf));
	REQUIRE(n > 0, "%s: memory.wmark_stat: %s", cg, strerror(-n));
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, key, len) && line[len] == ' ')
			return line + len + 1;
	REQUIRE(0, "%s: no key %s in memory.wmark_stat", cg, key);
	return NULL;
}

int64_t wm(const char *cg, const char *key)
{
	return number(wm_text(cg, key));
}

void wm_tell(const char *cg)
{
	char buf[2048], *p;
	int n = cg_read(cg, "memory.wmark_stat", buf, sizeof(buf));

	for (p = buf; n > 0 && *p; p++)
		if (*p == '\n')
			*p = ';';
	if (n > 0)
		diag("%s: usage %lld file %lld: %s", cg,
		     (long long)mem_usage(cg), (long long)mem_file(cg), buf);
}

/* ----------------------------------------------------------------- tasks */

struct stream stream;

static void stream_file(struct task_ctl *c, bool wr)
{
	static char block[64 * KIB];
	uint64_t from = stream.from_mib * MIB, size = stream.mib * MIB, pos;
	unsigned int pass;
	int fd;

	fd = open(disk_path(stream.file),
		  wr ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0644);
	if (fd < 0) {
		c->err = -errno;
		return;
	}
	c->stage = 1;
	for (pass = 0; !stream.passes || pass < stream.passes; pass++) {
		for (pos = 0; pos < size; pos += sizeof(block)) {
			ssize_t n = wr ?
				pwrite(fd, block, sizeof(block), from + pos) :
				pread(fd, block, sizeof(block), from + pos);

			if (c->stop)
				goto out;
			if (n != (ssize_t)sizeof(block)) {
				c->err = n < 0 ? -errno : -EIO;
				goto out;
			}
			if ((pos + sizeof(block)) % MIB)
				continue;
			c->progress++;
			if (stream.pause_us)
				usleep(stream.pause_us);
		}
		c->extra = pass + 1;
	}
	c->stage = 2;
out:
	close(fd);
}

void fn_stream(struct task_ctl *c, long arg)
{
	(void)arg;
	stream_file(c, false);
}

void fn_dirty(struct task_ctl *c, long arg)
{
	(void)arg;
	stream_file(c, true);
}

static void hold(struct task_ctl *c, char *p, size_t len, bool wr)
{
	volatile char *v = p;
	size_t i;

	if (p == MAP_FAILED) {
		c->err = -errno;
		return;
	}
	for (i = 0; i < len; i += 4096) {
		/* Not zero: such pages go to swap without being written. */
		if (wr)
			v[i] = 1 + i / 4096 % 255;
		else
			(void)v[i];
		if (!(i % MIB))
			c->progress++;
	}
	c->stage = 1;
	while (!c->stop)
		usleep(10000);
}

void fn_anon(struct task_ctl *c, long arg)
{
	hold(c, mmap(NULL, arg * MIB, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), arg * MIB, true);
}

void fn_huge(struct task_ctl *c, long arg)
{
	char *p = mmap(NULL, (arg + 2) * MIB, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED) {
		p = (char *)(((uintptr_t)p + 2 * MIB - 1) & ~(2 * MIB - 1));
		madvise(p, arg * MIB, MADV_HUGEPAGE);
	}
	hold(c, p, arg * MIB, true);
}

void fn_tmpfs(struct task_ctl *c, long arg)
{
	int fd = memfd_create("colo-test", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, arg * MIB)) {
		c->err = -errno;
		return;
	}
	hold(c, mmap(NULL, arg * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
	     arg * MIB, true);
}

static char *map_file(struct task_ctl *c, long mib)
{
	int fd = open(disk_path(stream.file), O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		c->err = -errno;
		return NULL;
	}
	return mmap(NULL, mib * MIB, PROT_READ, MAP_SHARED, fd, 0);
}

void fn_mapped(struct task_ctl *c, long arg)
{
	char *p = map_file(c, arg);
	size_t i;

	if (!p)
		return;
	/* Used all the time, so that nothing of it is old. */
	while (!c->stop) {
		for (i = 0; i < arg * MIB; i += 4096)
			(void)*(volatile char *)(p + i);
		c->stage = 1;
		usleep(20000);
	}
}

void fn_locked(struct task_ctl *c, long arg)
{
	char *p = map_file(c, arg);

	if (!p)
		return;
	if (mlock(p, arg * MIB)) {
		c->err = -errno;
		return;
	}
	hold(c, p, arg * MIB, false);
}

struct task mem_task(const char *cg, task_fn fn, long arg)
{
	struct task_opt o = { .cg = cg, .cpu = -1, .arg = arg };

	return task_start(&o, fn);
}

void mem_run(const char *cg, task_fn fn, long arg, unsigned int ms)
{
	struct task t = mem_task(cg, fn, arg);
	int status = -1, err;
	struct task_ctl *c = t.c;

	REQUIRE(WAIT_FOR(c->stage == 2 || c->err, ms),
		"%s: the task does not come to its end: %llu MiB", cg,
		(unsigned long long)c->progress);
	err = c->err;
	REQUIRE(!err, "%s: the task: %s", cg, strerror(-err));
	REQUIRE(task_wait(&t, 10000, &status) && WIFEXITED(status) &&
		!WEXITSTATUS(status), "%s: the task ends with %x", cg, status);
}

void mem_read(const char *cg, const char *file, unsigned int from,
	      unsigned int mib)
{
	stream = (struct stream){
		.file = file, .from_mib = from, .mib = mib, .passes = 1,
	};
	mem_run(cg, fn_stream, 0, 60000);
}

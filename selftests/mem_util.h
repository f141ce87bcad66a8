/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers of the memory tests: a file system on a RAM disk whose cache can be
 * reclaimed (that of tmpfs cannot), groups with limits, and tasks that use memory.
 */
#ifndef MEM_UTIL_H
#define MEM_UTIL_H

#include "colo_util.h"

#define KIB	1024ULL
#define MIB	(1024 * KIB)
#define NONE	INT64_MAX		/* "max", "auto" */

/*
 * main() of a memory test: "v1=1" among the arguments runs @v1 in place of @cases, on
 * the v1 hierarchy.
 */
int mem_main(int argc, char **argv, const struct colo_case *cases, size_t n,
	     const struct colo_case *v1, size_t nv1,
	     const struct colo_param *params, size_t nparams);

/* --------------------------------------------------------------- storage */

#define DISK	"/tmp/colo-disk"

/*
 * A fresh ext4 on /dev/ram0, mounted at DISK; ends the case if that cannot be had.
 * The case leaves it mounted: disk_drop() and the next disk() take it away, and with
 * it all cached pages and what they pin.
 */
void disk(void);
void disk_drop(void);

/* A file of @mib MiB, on the disk and not in the cache. */
void disk_file(const char *name, unsigned int mib);
/* What is clean and unused leaves the cache of the whole machine. */
void drop_caches(void);

/* ---------------------------------------------------------------- groups */

/* A new group, with a limit unless @limit is 0; ends the case if it cannot be. */
void mem_group(const char *cg, uint64_t limit);
int mem_limit(const char *cg, uint64_t bytes);		/* 0 or -errno */
int64_t mem_usage(const char *cg);
/* How often a charge hit the limit. */
int64_t mem_max_events(const char *cg);
int64_t mem_file(const char *cg);	/* bytes of page cache, this group's own */
int64_t mem_anon(const char *cg);

/* memory.@file; a failure ends the case. */
void mem_set(const char *cg, const char *file, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A number in memory.@file, NONE for a word. */
int64_t mem_num(const char *cg, const char *file);
/* The same for a key of memory.wmark_stat. */
int64_t wm(const char *cg, const char *key);
/* Its text; in a static buffer. */
const char *wm_text(const char *cg, const char *key);
/* All of it, as diagnostics. */
void wm_tell(const char *cg);

/* ----------------------------------------------------------------- tasks */

/* What fn_stream() and fn_dirty() read and write; set before they are started. */
extern struct stream {
	const char	*file;		/* on the disk */
	unsigned int	from_mib;
	unsigned int	mib;
	unsigned int	passes;		/* 0: until "stop" */
	unsigned int	pause_us;	/* after each MiB */
} stream;

/* Reads; "progress" counts MiB, "stage" is 2 at the end. */
void fn_stream(struct task_ctl *c, long arg);
/* Writes, making the file; the same. */
void fn_dirty(struct task_ctl *c, long arg);
/* Holds arg MiB of anonymous memory; "stage" is 1 once all is touched. */
void fn_anon(struct task_ctl *c, long arg);
/* The same in huge pages, if there are; in tmpfs; mapped, and locked, of a file. */
void fn_huge(struct task_ctl *c, long arg);
void fn_tmpfs(struct task_ctl *c, long arg);
void fn_mapped(struct task_ctl *c, long arg);
void fn_locked(struct task_ctl *c, long arg);

/* Starts @fn in @cg; a failure ends the case. */
struct task mem_task(const char *cg, task_fn fn, long arg);
/* Runs @fn in @cg to its end ("stage" @stage), at most @ms (scaled). */
void mem_run(const char *cg, task_fn fn, long arg, unsigned int ms);
/* Reads @mib MiB of @file from @from on, once, in @cg. */
void mem_read(const char *cg, const char *file, unsigned int from,
	      unsigned int mib);

#endif /* MEM_UTIL_H */

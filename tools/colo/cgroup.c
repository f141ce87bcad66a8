// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"

/* No cgroup file is larger; also the end of files that never end. */
#define CG_FILE_MAX	(1 << 20)

/* ---- files ---- */

char *cg_path(const struct cg_hier *h, const char *group, const char *file)
{
	const char *g = strcmp(group, "/") ? group : "";

	if (!file)
		return xasprintf("%s%s", h->path, g);
	return xasprintf("%s%s/%s", h->path, g, file);
}

bool cg_has(const struct cg_hier *h, const char *group, const char *file)
{
	char *path = cg_path(h, group, file);
	bool has = !access(path, F_OK);

	free(path);
	return has;
}

int cg_read(const char *path, char **content)
{
	size_t len = 0, size = 4096;
	int fd, err = 0;
	char *buf;

	*content = NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	buf = xcalloc(size, 1);
	for (;;) {
		ssize_t n = read(fd, buf + len, size - len - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err = -errno;
		if (n <= 0)
			break;
		len += n;
		if (len + 1 < size)
			continue;
		if (size >= CG_FILE_MAX) {
			err = -EFBIG;
			break;
		}
		size *= 2;
		buf = xgrow(buf, size, 1);
	}
	close(fd);
	if (err) {
		free(buf);
		return err;
	}
	if (len && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	*content = buf;
	return 0;
}

int cg_read_file(const struct cg_hier *h, const char *group, const char *file,
		 char **content)
{
	char *path = cg_path(h, group, file);
	int err = cg_read(path, content);

	free(path);
	return err;
}

char *cg_find_key(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (*text) {
		size_t line = strcspn(text, "\n");

		if (line > len && !strncmp(text, key, len) && text[len] == ' ')
			return xstrndup(text + len + 1, line - len - 1);
		text += line;
		text += *text == '\n';
	}
	return NULL;
}

int cg_read_key(const char *path, const char *key, char **value)
{
	char *text;
	int err = cg_read(path, &text);

	*value = err ? NULL : cg_find_key(text, key);
	free(text);
	return err ? err : *value ? 0 : -ENOENT;
}

int cg_write(const char *path, const char *value)
{
	/* kernfs ignores O_TRUNC; a plain file would keep the old tail */
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	int err = 0;
	size_t len;
	ssize_t n;
	char *line;

	if (fd < 0)
		return -errno;
	line = xasprintf("%s\n", value);
	len = strlen(line);
	do {
		n = write(fd, line, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		err = -errno;
	else if ((size_t)n != len)
		err = -EIO;
	free(line);
	if (close(fd) && !err && errno != EINTR)
		err = -errno;
	return err;
}

/* ---- hierarchies ---- */

static void add_hier(struct cgfs *fs, const char *path, const char *controllers,
		     bool v2)
{
	struct cg_hier *h;
	size_t len = strlen(path);

	while (len && path[len - 1] == '/')
		len--;
	fs->hier = xgrow(fs->hier, fs->nhier + 1, sizeof(*fs->hier));
	h = &fs->hier[fs->nhier++];
	h->path = xstrndup(path, len);
	h->controllers = xstrdup(controllers);
	h->v2 = v2;
}

/* Add @path if it is the root of a cgroup v2 hierarchy. */
static bool add_v2(struct cgfs *fs, const char *path)
{
	char *file = xasprintf("%s/cgroup.controllers", path);
	char *controllers;
	int err = cg_read(file, &controllers);

	free(file);
	if (err)
		return false;
	add_hier(fs, path, controllers, true);
	free(controllers);
	return true;
}

static bool is_v1_root(const char *path)
{
	char *procs = xasprintf("%s/cgroup.procs", path);
	char *tasks = xasprintf("%s/tasks", path);
	bool is = !access(procs, F_OK) || !access(tasks, F_OK);

	free(procs);
	free(tasks);
	return is;
}

static int open_root(struct cgfs *fs, const char *root)
{
	struct dirent *d;
	DIR *dir;

	dir = opendir(root);
	if (!dir)
		return -errno;
	if (add_v2(fs, root))
		goto out;
	if (is_v1_root(root)) {
		add_hier(fs, root, "*", false);
		goto out;
	}
	/* a directory of hierarchies, named after their controllers */
	while ((d = readdir(dir))) {
		struct stat st;
		char *path;

		if (d->d_name[0] == '.')
			continue;
		path = xasprintf("%s/%s", root, d->d_name);
		/* links such as cpu -> cpu,cpuacct would count twice */
		if (!lstat(path, &st) && S_ISDIR(st.st_mode) &&
		    !add_v2(fs, path) && is_v1_root(path))
			add_hier(fs, path, d->d_name, false);
		free(path);
	}
out:
	closedir(dir);
	return fs->nhier ? 0 : -ENOENT;
}

static int open_mounts(struct cgfs *fs, const char *mounts)
{
	FILE *f = setmntent(mounts, "re");
	struct mntent *m;

	if (!f)
		return -errno;
	while ((m = getmntent(f))) {
		bool v2 = !strcmp(m->mnt_type, "cgroup2");
		bool seen = false;

		if (!v2 && strcmp(m->mnt_type, "cgroup"))
			continue;
		/* the same hierarchy mounted again: the first one counts */
		for (size_t i = 0; i < fs->nhier; i++) {
			const struct cg_hier *h = &fs->hier[i];

			seen |= h->v2 == v2 &&
				(v2 || !strcmp(h->controllers, m->mnt_opts));
		}
		if (seen)
			continue;
		if (v2)
			add_v2(fs, m->mnt_dir);
		else
			add_hier(fs, m->mnt_dir, m->mnt_opts, false);
	}
	endmntent(f);
	return fs->nhier ? 0 : -ENOENT;
}

int cgfs_open(struct cgfs *fs, const char *root, const char *mounts)
{
	int err;

	*fs = (struct cgfs){ 0 };
	err = root ? open_root(fs, root) : open_mounts(fs, mounts);
	if (err)
		cgfs_close(fs);
	return err;
}

void cgfs_close(struct cgfs *fs)
{
	for (size_t i = 0; i < fs->nhier; i++) {
		free(fs->hier[i].path);
		free(fs->hier[i].controllers);
	}
	free(fs->hier);
	*fs = (struct cgfs){ 0 };
}

const char *cgfs_kind(const struct cgfs *fs)
{
	bool v1 = false, v2 = false;

	for (size_t i = 0; i < fs->nhier; i++) {
		v1 |= !fs->hier[i].v2;
		v2 |= fs->hier[i].v2;
	}
	return v1 && v2 ? "hybrid" : v2 ? "v2" : "v1";
}

const struct cg_hier *cgfs_hier(const struct cgfs *fs, const char *controller)
{
	const struct cg_hier *unified = NULL;

	for (size_t i = 0; i < fs->nhier; i++) {
		const struct cg_hier *h = &fs->hier[i];

		if (!strcmp(h->controllers, "*") ||
		    has_word(h->controllers, controller))
			return h;
		if (h->v2)
			unified = h;
	}
	return unified;
}

char *cg_canon(const struct cg_hier *h, const char *name)
{
	size_t len = strlen(h->path);
	char *group, *end;

	if (!*name) {
		errno = EINVAL;
		return NULL;
	}
	if (!strncmp(name, h->path, len) && (!name[len] || name[len] == '/'))
		name += len;
	if (strlen(name) + len >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return NULL;
	}

	group = end = xcalloc(strlen(name) + 2, 1);
	while (*name) {
		size_t n = strcspn(name, "/");

		if (n == 2 && !strncmp(name, "..", 2)) {
			free(group);
			errno = EINVAL;
			return NULL;
		}
		if (n && !(n == 1 && *name == '.')) {
			*end++ = '/';
			end = mempcpy(end, name, n);
		}
		name += n;
		name += strspn(name, "/");
	}
	if (end == group)
		*end++ = '/';
	return group;
}

/* ---- the tree ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_group(const char *path, const struct dirent *d)
{
	struct stat st;
	char *sub;
	bool is;

	if (d->d_name[0] == '.' &&
	    (!d->d_name[1] || !strcmp(d->d_name, "..")))
		return false;
	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	sub = xasprintf("%s/%s", path, d->d_name);
	is = !lstat(sub, &st) && S_ISDIR(st.st_mode);
	free(sub);
	return is;
}

int cg_list(const struct cg_hier *h, const char *group, struct strv *out)
{
	char *path = cg_path(h, group, NULL);
	struct strv subs = { 0 };
	struct dirent *d;
	int err = 0;
	DIR *dir;

	dir = opendir(path);
	if (!dir) {
		err = -errno;
		goto out;
	}
	strv_add(out, xstrdup(group));
	while ((d = readdir(dir)))
		if (is_group(path, d))
			strv_add(&subs, xasprintf("%s/%s",
						  strcmp(group, "/") ? group : "",
						  d->d_name));
	closedir(dir);
	if (subs.n)
		qsort(subs.v, subs.n, sizeof(*subs.v), by_name);
	for (size_t i = 0; i < subs.n && !err; i++) {
		err = cg_list(h, subs.v[i], out);
		if (err == -ENOENT || err == -ENODEV)
			err = 0;	/* removed while we looked */
	}
	strv_free(&subs);
out:
	free(path);
	return err;
}

/*
 * Whether processes in @group itself stand in the way of groups with
 * controllers below it. They do not in the real root, which has no type.
 */
static bool has_own_procs(const struct cg_hier *h, const char *group)
{
	char *procs;
	bool has;

	if (!cg_has(h, group, "cgroup.type"))
		return false;
	has = !cg_read_file(h, group, "cgroup.procs", &procs) && *procs;
	free(procs);
	return has;
}

static int enable_at(const struct cg_hier *h, const char *group,
		     const char *controller, char **where)
{
	char *path = cg_path(h, group, "cgroup.subtree_control");
	char *enabled, *add;
	int err;

	err = cg_read(path, &enabled);
	if (!err && !has_word(enabled, controller)) {
		/*
		 * cpu, as a threaded controller, would be accepted, and the
		 * groups below be invalid
		 */
		if (has_own_procs(h, group)) {
			free(enabled);
			*where = path;
			return -EBUSY;
		}
		add = xasprintf("+%s", controller);
		err = cg_write(path, add);
		free(add);
	}
	free(enabled);
	if (err)
		*where = path;
	else
		free(path);
	return err;
}

int cg_enable(const struct cg_hier *h, const char *group,
	      const char *controller, char **where)
{
	const char *p = group;
	int err;

	*where = NULL;
	if (!h->v2)
		return 0;
	err = enable_at(h, "/", controller, where);
	while (!err && *p && strcmp(group, "/")) {
		char *part;

		p += 1 + strcspn(p + 1, "/");
		part = xstrndup(group, p - group);
		err = enable_at(h, part, controller, where);
		free(part);
	}
	return err;
}

int cg_of_process(const struct cg_hier *h, const char *proc_self, char **group)
{
	char *path = xasprintf("%s/cgroup", proc_self);
	char *text, *line, *save = NULL;
	int err = cg_read(path, &text);

	free(path);
	*group = NULL;
	if (err)
		return err;
	/* "0::/path" is the unified one, "3:cpu,cpuacct:/path" a v1 one */
	for (line = strtok_r(text, "\n", &save); line && !*group;
	     line = strtok_r(NULL, "\n", &save)) {
		char *ctrl = strchr(line, ':');
		char *where = ctrl ? strchr(ctrl + 1, ':') : NULL;
		bool match;

		if (!where)
			continue;
		*where++ = '\0';
		ctrl++;
		if (h->v2)
			match = !strncmp(line, "0:", 2) && !*ctrl;
		else if (!strcmp(h->controllers, "*"))
			match = has_word(ctrl, "cpu");
		else
			match = *ctrl && has_word(h->controllers,
						  strtok(ctrl, ","));
		if (match)
			*group = cg_canon(h, *where ? where : "/");
	}
	free(text);
	return *group ? 0 : -ENOENT;
}

/* Calls @fn, if any, for each process; returns their number or -errno. */
static int for_each_proc(const struct cg_hier *h, const char *group,
			 int (*fn)(pid_t pid))
{
	struct strv groups = { 0 };
	int err, count = 0;

	err = cg_list(h, group, &groups);
	for (size_t i = 0; i < groups.n && !err; i++) {
		char *text, *p;

		err = cg_read_file(h, groups.v[i], "cgroup.procs", &text);
		/* gone; or threaded: its processes are listed further up */
		if (err == -ENOENT || err == -ENODEV || err == -EOPNOTSUPP)
			err = 0;
		if (!text)
			continue;
		for (p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
			long pid = strtol(p, NULL, 10);

			count++;
			/* 0: a process of another pid namespace */
			if (fn && pid > 0 && !err)
				err = fn(pid);
		}
		free(text);
	}
	strv_free(&groups);
	return err ? err : count;
}

int cg_count_procs(const struct cg_hier *h, const char *group)
{
	return for_each_proc(h, group, NULL);
}

static int kill_one(pid_t pid)
{
	return kill(pid, SIGKILL) && errno != ESRCH ? -errno : 0;
}

int cg_kill(const struct cg_hier *h, const char *group)
{
	char *path;
	int err;

	if (h->v2 && cg_has(h, group, "cgroup.kill")) {
		path = cg_path(h, group, "cgroup.kill");
		err = cg_write(path, "1");
		free(path);
		return err;
	}
	/* a fork can escape one pass: callers repeat until it is empty */
	err = for_each_proc(h, group, kill_one);
	return err < 0 ? err : 0;
}

int cg_remove(const struct cg_hier *h, const char *group)
{
	struct strv groups = { 0 };
	int err = cg_list(h, group, &groups);

	for (size_t i = groups.n; i-- && !err;) {
		char *path = cg_path(h, groups.v[i], NULL);

		if (rmdir(path) && errno != ENOENT)
			err = -errno;
		free(path);
	}
	strv_free(&groups);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Strings and lists; running out of memory ends the program. */
#ifndef COLO_UTIL_H
#define COLO_UTIL_H

#include <stdbool.h>
#include <stddef.h>

struct strv {
	char **v;
	size_t n;
};

void *xcalloc(size_t n, size_t size);
void *xgrow(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void strv_add(struct strv *sv, char *s);	/* takes @s over */
void strv_free(struct strv *sv);

/* Whether @word is one of the words of @list, parted by spaces or commas. */
bool has_word(const char *list, const char *word);

#endif

// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "util.h"

void out_table_init(struct out_table *t, const char *titles)
{
	*t = (struct out_table){ 0 };
	while (*titles) {
		size_t n = strcspn(titles, " ");

		t->cells = xgrow(t->cells, t->cols + 1, sizeof(*t->cells));
		t->cells[t->cols++] = xstrndup(titles, n);
		titles += n;
		titles += strspn(titles, " ");
	}
	t->rows = t->cols;	/* counted in cells until printed */
}

void out_table_cell(struct out_table *t, char *text)
{
	t->cells = xgrow(t->cells, t->rows + 1, sizeof(*t->cells));
	t->cells[t->rows++] = text;
}

/* Columns on the screen: UTF-8 continuation bytes take none. */
static size_t width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

/* The last @n columns of @s. */
static const char *tail(const char *s, size_t n)
{
	const char *p = s + strlen(s);

	while (n && p > s)
		n -= (*--p & 0xc0) != 0x80;
	return p;
}

void out_table_print(struct out_table *t, FILE *f)
{
	size_t *widths = xcalloc(t->cols, sizeof(*widths));
	size_t others = 0, first;

	for (size_t i = 0; i < t->rows; i++) {
		size_t w = width(t->cells[i]);

		if (w > widths[i % t->cols])
			widths[i % t->cols] = w;
	}
	for (size_t i = 1; i < t->cols; i++)
		others += 1 + widths[i];
	first = others + 12 < OUT_WIDTH ? OUT_WIDTH - others : 12;
	if (widths[0] < first)
		first = widths[0];

	for (size_t i = 0; i < t->rows; i++) {
		const char *cell = t->cells[i];
		size_t w = width(cell);

		if (i % t->cols) {
			fprintf(f, " %*s%s", (int)(widths[i % t->cols] - w), "",
				cell);
		} else if (w > first) {
			fprintf(f, "...%s", tail(cell, first - 3));
		} else {
			fprintf(f, "%s%*s", cell, (int)(first - w), "");
		}
		if (i % t->cols == t->cols - 1)
			fputc('\n', f);
	}
	free(widths);
}

void out_table_free(struct out_table *t)
{
	for (size_t i = 0; i < t->rows; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct out_table){ 0 };
}

void out_wrap(FILE *f, unsigned int indent, const char *text)
{
	size_t col = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (col && col + 1 + n > OUT_WIDTH) {
			fputc('\n', f);
			col = 0;
		}
		if (!col) {
			fprintf(f, "%*s", (int)indent, "");
			col = indent;
		} else {
			fputc(' ', f);
			col++;
		}
		fwrite(text, 1, n, f);
		col += n;
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', f);
}

char *out_usec(unsigned long long usec)
{
	unsigned long long sec = usec / 1000000;

	if (usec < 1000)
		return xasprintf("%lluus", usec);
	if (usec < 1000000)
		return xasprintf("%llu.%llums", usec / 1000, usec / 100 % 10);
	if (sec < 100)
		return xasprintf("%llu.%llus", sec, usec / 100000 % 10);
	if (sec < 6000)
		return xasprintf("%llum%02llus", sec / 60, sec % 60);
	if (sec < 360000)
		return xasprintf("%lluh%02llum", sec / 3600, sec / 60 % 60);
	return xasprintf("%llud%02lluh", sec / 86400, sec / 3600 % 24);
}

char *out_count(unsigned long long n)
{
	static const char units[] = "kMGTPE";
	const char *unit = units;

	if (n < 100000)
		return xasprintf("%llu", n);
	/* 100000 is 100.0k */
	while (n >= 1000000) {
		n /= 1000;
		unit++;
	}
	return xasprintf("%llu.%llu%c", n / 1000, n / 100 % 10, *unit);
}

char *out_size(unsigned long long bytes)
{
	static const char units[] = "KMGTPE";
	const char *unit = units;

	if (bytes < 1024)
		return xasprintf("%llu", bytes);
	/* tenths are cut, not rounded: less than it is, never more */
	while (bytes >= 1024 * 1024) {
		bytes >>= 10;
		unit++;
	}
	return xasprintf("%llu.%llu%c", bytes >> 10,
			 (bytes & 1023) * 10 >> 10, *unit);
}

/* The length of the printable UTF-8 character at @s, 0 if it is none. */
static size_t utf8_len(const unsigned char *s)
{
	static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned int c;
	size_t n;

	if (*s < 0x80)
		return *s >= 0x20 && *s != 0x7f && *s != '\\';
	if (*s >= 0xf8 || *s < 0xc0)
		return 0;
	n = *s >= 0xf0 ? 4 : *s >= 0xe0 ? 3 : 2;
	c = *s & (0xff >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ||
	    c < 0xa0)
		return 0;
	return n;
}

char *out_name(const char *name)
{
	const unsigned char *s = (const unsigned char *)name;
	char *out = xcalloc(4 * strlen(name) + 1, 1);
	char *p = out;

	while (*s) {
		size_t n = utf8_len(s);

		if (n)
			p = mempcpy(p, s, n);
		else
			p += sprintf(p, "\\x%02x", *s);
		s += n ? n : 1;
	}
	return out;
}

struct json_object *out_string(const char *s)
{
	struct json_object *o;
	char *name;

	if (!s)
		return NULL;
	name = out_name(s);
	o = json_object_new_string(name);
	free(name);
	return o;
}

void out_json(FILE *f, struct json_object *o, bool pretty)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

	flags |= pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
			: JSON_C_TO_STRING_PLAIN;
	fprintf(f, "%s\n", json_object_to_json_string_ext(o, flags));
	json_object_put(o);
}

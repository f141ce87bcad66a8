/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables, wrapped text and JSON. */
#ifndef COLO_OUTPUT_H
#define COLO_OUTPUT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#define OUT_WIDTH	80

struct out_table {
	size_t cols, rows;
	char **cells;		/* row by row, the titles first */
};

/* Titles in one string, parted by spaces. */
void out_table_init(struct out_table *t, const char *titles);
/* The next cell; takes @text over. */
void out_table_cell(struct out_table *t, char *text);
/*
 * The first column is on the left and gives way, losing its head, so that
 * lines have at most OUT_WIDTH columns; the others are numbers on the right.
 */
void out_table_print(struct out_table *t, FILE *f);
void out_table_free(struct out_table *t);

/* @text in lines of at most OUT_WIDTH columns, each after @indent spaces. */
void out_wrap(FILE *f, unsigned int indent, const char *text);

char *out_usec(unsigned long long usec);	/* "12.3ms" */
char *out_count(unsigned long long n);		/* "12345", "1.2M" */
char *out_size(unsigned long long bytes);	/* "512", "1.2M", units of 1024 */
/* For terminals and JSON: what is no printable UTF-8 becomes \xNN. */
char *out_name(const char *name);

struct json_object *out_string(const char *s);
void out_json(FILE *f, struct json_object *o, bool pretty);	/* frees @o */

#endif

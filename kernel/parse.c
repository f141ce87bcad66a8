// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parsers of knob values. They share their manners: white space around a
 * value is dropped, numbers may have C's prefixes, nothing may follow, and on an
 * error nothing was changed but the buffer.
 *
 * -EINVAL: nothing, or something that is not of the wanted form from end to end;
 *	    a minus sign where no negative number is allowed
 * -ERANGE: of the right form, but out of the range, however far
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "colo_mod.h"

/**
 * colo_parse_u64 - a number from 0 to @max
 * @buf: what the user wrote, NUL-terminated by kernfs; is edited
 * @max: the largest allowed value
 * @val: set only on success
 *
 * Return: 0, -EINVAL or -ERANGE
 */
int colo_parse_u64(char *buf, u64 max, u64 *val)
{
	u64 v;
	int ret;

	ret = kstrtou64(strstrip(buf), 0, &v);
	if (ret)
		return ret;
	if (v > max)
		return -ERANGE;

	*val = v;
	return 0;
}

/**
 * colo_parse_s64 - a number from @min to @max, which may be negative
 * @buf: as above
 * @min: the smallest allowed value
 * @max: the largest allowed value
 * @val: set only on success
 *
 * Return: 0, -EINVAL or -ERANGE
 */
int colo_parse_s64(char *buf, s64 min, s64 max, s64 *val)
{
	s64 v;
	int ret;

	ret = kstrtos64(strstrip(buf), 0, &v);
	if (ret)
		return ret;
	if (v < min || v > max)
		return -ERANGE;

	*val = v;
	return 0;
}

/*
 * A number with K, M, G or T right behind it, in units of 1024. memparse() would
 * take an overflow for a small size. @s has no white space around it.
 */
static int parse_size(char *s, u64 *val)
{
	static const char suffixes[] = "kmgt";
	size_t len = strlen(s);
	unsigned int shift = 0;
	const char *suffix;
	u64 v;
	int ret;

	suffix = len > 1 ? strchr(suffixes, tolower(s[len - 1])) : NULL;
	if (suffix) {
		shift = 10 * (suffix - suffixes + 1);
		s[--len] = '\0';
		if (!isxdigit(s[len - 1]))
			return -EINVAL;
	}
	ret = kstrtou64(s, 0, &v);
	if (ret)
		return ret;
	if (v > U64_MAX >> shift)
		return -ERANGE;

	*val = v << shift;
	return 0;
}

/**
 * colo_parse_mark - a watermark: a size, "N%", or the word that stands for none
 * @buf: as above
 * @none: that word
 * @val: bytes, or 1 to 100 with @percent; U64_MAX for @none; set only on success
 * @percent: whether @val is a percentage; set only on success
 *
 * Return: 0, -EINVAL or -ERANGE
 */
int colo_parse_mark(char *buf, const char *none, u64 *val, bool *percent)
{
	char *s = strstrip(buf);
	size_t len = strlen(s);
	u64 v;
	int ret;

	if (!strcmp(s, none)) {
		*val = U64_MAX;
		*percent = false;
		return 0;
	}
	if (len > 1 && s[len - 1] == '%') {
		s[--len] = '\0';
		if (!isxdigit(s[len - 1]))
			return -EINVAL;
		ret = kstrtou64(s, 0, &v);
		if (ret)
			return ret;
		if (!v || v > 100)
			return -ERANGE;
		*val = v;
		*percent = true;
		return 0;
	}
	ret = parse_size(s, &v);
	if (ret)
		return ret;
	/* What stands for none inside is no size. */
	if (v == U64_MAX)
		return -ERANGE;

	*val = v;
	*percent = false;
	return 0;
}

/**
 * colo_parse_word - one of a few words
 * @buf: as above
 * @words: the words
 * @n: their number
 *
 * Return: the index of the word, or -EINVAL
 */
int colo_parse_word(char *buf, const char * const *words, int n)
{
	return match_string(words, n, strstrip(buf));
}

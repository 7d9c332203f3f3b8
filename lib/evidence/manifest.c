/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "log/checkpoint.h"

#define FIRST_LINE "doublekey-evidence-1"

void
dk_manifest_clear(struct dk_manifest *m)
{
	free(m->part);
	free(m->names);
	*m = (struct dk_manifest){ .count = 0 };
}

/* ---- words of a line ---- */

struct line {
	char *at; /* NUL-terminated; NULL: there is none */
};

/* The next word, NUL-terminated, or NULL. */
static char *
word(struct line *line)
{
	char *begin = line->at, *space;

	if (!begin)
		return NULL;
	space = strchr(begin, ' ');
	if (space)
		*space = '\0';
	line->at = space ? space + 1 : NULL;
	return *begin ? begin : NULL;
}

static bool
is(struct line *line, const char *text)
{
	const char *found = word(line);

	return found && strcmp(found, text) == 0;
}

static bool
number(struct line *line, uint64_t *ret)
{
	const char *found = word(line);

	return found && dk_log_number_parse(found, strlen(found), ret);
}

/* Only lower-case digits: there is one text for one digest. */
static bool
digest(struct line *line, uint8_t ret[DK_SHA256_BYTES])
{
	const char *found = word(line);
	char again[2 * DK_SHA256_BYTES + 1];

	if (!found || !dk_unhex(found, ret, DK_SHA256_BYTES))
		return false;
	dk_hex(ret, DK_SHA256_BYTES, again);
	return strcmp(found, again) == 0;
}

/* ---- lines ---- */

static bool
version(struct line *line, struct dk_manifest *m)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._+~-";
	const char *found = word(line);
	size_t len = found ? strlen(found) : 0;

	if (len == 0 || len >= sizeof(m->version) || strspn(found, chars) != len)
		return false;
	memcpy(m->version, found, len + 1);
	return true;
}

static bool
records(struct line *line, struct dk_manifest *m)
{
	const char *persons;

	if (!is(line, "records") || !number(line, &m->until))
		return false;
	persons = word(line);
	m->persons = persons && strcmp(persons, "persons") == 0;
	return m->persons || (persons && strcmp(persons, "no-persons") == 0);
}

static bool
part(struct line *line, struct dk_manifest *m)
{
	struct dk_evidence_part *p = &m->part[m->count];

	if (m->count == DK_MANIFEST_PARTS_MAX || !is(line, "part") || !digest(line, p->digest) ||
	    !number(line, &p->size) || p->size > DK_EVIDENCE_PART_MAX_BYTES)
		return false;
	p->name = word(line);
	if (!p->name || !dk_evidence_name_valid(p->name) ||
	    (m->count > 0 && strcmp(m->part[m->count - 1].name, p->name) >= 0))
		return false;
	m->count++;
	return true;
}

static bool
take(unsigned at, struct line *line, struct dk_manifest *m)
{
	switch (at) {
	case 1:
		return is(line, FIRST_LINE);
	case 2:
		return is(line, "time") && number(line, &m->time);
	case 3:
		return is(line, "program") && version(line, m) && digest(line, m->program);
	case 4:
		return is(line, "recipient") && digest(line, m->recipient);
	case 5:
		return records(line, m);
	default:
		return part(line, m);
	}
}

/* A name cannot be a folder of another one. */
static bool
fits(const struct dk_manifest *m)
{
	static const char *const needed[] = { "assessment.json", "catalogue", "incident",
		"inventory.json", "log/checkpoint", "records" };

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!dk_manifest_find(m, needed[i]))
			return false;
	for (size_t i = 0; i < m->count; i++) {
		char folder[DK_EVIDENCE_NAME_MAX_BYTES + 1];

		memcpy(folder, m->part[i].name, strlen(m->part[i].name) + 1);
		for (char *slash = strrchr(folder, '/'); slash; slash = strrchr(folder, '/')) {
			*slash = '\0';
			if (dk_manifest_find(m, folder))
				return false;
		}
	}
	return true;
}

static dk_err
parse(struct dk_manifest *m, unsigned *ret_line)
{
	char *at = m->names;

	for (*ret_line = 1; *at; (*ret_line)++) {
		struct line line = { .at = at };
		char *end = strchr(at, '\n');

		if (!end)
			return DK_ERR_EVIDENCE_FILE;
		*end = '\0';
		if (!take(*ret_line, &line, m) || line.at)
			return DK_ERR_EVIDENCE_FILE;
		at = end + 1;
	}
	return fits(m) ? DK_OK : DK_ERR_EVIDENCE_FILE;
}

static size_t
count_lines(const char *text, size_t len)
{
	size_t lines = 0;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines;
}

dk_err
dk_manifest_parse(
    const char *text, size_t len, struct dk_manifest *ret_manifest, unsigned *ret_line)
{
	struct dk_manifest m = { .count = 0 };
	size_t lines = count_lines(text, len);
	dk_err err;

	*ret_line = 1;
	if (len > DK_MANIFEST_MAX_BYTES || memchr(text, '\0', len) ||
	    lines > DK_MANIFEST_PARTS_MAX + 5)
		return DK_ERR_EVIDENCE_FILE;
	m.names = malloc(len + 1);
	m.part = calloc(lines + 1, sizeof(m.part[0]));
	if (!m.names || !m.part) {
		dk_manifest_clear(&m);
		return DK_ERR_NOMEM;
	}
	memcpy(m.names, text, len);
	m.names[len] = '\0';
	err = parse(&m, ret_line);
	if (err == DK_OK)
		*ret_manifest = m;
	else
		dk_manifest_clear(&m);
	return err;
}

/* ---- writing ---- */

void
dk_manifest_write(struct dk_writer_buf *wr, const struct dk_manifest *m)
{
	char hex[2][2 * DK_SHA256_BYTES + 1], line[DK_MANIFEST_HEAD_BYTES];
	int n;

	dk_hex(m->program, sizeof(m->program), hex[0]);
	dk_hex(m->recipient, sizeof(m->recipient), hex[1]);
	n = snprintf(line, sizeof(line),
	    FIRST_LINE "\ntime %llu\nprogram %s %s\nrecipient %s\nrecords %llu %s\n",
	    (unsigned long long)m->time, m->version, hex[0], hex[1], (unsigned long long)m->until,
	    m->persons ? "persons" : "no-persons");
	dk_wr_bytes(wr, line, n > 0 ? (size_t)n : 0);
	for (size_t i = 0; i < m->count; i++) {
		const struct dk_evidence_part *p = &m->part[i];

		dk_hex(p->digest, sizeof(p->digest), hex[0]);
		n = snprintf(line, sizeof(line), "part %s %llu %s\n", hex[0],
		    (unsigned long long)p->size, p->name);
		dk_wr_bytes(wr, line, n > 0 ? (size_t)n : 0);
	}
}

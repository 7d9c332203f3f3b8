/* SPDX-License-Identifier: Apache-2.0 */
/* Derivations and missing evidence in words, with the names of the incident file. */
#ifndef DK_CLI_ASSESS_WORDS_H
#define DK_CLI_ASSESS_WORDS_H

#include <stdio.h>

#include "cli/assess/assess.h"

/* Why an object is readable: each step, and what was stolen for it. */
void assess_words_readable(FILE *f, const struct assess *a, const struct dk_exposure *x,
    const struct dk_exposure_verdict *v);
/* Names of section 4, with commas. */
void assess_words_names(FILE *f, unsigned missing);
/* One bit of enum dk_exposure_missing, what it is here. */
void assess_words_missing(
    FILE *f, const struct assess *a, const struct dk_exposure *x, unsigned bit);
/* All of them. */
void assess_words_unknown(
    FILE *f, const struct assess *a, const struct dk_exposure *x, unsigned missing);
/* Seconds since 1970 as an incident file has them. */
void assess_words_time(FILE *f, uint64_t seconds);
/* When an entry was made, as far as is known. */
void assess_words_when(FILE *f, const struct assess *a, uint64_t index);
/* A factor of a release, and how it could be forged, or that it could not. */
void assess_words_factor(FILE *f, const struct assess *a, const struct dk_exposure *x,
    const struct dk_exposure_entry *e, const struct dk_exposure_factor *factor);
/* A key, and how the thief had it, or that he had not. */
void assess_words_key(FILE *f, const struct assess *a, const struct dk_exposure *x, uint32_t key);

/* The level of a clear release, and what held beside it without counting; nothing of others. */
void assess_words_level(FILE *f, const struct assess_entry *entry);
/* The name of one gate in results: static. */
const char *assess_words_gate(unsigned gate);

/* The device with this enrolment, or NULL. */
const struct assess_device *assess_words_device(const struct assess *a, uint64_t index);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Judges of outcomes, and the places that operations read from and write to. */
#ifndef TESTS_FAULTS_OUTCOME_H
#define TESTS_FAULTS_OUTCOME_H

#include "ops.h"

#define SINK_BYTES (LARGE_BYTES + (1 << 20))
extern uint8_t sink[SINK_BYTES];

/* No pointer that anybody gives out. */
extern char untouched[1];
#define UNTOUCHED ((void *)untouched)

struct dk_source source_of(const uint8_t *data, const size_t *len);
/* Writes to sink, and counts in len. */
struct dk_sink sink_of(size_t *len);

/* Keys that open or make the object on both sides. */
struct dk_decrypt_params readers(const struct world *world, int type);
struct dk_encrypt_params writers(const struct world *world);

typedef const char *judge(const struct world *world, int arg, struct outcome *outcome);
judge judge_key;     /* arg: which key it is */
judge judge_new_key; /* a key that works */
judge judge_private; /* a private key file in sink, of key arg */
judge judge_public;
judge judge_plain;      /* in data */
judge judge_sunk_plain; /* in sink, arg not 0: the large one */
judge judge_object;
judge judge_sunk_object;
judge judge_range;
judge judge_names; /* metadata in sink */
judge judge_info;
judge judge_rewrapped; /* data is a header block, len its length, at the old one's */
judge judge_share;     /* in sink, of share arg */

#endif

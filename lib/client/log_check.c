/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a service shows one log, spec/log.md section 14. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/client_impl.h"
#include "client/log_state.h"
#include "log/tile.h"

#define WAIT_S 10
#define POLL_NS 250000000L
#define ABOVE_MAX 16
#define PENDING_LIFE_S 10

/* The connection to a log is kept for the next check of this process. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	char url[DK_URL_MAX_BYTES + 8];
	struct dk_log_source source;
} kept;

struct check {
	const struct dk_profile *profile;
	struct dk_log_keys keys;
	struct log_state state; /* as it was when this began, without its lock */
	struct log_point published;
	struct dk_tiles tiles;
};

/* ---- what is published ---- */

static dk_err
open_log(const struct dk_profile *profile)
{
	char url[sizeof(kept.url)];
	int n = snprintf(url, sizeof(url), "%s/log", profile->service.base_url);
	dk_err err;

	if (n < 0 || (size_t)n >= sizeof(url))
		return DK_ERR_ARGUMENT;
	if (strcmp(kept.url, url) == 0)
		return DK_OK;
	dk_log_source_close(&kept.source);
	kept.url[0] = '\0';
	err = client_log_open(url, profile->ca_pem, profile->ca_pem_len, &kept.source);
	if (err == DK_OK)
		memcpy(kept.url, url, sizeof(url));
	return err;
}

static dk_err
fetch_published(struct check *c)
{
	struct log_point *p = &c->published;
	struct dk_log_file file = {
		.path = "checkpoint", .data = (uint8_t *)p->text, .cap = sizeof(p->text)
	};
	dk_err err = kept.source.read(kept.source.ctx, &file, 1);

	if (err != DK_OK)
		return err;
	p->len = file.len;
	p->time = (uint64_t)time(NULL);
	return dk_checkpoint_verify(&c->keys, p->text, p->len, &p->cp);
}

/* A clock that was put back makes it old. */
static bool
is_old(const struct log_point *point)
{
	uint64_t now = (uint64_t)time(NULL);

	return now < point->time || now - point->time > PENDING_LIFE_S;
}

/* What should be published by now and is not; NULL: nothing. */
static const struct log_point *
withheld(const struct check *c)
{
	const struct log_point *old = NULL;
	unsigned above = 0;

	if (c->state.has_seen && c->state.seen.cp.size > c->published.cp.size)
		return &c->state.seen;
	for (unsigned i = 0; i < c->state.count; i++) {
		const struct log_point *p = &c->state.pending[i];

		if (p->cp.size <= c->published.cp.size)
			continue;
		above++;
		if (is_old(p) || above > ABOVE_MAX)
			old = p;
	}
	return old;
}

static dk_err
await_published(struct check *c)
{
	const struct timespec poll = { .tv_nsec = POLL_NS };
	const struct log_point *missing;
	struct timespec begun, now;
	dk_err err = fetch_published(c);

	(void)clock_gettime(CLOCK_MONOTONIC, &begun);
	while (err == DK_OK && (missing = withheld(c))) {
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - begun.tv_sec > WAIT_S) {
			log_state_evidence(c->profile, missing, &c->published);
			return DK_ERR_LOG_INCONSISTENT;
		}
		(void)nanosleep(&poll, NULL);
		err = fetch_published(c);
	}
	return err;
}

/* ---- comparing ---- */

static dk_err
prove(struct check *c, const struct dk_tree_nodes *nodes, const struct log_point *point)
{
	uint8_t hashes[DK_CONSISTENCY_HASHES_MAX * DK_HASH_BYTES];
	const struct dk_checkpoint *now = &c->published.cp;
	unsigned n = 0;
	dk_err err;

	err = dk_tree_consistency(nodes, point->cp.size, now->size, hashes, &n);
	if (err == DK_OK)
		err = dk_merkle_consistency_verify(
		    point->cp.size, point->cp.root, now->size, now->root, hashes, n);
	if (err == DK_ERR_LOG_INCONSISTENT)
		log_state_evidence(c->profile, point, &c->published);
	return err;
}

static dk_err
prove_all(struct check *c)
{
	struct dk_tree_nodes nodes;
	dk_err err = DK_OK;

	dk_tiles_init(&c->tiles, &kept.source, c->published.cp.size, &nodes);
	if (c->state.has_seen)
		err = prove(c, &nodes, &c->state.seen);
	for (unsigned i = 0; i < c->state.count && err == DK_OK; i++)
		if (c->state.pending[i].cp.size <= c->published.cp.size)
			err = prove(c, &nodes, &c->state.pending[i]);
	return err;
}

/* Another process may have come to know something meanwhile, which was not compared. */
static dk_err
keep(struct check *c, struct log_state *now)
{
	const struct log_point *other = NULL;
	struct log_point old;
	dk_err err = log_state_open(c->profile, now);

	if (err != DK_OK)
		return err;
	for (unsigned i = 0; i < c->state.count; i++)
		if (c->state.pending[i].cp.size <= c->published.cp.size)
			log_state_remove(now, &c->state.pending[i]);
	old = now->seen;
	if (!now->has_seen || now->seen.cp.size < c->published.cp.size) {
		bool compared = !now->has_seen ||
		    (c->state.has_seen && c->state.seen.cp.size == old.cp.size &&
			memcmp(c->state.seen.cp.root, old.cp.root, sizeof(old.cp.root)) == 0);

		now->has_seen = true;
		now->seen = c->published;
		old.time = c->published.time;
		if (!compared)
			err = log_state_add(now, &old, &other);
	} else {
		err = log_state_add(now, &c->published, &other);
	}
	if (err == DK_ERR_LOG_INCONSISTENT && other)
		log_state_evidence(c->profile, &c->published, other);
	if (err == DK_OK)
		return log_state_save(now);
	log_state_close(now);
	return err;
}

static dk_err
compare(struct check *c, struct log_state *now)
{
	dk_err err = open_log(c->profile);

	if (err == DK_OK)
		err = await_published(c);
	if (err == DK_OK)
		err = prove_all(c);
	return err == DK_OK ? keep(c, now) : err;
}

/* ---- from outside ---- */

static dk_err
add(const struct dk_profile *profile, const char *text, size_t len)
{
	struct log_state *state = malloc(sizeof(*state));
	struct log_point *point = malloc(sizeof(*point));
	const struct log_point *other = NULL;
	struct dk_log_keys keys;
	dk_err err = state && point ? DK_OK : DK_ERR_NOMEM;

	dk_service_log_keys(&profile->service, &keys);
	if (err == DK_OK)
		err = len > sizeof(point->text)
		    ? DK_ERR_RECEIPT
		    : dk_checkpoint_verify(&keys, text, len, &point->cp);
	if (err == DK_OK)
		err = log_state_open(profile, state);
	if (err == DK_OK) {
		point->len = len;
		point->time = (uint64_t)time(NULL);
		memcpy(point->text, text, len);
		err = log_state_add(state, point, &other);
		if (err == DK_ERR_LOG_INCONSISTENT)
			log_state_evidence(profile, point, other);
		if (err == DK_OK)
			err = log_state_save(state);
		else
			log_state_close(state);
	}
	free(state);
	free(point);
	return err;
}

dk_err
client_log_compare(const struct dk_profile *profile)
{
	struct check *c = malloc(sizeof(*c));
	struct log_state *now = malloc(sizeof(*now));
	dk_err err = DK_ERR_NOMEM;

	if (c && now) {
		c->profile = profile;
		dk_service_log_keys(&profile->service, &c->keys);
		err = log_state_open(profile, &c->state);
	}
	if (err == DK_OK) {
		log_state_close(&c->state);
		if (pthread_mutex_lock(&lock) == 0) {
			err = compare(c, now);
			(void)pthread_mutex_unlock(&lock);
		} else {
			err = DK_ERR_STATE;
		}
	}
	free(c);
	free(now);
	return err;
}

dk_err
client_log_add(const struct dk_profile *profile, const char *text, size_t len)
{
	dk_err err = add(profile, text, len);

	/* Too many to keep one more: they are compared first. */
	if (err != DK_ERR_SERVICE_BUSY)
		return err;
	err = client_log_compare(profile);
	return err == DK_OK ? add(profile, text, len) : err;
}

dk_err
client_log_check(const struct dk_profile *profile, const char *text, size_t len)
{
	dk_err err = client_log_add(profile, text, len);

	return err == DK_OK ? client_log_compare(profile) : err;
}

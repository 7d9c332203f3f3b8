/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether time tells the ways apart in which a value of spec/profiles/ms-dke.md does not open.
 *
 * usage: timing SAMPLES
 *
 * Classes of wrong values are measured in random order, SAMPLES of each, once decoding alone and
 * once the whole of it. For each two classes: Welch's t, over all and over what is below the 90th
 * and the 50th percentile, since disturbances only ever add. Beyond LIMIT there is a difference.
 * As a control, an implementation that stops where it first knows is measured the same way and
 * must be seen. Exit status 1: either is not so.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/rsa.h>

#include "crypto/crypto.h"
#include "crypto/dke.h"
#include "crypto/evp.h"
#include "crypto/oaep.h"

#define N 256 /* bytes of the modulus */
#define H 32
#define POOL 64 /* values of a class */
#define CUTS 3
#define LIMIT 5.0
#define FIRST 2000 /* samples that say where the percentiles are */

enum class_ {
	FIRST_BYTE,
	LABEL,
	NO_MARK,
	PADDING,
	EMPTY,
	NOISE,
	SHORT,
	LONG,
	ABOVE,
	ZERO,
	CLASSES
};
#define DECODED SHORT /* the classes before it differ in what comes out alone */
static const char *const names[CLASSES] = { "first byte", "label", "no mark", "padding", "empty",
	"noise", "short", "long", "above", "zero" };

static struct dk_dke_key *key;
static EVP_PKEY *evp;
static uint8_t block[CLASSES][POOL][N], value[CLASSES][POOL][N + 1];
static size_t value_len[CLASSES];
static volatile unsigned opened;

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	printf("%s\n", what);
	exit(2);
}

/* XOR MGF1(seed) over out. */
static void
mask(const uint8_t *seed, size_t seed_len, uint8_t *out, size_t len)
{
	uint8_t counter[4] = { 0 }, hash[H];
	const struct dk_part parts[] = { { seed, seed_len }, { counter, sizeof(counter) } };

	for (size_t at = 0; at < len; at += H) {
		counter[3] = (uint8_t)(at / H);
		must(dk_sha256(parts, 2, hash) == DK_OK, "hash");
		for (size_t i = 0; i < H && at + i < len; i++)
			out[at + i] ^= hash[i];
	}
}

/* A block that a key holder could have made, but for one thing. */
static void
make_block(enum class_ c, uint8_t em[N])
{
	uint8_t *seed = em + 1, *db = seed + H;
	const size_t len = N - 1 - H, text = 44;

	must(dk_random(em, N) == DK_OK, "random");
	em[0] = 0;
	memcpy(db, dk_oaep_label_hash, H);
	memset(db + H, 0, len - H - text - 1);
	db[len - text - 1] = 1;
	if (c == LABEL)
		db[em[5] % H] ^= 1;
	else if (c == NO_MARK)
		memset(db + H, 0, len - H);
	else if (c == PADDING)
		db[H + em[6] % (len - H - text - 1)] = 2;
	else if (c == EMPTY)
		memset(db + H, 0, len - H), db[len - 1] = 1;
	mask(seed, H, db, len);
	mask(db, len, seed, H);
	if (c == FIRST_BYTE)
		em[0] = 1;
	if (c == NOISE)
		must(dk_random(em + 1, N - 1) == DK_OK, "random");
}

/* The public operation; a block with 1 in front is below a modulus with its top bit set. */
static void
make_value(enum class_ c, unsigned i)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, evp, NULL);
	uint8_t *v = value[c][i];
	size_t len = N;

	make_block(c, block[c][i]);
	must(ctx && EVP_PKEY_encrypt_init(ctx) == 1 &&
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
		EVP_PKEY_encrypt(ctx, v, &len, block[c][i], N) == 1 && len == N,
	    "public operation");
	EVP_PKEY_CTX_free(ctx);
	if (c == ABOVE)
		memset(v, 0xff, N);
	if (c == ZERO)
		memset(v, 0, N);
	value_len[c] = c == SHORT ? N - 1 : c == LONG ? N + 1 : N;
}

/* ---- what is measured ---- */

/* All are measured from the same place in memory. */
static uint8_t now_block[N], now_value[N + 1];

typedef void (*measured)(enum class_ c);

static void
decode(enum class_ c)
{
	dk_auto_dke_plain plain = { .len = 0 };

	(void)c;
	opened += dk_dke_decode(key, now_block, N, true, &plain) == DK_OK;
}

static void
unwrap(enum class_ c)
{
	dk_auto_dke_plain plain = { .len = 0 };

	opened += dk_dke_unwrap(key, now_value, value_len[c], &plain) == DK_OK;
}

/* As nobody should: it stops at the first thing that is wrong. */
static void
careless_decode(enum class_ c)
{
	uint8_t em[N];
	size_t at = 1 + H + H;

	(void)c;
	memcpy(em, now_block, N);
	if (em[0] != 0 || dk_oaep_unmask(em, N) != DK_OK ||
	    memcmp(em + 1 + H, dk_oaep_label_hash, H) != 0)
		return;
	while (at < N && em[at] == 0)
		at++;
	opened += at < N - 1 && em[at] == 1;
}

static void
careless_unwrap(enum class_ c)
{
	if (value_len[c] == N && c != ABOVE && c != ZERO)
		unwrap(c);
}

/* ---- statistics ---- */

struct moments {
	double n, mean, m2;
};
static struct moments seen[CLASSES][CUTS];

static void
add(struct moments *m, double x)
{
	double d = x - m->mean;

	m->n++;
	m->mean += d / m->n;
	m->m2 += d * (x - m->mean);
}

static double
welch(const struct moments *a, const struct moments *b)
{
	double va = a->m2 / (a->n - 1) / a->n, vb = b->m2 / (b->n - 1) / b->n;

	return a->n < 2 || b->n < 2 || va + vb <= 0 ? 0 : fabs(a->mean - b->mean) / sqrt(va + vb);
}

static double
once(measured what, enum class_ c)
{
	struct timespec a, b;
	uint8_t i;

	must(dk_random(&i, 1) == DK_OK, "random");
	memcpy(now_block, block[c][i % POOL], sizeof(now_block));
	memcpy(now_value, value[c][i % POOL], sizeof(now_value));
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	what(c);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	return (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The greatest t of any two classes. */
static double
measure(const char *title, measured what, unsigned classes, unsigned long samples)
{
	double first[FIRST], cut[CUTS] = { INFINITY }, most = 0;
	unsigned long left[CLASSES], rest = samples * classes;
	unsigned pair[2] = { 0, 0 };
	uint16_t r;

	memset(seen, 0, sizeof(seen));
	for (unsigned i = 0; i < FIRST; i++)
		first[i] = once(what, i % classes);
	qsort(first, FIRST, sizeof(first[0]), ascending);
	cut[1] = first[FIRST * 9 / 10];
	cut[2] = first[FIRST / 2];
	for (unsigned c = 0; c < classes; c++)
		left[c] = samples;
	while (rest > 0) {
		must(dk_random((uint8_t *)&r, sizeof(r)) == DK_OK, "random");
		unsigned c = r % classes;
		double t;

		if (left[c] == 0)
			continue;
		left[c]--;
		rest--;
		t = once(what, c);
		for (unsigned k = 0; k < CUTS; k++)
			if (t <= cut[k])
				add(&seen[c][k], t);
	}
	for (unsigned a = 0; a < classes; a++)
		for (unsigned b = 0; b < a; b++)
			for (unsigned k = 0; k < CUTS; k++)
				if (welch(&seen[a][k], &seen[b][k]) > most) {
					most = welch(&seen[a][k], &seen[b][k]);
					pair[0] = a;
					pair[1] = b;
				}
	printf("%-24s %2u classes, %lu samples each, median %.1f us: greatest t %.2f (%s, %s)\n",
	    title, classes, samples, cut[2] / 1000, most, names[pair[0]], names[pair[1]]);
	(void)fflush(stdout);
	return most;
}

int
main(int argc, char **argv)
{
	unsigned long samples = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	uint8_t der[DK_PKEY_PRIVATE_MAX_BYTES];
	size_t len = sizeof(der);
	bool good;

	must(samples >= 1000, "usage: timing SAMPLES, at least 1000");
	must(dk_dke_generate(8 * N, &key) == DK_OK &&
		dk_dke_private_bytes(key, der, &len) == DK_OK &&
		dk_evp_rsa_from_pkcs8(der, len, &evp) == DK_OK,
	    "key");
	for (unsigned c = 0; c < CLASSES; c++)
		for (unsigned i = 0; i < POOL; i++)
			make_value(c, i);
	good = measure("decoding", decode, DECODED, samples) < LIMIT;
	good = measure("unwrapping", unwrap, CLASSES, samples) < LIMIT && good;
	good = measure("control: decoding", careless_decode, DECODED, samples) > LIMIT && good;
	good = measure("control: unwrapping", careless_unwrap, CLASSES, 1000) > LIMIT && good;
	must(opened == 0, "a wrong value opened");
	printf("%s\n", good ? "no difference is seen, and each control is" : "FAIL");
	EVP_PKEY_free(evp);
	dk_dke_free(key);
	return good ? 0 : 1;
}

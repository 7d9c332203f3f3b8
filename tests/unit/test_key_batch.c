/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several objects whose shares come in one call: what a key is asked, who gets the
 * answers, and that nothing of them stays.
 */
#include "unit.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "doublekey/doublekey.h"
#include "format/key_batch.h"
#include "format/open.h"
#include "memory.h"

#define OBJECTS 5
#define SHARES_MAX 64

/* A key that is asked for several shares at once, as if it were far away. */
struct far {
	struct dk_key *near;
	unsigned calls;
	size_t asked;                /* requests of all calls */
	size_t most;                 /* requests of the largest call */
	const struct dk_key *refuse; /* any key: the whole call fails with refuse_err */
	dk_err refuse_err;
	size_t refuse_one; /* number of a request in a call that fails alone, from 1 */
	unsigned passed_over;
	dk_err passed_err;
};

static struct dk_key *customer, *second, *provider;
static struct memory object[OBJECTS];
static struct far far, far2;

/* Where shares were written, and whether each was zero when its memory was freed. */
static struct {
	const struct dk_secret32 *at;
	bool was_share, wiped;
} shares[SHARES_MAX];
static size_t shares_n;

void __real_free(void *p);
void __wrap_free(void *p);

void
__wrap_free(void *p)
{
	static const struct dk_secret32 none;
	size_t len = p ? malloc_usable_size(p) : 0;

	for (size_t i = 0; i < shares_n; i++) {
		size_t offset = (size_t)((uintptr_t)shares[i].at - (uintptr_t)p);

		if ((uintptr_t)shares[i].at < (uintptr_t)p || offset >= len || shares[i].wiped)
			continue;
		shares[i].wiped = memcmp(shares[i].at, &none, sizeof(none)) == 0;
	}
	__real_free(p);
}

static dk_err
far_unwrap(const struct dk_key *key, struct dk_unwrap *requests, size_t n)
{
	struct far *f = key->impl;

	f->calls++;
	f->asked += n;
	f->most = n > f->most ? n : f->most;
	if (f->refuse)
		return f->refuse_err;
	for (size_t i = 0; i < n; i++) {
		if (i + 1 == f->refuse_one) {
			requests[i].err = f->refuse_err;
			continue;
		}
		assert_ok(f->near->ops->unwrap(f->near, &requests[i], 1));
		if (n > 1 && shares_n < SHARES_MAX)
			shares[shares_n++].at = requests[i].share;
	}
	return DK_OK;
}

static void
far_passed_over(const struct dk_key *key, dk_err err)
{
	struct far *f = key->impl;

	f->passed_over++;
	f->passed_err = err;
}

static void
far_free(struct dk_key *key)
{
	free(key);
}

static const struct dk_key_ops far_ops = {
	.unwrap = far_unwrap, .many = true, .passed_over = far_passed_over, .free = far_free
};

static struct dk_key *
far_key(struct far *f, struct dk_key *near)
{
	struct dk_key *key = malloc(sizeof(*key));

	assert_non_null(key);
	*f = (struct far){ .near = near };
	*key = *near;
	key->ops = &far_ops;
	key->impl = f;
	return key;
}

static struct dk_key *
new_key(dk_side side, const char *custodian)
{
	const struct dk_key_spec spec = { side, "p256", custodian };
	struct dk_key *key = NULL;

	assert_ok(dk_key_generate(&spec, &key));
	return key;
}

static int
make_objects(void **state)
{
	struct dk_key *both[2];

	(void)state;
	customer = new_key(DK_SIDE_CUSTOMER, NULL);
	second = new_key(DK_SIDE_CUSTOMER, "second");
	provider = new_key(DK_SIDE_PROVIDER, NULL);
	both[0] = customer;
	both[1] = second;
	for (uint8_t i = 0; i < OBJECTS; i++) {
		const struct dk_encrypt_params params = { .customer = both,
			.customer_count = 2,
			.provider = &provider,
			.provider_count = 1 };
		struct memory plain = { &i, 1, 1, 0 };
		const struct dk_source in = memory_source(&plain);
		const struct dk_sink out = { &object[i], memory_write };

		assert_ok(dk_encrypt(&params, &in, &out, NULL));
	}
	return 0;
}

static int
free_objects(void **state)
{
	(void)state;
	for (size_t i = 0; i < OBJECTS; i++)
		free(object[i].data);
	dk_key_free(customer);
	dk_key_free(second);
	dk_key_free(provider);
	return 0;
}

/* Readers with one key, or with a second one. */
struct readers {
	struct dk_key_batch *batch;
	struct dk_key *key[2];
	struct dk_decrypt_params params;
};

static void
begin(struct readers *r, size_t keys)
{
	shares_n = 0;
	memset(shares, 0, sizeof(shares));
	assert_ok(dk_key_batch_new(OBJECTS, &r->batch));
	r->key[0] = far_key(&far, customer);
	r->key[1] = far_key(&far2, second);
	for (size_t i = 0; i < 2; i++) {
		assert_true(dk_key_batch_suits(r->key[i]));
		assert_ok(dk_key_batch_join(r->batch, &r->key[i]));
	}
	r->params = (struct dk_decrypt_params){ .customer = r->key,
		.customer_count = keys,
		.provider = &provider,
		.provider_count = 1 };
}

static void
end(struct readers *r)
{
	dk_key_batch_free(r->batch);
	dk_key_free(r->key[0]);
	dk_key_free(r->key[1]);
}

static void
add_all(struct readers *r)
{
	for (size_t i = 0; i < OBJECTS; i++) {
		const struct dk_source in = memory_source(&object[i]);

		dk_key_batch_drop(r->batch, i);
		dk_open_ahead(&r->params, &in, r->batch, i);
	}
	dk_key_batch_ask(r->batch);
}

static dk_err
read_one(const struct readers *r, size_t i)
{
	uint8_t *plain = NULL;
	size_t len = 0;
	dk_err err;

	err = dk_decrypt_memory(&r->params, object[i].data, object[i].len, &plain, &len, NULL);
	if (err == DK_OK) {
		assert_int_equal(len, 1);
		assert_int_equal(plain[0], i);
	}
	free(plain);
	return err;
}

static void
assert_asked(const struct far *f, unsigned calls, size_t asked)
{
	assert_int_equal(f->calls, calls);
	assert_int_equal(f->asked, asked);
}

/* one call for all; without the batch, one for each */
static void
asks_once(void **state)
{
	struct readers r;

	(void)state;
	begin(&r, 1);
	for (size_t i = 0; i < OBJECTS; i++)
		assert_ok(read_one(&r, i));
	assert_asked(&far, OBJECTS, OBJECTS);
	add_all(&r);
	assert_asked(&far, OBJECTS + 1, 2 * OBJECTS);
	for (size_t i = OBJECTS; i-- > 0;)
		assert_ok(read_one(&r, i));
	assert_asked(&far, OBJECTS + 1, 2 * OBJECTS);
	end(&r);
}

/* a share is gone as soon as it was given out, or its object was dropped */
static void
wipes(void **state)
{
	static const struct dk_secret32 none;
	struct readers r;

	(void)state;
	begin(&r, 1);
	add_all(&r);
	assert_int_equal(shares_n, OBJECTS);
	for (size_t i = 0; i < OBJECTS; i++)
		assert_memory_not_equal(shares[i].at, &none, sizeof(none));
	assert_ok(read_one(&r, 1));
	assert_memory_equal(shares[1].at, &none, sizeof(none));
	assert_memory_not_equal(shares[2].at, &none, sizeof(none));
	dk_key_batch_drop(r.batch, 1);
	dk_key_batch_drop(r.batch, 2);
	assert_true(shares[1].wiped && shares[2].wiped);
	assert_false(shares[0].wiped || shares[3].wiped || shares[4].wiped);
	dk_key_batch_free(r.batch);
	for (size_t i = 0; i < OBJECTS; i++)
		assert_true(shares[i].wiped);
	r.batch = NULL;
	end(&r);
}

/* nothing is used twice: who reads again asks again */
static void
keeps_nothing(void **state)
{
	struct readers r;

	(void)state;
	begin(&r, 1);
	add_all(&r);
	assert_ok(read_one(&r, 0));
	assert_ok(read_one(&r, 0));
	assert_asked(&far, 2, OBJECTS + 1);
	dk_key_batch_drop(r.batch, 3);
	assert_ok(read_one(&r, 3));
	assert_asked(&far, 3, OBJECTS + 2);
	assert_ok(read_one(&r, 4));
	assert_asked(&far, 3, OBJECTS + 2);
	end(&r);
}

/* what fails, fails alone and with its own error; also once */
static void
one_is_refused(void **state)
{
	struct readers r;

	(void)state;
	begin(&r, 1);
	far.refuse_one = 3;
	far.refuse_err = DK_ERR_SERVICE_POLICY;
	add_all(&r);
	for (size_t i = 0; i < OBJECTS; i++)
		assert_err(read_one(&r, i), i == 2 ? DK_ERR_SERVICE_POLICY : DK_OK);
	assert_asked(&far, 1, OBJECTS);
	far.refuse_one = 0;
	assert_ok(read_one(&r, 2));
	end(&r);
}

/* a call that fails as a whole is the failure of each */
static void
all_are_refused(void **state)
{
	struct readers r;

	(void)state;
	begin(&r, 1);
	far.refuse = customer;
	far.refuse_err = DK_ERR_SERVICE_UNREACHABLE;
	add_all(&r);
	for (size_t i = 0; i < OBJECTS; i++)
		assert_err(read_one(&r, i), DK_ERR_SERVICE_UNREACHABLE);
	assert_asked(&far, 1, OBJECTS);
	end(&r);
}

/* where reading goes on to another key, that one is asked once too */
static void
goes_on(void **state)
{
	struct readers r;

	(void)state;
	begin(&r, 2);
	far.refuse_one = 2;
	far.refuse_err = DK_ERR_NOMEM;
	add_all(&r);
	assert_asked(&far, 1, OBJECTS);
	assert_asked(&far2, 1, 1);
	far.refuse = customer;
	add_all(&r);
	assert_asked(&far2, 2, 1 + OBJECTS);
	for (size_t i = 0; i < OBJECTS; i++)
		assert_ok(read_one(&r, i));
	assert_asked(&far2, 2, 1 + OBJECTS);
	/* and not, where it does not */
	far.refuse_err = DK_ERR_SERVICE_POLICY;
	add_all(&r);
	assert_err(read_one(&r, 0), DK_ERR_SERVICE_POLICY);
	assert_asked(&far2, 2, 1 + OBJECTS);
	end(&r);
}

/* a service that decided nothing leads on, and is told; what it refused stays refused */
static void
a_service_that_is_away(void **state)
{
	static const dk_err away[] = { DK_ERR_SERVICE_UNREACHABLE, DK_ERR_SERVICE_BUSY,
		DK_ERR_SERVICE_UNAVAILABLE, DK_ERR_SERVICE_HSM };
	struct readers r;

	(void)state;
	for (unsigned e = DK_ERR_SERVICE; e <= DK_ERR_SERVICE_REQUEST; e++) {
		bool leads_on = false;

		for (size_t i = 0; i < sizeof(away) / sizeof(away[0]); i++)
			leads_on = leads_on || away[i] == (dk_err)e;
		begin(&r, 2);
		far.refuse = customer;
		far.refuse_err = (dk_err)e;
		assert_err(read_one(&r, 0), leads_on ? DK_OK : (dk_err)e);
		assert_int_equal(far.passed_over, leads_on);
		assert_err(far.passed_err, leads_on ? (dk_err)e : DK_OK);
		assert_asked(&far2, leads_on, leads_on);
		end(&r);
	}
	/* without another key it is the error, and nobody is told of another one */
	begin(&r, 1);
	far.refuse = customer;
	far.refuse_err = DK_ERR_SERVICE_UNREACHABLE;
	assert_err(read_one(&r, 0), DK_ERR_SERVICE_UNREACHABLE);
	assert_int_equal(far.passed_over, 0);
	end(&r);
}

/* a copy takes the share of the other, and the other that of the copy */
static void
copies(void **state)
{
	const struct dk_source in = memory_source(&object[0]);
	struct readers r;

	(void)state;
	begin(&r, 1);
	for (size_t i = 0; i < 3; i++)
		dk_open_ahead(&r.params, &in, r.batch, i);
	dk_key_batch_ask(r.batch);
	for (size_t i = 3; i-- > 0;) {
		assert_ok(read_one(&r, 0));
		dk_key_batch_drop(r.batch, i);
	}
	assert_asked(&far, 1, 3);
	assert_true(shares[0].wiped && shares[1].wiped && shares[2].wiped);
	end(&r);
}

/* what would be refused before a share is used is not asked for */
static void
asks_for_nothing_in_vain(void **state)
{
	struct readers r;
	uint8_t kept;

	(void)state;
	begin(&r, 1);
	r.params.min_epoch_provider = 2;
	add_all(&r);
	r.params.min_epoch_provider = 0;
	r.params.min_epoch_customer = 2;
	add_all(&r);
	r.params.min_epoch_customer = 0;
	assert_asked(&far, 0, 0);
	kept = object[4].data[0];
	object[4].data[0] ^= 1;
	add_all(&r);
	object[4].data[0] = kept;
	assert_asked(&far, 1, OBJECTS - 1);
	end(&r);
}

/* a set that was replaced meanwhile is another question */
static void
a_set_that_changed(void **state)
{
	struct dk_key *both[2] = { customer, second };
	const struct dk_rewrap_params rewrap = { .side = DK_SIDE_CUSTOMER,
		.open = &customer,
		.open_count = 1,
		.to = both,
		.to_count = 2 };
	const struct dk_source in = memory_source(&object[0]);
	uint8_t *block = NULL, *kept = object[0].data;
	struct memory changed = { NULL, 0, 0, 0 };
	size_t len, old_len, kept_len = object[0].len;
	struct readers r;

	(void)state;
	begin(&r, 1);
	add_all(&r);
	assert_ok(dk_rewrap(&rewrap, &in, &block, &len, &old_len, NULL));
	assert_int_equal(memory_write(&changed, block, len), 0);
	assert_int_equal(memory_write(&changed, kept + old_len, kept_len - old_len), 0);
	object[0] = changed;
	assert_ok(read_one(&r, 0));
	assert_asked(&far, 2, OBJECTS + 1);
	free(block);
	free(changed.data);
	object[0] = (struct memory){ kept, kept_len, kept_len, 0 };
	end(&r);
}

/* rewrapping asks in the same way, for the side that it opens */
static void
rewraps(void **state)
{
	struct dk_rewrap_params params = {
		.side = DK_SIDE_CUSTOMER, .open_count = 1, .to = &second, .to_count = 1
	};
	struct readers r;

	(void)state;
	begin(&r, 1);
	params.open = r.key;
	for (size_t i = 0; i < OBJECTS; i++) {
		const struct dk_source in = memory_source(&object[i]);

		dk_rewrap_ahead(&params, &in, r.batch, i);
	}
	dk_key_batch_ask(r.batch);
	for (size_t i = 0; i < OBJECTS; i++) {
		const struct dk_source in = memory_source(&object[i]);
		uint8_t *block = NULL;
		size_t len, old_len;

		assert_ok(dk_rewrap(&params, &in, &block, &len, &old_len, NULL));
		free(block);
	}
	assert_asked(&far, 1, OBJECTS);
	/* one that would be refused is not asked for */
	params.min_epoch = 2;
	const struct dk_source in = memory_source(&object[0]);
	dk_key_batch_drop(r.batch, 0);
	dk_rewrap_ahead(&params, &in, r.batch, 0);
	params.min_epoch = 0;
	params.to = &provider;
	dk_rewrap_ahead(&params, &in, r.batch, 0);
	dk_key_batch_ask(r.batch);
	assert_asked(&far, 1, OBJECTS);
	end(&r);
}

/* keys in files are no part of it */
static void
local_keys(void **state)
{
	(void)state;
	assert_false(dk_key_batch_suits(customer));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_once),
		cmocka_unit_test(wipes),
		cmocka_unit_test(keeps_nothing),
		cmocka_unit_test(one_is_refused),
		cmocka_unit_test(all_are_refused),
		cmocka_unit_test(goes_on),
		cmocka_unit_test(a_service_that_is_away),
		cmocka_unit_test(copies),
		cmocka_unit_test(asks_for_nothing_in_vain),
		cmocka_unit_test(a_set_that_changed),
		cmocka_unit_test(rewraps),
		cmocka_unit_test(local_keys),
	};

	return cmocka_run_group_tests(tests, make_objects, free_objects);
}

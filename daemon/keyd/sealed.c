/* SPDX-License-Identifier: Apache-2.0 */
#include "keyd/sealed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "DKSEAL2\n"
#define WRAPPED_BYTES (32 + DK_GCM_TAG_BYTES)
#define WRAP_AT (8 + 12 + 16 + 8 + DK_GCM_IV_BYTES) /* the wrapped data key */
#define HEAD_BYTES (WRAP_AT + WRAPPED_BYTES + DK_GCM_IV_BYTES + 4)
#define STORE_MAX_BYTES (64u << 20)

struct slot {
	struct dk_argon2 params;
	uint64_t generation;
	uint8_t head[HEAD_BYTES];
	uint8_t iv[DK_GCM_IV_BYTES];
	size_t len;
	uint8_t *sealed;
};

void
passphrase_clear(struct passphrase *p)
{
	dk_wipe(p, sizeof(*p));
}

dk_err
passphrase_read(int fd, struct passphrase *ret)
{
	uint8_t *end;
	size_t len = 0;

	while (len < sizeof(ret->bytes)) {
		ssize_t n = read(fd, ret->bytes + len, sizeof(ret->bytes) - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return DK_ERR_READ;
		if (n == 0)
			break;
		len += (size_t)n;
		if (memchr(ret->bytes, '\n', len))
			break;
	}
	end = memchr(ret->bytes, '\n', len);
	if (end)
		len = (size_t)(end - ret->bytes);
	if (len > 0 && ret->bytes[len - 1] == '\r')
		len--;
	if (len == 0)
		return DK_ERR_KEY_NEED_PASSPHRASE;
	ret->len = len;
	return DK_OK;
}

static bool
read_at(int fd, uint8_t *out, size_t len, off_t at)
{
	while (len > 0) {
		ssize_t n = pread(fd, out, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		out += n;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
write_at(int fd, const uint8_t *data, size_t len, off_t at)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, data, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* Of slot->head. */
static bool
parse_head(struct slot *slot)
{
	struct dk_reader_buf rd;

	if (memcmp(slot->head, MAGIC, 8) != 0)
		return false;
	dk_rd_init(&rd, slot->head + 8, HEAD_BYTES - 8);
	slot->params.passes = dk_rd_u32(&rd);
	slot->params.memory_kib = dk_rd_u32(&rd);
	slot->params.lanes = dk_rd_u32(&rd);
	memcpy(slot->params.salt, dk_rd_bytes(&rd, 16), 16);
	slot->generation = dk_rd_u64(&rd);
	(void)dk_rd_bytes(&rd, DK_GCM_IV_BYTES + WRAPPED_BYTES);
	memcpy(slot->iv, dk_rd_bytes(&rd, DK_GCM_IV_BYTES), DK_GCM_IV_BYTES);
	slot->len = dk_rd_u32(&rd);
	return slot->len >= DK_GCM_TAG_BYTES && slot->len <= STORE_MAX_BYTES &&
	    dk_argon2_valid(&slot->params);
}

static bool
read_slot(int fd, struct slot *slot)
{
	if (!read_at(fd, slot->head, HEAD_BYTES, 0) || !parse_head(slot))
		return false;
	slot->sealed = malloc(slot->len);
	return slot->sealed && read_at(fd, slot->sealed, slot->len, HEAD_BYTES);
}

static dk_err
open_slot(struct sealed *store, const struct slot *slot, struct state *ret_state)
{
	size_t len = slot->len - DK_GCM_TAG_BYTES;
	uint8_t *plain = malloc(len + 1);
	dk_auto_secret32 data_key = { { 0 } };
	dk_err err;

	if (!plain)
		return DK_ERR_NOMEM;
	err = dk_gcm_open(&store->key, slot->head + WRAP_AT - DK_GCM_IV_BYTES, slot->head,
	    WRAP_AT - DK_GCM_IV_BYTES, slot->head + WRAP_AT, WRAPPED_BYTES, data_key.bytes);
	if (err == DK_OK)
		err = dk_gcm_open(
		    &data_key, slot->iv, slot->head, HEAD_BYTES, slot->sealed, slot->len, plain);
	if (err == DK_ERR_STANZA_AUTH)
		err = DK_ERR_KEY_PASSPHRASE;
	if (err == DK_OK)
		err = state_decode(plain, len, ret_state);
	dk_wipe(plain, len);
	free(plain);
	if (err == DK_OK && ret_state->generation != slot->generation)
		err = DK_ERR_KEY_DAMAGED;
	return err;
}

/* The slots share passphrase and salt, so the key is derived once. */
static dk_err
try_slot(struct sealed *store, const struct passphrase *passphrase, struct slot *slots,
    unsigned index, struct state *ret_state)
{
	dk_err err;

	store->params = slots[index].params;
	err = dk_argon2id(&store->params, passphrase->bytes, passphrase->len, &store->key);
	if (err != DK_OK)
		return err;
	store->current = index;
	err = open_slot(store, &slots[index], ret_state);
	if (err != DK_OK)
		state_clear(ret_state);
	return err;
}

dk_err
sealed_open(struct sealed *store, const struct passphrase *passphrase, struct state *ret_state)
{
	struct slot slots[SEALED_SLOTS] = { { .len = 0 } };
	bool whole[SEALED_SLOTS];
	unsigned newest;
	dk_err err = DK_ERR_KEY_DAMAGED;

	for (unsigned i = 0; i < SEALED_SLOTS; i++)
		whole[i] = read_slot(store->fd[i], &slots[i]);
	newest = whole[1] && (!whole[0] || slots[1].generation > slots[0].generation);
	if (whole[newest])
		err = try_slot(store, passphrase, slots, newest, ret_state);
	/* A torn write leaves the newer slot without a valid tag. */
	if (err == DK_ERR_KEY_PASSPHRASE && whole[!newest])
		err = try_slot(store, passphrase, slots, !newest, ret_state);
	for (unsigned i = 0; i < SEALED_SLOTS; i++)
		free(slots[i].sealed);
	return err;
}

dk_err
sealed_create(struct sealed *store, const struct passphrase *passphrase, uint32_t memory_kib)
{
	dk_err err;

	store->params = (struct dk_argon2){ .passes = 3, .memory_kib = memory_kib, .lanes = 4 };
	store->current = 1;
	err = dk_random(store->params.salt, sizeof(store->params.salt));
	if (err != DK_OK)
		return err;
	return dk_argon2id(&store->params, passphrase->bytes, passphrase->len, &store->key);
}

/* A data key of its own for each write: what lies about of an older one opens
 * nothing of a newer one. */
static dk_err
write_head(const struct sealed *store, const struct state *state, size_t len,
    struct dk_secret32 *ret_key, uint8_t *out)
{
	uint8_t iv[2 * DK_GCM_IV_BYTES];
	struct dk_writer_buf wr;
	dk_err err;

	err = dk_random(iv, sizeof(iv));
	if (err == DK_OK)
		err = dk_random(ret_key->bytes, sizeof(ret_key->bytes));
	if (err != DK_OK)
		return err;
	dk_wr_init(&wr, out, HEAD_BYTES);
	dk_wr_bytes(&wr, MAGIC, 8);
	dk_wr_u32(&wr, store->params.passes);
	dk_wr_u32(&wr, store->params.memory_kib);
	dk_wr_u32(&wr, store->params.lanes);
	dk_wr_bytes(&wr, store->params.salt, sizeof(store->params.salt));
	dk_wr_u64(&wr, state->generation);
	err = dk_gcm_seal(
	    &store->key, iv, out, wr.len, ret_key->bytes, sizeof(ret_key->bytes), out + WRAP_AT);
	dk_wr_bytes(&wr, iv, DK_GCM_IV_BYTES);
	wr.len += WRAPPED_BYTES;
	dk_wr_bytes(&wr, iv + DK_GCM_IV_BYTES, DK_GCM_IV_BYTES);
	dk_wr_u32(&wr, (uint32_t)len);
	return err;
}

static dk_err
seal(const struct sealed *store, const struct state *state, struct dk_writer_buf *plain,
    uint8_t *out, size_t *ret_len)
{
	dk_auto_secret32 key = { { 0 } };
	dk_err err;

	err = state_encode(state, plain);
	if (err == DK_OK)
		err = write_head(store, state, plain->len + DK_GCM_TAG_BYTES, &key, out);
	if (err != DK_OK)
		return err;
	*ret_len = HEAD_BYTES + plain->len + DK_GCM_TAG_BYTES;
	return dk_gcm_seal(&key, out + HEAD_BYTES - 4 - DK_GCM_IV_BYTES, out, HEAD_BYTES,
	    plain->data, plain->len, out + HEAD_BYTES);
}

/* The file never shrinks; what a longer one had at its end becomes zeros. */
static bool
write_slot(int fd, const uint8_t *data, size_t len)
{
	static const uint8_t zeros[4096];
	struct stat st;

	if (fstat(fd, &st) != 0 || !write_at(fd, data, len, 0))
		return false;
	for (off_t at = (off_t)len; at < st.st_size; at += (off_t)sizeof(zeros)) {
		size_t rest = (size_t)(st.st_size - at);

		if (!write_at(fd, zeros, rest < sizeof(zeros) ? rest : sizeof(zeros), at))
			return false;
	}
	return fdatasync(fd) == 0;
}

dk_err
sealed_make(const struct sealed *store, const struct state *state, uint8_t **ret, size_t *ret_len)
{
	size_t cap = state_encoded_max(state);
	uint8_t *plain = malloc(cap), *out = malloc(cap + HEAD_BYTES + DK_GCM_TAG_BYTES);
	dk_err err = plain && out ? DK_OK : DK_ERR_NOMEM;
	struct dk_writer_buf wr;

	if (err == DK_OK) {
		dk_wr_init(&wr, plain, cap);
		err = seal(store, state, &wr, out, ret_len);
		dk_wipe(plain, cap);
	}
	free(plain);
	if (err == DK_OK)
		*ret = out;
	else
		free(out);
	return err;
}

dk_err
sealed_take(struct sealed *store, const uint8_t *data, size_t len, struct state *ret_state)
{
	struct slot slot = { .len = 0 };
	dk_err err = DK_ERR_KEY_DAMAGED;

	if (len < HEAD_BYTES)
		return err;
	memcpy(slot.head, data, HEAD_BYTES);
	if (!parse_head(&slot) || slot.len != len - HEAD_BYTES)
		return err;
	/* The passphrase is gone; with another salt there is no key for it. */
	if (memcmp(slot.params.salt, store->params.salt, sizeof(slot.params.salt)) != 0)
		return DK_ERR_KEY_PASSPHRASE;
	slot.sealed = malloc(slot.len);
	if (!slot.sealed)
		return DK_ERR_NOMEM;
	memcpy(slot.sealed, data + HEAD_BYTES, slot.len);
	err = open_slot(store, &slot, ret_state);
	free(slot.sealed);
	return err;
}

dk_err
sealed_write(struct sealed *store, const struct state *state)
{
	unsigned target = !store->current;
	uint8_t *data;
	size_t len;
	dk_err err = sealed_make(store, state, &data, &len);

	if (err != DK_OK)
		return err;
	if (!write_slot(store->fd[target], data, len))
		err = DK_ERR_WRITE;
	free(data);
	if (err == DK_OK)
		store->current = target;
	return err;
}

void
sealed_clear(struct sealed *store)
{
	dk_wipe(&store->key, sizeof(store->key));
}

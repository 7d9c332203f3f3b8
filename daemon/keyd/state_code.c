/* SPDX-License-Identifier: Apache-2.0 */
/* The state as bytes: the plaintext of the sealed store. */
#include <stdlib.h>
#include <string.h>

#include "keyd/state.h"

#define FORMAT 2
#define SMALL_MAX_BYTES 512
#define FROZEN 0x01
#define CONFIRMATION 0x02  /* beside whether a key is frozen */
#define APPROVALS 4        /* so many bits in front of it: how many it needs */
#define AUTHENTICATOR 0x80 /* beside the state of a device: a credential id follows */
#define RECEIPT_MAX_BYTES 65536
#define APPROVED_BYTES (IPC_APPROVED_BYTES + 32)

size_t
state_encoded_max(const struct state *state)
{
	size_t len = 4096 + (size_t)state->device_count * SMALL_MAX_BYTES +
	    (size_t)state->code_count * SMALL_MAX_BYTES;

	len += (size_t)state->key_count * (SMALL_MAX_BYTES + DK_SPKI_MAX_BYTES);
	for (unsigned i = 0; i < state->key_count; i++)
		for (unsigned v = 0; v < state->key[i]->version_count; v++)
			len += SMALL_MAX_BYTES + DK_SPKI_MAX_BYTES + DK_PKEY_PRIVATE_MAX_BYTES +
			    state->key[i]->version[v].receipt_len;
	for (unsigned i = 0; i < state->device_count; i++)
		len += state->device[i]->credential ? state->device[i]->credential->len : 0;
	return len + 4 + (size_t)state->approved.count * APPROVED_BYTES;
}

static void
put_text(struct dk_writer_buf *wr, const char *text)
{
	dk_wr_u8(wr, (uint8_t)strlen(text));
	dk_wr_bytes(wr, text, strlen(text));
}

static dk_err
put_pkey(struct dk_writer_buf *wr, const struct dk_pkey *pkey)
{
	size_t spki_len, len = DK_PKEY_PRIVATE_MAX_BYTES;
	const uint8_t *spki = dk_pkey_spki(pkey, &spki_len);
	uint8_t priv[DK_PKEY_PRIVATE_MAX_BYTES];
	dk_err err;

	err = dk_pkey_private_bytes(pkey, priv, &len);
	if (err == DK_OK) {
		dk_wr_u16(wr, (uint16_t)dk_pkey_type(pkey));
		dk_wr_u16(wr, (uint16_t)spki_len);
		dk_wr_bytes(wr, spki, spki_len);
		dk_wr_u16(wr, (uint16_t)len);
		dk_wr_bytes(wr, priv, len);
	}
	dk_wipe(priv, sizeof(priv));
	return err;
}

static void
put_spki(struct dk_writer_buf *wr, const struct dk_pkey *pkey)
{
	size_t len;
	const uint8_t *spki = dk_pkey_spki(pkey, &len);

	dk_wr_u16(wr, (uint16_t)len);
	dk_wr_bytes(wr, spki, len);
}

static dk_err
put_dke(struct dk_writer_buf *wr, const struct key_version *v)
{
	uint8_t bytes[DK_PKEY_PRIVATE_MAX_BYTES];
	size_t len = sizeof(bytes);
	const uint8_t *spki;
	dk_err err = DK_OK;

	put_text(wr, v->dke_id);
	dk_wr_u8(wr, v->decrypt_only);
	if (v->state == DK_VERSION_DESTROYED || v->token) {
		spki = dk_dke_spki(v->dke, &len);
		dk_wr_u16(wr, (uint16_t)len);
		dk_wr_bytes(wr, spki, len);
		return DK_OK;
	}
	err = dk_dke_private_bytes(v->dke, bytes, &len);
	if (err == DK_OK) {
		dk_wr_u16(wr, (uint16_t)len);
		dk_wr_bytes(wr, bytes, len);
	}
	dk_wipe(bytes, sizeof(bytes));
	return err;
}

static dk_err
put_version(struct dk_writer_buf *wr, const struct key_version *v)
{
	dk_wr_u32(wr, v->number);
	dk_wr_u8(wr, v->state);
	dk_wr_u64(wr, v->created);
	dk_wr_u64(wr, v->index);
	dk_wr_bytes(wr, v->id, sizeof(v->id));
	dk_wr_u16(wr, v->type);
	dk_wr_u32(wr, (uint32_t)v->receipt_len);
	dk_wr_bytes(wr, v->receipt, v->receipt_len);
	dk_wr_u8(wr, v->token);
	dk_wr_bytes(wr, v->token_id, sizeof(v->token_id));
	if (v->type == DK_LOG_TYPE_DKE)
		return put_dke(wr, v);
	if (v->state != DK_VERSION_DESTROYED && !v->token)
		return put_pkey(wr, v->pkey);
	put_spki(wr, v->pkey);
	return DK_OK;
}

static dk_err
put_keys(struct dk_writer_buf *wr, const struct state *state)
{
	dk_err err;

	dk_wr_u16(wr, (uint16_t)state->key_count);
	for (unsigned i = 0; i < state->key_count; i++) {
		const struct service_key *key = state->key[i];

		put_text(wr, key->name);
		dk_wr_u8(wr,
		    (uint8_t)(key->frozen | (key->confirmation ? CONFIRMATION : 0) |
			key->approvals << APPROVALS));
		dk_wr_u8(wr, key->recovery != NULL);
		if (key->recovery) {
			dk_wr_bytes(wr, key->recovery_custodian, DK_CUSTODIAN_BYTES);
			put_spki(wr, key->recovery);
		}
		dk_wr_u8(wr, (uint8_t)key->version_count);
		for (unsigned v = 0; v < key->version_count; v++) {
			err = put_version(wr, &key->version[v]);
			if (err != DK_OK)
				return err;
		}
		if (key->dke_name[0])
			put_text(wr, key->dke_name);
	}
	return DK_OK;
}

static void
put_approved(struct dk_writer_buf *wr, const struct state *state)
{
	uint8_t bytes[IPC_APPROVED_BYTES];

	if (state->approved.count == 0)
		return;
	dk_wr_u32(wr, state->approved.count);
	for (unsigned i = 0; i < state->approved.count; i++) {
		const struct approved *a = &state->approved.item[i];

		ipc_approved_write(a, bytes);
		dk_wr_bytes(wr, bytes, sizeof(bytes));
		dk_wr_bytes(wr, a->person, sizeof(a->person));
	}
}

dk_err
state_encode(const struct state *state, struct dk_writer_buf *wr)
{
	uint8_t service[DK_SERVICE_DATA_MAX_BYTES];
	struct dk_writer_buf sd;
	dk_err err;

	dk_wr_init(&sd, service, sizeof(service));
	dk_service_data_write(&sd, &state->service);
	dk_wr_u16(wr, FORMAT);
	dk_wr_u64(wr, state->generation);
	dk_wr_u64(wr, state->log_size);
	dk_wr_bytes(wr, state->log_leaf, sizeof(state->log_leaf));
	dk_wr_u8(wr, state->erase);
	dk_wr_u16(wr, (uint16_t)sd.len);
	dk_wr_bytes(wr, service, sd.len);
	err = put_pkey(wr, state->identity);
	if (err == DK_OK)
		err = put_pkey(wr, state->ca);
	if (err != DK_OK)
		return err;
	dk_wr_u8(wr, state->frozen);
	err = put_keys(wr, state);
	if (err != DK_OK)
		return err;
	dk_wr_u32(wr, state->device_count);
	for (unsigned i = 0; i < state->device_count; i++) {
		const struct device *d = state->device[i];

		dk_wr_bytes(wr, d->spki, sizeof(d->spki));
		dk_wr_u8(wr, (uint8_t)(d->state | (d->credential ? AUTHENTICATOR : 0)));
		dk_wr_u64(wr, d->index);
		dk_wr_u64(wr, d->enrolled);
		put_text(wr, d->user);
		put_text(wr, d->name);
		if (d->credential) {
			dk_wr_u16(wr, d->credential->len);
			dk_wr_bytes(wr, d->credential->id, d->credential->len);
		}
	}
	dk_wr_u16(wr, (uint16_t)state->code_count);
	for (unsigned i = 0; i < state->code_count; i++) {
		const struct open_code *c = &state->code[i];

		dk_wr_bytes(wr, c->code.bytes, sizeof(c->code.bytes));
		put_text(wr, c->user);
		dk_wr_u64(wr, c->expires);
		dk_wr_u64(wr, c->index);
		dk_wr_u32(wr, c->tries);
	}
	put_approved(wr, state);
	return wr->failed || sd.failed ? DK_ERR_OUTPUT_TOO_SMALL : DK_OK;
}

/* ---- reading; what is wrong here is wrong behind a valid tag: a bug or a
 * newer version, never an attack, so one error is enough ---- */

static bool
get_text(struct dk_reader_buf *rd, char *ret, size_t max)
{
	size_t len = dk_rd_u8(rd);
	const uint8_t *text = dk_rd_bytes(rd, len);

	if (!text || len > max)
		return false;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}

static bool
get_bytes(struct dk_reader_buf *rd, void *ret, size_t len)
{
	const uint8_t *p = dk_rd_bytes(rd, len);

	if (p)
		memcpy(ret, p, len);
	return p != NULL;
}

static dk_err
get_pkey(struct dk_reader_buf *rd, struct dk_pkey **ret)
{
	enum dk_key_type type = dk_rd_u16(rd);
	size_t spki_len = dk_rd_u16(rd);
	const uint8_t *spki = dk_rd_bytes(rd, spki_len);
	size_t len = dk_rd_u16(rd);
	const uint8_t *priv = dk_rd_bytes(rd, len);

	if (rd->failed)
		return DK_ERR_KEY_DAMAGED;
	return dk_pkey_from_private(type, spki, spki_len, priv, len, ret);
}

static dk_err
get_spki(struct dk_reader_buf *rd, struct dk_pkey **ret)
{
	size_t len = dk_rd_u16(rd);
	const uint8_t *spki = dk_rd_bytes(rd, len);

	return rd->failed ? DK_ERR_KEY_DAMAGED : dk_pkey_from_spki(spki, len, ret);
}

static dk_err
get_recovery(struct dk_reader_buf *rd, struct service_key *key)
{
	if (dk_rd_u8(rd) == 0)
		return DK_OK;
	if (!get_bytes(rd, key->recovery_custodian, DK_CUSTODIAN_BYTES))
		return DK_ERR_KEY_DAMAGED;
	return get_spki(rd, &key->recovery);
}

static dk_err
get_dke(struct dk_reader_buf *rd, struct key_version *v)
{
	const uint8_t *bytes;
	size_t len;

	if (!get_text(rd, v->dke_id, STATE_DKE_NAME_MAX_BYTES))
		return DK_ERR_KEY_DAMAGED;
	v->decrypt_only = dk_rd_u8(rd) != 0;
	len = dk_rd_u16(rd);
	bytes = dk_rd_bytes(rd, len);
	if (!bytes)
		return DK_ERR_KEY_DAMAGED;
	return v->state == DK_VERSION_DESTROYED || v->token
	    ? dk_dke_from_spki(bytes, len, &v->dke)
	    : dk_dke_from_private(bytes, len, &v->dke);
}

static dk_err
get_version(struct dk_reader_buf *rd, struct key_version *v)
{
	v->number = dk_rd_u32(rd);
	v->state = dk_rd_u8(rd);
	v->created = dk_rd_u64(rd);
	v->index = dk_rd_u64(rd);
	(void)get_bytes(rd, v->id, sizeof(v->id));
	v->type = dk_rd_u16(rd);
	v->receipt_len = dk_rd_u32(rd);
	if (rd->failed || v->receipt_len > RECEIPT_MAX_BYTES)
		return DK_ERR_KEY_DAMAGED;
	v->receipt = malloc(v->receipt_len + 1);
	if (!v->receipt)
		return DK_ERR_NOMEM;
	if (!get_bytes(rd, v->receipt, v->receipt_len))
		return DK_ERR_KEY_DAMAGED;
	v->token = dk_rd_u8(rd) != 0;
	(void)get_bytes(rd, v->token_id, sizeof(v->token_id));
	if (v->type == DK_LOG_TYPE_DKE)
		return get_dke(rd, v);
	return v->state == DK_VERSION_DESTROYED || v->token ? get_spki(rd, &v->pkey)
							    : get_pkey(rd, &v->pkey);
}

static dk_err
get_key(struct dk_reader_buf *rd, struct state *state)
{
	struct service_key *key = calloc(1, sizeof(*key));
	unsigned count, flags;
	dk_err err;

	if (!key)
		return DK_ERR_NOMEM;
	state->key[state->key_count++] = key;
	if (!get_text(rd, key->name, DK_SERVICE_NAME_MAX_BYTES))
		return DK_ERR_KEY_DAMAGED;
	flags = dk_rd_u8(rd);
	key->frozen = flags & FROZEN;
	key->approvals = (uint8_t)(flags >> APPROVALS);
	key->confirmation = flags & CONFIRMATION;
	err = get_recovery(rd, key);
	if (err != DK_OK)
		return err;
	count = dk_rd_u8(rd);
	if (count > DK_VERSIONS_MAX)
		return DK_ERR_KEY_DAMAGED;
	for (unsigned v = 0; v < count; v++) {
		key->version_count = v + 1;
		err = get_version(rd, &key->version[v]);
		if (err != DK_OK)
			return err;
	}
	/* All versions of a key are of one kind. */
	if (count > 0 && key->version[0].type == DK_LOG_TYPE_DKE &&
	    (!get_text(rd, key->dke_name, STATE_DKE_NAME_MAX_BYTES) || !key->dke_name[0]))
		return DK_ERR_KEY_DAMAGED;
	return DK_OK;
}

static dk_err
get_credential(struct dk_reader_buf *rd, struct device *d)
{
	size_t len = dk_rd_u16(rd);
	const uint8_t *id = dk_rd_bytes(rd, len);

	if (!id || len > DK_CREDENTIAL_ID_MAX_BYTES)
		return DK_ERR_KEY_DAMAGED;
	d->credential = malloc(sizeof(*d->credential) + len);
	if (!d->credential)
		return DK_ERR_NOMEM;
	d->credential->len = (uint16_t)len;
	memcpy(d->credential->id, id, len);
	return DK_OK;
}

static dk_err
get_device(struct dk_reader_buf *rd, struct state *state)
{
	struct device d = { 0 };
	const struct dk_part part = { d.spki, sizeof(d.spki) };
	dk_err err = DK_OK;
	unsigned what;

	(void)get_bytes(rd, d.spki, sizeof(d.spki));
	what = dk_rd_u8(rd);
	d.state = (uint8_t)(what & ~(unsigned)AUTHENTICATOR);
	d.index = dk_rd_u64(rd);
	d.enrolled = dk_rd_u64(rd);
	if (!get_text(rd, d.user, DK_USER_MAX_BYTES) ||
	    !get_text(rd, d.name, DK_DEVICE_NAME_MAX_BYTES))
		return DK_ERR_KEY_DAMAGED;
	if (what & AUTHENTICATOR)
		err = get_credential(rd, &d);
	if (err == DK_OK)
		err = dk_sha256(&part, 1, d.id);
	if (err == DK_OK)
		err = state_add_device(state, &d);
	if (err != DK_OK)
		free(d.credential);
	return err;
}

static dk_err
get_code(struct dk_reader_buf *rd, struct state *state)
{
	struct open_code *c = &state->code[state->code_count++];
	dk_auto_enrol_keys keys = { 0 };
	dk_err err;

	(void)get_bytes(rd, c->code.bytes, sizeof(c->code.bytes));
	if (!get_text(rd, c->user, DK_USER_MAX_BYTES))
		return DK_ERR_KEY_DAMAGED;
	c->expires = dk_rd_u64(rd);
	c->index = dk_rd_u64(rd);
	c->tries = dk_rd_u32(rd);
	err = dk_enrol_keys_derive(&c->code, &keys);
	memcpy(c->id, keys.code_id, sizeof(c->id));
	return err;
}

/* Behind the rest, if there are any. */
static dk_err
get_approved(struct dk_reader_buf *rd, struct state *state)
{
	unsigned count = dk_rd_left(rd) > 0 ? dk_rd_u32(rd) : 0;
	struct approved a;

	if (count > APPROVED_MAX)
		return DK_ERR_KEY_DAMAGED;
	for (unsigned i = 0; i < count; i++) {
		const struct ipc_message bytes = { .data = dk_rd_bytes(rd, IPC_APPROVED_BYTES),
			.len = IPC_APPROVED_BYTES };

		if (!bytes.data || !ipc_approved_read(&bytes, &a) ||
		    !get_bytes(rd, a.person, sizeof(a.person)))
			return DK_ERR_KEY_DAMAGED;
		approved_put(&state->approved, &a);
	}
	return DK_OK;
}

static dk_err
get_lists(struct dk_reader_buf *rd, struct state *state)
{
	unsigned keys, devices, codes;
	dk_err err = DK_OK;

	keys = dk_rd_u16(rd);
	if (keys > STATE_KEYS_MAX)
		return DK_ERR_KEY_DAMAGED;
	for (unsigned i = 0; i < keys && err == DK_OK; i++)
		err = get_key(rd, state);
	devices = err == DK_OK ? dk_rd_u32(rd) : 0;
	if (devices > STATE_DEVICES_MAX)
		return DK_ERR_KEY_DAMAGED;
	for (unsigned i = 0; i < devices && err == DK_OK; i++)
		err = get_device(rd, state);
	codes = err == DK_OK ? dk_rd_u16(rd) : 0;
	if (codes > STATE_CODES_MAX)
		return DK_ERR_KEY_DAMAGED;
	for (unsigned i = 0; i < codes && err == DK_OK; i++)
		err = get_code(rd, state);
	return err == DK_OK ? get_approved(rd, state) : err;
}

dk_err
state_decode(const uint8_t *bytes, size_t len, struct state *ret_state)
{
	struct dk_reader_buf rd;
	const uint8_t *service;
	size_t service_len;
	dk_err err;

	dk_rd_init(&rd, bytes, len);
	if (dk_rd_u16(&rd) != FORMAT)
		return DK_ERR_KEY_VERSION;
	ret_state->generation = dk_rd_u64(&rd);
	ret_state->log_size = dk_rd_u64(&rd);
	(void)get_bytes(&rd, ret_state->log_leaf, sizeof(ret_state->log_leaf));
	ret_state->erase = dk_rd_u8(&rd) != 0;
	service_len = dk_rd_u16(&rd);
	service = dk_rd_bytes(&rd, service_len);
	if (!service)
		return DK_ERR_KEY_DAMAGED;
	err = dk_service_data_parse(service, service_len, &ret_state->service);
	if (err != DK_OK)
		return err;
	err = get_pkey(&rd, &ret_state->identity);
	if (err == DK_OK)
		err = get_pkey(&rd, &ret_state->ca);
	if (err != DK_OK)
		return err;
	ret_state->frozen = dk_rd_u8(&rd) != 0;
	err = get_lists(&rd, ret_state);
	if (err != DK_OK)
		return err;
	return rd.failed || dk_rd_left(&rd) > 0 ? DK_ERR_KEY_DAMAGED : DK_OK;
}

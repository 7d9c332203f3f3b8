/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/gate.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "ipc/child.h"
#include "log/record.h"
#include "native/code.h"

void
gate_name(const uint8_t document[32], const char *person, uint8_t ret[32])
{
	const struct dk_part parts[] = { { document, 32 }, { person, strlen(person) } };

	if (dk_sha256(parts, 2, ret) != DK_OK)
		say_fatal("libcrypto does not do what it must");
}

static struct gate *
find(const struct gates *gates, const uint8_t name[32])
{
	for (unsigned i = 0; i < gates->count; i++)
		if (memcmp(gates->item[i].name, name, 32) == 0)
			return &gates->item[i];
	return NULL;
}

static void
drop(struct gates *gates, unsigned i)
{
	gates->count--;
	memmove(&gates->item[i], &gates->item[i + 1], (gates->count - i) * sizeof(*gates->item));
}

/* Those whose time is over, the one of the same name, and the oldest of a device with too many. */
static void
make_room(struct gates *gates, const struct gate *gate, unsigned of_device, uint64_t now)
{
	unsigned kept = 0, count = 0, oldest = 0;

	for (unsigned i = 0; i < gates->count; i++) {
		const struct gate *one = &gates->item[i];

		if (one->until <= now || memcmp(one->name, gate->name, sizeof(one->name)) == 0)
			continue;
		if (memcmp(one->device, gate->device, sizeof(one->device)) == 0 && count++ == 0)
			oldest = kept;
		if (kept != i)
			gates->item[kept] = *one;
		kept++;
	}
	gates->count = kept;
	if (of_device > 0 && count >= of_device)
		drop(gates, oldest);
}

bool
gates_put(struct gates *gates, const struct gate *gate, unsigned of_device, uint64_t now)
{
	if (!gates->item)
		gates->item = calloc(GATES_MAX, sizeof(*gates->item));
	if (!gates->item)
		say_fatal("no memory");
	make_room(gates, gate, of_device, now);
	if (gates->count == GATES_MAX)
		return false;
	gates->item[gates->count++] = *gate;
	return true;
}

const struct gate *
gates_find(
    const struct gates *gates, const uint8_t name[32], const uint8_t address[16], uint64_t now)
{
	const struct gate *gate = find(gates, name);

	return gate && gate->until > now && memcmp(gate->address, address, 16) == 0 ? gate : NULL;
}

void
gates_drop(struct gates *gates, const uint8_t name[32])
{
	struct gate *gate = find(gates, name);

	if (gate)
		drop(gates, (unsigned)(gate - gates->item));
}

void
gates_clear(struct gates *gates)
{
	free(gates->item);
	*gates = (struct gates){ .count = 0 };
}

static void
copy(struct dk_reader_buf *rd, uint8_t *out, size_t len)
{
	const uint8_t *p = dk_rd_bytes(rd, len);

	if (p)
		memcpy(out, p, len);
}

bool
ipc_page_passed_read(const struct ipc_message *message, struct ipc_page_passed *ret)
{
	struct dk_reader_buf rd;

	dk_rd_init(&rd, message->data, message->len);
	ret->code = dk_rd_u16(&rd);
	ret->address = dk_rd_bytes(&rd, 16);
	ret->body.len = dk_rd_left(&rd);
	ret->body.data = dk_rd_bytes(&rd, ret->body.len);
	return !rd.failed && dk_code_known(ret->code);
}

bool
ipc_presence_read(const struct ipc_message *message, struct ipc_presence *ret)
{
	const uint8_t *nonce, *key_id, *signature;
	struct dk_reader_buf rd;

	*ret = (struct ipc_presence){ .address = NULL };
	dk_rd_init(&rd, message->data, message->len);
	ret->address = dk_rd_bytes(&rd, 16);
	ret->sig.created = dk_rd_u64(&rd);
	nonce = dk_rd_bytes(&rd, sizeof(ret->sig.nonce));
	key_id = dk_rd_bytes(&rd, sizeof(ret->sig.key_id));
	signature = dk_rd_bytes(&rd, sizeof(ret->sig.signature));
	ret->body.len = dk_rd_left(&rd);
	ret->body.data = dk_rd_bytes(&rd, ret->body.len);
	if (rd.failed)
		return false;
	memcpy(ret->sig.nonce, nonce, sizeof(ret->sig.nonce));
	memcpy(ret->sig.key_id, key_id, sizeof(ret->sig.key_id));
	memcpy(ret->sig.signature, signature, sizeof(ret->sig.signature));
	return true;
}

bool
ipc_gate_read(const struct ipc_message *message, struct ipc_gate *ret)
{
	struct dk_reader_buf rd;
	unsigned kind;

	*ret = (struct ipc_gate){ .session = false };
	dk_rd_init(&rd, message->data, message->len);
	kind = dk_rd_u8(&rd);
	ret->session = kind == DK_FACTOR_SESSION;
	copy(&rd, ret->gate.name, sizeof(ret->gate.name));
	copy(&rd, ret->gate.address, sizeof(ret->gate.address));
	ret->gate.index = dk_rd_u64(&rd);
	ret->gate.until = dk_rd_u64(&rd);
	return !rd.failed && dk_rd_left(&rd) == 0 &&
	    (ret->session || kind == DK_FACTOR_CONFIRMATION);
}

void
ipc_gate_write(const struct ipc_gate *gate, uint8_t ret[IPC_GATE_BYTES])
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, ret, IPC_GATE_BYTES);
	dk_wr_u8(&wr, gate->session ? DK_FACTOR_SESSION : DK_FACTOR_CONFIRMATION);
	dk_wr_bytes(&wr, gate->gate.name, sizeof(gate->gate.name));
	dk_wr_bytes(&wr, gate->gate.address, sizeof(gate->gate.address));
	dk_wr_u64(&wr, gate->gate.index);
	dk_wr_u64(&wr, gate->gate.until);
}

bool
ipc_authenticator_read(const struct ipc_message *message, struct ipc_authenticator *ret)
{
	struct dk_reader_buf rd;

	dk_rd_init(&rd, message->data, message->len);
	ret->device = dk_rd_bytes(&rd, 32);
	ret->spki = dk_rd_bytes(&rd, DK_P256_SPKI_BYTES);
	ret->credential.len = dk_rd_left(&rd);
	ret->credential.data = dk_rd_bytes(&rd, ret->credential.len);
	return !rd.failed && ret->credential.len >= 16 &&
	    ret->credential.len <= DK_CREDENTIAL_ID_MAX_BYTES;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* New signing keys of tenants, spec/profiles/ms-dke.md section 5.3: what authd says of them
 * is kept and shown, and somebody may accept one before its time. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/text.h"
#include "ipc/payload.h"
#include "parent/key_sets.h"
#include "parent/run.h"

/* The next one that stands there; false: no more. */
static bool
next(struct dk_reader_buf *rd, const uint8_t **ret_thumbprint, uint64_t *ret_until_s)
{
	if (dk_rd_left(rd) < IPC_KNOWN_KEY_BYTES)
		return false;
	*ret_thumbprint = dk_rd_bytes(rd, 32);
	*ret_until_s = dk_rd_u64(rd);
	return true;
}

uint64_t
run_quarantine_end(const struct run_source *source)
{
	uint64_t end = 0, until;
	const uint8_t *thumbprint;
	struct dk_reader_buf rd;

	dk_rd_init(&rd, source->known, source->known_len);
	while (next(&rd, &thumbprint, &until))
		end = until > end ? until : end;
	return end;
}

static struct run_source *
find(struct run *run, const struct dk_part *name)
{
	for (unsigned i = 0; i < run->source_count; i++)
		if (run->source[i].tenant && strlen(run->source[i].name) == name->len &&
		    memcmp(run->source[i].name, name->data, name->len) == 0)
			return &run->source[i];
	return NULL;
}

bool
run_on_keys_known(struct run *run, const struct ipc_message *message)
{
	struct ipc_named named;
	struct run_source *s;

	if (!ipc_named_read(message->data, message->len, &named) ||
	    named.bytes.len > IPC_KNOWN_MAX_BYTES || named.bytes.len % IPC_KNOWN_KEY_BYTES != 0)
		return false;
	s = find(run, &named.name);
	/* Of a policy that is gone. */
	if (!s)
		return true;
	memcpy(s->known, named.bytes.data, named.bytes.len);
	s->known_len = named.bytes.len;
	run->fetch_told = false;
	if (!known_keys_keep(run->settings->dir, s->name, &named.bytes))
		say(SAY_ERROR, "keys of %s: cannot be kept; after the next start all are known",
		    s->name);
	return true;
}

bool
run_tenant_accept(struct run *run, uint64_t id, uint32_t uid, const uint8_t *packet, size_t len)
{
	uint8_t head[5], thumbprint[32];
	struct ipc_admin asked;
	struct dk_writer_buf wr;
	char hex[65] = "";

	if (!ipc_admin_packet_read(packet, len, &asked) || asked.argc != 2 ||
	    asked.arg[0].len == 0 || asked.arg[0].len > IPC_ISSUER_MAX_BYTES ||
	    asked.arg[1].len != sizeof(hex) - 1)
		return false;
	memcpy(hex, asked.arg[1].data, asked.arg[1].len);
	if (memchr(asked.arg[0].data, '\0', asked.arg[0].len) ||
	    !dk_unhex(hex, thumbprint, sizeof(thumbprint)))
		return false;
	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u32(&wr, uid);
	dk_wr_u8(&wr, (uint8_t)asked.arg[0].len);
	const struct dk_part parts[] = { { head, sizeof(head) }, asked.arg[0],
		{ thumbprint, sizeof(thumbprint) } };
	return ipc_send(&run->set.channel[IPC_AUTHD], IPC_KEY_ACCEPT, id, parts, 3);
}

size_t
run_tenant_status(const struct run_source *source, char *text, size_t cap)
{
	uint64_t now = ipc_now(), until;
	const uint8_t *thumbprint;
	struct dk_reader_buf rd;
	size_t len = 0;

	dk_rd_init(&rd, source->known, source->known_len);
	while (next(&rd, &thumbprint, &until)) {
		char hex[65], when[32] = "";
		time_t t = (time_t)until;
		struct tm tm;
		int n;

		if (until <= now || !gmtime_r(&t, &tm))
			continue;
		dk_hex(thumbprint, 32, hex);
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
		n = snprintf(text + len, cap - len, "NEW-KEY\t%s %s, in quarantine until %s\n",
		    source->name, hex, when);
		if (n < 0 || (size_t)n >= cap - len)
			break;
		len += (size_t)n;
	}
	return len;
}

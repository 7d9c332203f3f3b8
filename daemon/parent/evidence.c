/* SPDX-License-Identifier: Apache-2.0 */
/* doublekeyd evidence sign, spec/evidence.md section 6. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/policy.h"
#include "base/text.h"
#include "evidence/bundle.h"
#include "evidence/tar.h"
#include "native/code.h"
#include "parent/exchange.h"
#include "parent/log.h"
#include "parent/parent.h"
#include "parent/tell.h"

static bool
fail(const char *what, dk_err err)
{
	if (err == DK_ERR_READ || err == DK_ERR_WRITE)
		tell(what, dk_err_name(err), "%s", strerror(errno));
	else
		tell(what, dk_err_name(err), "%s", dk_err_text(err));
	return false;
}

/* Nothing is signed that is not a bundle, or is signed. */
static bool
read_bundle(struct dk_bundle *b, const char *file, int fd)
{
	const struct dk_bundle_sink none = { .ctx = NULL };
	char what[PATH_BYTES + sizeof(b->place) + 2];
	dk_err err = dk_bundle_open(fd, b);

	if (err == DK_OK)
		err = dk_bundle_read(b, &none);
	if (err != DK_OK) {
		(void)snprintf(what, sizeof(what), "%s: %s", file, b->place);
		return fail(b->place[0] ? what : file, err);
	}
	if (b->signature_len > 0)
		tell(file, "argument", "it is signed already");
	return b->signature_len == 0;
}

/* One block more or less than what is there is not a bundle: until all is written, it is none. */
static bool
write_signature(const struct dk_bundle *b, int fd, const uint8_t *bytes, size_t len)
{
	uint8_t tail[DK_TAR_BLOCK_BYTES + DK_SIGNATURE_PART_MAX_BYTES + DK_TAR_BLOCK_BYTES +
	    DK_TAR_END_BYTES] = { 0 };
	size_t size = DK_TAR_BLOCK_BYTES + len + dk_tar_padding(len) + DK_TAR_END_BYTES, done = 0;

	dk_tar_header("signature", len, tail);
	memcpy(tail + DK_TAR_BLOCK_BYTES, bytes, len);
	while (done < size) {
		ssize_t n = pwrite(fd, tail + done, size - done, (off_t)(b->end + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done == size && fsync(fd) == 0)
		return true;
	/* As it was before. */
	memset(tail, 0, sizeof(tail));
	if (pwrite(fd, tail, DK_TAR_END_BYTES, (off_t)b->end) != DK_TAR_END_BYTES ||
	    ftruncate(fd, (off_t)(b->end + DK_TAR_END_BYTES)) != 0)
		tell(NULL, "write", "the bundle is damaged now: make it again");
	return false;
}

static bool
find_title(const struct settings *settings, const char *key_id, char title[65])
{
	struct policy *policy = policy_open(settings);
	bool found = false;

	if (!policy)
		return false;
	for (unsigned i = 0; i < policy_auditors(policy) && !found; i++) {
		struct policy_auditor a = policy_auditor(policy, i);

		found = strcmp(a.key_id, key_id) == 0;
		if (found)
			(void)snprintf(title, 65, "%s", a.title);
	}
	policy_free(policy);
	if (!found)
		tell(key_id, "auditor", "policy.conf names no auditor with this key");
	return found;
}

static bool
sign(const struct settings *settings, struct dk_bundle *b, const char *file, int fd)
{
	char id[65], digest[65], title[65];
	const char *args[] = { title, id, digest };
	struct exchange_answer answer;
	bool ok;

	dk_hex(b->manifest.recipient, sizeof(b->manifest.recipient), id);
	dk_hex(b->digest, sizeof(b->digest), digest);
	if (!find_title(settings, id, title) ||
	    !exchange(settings->dir, IPC_OP_EVIDENCE_SIGN, args, 3, &answer))
		return false;
	if (answer.code != DK_CODE_OK) {
		tell_code(IPC_OP_EVIDENCE_SIGN, title, answer.code, NULL, 0);
		ok = false;
	} else if (answer.len - 2 > DK_SIGNATURE_PART_MAX_BYTES) {
		ok = fail(file, DK_ERR_EVIDENCE_SIGNATURE);
	} else {
		ok = write_signature(b, fd, answer.data + 2, answer.len - 2) ||
		    fail(file, DK_ERR_WRITE);
	}
	free(answer.data);
	if (ok)
		(void)printf("%s\tsigned for %s, manifest sha256 %s\n", file, title, digest);
	return ok;
}

int
cmd_evidence_sign(const struct settings *settings, const char *file)
{
	static struct dk_bundle bundle;
	int fd = open(file, O_RDWR | O_NOCTTY | O_CLOEXEC);
	bool ok;

	if (fd < 0) {
		(void)fail(file, DK_ERR_READ);
		return 1;
	}
	ok = read_bundle(&bundle, file, fd) && sign(settings, &bundle, file, fd);
	dk_bundle_clear(&bundle);
	(void)close(fd);
	return ok && fflush(stdout) == 0 ? 0 : 1;
}

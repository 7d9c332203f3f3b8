/* SPDX-License-Identifier: Apache-2.0 */
/* A slot of the sealed store (spec/custody.md section 1) holds what the database holds. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "migrate/migrate.h"

#define GENERATION_AT 36

static uint64_t
generation_of(int fd)
{
	uint8_t head[GENERATION_AT + 8];
	struct dk_reader_buf rd;

	if (pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return 0;
	dk_rd_init(&rd, head + GENERATION_AT, 8);
	return dk_rd_u64(&rd);
}

/* What was there and is longer becomes zeros. */
static bool
put(int fd, const uint8_t *data, size_t len)
{
	static const uint8_t zeros[4096];
	struct stat st;
	bool ok = fstat(fd, &st) == 0 && pwrite(fd, data, len, 0) == (ssize_t)len;

	for (off_t at = (off_t)len; ok && at < st.st_size; at += (off_t)sizeof(zeros)) {
		size_t rest = (size_t)(st.st_size - at);

		rest = rest < sizeof(zeros) ? rest : sizeof(zeros);
		ok = pwrite(fd, zeros, rest, at) == (ssize_t)rest;
	}
	return ok && fdatasync(fd) == 0;
}

bool
slots_update(struct store *from)
{
	static const char *const names[] = { "../keys/sealed.0", "../keys/sealed.1" };
	uint64_t generation, here = 0;
	uint8_t *sealed;
	size_t len;
	int fd[2];
	bool ok;

	if (!store_get_sealed(from, &generation, &sealed, &len))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		fd[i] = open(names[i], O_RDWR | O_CLOEXEC);
		if (fd[i] >= 0 && generation_of(fd[i]) > here)
			here = generation_of(fd[i]);
	}
	ok = fd[0] >= 0 && fd[1] >= 0;
	/* One behind the other: one of them is whole whatever happens. */
	for (unsigned i = 0; ok && len > 0 && generation > here && i < 2; i++)
		ok = put(fd[i], sealed, len);
	for (unsigned i = 0; i < 2; i++)
		if (fd[i] >= 0)
			(void)close(fd[i]);
	free(sealed);
	return ok;
}

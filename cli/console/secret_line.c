/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/console/secret_line.h"

#include <string.h>
#include <sys/mman.h>

#include "cli/console/message.h"

struct secret_line *
secret_line_new(void)
{
	/* Pages of its own, so that unlocking it never unlocks something else. */
	void *page = mmap(NULL, sizeof(struct secret_line), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED) {
		message_err(NULL, DK_ERR_NOMEM, NULL);
		return NULL;
	}
	(void)mlock(page, sizeof(struct secret_line));
	(void)madvise(page, sizeof(struct secret_line), MADV_DONTDUMP);
	return page;
}

void
secret_line_free(struct secret_line *line)
{
	if (!line)
		return;
	explicit_bzero(line, sizeof(*line));
	(void)munmap(line, sizeof(*line));
}

void
secret_line_cleanup(struct secret_line **line)
{
	secret_line_free(*line);
}

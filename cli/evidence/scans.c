/* SPDX-License-Identifier: Apache-2.0 */
/* What a catalogue says it does not have. */
#include "cli/evidence/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "catalogue/catalogue.h"
#include "cli/console/message.h"

static int
take(void *ctx, const struct dk_catalogue_scan *scan)
{
	struct evidence_scans *scans = ctx;
	struct evidence_root *root;

	if (scans->count == scans->cap) {
		scans->cap = scans->cap ? 2 * scans->cap : 16;
		root = reallocarray(scans->root, scans->cap, sizeof(*root));
		if (!root)
			return 1;
		scans->root = root;
	}
	root = &scans->root[scans->count];
	*root = (struct evidence_root){ .path = malloc(scan->root_len + 1),
		.len = scan->root_len,
		.started = scan->started,
		.stopped = scan->ended == 0,
		.missed = scan->missed };
	if (!root->path)
		return 1;
	memcpy(root->path, scan->root, scan->root_len);
	scans->count++;
	return 0;
}

bool
evidence_scans_read(const char *path, struct evidence_scans *ret)
{
	struct dk_catalogue *catalogue = NULL;
	dk_err err = dk_catalogue_open(path, &catalogue);

	if (err == DK_OK)
		err = dk_catalogue_scans(catalogue, take, ret);
	if (err == DK_ERR_CANCELLED)
		err = DK_ERR_NOMEM; /* take() stops for nothing else */
	if (err != DK_OK)
		message_err(path, err, NULL);
	dk_catalogue_close(catalogue);
	return err == DK_OK;
}

void
evidence_scans_clear(struct evidence_scans *scans)
{
	for (size_t i = 0; i < scans->count; i++)
		free(scans->root[i].path);
	free(scans->root);
	*scans = (struct evidence_scans){ .count = 0 };
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "cli/files/bytes.h"
#include "cli/incident/incident.h"
#include "cli/console/message.h"

bool
incident_load(const char *path, struct incident *ret, uint8_t **ret_text, size_t *ret_len)
{
	uint8_t *text;
	size_t len;
	char *copy;
	bool ok = false;

	if (!bytes_read(path, INCIDENT_MAX_BYTES, &text, &len))
		return false;
	copy = malloc(len + 1);
	if (copy) {
		memcpy(copy, text, len);
		copy[len] = '\0';
	}
	if (!copy)
		message_err(path, DK_ERR_NOMEM, NULL);
	else if (memchr(text, '\0', len))
		message_fail(path, "has a NUL byte (" INCIDENT_CODE ")");
	else
		ok = incident_parse(path, copy, ret);
	free(copy);
	if (ok && ret_text) {
		*ret_text = text;
		*ret_len = len;
	} else {
		free(text);
	}
	return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle without persons, spec/evidence.md section 4. */
#include "cli/evidence/evidence.h"

#include "cli/incident/incident.h"
#include "cli/console/message.h"

static bool
is_without(const char *path, const struct incident_item *item)
{
	if (item->what != INCIDENT_DEVICE || item->has_index)
		return true;
	/* A '?' behind it would not help: the theft would count for nothing but doubt, and the name
	 * would stand in the bundle. */
	message_fail(path,
	    "line %u: 'device %s': names and key ids of devices are left out with "
	    "--without-persons; name this one by the index of its enrolment, which 'doublekeyd "
	    "log' "
	    "shows: 'device #INDEX' (" EVIDENCE_PERSONS_CODE ")",
	    item->line, item->name);
	return false;
}

bool
evidence_without_persons(const char *path)
{
	struct incident incident;
	bool ok = true;

	if (!incident_load(path, &incident, NULL, NULL))
		return false;
	for (size_t i = 0; i < incident.item_count; i++)
		ok = is_without(path, &incident.item[i]) && ok;
	incident_clear(&incident);
	return ok;
}

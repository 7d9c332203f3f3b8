/* SPDX-License-Identifier: Apache-2.0 */
/* What the names of the incident file mean in catalogue and log. */
#include <string.h>

#include "cli/assess/assess.h"
#include "cli/console/message.h"

static dk_err
add_theft(struct assess *a, const struct incident_item *item, enum dk_theft_kind kind, uint64_t id)
{
	bool ends = kind == DK_THEFT_PROCESS || kind == DK_THEFT_PROXY;
	struct dk_theft *theft;
	uint32_t *cause;

	if (a->theft.count == DK_EXPOSURE_THEFTS_MAX) {
		message_fail(a->shown, "line %u: all items stand for more than %d things (%s)",
		    item->line, DK_EXPOSURE_THEFTS_MAX, INCIDENT_CODE);
		return DK_ERR_CANCELLED;
	}
	theft = array_add(&a->theft, sizeof(*theft));
	cause = array_add(&a->cause, sizeof(*cause));
	if (!theft || !cause)
		return DK_ERR_NOMEM;
	*cause = (uint32_t)(item - a->incident->item);
	*theft = (struct dk_theft){ .kind = kind,
		.id = id,
		.since = item->since,
		.until = ends ? item->until : DK_EXPOSURE_NEVER };
	return DK_OK;
}

static dk_err
steal_machine(struct assess *a, const struct incident_item *item)
{
	dk_err err = DK_OK;

	for (unsigned p = DK_EXPOSURE_PARENT; p <= DK_EXPOSURE_FETCHD && err == DK_OK; p++)
		err = add_theft(a, item, DK_THEFT_PROCESS, p);
	if (err == DK_OK)
		err = add_theft(a, item, DK_THEFT_PASSPHRASE, 0);
	if (err == DK_OK)
		err = add_theft(a, item, DK_THEFT_TLS_KEY, 0);
	if (err == DK_OK)
		err = add_theft(a, item, DK_THEFT_HSM_PIN, 0);
	if (err == DK_OK && item->what == INCIDENT_HOST)
		err = add_theft(a, item, DK_THEFT_STORE, 0);
	return err;
}

static dk_err
steal_provider(struct assess *a, const struct incident_item *item)
{
	const struct dk_catalogue_key *row = a->row.at;
	dk_err err = DK_OK;

	for (size_t i = 0; i < a->row.count && err == DK_OK; i++)
		if (row[i].side == DK_SIDE_PROVIDER && strcmp(row[i].custodian, item->name) == 0)
			err = add_theft(a, item, DK_THEFT_KEY, assess_key(a, row[i].key_id));
	return err;
}

static dk_err
steal_version(struct assess *a, const struct incident_item *item)
{
	const struct assess_made *made = a->made.at;
	dk_err err = DK_OK;

	for (size_t i = 0; i < a->made.count && err == DK_OK; i++)
		if (made[i].version == item->number && strlen(made[i].name) == item->split &&
		    memcmp(made[i].name, item->name, item->split) == 0)
			err = add_theft(a, item, DK_THEFT_KEY, assess_key(a, made[i].key_id));
	return err;
}

static bool
is_device(const struct assess_device *device, const struct incident_item *item)
{
	if (item->has_index)
		return device->index == item->number;
	if (device->erased)
		return false;
	return strcmp(device->name, item->name) == 0 ||
	    (item->has_id && memcmp(device->id, item->id, sizeof(item->id)) == 0);
}

static dk_err
steal_device(struct assess *a, const struct incident_item *item)
{
	const struct assess_device *device = a->device.at;
	dk_err err = DK_OK;

	for (size_t i = 0; i < a->device.count && err == DK_OK; i++)
		if (is_device(&device[i], item))
			err = add_theft(a, item, DK_THEFT_DEVICE, device[i].index);
	return err;
}

static bool
names_issuer(const struct incident_item *item, const struct assess_issuer *issuer)
{
	return strlen(issuer->issuer) == item->split &&
	    memcmp(issuer->issuer, item->name, item->split) == 0 &&
	    strcmp(issuer->key, item->name + item->split + 1) == 0;
}

/* A key is what it is, whatever it is called in other tokens. */
static dk_err
steal_token_key(struct assess *a, const struct incident_item *item)
{
	const struct assess_issuer *issuer = a->issuer.at;
	dk_err err = DK_OK;

	for (size_t i = 0; i < a->issuer.count && err == DK_OK; i++) {
		bool is = false;

		for (size_t j = 0; j < a->issuer.count; j++)
			is |= names_issuer(item, &issuer[j]) &&
			    memcmp(issuer[i].thumbprint, issuer[j].thumbprint, 32) == 0;
		if (is)
			err = add_theft(a, item, DK_THEFT_TOKEN_KEY, i);
	}
	return err;
}

/* A CA that the log does not have verified nobody; it is a theft all the same, so that the
 * log is asked for. */
static dk_err
steal_ca(struct assess *a, const struct incident_item *item)
{
	size_t i = 0;

	while (i < a->ca.count && memcmp((uint8_t *)a->ca.at + 32 * i, item->id, 32) != 0)
		i++;
	return add_theft(a, item, DK_THEFT_CA, i);
}

static dk_err
steal_disk(struct assess *a, const struct incident_item *item)
{
	dk_err err = add_theft(a, item, DK_THEFT_STORE, 0);

	return err == DK_OK && item->what == INCIDENT_DISK ? add_theft(a, item, DK_THEFT_TLS_KEY, 0)
							   : err;
}

static dk_err
steal(struct assess *a, const struct incident_item *item)
{
	switch (item->what) {
	case INCIDENT_KEY:
		return add_theft(a, item, DK_THEFT_KEY, assess_key(a, item->id));
	case INCIDENT_KEY_VERSION:
		return steal_version(a, item);
	case INCIDENT_PROVIDER_KEYS:
		return steal_provider(a, item);
	case INCIDENT_DEVICE:
		return steal_device(a, item);
	case INCIDENT_ADMIN:
		return add_theft(a, item, DK_THEFT_ADMIN, item->number);
	case INCIDENT_TOKEN_KEY:
		return steal_token_key(a, item);
	case INCIDENT_CA:
		return steal_ca(a, item);
	case INCIDENT_PROCESS:
		return add_theft(a, item, DK_THEFT_PROCESS, item->number);
	case INCIDENT_PROXY:
		return add_theft(a, item, DK_THEFT_PROXY, 0);
	case INCIDENT_TLS_KEY:
		return add_theft(a, item, DK_THEFT_TLS_KEY, 0);
	case INCIDENT_PASSPHRASE:
		return add_theft(a, item, DK_THEFT_PASSPHRASE, 0);
	case INCIDENT_HSM_PIN:
		return add_theft(a, item, DK_THEFT_HSM_PIN, 0);
	case INCIDENT_STORE:
	case INCIDENT_BACKUP:
	case INCIDENT_DISK:
		return steal_disk(a, item);
	default:
		return steal_machine(a, item);
	}
}

/* A device or token key that nobody saw is one all the same: the log is asked for. */
static dk_err
steal_nothing(struct assess *a, const struct incident_item *item)
{
	if (item->what == INCIDENT_DEVICE)
		return add_theft(a, item, DK_THEFT_DEVICE, DK_EXPOSURE_NEVER - 1);
	if (item->what == INCIDENT_TOKEN_KEY)
		return add_theft(a, item, DK_THEFT_TOKEN_KEY, DK_EXPOSURE_NEVER - 1);
	return DK_OK;
}

dk_err
assess_steal(struct assess *a, const struct incident_item *item)
{
	size_t before = a->theft.count;
	dk_err err = steal(a, item);

	if (err != DK_OK || a->theft.count > before)
		return err;
	if (item->doubtful) {
		message_warn(a->shown, "line %u: '%s %s' is in neither catalogue nor log",
		    item->line, incident_what_word(item->what), item->name);
		return steal_nothing(a, item);
	}
	message_fail(a->shown,
	    "line %u: '%s %s' is in neither catalogue nor log; with '?' behind the name it need "
	    "not be (%s)",
	    item->line, incident_what_word(item->what), item->name, INCIDENT_CODE);
	return DK_ERR_CANCELLED;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* When entries were made: spec/exposure.md section 2.3. */
#include "cli/assess/assess.h"

/* The first cosigned tree with this entry, or behind all. */
static size_t
time_of(const struct assess *a, uint64_t index)
{
	const struct log_time *time = a->time.at;
	size_t low = 0, high = a->time.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (time[middle].size > index)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct assess_when
assess_when(const struct assess *a, uint64_t index)
{
	const struct assess_entry *e = (struct assess_entry *)a->entry.at + index;
	const struct log_time *time = a->time.at;
	bool witnessed = a->time.count > 0;
	uint64_t start = (uint64_t)(witnessed ? e->early : e->minute) * ASSESS_MINUTE_S;

	return (struct assess_when){ .after = start > 0 ? start - 1 : 0,
		.before = witnessed ? time[time_of(a, index)].high
				    : (uint64_t)e->minute * ASSESS_MINUTE_S + ASSESS_MINUTE_S - 1 };
}

/* The newest low of a tree and those before it, the earliest high of it and those behind it:
 * neither goes back. */
static void
settle(struct log_time *time, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (time[i].high >= DK_EXPOSURE_NEVER)
			time[i].high = DK_EXPOSURE_NEVER - 1;
		if (time[i].high == 0)
			time[i].high = 1;
		if (i > 0 && time[i].low < time[i - 1].low)
			time[i].low = time[i - 1].low;
	}
	for (size_t i = count; i-- > 1;)
		if (time[i - 1].high > time[i].high)
			time[i - 1].high = time[i].high;
}

/* From the last entry to the first, so that what is early for one is for those before it. */
dk_err
assess_times(struct assess *a, const struct log_points *points)
{
	struct assess_entry *entry = a->entry.at;
	size_t at = points->time_count;
	uint32_t least = UINT32_MAX;
	struct log_time *time;

	for (size_t i = 0; i < points->time_count; i++) {
		time = array_add(&a->time, sizeof(*time));
		if (!time)
			return DK_ERR_NOMEM;
		*time = points->time[i];
	}
	time = a->time.at;
	if (a->time.count > 0)
		settle(time, a->time.count);
	for (size_t i = a->time.count > 0 ? a->entry.count : 0; i-- > 0;) {
		uint64_t minute = entry[i].minute;

		while (at > 0 && time[at - 1].size > i)
			at--;
		if (at > 0 && (time[at - 1].low + 1) / ASSESS_MINUTE_S < minute)
			minute = (time[at - 1].low + 1) / ASSESS_MINUTE_S;
		if (minute * ASSESS_MINUTE_S > time[at].high) /* some clock was wrong */
			minute = 0;
		if (minute < least)
			least = (uint32_t)minute;
		entry[i].early = least;
	}
	return DK_OK;
}

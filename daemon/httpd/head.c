/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/head.h"

static bool
end_line(struct head *head)
{
	bool ok = head->last == '\r' && (head->behind || head->spaces == 2);

	head->over = !head->line_begun;
	head->behind = true;
	head->line_begun = false;
	return ok || (head->over && head->last == '\r');
}

static bool
take(struct head *head, uint8_t c)
{
	if (c == '\n')
		return end_line(head);
	if (head->last == '\r')
		return false;
	if (c == '\r')
		return true;
	/* A line that begins with a blank would go on with the one before. */
	if ((c == ' ' || c == '\t') && (!head->line_begun || (c == '\t' && !head->behind)))
		return false;
	if (c == ' ' && head->spaces < 3 && !head->behind)
		head->spaces++;
	head->line_begun = true;
	return (c >= ' ' && c != 0x7f) || c == '\t';
}

void
head_take(struct head *head, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len && !head->over; i++) {
		head->len++;
		if (!take(head, bytes[i]))
			head->bad = true;
		head->last = bytes[i];
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A log that several nodes go on with, spec/cluster.md section 3. */
#include <string.h>

#include "logd/logd.h"

/* Whoever has the lock signs: a database with another log than the one that this node knows
 * is not gone on with. */
static void
check_head(const struct logd *logd, const struct store_head *head)
{
	if (head->size < logd->head.size || head->generation < logd->head.generation)
		say_fatal("log-rolled-back: the database has an older log than this node saw");
	if (head->size == logd->head.size &&
	    memcmp(head->frontier, logd->head.frontier, sizeof(head->frontier)) != 0)
		say_fatal("log-forked: the database has another log than this node saw");
}

bool
shared_take(struct logd *logd, const struct store_head *head)
{
	if (!store_is_shared(logd->store))
		return true;
	check_head(logd, head);
	if (head->size != logd->tree.size)
		tree_set(&logd->tree, head->size, head->frontier);
	logd->head = *head;
	logd->not_before_s = head->not_before_s;
	if (head->entry_s > logd->last_entry_s)
		logd->last_entry_s = logd->checkpoint_s = head->entry_s;
	return true;
}

bool
shared_look(struct logd *logd)
{
	struct store_head head;

	return !store_is_shared(logd->store) ||
	    (store_look(logd->store, &head) && shared_take(logd, &head));
}

bool
shared_next(struct logd *logd, struct store_head *head)
{
	if (!store_is_shared(logd->store))
		return true;
	head->size = logd->tree.size;
	head->entry_s = ipc_now();
	memset(head->frontier, 0, sizeof(head->frontier));
	return tree_frontier(&logd->tree, head->frontier);
}

bool
shared_keep(struct logd *logd, const struct store_head *head)
{
	if (store_is_shared(logd->store))
		logd->head = *head;
	return true;
}

bool
shared_back(struct logd *logd)
{
	if (!store_is_shared(logd->store))
		return false;
	tree_set(&logd->tree, logd->head.size, logd->head.frontier);
	return true;
}

/* One heartbeat a minute, and one beginning, of all nodes. */
bool
shared_wants(const struct logd *logd, unsigned class_)
{
	const uint64_t now = ipc_now(), last = logd->head.entry_s;

	if (!store_is_shared(logd->store))
		return true;
	if (class_ == DK_LOG_HEARTBEAT)
		return now >= last + LOGD_HEARTBEAT_S || now < last;
	return class_ != DK_LOG_BEGUN || logd->tree.size == 0;
}

/* News of another node does not wait for the next second. */
void
shared_step(struct logd *logd)
{
	bool news = false;

	if (!store_is_shared(logd->store))
		return;
	logd->child.wake_fd = store_wake_fd(logd->store, &news);
	if (news && !shared_look(logd))
		logd_failed(logd);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A log that several nodes go on with, spec/cluster.md section 3. */
#include <string.h>

#include "base/bytes.h"
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

/* keyd takes the newer state; the parent reads the policy file anew. */
static void
tell_news(struct logd *logd)
{
	const struct store_head *head = &logd->head;
	uint8_t payload[8];
	const struct dk_part generation = { payload, sizeof(payload) };
	const struct dk_part policy = { head->policy, sizeof(head->policy) };
	struct dk_writer_buf wr;

	if (head->generation > logd->told_generation) {
		dk_wr_init(&wr, payload, sizeof(payload));
		dk_wr_u64(&wr, head->generation);
		(void)ipc_send(logd->keyd, IPC_STATE_NEW, 0, &generation, 1);
		logd->told_generation = head->generation;
	}
	if (!head->has_policy || shared_agrees(logd) || !logd->has_policy ||
	    memcmp(head->policy, logd->told_policy, sizeof(logd->told_policy)) == 0)
		return;
	memcpy(logd->told_policy, head->policy, sizeof(logd->told_policy));
	(void)ipc_send(&logd->child.channel[0], IPC_POLICY_ELSEWHERE, 0, &policy, 1);
}

bool
shared_agrees(const struct logd *logd)
{
	return !store_is_shared(logd->store) ||
	    (logd->has_policy && logd->head.has_policy &&
		memcmp(logd->policy, logd->head.policy, sizeof(logd->policy)) == 0);
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
	logd->last_entry_s = logd->checkpoint_s = head->entry_s;
	tell_news(logd);
	return true;
}

static unsigned
refusal(const struct store_head *head, const struct batch_entry *e)
{
#ifndef LOGD_WITHOUT_GENERATION /* one test has a program without it, and shows what it is for */
	if (e->generation != 0 && e->generation != head->generation)
		return IPC_CODE_STALE;
#endif
	if (e->policy_rule == IPC_POLICY_SAME && head->has_policy &&
	    memcmp(e->policy, head->policy, sizeof(e->policy)) != 0)
		return IPC_CODE_POLICY_DIFFERS;
	return DK_CODE_OK;
}

unsigned
shared_refuse(struct logd *logd)
{
	unsigned n = 0;

	for (unsigned i = 0; store_is_shared(logd->store) && i < logd->batch_count; i++) {
		struct batch_entry *e = &logd->batch[i];

		if (e->refused)
			continue;
		e->code = refusal(&logd->head, e);
		e->refused = e->code != DK_CODE_OK;
		n += e->refused;
	}
	return n;
}

static unsigned
class_of(const struct batch_entry *e)
{
	return (unsigned)e->leaf[4] << 8 | e->leaf[5];
}

bool
shared_is_last(const struct logd *logd, const struct batch_entry *e)
{
	return store_is_shared(logd->store) &&
	    (dk_log_class_is_act(class_of(e)) || e->policy_rule == IPC_POLICY_CHANGE ||
		class_of(e) == DK_LOG_POLICY);
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
	if (head->size != logd->tree.size)
		head->entry_s = ipc_now();
	head->size = logd->tree.size;
	memset(head->frontier, 0, sizeof(head->frontier));
	for (unsigned i = 0; i < logd->batch_count; i++) {
		const struct batch_entry *e = &logd->batch[i];

		if (e->refused || e->code != DK_CODE_OK)
			continue;
		head->generation += dk_log_class_is_act(class_of(e));
		if (e->policy_rule == IPC_POLICY_ANY)
			continue;
		head->has_policy = true;
		memcpy(head->policy, e->policy, sizeof(head->policy));
	}
	return tree_frontier(&logd->tree, head->frontier);
}

void
shared_keep(struct logd *logd, const struct store_head *head)
{
	if (!store_is_shared(logd->store))
		return;
	logd->head = *head;
	/* keyd knows of its own act, by the acknowledgement. */
	logd->told_generation = head->generation;
	for (unsigned i = 0; i < logd->batch_count; i++) {
		const struct batch_entry *e = &logd->batch[i];

		if (class_of(e) != DK_LOG_POLICY || e->refused || e->code != DK_CODE_OK)
			continue;
		logd->has_policy = true;
		memcpy(logd->policy, e->policy, sizeof(logd->policy));
	}
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is: how many requests to one system are under way and how often they
 * start, for all keys of that system in this process. Connections are kept for those
 * that come next.
 *
 * Spec: spec/provider-keys.md section 4
 */
#ifndef DK_PROVIDER_TURN_H
#define DK_PROVIDER_TURN_H

#include <curl/curl.h>

#include "provider/provider.h"

uint64_t turn_now_us(void);
void turn_sleep_us(uint64_t us);

/*
 * The turns of a system, which are the same for all keys with that scheme; conf is that
 * of the first. DK_ERR_NOMEM.
 */
DK_MUST_USE dk_err turn_open(
    const char *scheme, const struct provider_conf *conf, struct provider_net **ret);
/* NULL is allowed. No request of this key is under way. */
void turn_close(struct provider_net *net);

/* Wait until a request may start, and get a handle for it; NULL: no memory. Either way
 * turn_end() follows. */
CURL *turn_begin(struct provider_net *net);
void turn_end(struct provider_net *net, CURL *curl);

/* A whole call, with its retries, found the system out of reach, or it answered. */
void turn_outage(struct provider_net *net, bool is_out);
/* So short a while ago that waiting for it again helps nobody: one attempt is enough. */
bool turn_is_out(struct provider_net *net);

#endif

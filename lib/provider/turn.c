/* SPDX-License-Identifier: Apache-2.0 */
#include "provider/turn.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HANDLES_MAX 128
#define OUTAGE_US (30 * UINT64_C(1000000))

struct provider_net {
	struct provider_net *next;
	char scheme[DK_KEY_SCHEME_BYTES];
	unsigned users;
	unsigned rate;
	unsigned parallel;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t less;
	unsigned under_way;
	uint64_t next_us; /* when the next request may start */
	uint64_t out_until_us;
	CURL *idle[HANDLES_MAX];
	unsigned idle_count;
};

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct provider_net *all;
static bool curl_started;

uint64_t
turn_now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void
turn_sleep_us(uint64_t us)
{
	struct timespec ts = { (time_t)(us / 1000000), (long)(us % 1000000) * 1000 };

	while (nanosleep(&ts, &ts) != 0 && errno == EINTR)
		continue;
}

static struct provider_net *
net_new(const char *scheme, const struct provider_conf *conf)
{
	struct provider_net *net = calloc(1, sizeof(*net));

	if (!net)
		return NULL;
	(void)snprintf(net->scheme, sizeof(net->scheme), "%s", scheme);
	net->rate = conf->rate;
	net->parallel = conf->parallel;
	(void)pthread_mutex_init(&net->lock, NULL);
	(void)pthread_cond_init(&net->less, NULL);
	return net;
}

static void
net_free(struct provider_net *net)
{
	for (unsigned i = 0; i < net->idle_count; i++)
		curl_easy_cleanup(net->idle[i]);
	(void)pthread_mutex_destroy(&net->lock);
	(void)pthread_cond_destroy(&net->less);
	free(net);
}

dk_err
turn_open(const char *scheme, const struct provider_conf *conf, struct provider_net **ret)
{
	struct provider_net *net;

	(void)pthread_mutex_lock(&all_lock);
	if (!curl_started)
		curl_started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	for (net = all; net; net = net->next)
		if (strcmp(net->scheme, scheme) == 0)
			break;
	if (!net && curl_started) {
		net = net_new(scheme, conf);
		if (net) {
			net->next = all;
			all = net;
		}
	}
	if (net)
		net->users++;
	(void)pthread_mutex_unlock(&all_lock);
	if (!net)
		return DK_ERR_NOMEM;
	*ret = net;
	return DK_OK;
}

void
turn_close(struct provider_net *net)
{
	struct provider_net **at = &all;
	bool last;

	if (!net)
		return;
	(void)pthread_mutex_lock(&all_lock);
	last = --net->users == 0;
	while (last && *at != net)
		at = &(*at)->next;
	if (last)
		*at = net->next;
	(void)pthread_mutex_unlock(&all_lock);
	if (last)
		net_free(net);
}

CURL *
turn_begin(struct provider_net *net)
{
	uint64_t at, now;
	CURL *curl = NULL;

	(void)pthread_mutex_lock(&net->lock);
	while (net->under_way >= net->parallel)
		(void)pthread_cond_wait(&net->less, &net->lock);
	net->under_way++;
	now = turn_now_us();
	at = net->next_us > now ? net->next_us : now;
	if (net->rate > 0)
		net->next_us = at + 1000000 / net->rate;
	if (net->idle_count > 0)
		curl = net->idle[--net->idle_count];
	(void)pthread_mutex_unlock(&net->lock);
	if (at > now)
		turn_sleep_us(at - now);
	return curl ? curl : curl_easy_init();
}

/* The handle keeps its connection. */
void
turn_end(struct provider_net *net, CURL *curl)
{
	if (curl)
		curl_easy_reset(curl);
	(void)pthread_mutex_lock(&net->lock);
	net->under_way--;
	if (curl && net->idle_count < HANDLES_MAX) {
		net->idle[net->idle_count++] = curl;
		curl = NULL;
	}
	(void)pthread_cond_signal(&net->less);
	(void)pthread_mutex_unlock(&net->lock);
	curl_easy_cleanup(curl);
}

void
turn_outage(struct provider_net *net, bool is_out)
{
	(void)pthread_mutex_lock(&net->lock);
	net->out_until_us = is_out ? turn_now_us() + OUTAGE_US : 0;
	(void)pthread_mutex_unlock(&net->lock);
}

bool
turn_is_out(struct provider_net *net)
{
	bool out;

	(void)pthread_mutex_lock(&net->lock);
	out = turn_now_us() < net->out_until_us;
	(void)pthread_mutex_unlock(&net->lock);
	return out;
}

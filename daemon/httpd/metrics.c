/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/metrics.h"

#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "ipc/witness.h"

#define HEADERS_MAX_BYTES 4096
#define IDLE_S 10
#define LOG_STATE_MAX_AGE_S 5
#define ANSWER_HEAD_BYTES 79 /* of a release, spec/key-service.md section 6 */
#define ANSWER_OBJECT_BYTES 50

static const char *const path_names[METRICS_PATHS] = { "release", "devices", "keys", "log", "other",
	"dke-key", "dke-decrypt", "dke-other" };

/* Upper bounds in microseconds; the last bucket has none. */
static const uint32_t bounds[] = { 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000,
	500000, 1000000, 2500000, 5000000, 10000000 };
#define BOUNDS (sizeof(bounds) / sizeof(bounds[0]))

/* There is one httpd in a process. */
static struct {
	struct evhttp *http;
	uint64_t started;
	uint64_t requests[METRICS_PATHS][DK_CODE_COUNT];
	uint64_t objects[DK_CODE_COUNT];
	uint64_t bucket[BOUNDS + 1];
	uint64_t release_us;
	uint64_t restarts;
	uint64_t violations;
	uint64_t connections;
	uint64_t dropped;
	uint64_t expiry;
	uint64_t dke_expiry; /* 0: there is no such certificate */
	bool went;
	uint64_t log_state_s; /* when it came; 0: never */
	bool log_takes_entries;
	uint64_t log_size;
	uint64_t checkpoint_s;
	struct ipc_fetch_state fetch;
	struct ipc_witness_state witnesses;
} m;

uint64_t
metrics_clock(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		return 0;
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static enum metrics_path
path_of(const char *uri)
{
	if (!uri)
		return METRICS_OTHER;
	if (strcmp(uri, DK_RELEASE_PATH) == 0)
		return METRICS_RELEASE;
	if (strcmp(uri, "/v1/devices") == 0)
		return METRICS_DEVICES;
	if (strncmp(uri, "/v1/keys/", 9) == 0)
		return METRICS_KEYS;
	return strncmp(uri, "/log/", 5) == 0 ? METRICS_LOG : METRICS_OTHER;
}

void
metrics_note(struct evhttp_request *request, unsigned code, const uint8_t *body, size_t len)
{
	enum metrics_path path = path_of(evhttp_request_get_uri(request));
	struct dk_reader_buf rd;
	unsigned n;

	m.requests[path][code < DK_CODE_COUNT ? code : DK_CODE_INTERNAL]++;
	if (path != METRICS_RELEASE || code != DK_CODE_OK || len < ANSWER_HEAD_BYTES)
		return;
	dk_rd_init(&rd, body + ANSWER_HEAD_BYTES - 2, len - (ANSWER_HEAD_BYTES - 2));
	n = dk_rd_u16(&rd);
	for (unsigned i = 0; i < n; i++) {
		code = dk_rd_u16(&rd);
		if (!dk_rd_bytes(&rd, ANSWER_OBJECT_BYTES - 2))
			return;
		m.objects[code < DK_CODE_COUNT ? code : DK_CODE_INTERNAL]++;
	}
}

void
metrics_note_dke(enum metrics_path path, unsigned code)
{
	m.requests[path][code < DK_CODE_COUNT ? code : DK_CODE_INTERNAL]++;
}

void
metrics_note_release_time(uint64_t microseconds)
{
	unsigned i = 0;

	while (i < BOUNDS && microseconds > bounds[i])
		i++;
	m.bucket[i]++;
	m.release_us += microseconds;
}

bool
metrics_on_go(const struct ipc_message *message)
{
	struct ipc_go go;

	if (!ipc_go_read(message, &go) || m.went)
		return false;
	m.restarts = go.restarts;
	m.violations = go.violations;
	m.went = true;
	return true;
}

bool
metrics_on_log_state(const struct ipc_message *message)
{
	struct ipc_log_state state;

	if (!ipc_log_state_read(message, &state))
		return false;
	m.log_takes_entries = state.takes_entries;
	m.log_size = state.size;
	m.checkpoint_s = state.checkpoint_s;
	m.log_state_s = ipc_now();
	return true;
}

bool
metrics_on_fetch_state(const struct ipc_message *message)
{
	if (!ipc_fetch_state_read(message->data, message->len, &m.fetch))
		return false;
	m.violations = m.fetch.violations;
	return true;
}

bool
metrics_on_witnesses(const struct ipc_message *message)
{
	return ipc_witness_state_read(message->data, message->len, &m.witnesses);
}

void
metrics_set_dke_expiry(uint64_t seconds)
{
	m.dke_expiry = seconds;
}

void
metrics_set_connections(unsigned count)
{
	m.connections = count;
}

void
metrics_note_dropped(void)
{
	m.dropped++;
}

void
metrics_set_expiry(uint64_t seconds)
{
	m.expiry = seconds;
}

static bool
is_ready(void)
{
	return m.went && m.log_takes_entries && ipc_now() < m.expiry &&
	    ipc_now() <= m.log_state_s + LOG_STATE_MAX_AGE_S;
}

/* ---- text format 0.0.4 ---- */

static void
head(struct evbuffer *out, const char *name, const char *type, const char *help)
{
	(void)evbuffer_add_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
one(struct evbuffer *out, const char *name, const char *type, const char *help, uint64_t value)
{
	head(out, name, type, help);
	(void)evbuffer_add_printf(out, "%s %" PRIu64 "\n", name, value);
}

static void
counts(struct evbuffer *out)
{
	head(out, "doublekey_requests_total", "counter", "Requests answered, by path and code.");
	for (unsigned p = 0; p < METRICS_PATHS; p++)
		for (unsigned c = 0; c < DK_CODE_COUNT; c++)
			if (m.requests[p][c] > 0 || (p == METRICS_RELEASE && c == DK_CODE_OK))
				(void)evbuffer_add_printf(out,
				    "doublekey_requests_total{path=\"%s\",code=\"%s\"} %" PRIu64
				    "\n",
				    path_names[p], dk_code_name(c), m.requests[p][c]);
	head(out, "doublekey_objects_total", "counter",
	    "Objects of answered releases, by code; ok: its share was handed out.");
	for (unsigned c = 0; c < DK_CODE_COUNT; c++)
		if (m.objects[c] > 0 || c == DK_CODE_OK)
			(void)evbuffer_add_printf(out,
			    "doublekey_objects_total{code=\"%s\"} %" PRIu64 "\n", dk_code_name(c),
			    m.objects[c]);
}

static void
histogram(struct evbuffer *out)
{
	static const char name[] = "doublekey_release_seconds";
	uint64_t sum = 0;

	head(out, name, "histogram", "From the whole request to the answer, releases and denials.");
	for (unsigned i = 0; i < BOUNDS; i++) {
		sum += m.bucket[i];
		(void)evbuffer_add_printf(out, "%s_bucket{le=\"%u.%06u\"} %" PRIu64 "\n", name,
		    bounds[i] / 1000000, bounds[i] % 1000000, sum);
	}
	sum += m.bucket[BOUNDS];
	(void)evbuffer_add_printf(out,
	    "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %" PRIu64 ".%06" PRIu64
	    "\n%s_count %" PRIu64 "\n",
	    name, sum, name, m.release_us / 1000000, m.release_us % 1000000, name, sum);
}

static void
state(struct evbuffer *out, const struct httpd *httpd)
{
	one(out, "doublekey_waiting_requests", "gauge", "Requests under way.",
	    httpd->waiting_count);
	one(out, "doublekey_connections", "gauge", "Connections of clients.", m.connections);
	one(out, "doublekey_connections_dropped_total", "counter",
	    "Connections closed to keep a limit of time, number or memory.", m.dropped);
	one(out, "doublekey_log_entries", "gauge", "Size of the log.", m.log_size);
	one(out, "doublekey_log_checkpoint_timestamp_seconds", "gauge",
	    "When the last checkpoint was signed.", m.checkpoint_s);
	one(out, "doublekey_log_takes_entries", "gauge", "0: the store fails, nothing is released.",
	    m.log_takes_entries);
	one(out, "doublekey_process_restarts_total", "counter",
	    "How often the processes were started anew.", m.restarts);
	one(out, "doublekey_violations_total", "counter",
	    "How often a process broke the rules of their messages and was ended.", m.violations);
	one(out, "doublekey_start_timestamp_seconds", "gauge",
	    "When the processes were started; counters begin here.", m.started);
	one(out, "doublekey_certificate_expiry_timestamp_seconds", "gauge",
	    "When the TLS certificate expires.", m.expiry);
	if (m.dke_expiry > 0)
		one(out, "doublekey_dke_certificate_expiry_timestamp_seconds", "gauge",
		    "When the TLS certificate of the Microsoft DKE front end expires.",
		    m.dke_expiry);
	one(out, "doublekey_ready", "gauge", "As /ready.", is_ready());
}

static void
key_sets(struct evbuffer *out)
{
	one(out, "doublekey_fetchd_restarts_total", "counter",
	    "How often fetchd alone was started anew.", m.fetch.restarts);
	head(out, "doublekey_key_set_timestamp_seconds", "gauge",
	    "When the key set in force of an issuer was last fetched; 0: there is none.");
	for (unsigned i = 0; i < m.fetch.count; i++)
		(void)evbuffer_add_printf(out,
		    "doublekey_key_set_timestamp_seconds{issuer=\"%s\"} %" PRIu64 "\n",
		    m.fetch.issuer[i].name, m.fetch.issuer[i].fetched_s);
	head(out, "doublekey_key_quarantine_end_seconds", "gauge",
	    "Until when the last new signing key of a tenant is in quarantine; 0: there is none.");
	for (unsigned i = 0; i < m.fetch.count; i++)
		(void)evbuffer_add_printf(out,
		    "doublekey_key_quarantine_end_seconds{issuer=\"%s\"} %" PRIu64 "\n",
		    m.fetch.issuer[i].name, m.fetch.issuer[i].quarantine_s);
	head(out, "doublekey_key_set_failures_total", "counter", "Fetches that were not good.");
	for (unsigned i = 0; i < m.fetch.count; i++)
		(void)evbuffer_add_printf(out,
		    "doublekey_key_set_failures_total{issuer=\"%s\"} %" PRIu64 "\n",
		    m.fetch.issuer[i].name, m.fetch.issuer[i].failures);
}

/* Names have no character that would have to be escaped: the parent sees to that. */
static void
of_each_witness(
    struct evbuffer *out, const char *name, const char *type, const char *help, size_t offset)
{
	head(out, name, type, help);
	for (unsigned i = 0; i < m.witnesses.count; i++) {
		uint64_t value;

		memcpy(&value, (const char *)&m.witnesses.of[i] + offset, sizeof(value));
		(void)evbuffer_add_printf(
		    out, "%s{witness=\"%s\"} %" PRIu64 "\n", name, m.witnesses.of[i].name, value);
	}
}

static void
witnesses(struct evbuffer *out)
{
	one(out, "doublekey_cosigned_entries", "gauge",
	    "Size of the newest tree that the quorum of witnesses cosigned.", m.witnesses.size);
	one(out, "doublekey_cosigned_timestamp_seconds", "gauge",
	    "When the quorum was last reached; 0: not since the start.", m.witnesses.time);
	of_each_witness(out, "doublekey_witness_entries", "gauge",
	    "Size of the newest tree that a witness cosigned.",
	    offsetof(struct ipc_witness_of, size));
	of_each_witness(out, "doublekey_witness_timestamp_seconds", "gauge",
	    "Time of its last cosignature, by its clock.", offsetof(struct ipc_witness_of, time));
	of_each_witness(out, "doublekey_witness_failures_total", "counter",
	    "Answers that were no cosignature.", offsetof(struct ipc_witness_of, failures));
}

static void
answer(struct evhttp_request *request, int status, const char *type, struct evbuffer *body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

	(void)evhttp_add_header(headers, "Content-Type", type);
	(void)evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_send_reply(request, status, NULL, body);
}

static void
on_request(struct evhttp_request *request, void *ctx)
{
	const char *uri = evhttp_request_get_uri(request);
	const char *type = "text/plain; charset=utf-8";
	struct evbuffer *out = evbuffer_new();
	int status = 200;

	if (!out) {
		evhttp_send_error(request, 500, NULL);
		return;
	}
	if (strcmp(uri, "/metrics") == 0) {
		type = "text/plain; version=0.0.4; charset=utf-8";
		counts(out);
		histogram(out);
		state(out, ctx);
		key_sets(out);
		if (m.witnesses.count > 0)
			witnesses(out);
	} else if (strcmp(uri, "/health") == 0) {
		(void)evbuffer_add_printf(out, "ok\n");
	} else if (strcmp(uri, "/ready") == 0) {
		status = is_ready() ? 200 : 503;
		(void)evbuffer_add_printf(out, status == 200 ? "ready\n" : "not ready\n");
	} else {
		status = 404;
	}
	answer(request, status, type, out);
	evbuffer_free(out);
}

void
metrics_start(struct httpd *httpd)
{
	int type;
	socklen_t len = sizeof(type);

	m.started = ipc_now();
	if (getsockopt(HTTPD_FD_METRICS, SOL_SOCKET, SO_TYPE, &type, &len) != 0) {
		(void)close(HTTPD_FD_METRICS); /* none is configured */
		return;
	}
	m.http = evhttp_new(httpd->base);
	if (!m.http)
		say_fatal("no memory");
	evhttp_set_bevcb(m.http, metrics_few_new, NULL);
	evhttp_set_gencb(m.http, on_request, httpd);
	evhttp_set_allowed_methods(m.http, EVHTTP_REQ_GET);
	evhttp_set_max_headers_size(m.http, HEADERS_MAX_BYTES);
	evhttp_set_max_body_size(m.http, 0);
	evhttp_set_timeout(m.http, IDLE_S);
	if (evhttp_accept_socket(m.http, HTTPD_FD_METRICS) != 0)
		say_fatal("the listening socket for metrics cannot be used");
}

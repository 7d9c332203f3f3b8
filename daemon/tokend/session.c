/* SPDX-License-Identifier: Apache-2.0 */
#include "tokend/session.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/secret.h"
#include "ipc/child.h"
#include "native/code.h"

#define SLOTS_MAX 64
/* For calls under way, where all sessions must be opened anew. */
#define WAIT_S 2
#define KNOWN_KEYS_MAX 64

static struct {
	P11KitUri *uri;
	CK_FUNCTION_LIST *f;
	uint8_t pin[TOKEN_PIN_MAX_BYTES];
	size_t pin_len;
	unsigned most;
	/* what follows is under the mutex */
	pthread_mutex_t mutex;
	pthread_cond_t given; /* a session is free */
	bool initialized;
	bool connected;
	bool pin_refused;
	CK_TOKEN_INFO info;
	unsigned count, busy;
	struct session session[TOKEN_SESSIONS_MAX];
	struct {
		bool there;
		uint8_t id[TOKEN_ID_BYTES];
		CK_OBJECT_HANDLE key;
	} known[KNOWN_KEYS_MAX];
} s;

static bool
prepare(void)
{
	pthread_condattr_t attr;

	return pthread_mutex_init(&s.mutex, NULL) == 0 && pthread_condattr_init(&attr) == 0 &&
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
	    pthread_cond_init(&s.given, &attr) == 0;
}

bool
sessions_setup(const char *uri, const uint8_t *pin, size_t pin_len, unsigned most)
{
	const char *path;

	s.uri = p11_kit_uri_new();
	if (!s.uri ||
	    p11_kit_uri_parse(uri, P11_KIT_URI_FOR_TOKEN | P11_KIT_URI_FOR_MODULE, s.uri) !=
		P11_KIT_URI_OK) {
		say(SAY_ERROR, "hsm: not a PKCS #11 URI of a token");
		return false;
	}
	path = p11_kit_uri_get_module_path(s.uri);
	if (!path || p11_kit_uri_get_pin_value(s.uri)) {
		say(SAY_ERROR, "hsm: the URI needs module-path and must not have pin-value");
		return false;
	}
	/* Unmanaged: one user of the module, which is this process. */
	s.f = p11_kit_module_load(path, P11_KIT_MODULE_UNMANAGED);
	if (!s.f) {
		say(SAY_ERROR, "hsm: the module %s cannot be loaded", path);
		return false;
	}
	if (pin_len > sizeof(s.pin))
		return false;
	memcpy(s.pin, pin, pin_len);
	s.pin_len = pin_len;
	s.most = most < TOKEN_SESSIONS_MAX ? most : TOKEN_SESSIONS_MAX;
	return prepare();
}

/* ---- opened, under the mutex and by nobody used ---- */

static bool
find_slot(CK_SLOT_ID *ret_slot)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;

	if (s.f->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
		return false;
	for (CK_ULONG i = 0; i < n; i++)
		if (s.f->C_GetTokenInfo(slots[i], &s.info) == CKR_OK &&
		    (s.info.flags & CKF_TOKEN_INITIALIZED) &&
		    p11_kit_uri_match_token_info(s.uri, &s.info)) {
			*ret_slot = slots[i];
			return true;
		}
	return false;
}

/* One try: three wrong ones lock many tokens for good. */
static unsigned
log_in(void)
{
	CK_RV rv = s.f->C_Login(s.session[0].handle, CKU_USER, s.pin, s.pin_len);

	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return DK_CODE_OK;
	if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_PIN_INVALID ||
	    rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_EXPIRED) {
		s.pin_refused = true;
		dk_wipe(s.pin, sizeof(s.pin));
		s.pin_len = 0;
		return DK_CODE_HSM_PIN;
	}
	return DK_CODE_HSM;
}

/* A module that has no locks is called by one thread at a time: it has one session. */
static bool
initialize(unsigned *ret_most)
{
	CK_C_INITIALIZE_ARGS threads = { .flags = CKF_OS_LOCKING_OK };

	*ret_most = s.most;
	s.initialized = s.f->C_Initialize(&threads) == CKR_OK;
	if (s.initialized)
		return true;
	*ret_most = 1;
	s.initialized = s.f->C_Initialize(NULL) == CKR_OK;
	return s.initialized;
}

static bool
open_sessions(CK_SLOT_ID slot, unsigned most)
{
	static const CK_FLAGS flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;

	for (s.count = 0; s.count < most; s.count++) {
		struct session *session = &s.session[s.count];

		*session = (struct session){ .f = s.f };
		if (s.f->C_OpenSession(slot, flags, NULL, NULL, &session->handle) != CKR_OK)
			break;
	}
	return s.count > 0;
}

static unsigned
connect_all(void)
{
	CK_SLOT_ID slot;
	unsigned code, most;

	if (s.pin_len == 0)
		return DK_CODE_HSM_PIN;
	if (s.initialized)
		(void)s.f->C_Finalize(NULL);
	memset(s.known, 0, sizeof(s.known));
	if (!initialize(&most) || !find_slot(&slot) || !open_sessions(slot, most))
		return DK_CODE_HSM;
	code = log_in();
	s.connected = code == DK_CODE_OK;
	return code;
}

/* ---- taken and given ---- */

static struct session *
free_session(void)
{
	for (unsigned i = 0; i < s.count; i++)
		if (!s.session[i].busy)
			return &s.session[i];
	return NULL;
}

/* Calls that are under way may take long: then it is no use to wait for them. */
static unsigned
connect_behind_others(void)
{
	struct timespec end;
	int waited = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += WAIT_S;
	while (!s.connected && s.busy > 0 && waited == 0)
		waited = pthread_cond_timedwait(&s.given, &s.mutex, &end);
	if (s.connected)
		return DK_CODE_OK;
	return s.busy > 0 ? DK_CODE_HSM : connect_all();
}

unsigned
session_take(struct session **ret)
{
	unsigned code = DK_CODE_OK;

	*ret = NULL;
	(void)pthread_mutex_lock(&s.mutex);
	while (code == DK_CODE_OK && !*ret) {
		if (!s.connected)
			code = connect_behind_others();
		else if (!(*ret = free_session()))
			(void)pthread_cond_wait(&s.given, &s.mutex);
	}
	if (*ret) {
		(*ret)->busy = true;
		s.busy++;
	}
	(void)pthread_mutex_unlock(&s.mutex);
	return code;
}

void
session_give(struct session *session, bool lost)
{
	(void)pthread_mutex_lock(&s.mutex);
	session->busy = false;
	s.busy--;
	s.connected = s.connected && !lost;
	(void)pthread_cond_broadcast(&s.given);
	(void)pthread_mutex_unlock(&s.mutex);
}

bool
sessions_pin_refused(void)
{
	bool refused;

	(void)pthread_mutex_lock(&s.mutex);
	refused = s.pin_refused;
	(void)pthread_mutex_unlock(&s.mutex);
	return refused;
}

bool
sessions_are_of(const char *text)
{
	P11KitUri *uri = p11_kit_uri_new();
	bool ok;

	ok = uri &&
	    p11_kit_uri_parse(text, P11_KIT_URI_FOR_TOKEN | P11_KIT_URI_FOR_MODULE, uri) ==
		P11_KIT_URI_OK &&
	    !p11_kit_uri_get_pin_value(uri) && p11_kit_uri_match_token_info(uri, &s.info);
	p11_kit_uri_free(uri);
	return ok;
}

/* ---- keys ---- */

static unsigned
place_of(const uint8_t id[TOKEN_ID_BYTES])
{
	return id[0] % KNOWN_KEYS_MAX; /* ids are drawn at random */
}

bool
session_known_key(const uint8_t id[TOKEN_ID_BYTES], CK_OBJECT_HANDLE *ret)
{
	unsigned i = place_of(id);
	bool known;

	(void)pthread_mutex_lock(&s.mutex);
	known = s.known[i].there && memcmp(s.known[i].id, id, TOKEN_ID_BYTES) == 0;
	*ret = s.known[i].key;
	(void)pthread_mutex_unlock(&s.mutex);
	return known;
}

void
session_know_key(const uint8_t id[TOKEN_ID_BYTES], CK_OBJECT_HANDLE key)
{
	unsigned i = place_of(id);

	(void)pthread_mutex_lock(&s.mutex);
	s.known[i].there = true;
	s.known[i].key = key;
	memcpy(s.known[i].id, id, TOKEN_ID_BYTES);
	(void)pthread_mutex_unlock(&s.mutex);
}

void
session_forget_key(const uint8_t id[TOKEN_ID_BYTES])
{
	unsigned i = place_of(id);

	(void)pthread_mutex_lock(&s.mutex);
	if (memcmp(s.known[i].id, id, TOKEN_ID_BYTES) == 0)
		s.known[i].there = false;
	(void)pthread_mutex_unlock(&s.mutex);
}

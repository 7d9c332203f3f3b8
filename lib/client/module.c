/* SPDX-License-Identifier: Apache-2.0 */
#include "client/client_impl.h"
#include "client/http.h"

__attribute__((visibility("default"))) extern const struct dk_client_module dk_client_module;
const struct dk_client_module dk_client_module = {
	.abi = DK_CLIENT_ABI,
	.enrol = client_enrol,
	.key_open = client_key_open,
	.key_refresh = client_key_refresh,
	.request = client_request,
	.approve = client_approve,
	.approval = client_approval,
	.presence = client_presence,
	.waiting = client_waiting,
	.stand = client_stand,
	.log_open = client_log_open,
	.log_keys = client_log_keys,
	.log_gossip = client_log_gossip,
	.log_import = client_log_import,
	.log_forget = client_log_forget,
	.why = client_why,
};

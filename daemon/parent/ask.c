/* SPDX-License-Identifier: Apache-2.0 */
/* One question to the running service, and its answer printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native/code.h"
#include "parent/exchange.h"
#include "parent/parent.h"
#include "parent/tell.h"

int
cmd_ask(const struct settings *settings, enum ipc_admin_op op, const char *const *args, unsigned n)
{
	struct exchange_answer answer;
	int status = 1;

	if (!exchange(settings->dir, op, args, n, &answer))
		return 1;
	if (answer.code == DK_CODE_OK)
		status =
		    fwrite(answer.data + 2, 1, answer.len - 2, stdout) == answer.len - 2 ? 0 : 1;
	else
		tell_code(op, n > 0 ? args[0] : NULL, answer.code, (const char *)answer.data + 2,
		    answer.len - 2);
	memset(answer.data, 0, answer.len);
	free(answer.data);
	return status;
}

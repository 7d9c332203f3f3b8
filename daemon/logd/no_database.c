/* SPDX-License-Identifier: Apache-2.0 */
/* logd without a cluster: it links no client of a database. */
#include "logd/logd.h"

void
logd_open_database(struct logd *logd)
{
	(void)logd;
}

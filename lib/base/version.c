/* SPDX-License-Identifier: Apache-2.0 */
#include "doublekey/doublekey.h"

const char *
dk_version(void)
{
	return DK_VERSION;
}

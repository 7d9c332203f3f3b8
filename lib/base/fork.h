/* SPDX-License-Identifier: Apache-2.0 */
/* Whether what was made in this process is used in a copy of it. */
#ifndef DK_BASE_FORK_H
#define DK_BASE_FORK_H

#include <stdint.h>

/*
 * A number that stays the same in one process and is another one in each child
 * of fork() or clone(), whatever process id that got. Never 0. From any thread.
 */
uint64_t dk_fork_generation(void);

#endif

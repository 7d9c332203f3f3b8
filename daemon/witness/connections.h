/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of connections, spec/witness.md section 4. */
#ifndef DK_WITNESS_CONNECTIONS_H
#define DK_WITNESS_CONNECTIONS_H

#define WITNESS_CONNECTIONS_MAX 512
#define WITNESS_IDLE_S 30

void connections_start(void);
/* One more was accepted: if it is one too many, another one is ended. */
void connections_make_room(void);
/* A request is whole. */
void connections_asked(int fd);
/* Once a second: those that made no request for too long. */
void connections_tick(void);

#endif

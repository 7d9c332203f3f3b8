/* SPDX-License-Identifier: Apache-2.0 */
/* A file's bytes and attributes in another file, shared where that is possible. */
#ifndef DK_CLI_CLONE_H
#define DK_CLI_CLONE_H

#include <stdint.h>
#include <sys/stat.h>

struct progress_part;

/*
 * Copy len bytes, which reach to the end of in, from in_at to out_at of out: as
 * shared blocks, inside of the kernel, or through memory, whatever works first.
 * -1 with errno set; ESTALE if in is shorter.
 */
int clone_tail(
    int in, uint64_t in_at, int out, uint64_t out_at, uint64_t len, struct progress_part *progress);

/*
 * Owner, mode, extended attributes (access control lists too) and times of in.
 * What the user may not set is left out; 1 if that was the owner. -1 with errno
 * set if mode or times fail.
 */
int clone_attributes(int in, const struct stat *st, int out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs that run a folder of vectors have in common. */
#ifndef TESTS_VECTORS_FOLDER_H
#define TESTS_VECTORS_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One header line; false if it is not known. */
typedef bool (*folder_line_fn)(void *ctx, const char *name, const char *value);
/* One vector; prints what is wrong with it and returns false. */
typedef bool (*folder_run_fn)(void *ctx, const char *path);

/*
 * Read a file whose header lines go to take and whose rest goes to data, which
 * must have room for one byte more. Prints why and returns false if it is none.
 */
bool folder_read(const char *path, folder_line_fn take, void *ctx, uint8_t *data, size_t room,
    size_t *ret_len);

/*
 * Run all files of a folder in the order of their names, or one file. Prints the
 * counts; the exit status is 1 if one failed or there was none.
 */
int folder_run(const char *path, folder_run_fn run, void *ctx);

/* Ends the program if value has no room. */
void folder_copy(char *to, size_t room, const char *value);
/* Prints a difference and returns false. */
bool folder_same(const char *path, const char *what, const char *got, const char *want);

#endif

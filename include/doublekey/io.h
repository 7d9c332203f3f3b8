/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input and output that the caller supplies.
 *
 * The library opens no files and no sockets for an object: it reads from a
 * struct dk_source and writes to a struct dk_sink. Both are borrowed for as
 * long as the call or the handle that uses them.
 */
#ifndef DOUBLEKEY_IO_H
#define DOUBLEKEY_IO_H

#include <stddef.h>
#include <stdint.h>

#include <doublekey/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A source of unknown length: size is this. */
#define DK_SIZE_UNKNOWN UINT64_MAX

struct dk_source {
	void *ctx;
	/*
	 * Read at most len bytes (len > 0) from where the last call ended. Returns
	 * their number, 0 at the end, -1 on error with errno set. Short reads are
	 * fine. Never called from two threads at once.
	 */
	ptrdiff_t (*read)(void *ctx, void *buf, size_t len);
	/*
	 * NULL, or read at a byte offset. May be called from several threads at
	 * once. Where it is there, size must be known; read is then not called.
	 */
	ptrdiff_t (*read_at)(void *ctx, uint64_t offset, void *buf, size_t len);
	uint64_t size; /* in bytes, or DK_SIZE_UNKNOWN */
};

struct dk_sink {
	void *ctx;
	/*
	 * Write all len bytes. Returns 0, or -1 on error with errno set. Called in
	 * the order of the bytes and never from two threads at once, though not
	 * always from the same one.
	 */
	int (*write)(void *ctx, const void *buf, size_t len);
};

/*
 * Called now and then with the bytes of input that are done. A result other
 * than 0 ends the work with DK_ERR_CANCELLED. May be called from any thread of
 * the work, never from two at once.
 */
typedef int (*dk_progress_fn)(void *ctx, uint64_t done);

/*
 * How to work: 0 threads means as many as the process may run on at once.
 * NULL in place of this struct means all defaults.
 */
struct dk_work {
	unsigned jobs;
	dk_progress_fn progress;
	void *progress_ctx;
};

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the module that links SQLite exports. */
#ifndef DK_CATALOGUE_MODULE_H
#define DK_CATALOGUE_MODULE_H

#include "catalogue/scan.h"

#define DK_CATALOGUE_ABI 1
#define DK_CATALOGUE_SYMBOL "dk_catalogue_module"

/* catalogue/catalogue.h, then catalogue/scan.h. */
struct dk_catalogue_module {
	unsigned abi;
	dk_err (*open)(const char *path, struct dk_catalogue **ret);
	void (*close)(struct dk_catalogue *cat);
	dk_err (*count)(struct dk_catalogue *cat, uint64_t *ret_objects, uint64_t *ret_keys);
	dk_err (*keys)(struct dk_catalogue *cat, dk_catalogue_key_fn fn, void *ctx);
	dk_err (*next)(struct dk_catalogue *cat, const struct dk_catalogue_object **ret);
	dk_err (*locations)(
	    struct dk_catalogue *cat, uint64_t object, dk_catalogue_location_fn fn, void *ctx);
	dk_err (*problems)(struct dk_catalogue *cat, dk_catalogue_problem_fn fn, void *ctx);
	dk_err (*scans)(struct dk_catalogue *cat, dk_catalogue_scan_fn fn, void *ctx);
	dk_err (*writer_open)(const char *path, struct dk_catalogue_writer **ret);
	void (*writer_close)(struct dk_catalogue_writer *writer);
	dk_err (*commit)(struct dk_catalogue_writer *writer);
	dk_err (*begin)(struct dk_catalogue_writer *writer, const char *root, size_t root_len,
	    uint64_t now, uint64_t *ret_scan);
	dk_err (*end)(struct dk_catalogue_writer *writer, uint64_t scan,
	    uint64_t folder, uint64_t now, uint64_t *ret_missed);
	dk_err (*folder)(struct dk_catalogue_writer *writer, uint64_t parent, const char *path,
	    size_t len, uint64_t *ret_folder);
	dk_err (*folder_error)(struct dk_catalogue_writer *writer, uint64_t folder,
	    const char *error, const char *place);
	dk_err (*children)(struct dk_catalogue_writer *writer, uint64_t folder, uint64_t *after,
	    struct dk_catalogue_known *ret, size_t cap, size_t *ret_count);
	dk_err (*folder_gone)(struct dk_catalogue_writer *writer, uint64_t folder);
	dk_err (*known)(struct dk_catalogue_writer *writer, uint64_t folder, const char *after,
	    size_t len, struct dk_catalogue_known *ret, size_t cap, size_t *ret_count);
	dk_err (*put)(struct dk_catalogue_writer *writer, uint64_t folder,
	    const struct dk_catalogue_found *found);
	dk_err (*gone)(
	    struct dk_catalogue_writer *writer, uint64_t folder, const char *name, size_t len);
	void (*counted)(
	    const struct dk_catalogue_writer *writer, struct dk_catalogue_counts *ret);
};

#endif

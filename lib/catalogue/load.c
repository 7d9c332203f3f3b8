/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the catalogue module at its first use. Only what was opened reaches the others. */
#include <pthread.h>

#include "base/module.h"
#include "catalogue/module.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const struct dk_catalogue_module *module;

static void
load(void)
{
	const struct dk_catalogue_module *found =
	    dk_module_symbol("libdoublekey-catalogue.so", DK_CATALOGUE_SYMBOL);

	if (found && found->abi == DK_CATALOGUE_ABI)
		module = found;
}

static bool
loaded(void)
{
	return pthread_once(&once, load) == 0 && module;
}

dk_err
dk_catalogue_open(const char *path, struct dk_catalogue **ret)
{
	return loaded() ? module->open(path, ret) : DK_ERR_LIBRARY;
}

void
dk_catalogue_close(struct dk_catalogue *cat)
{
	if (cat)
		module->close(cat);
}

dk_err
dk_catalogue_writer_open(const char *path, struct dk_catalogue_writer **ret)
{
	return loaded() ? module->writer_open(path, ret) : DK_ERR_LIBRARY;
}

void
dk_catalogue_writer_close(struct dk_catalogue_writer *writer)
{
	if (writer)
		module->writer_close(writer);
}

void
dk_catalogue_counted(const struct dk_catalogue_writer *writer, struct dk_catalogue_counts *ret)
{
	module->counted(writer, ret);
}

dk_err
dk_catalogue_count(struct dk_catalogue *cat, uint64_t *ret_objects, uint64_t *ret_keys)
{
	return module->count(cat, ret_objects, ret_keys);
}

dk_err
dk_catalogue_keys(struct dk_catalogue *cat, dk_catalogue_key_fn fn, void *ctx)
{
	return module->keys(cat, fn, ctx);
}

dk_err
dk_catalogue_next(struct dk_catalogue *cat, const struct dk_catalogue_object **ret)
{
	return module->next(cat, ret);
}

dk_err
dk_catalogue_locations(
    struct dk_catalogue *cat, uint64_t object, dk_catalogue_location_fn fn, void *ctx)
{
	return module->locations(cat, object, fn, ctx);
}

dk_err
dk_catalogue_problems(struct dk_catalogue *cat, dk_catalogue_problem_fn fn, void *ctx)
{
	return module->problems(cat, fn, ctx);
}

dk_err
dk_catalogue_scans(struct dk_catalogue *cat, dk_catalogue_scan_fn fn, void *ctx)
{
	return module->scans(cat, fn, ctx);
}

dk_err
dk_catalogue_commit(struct dk_catalogue_writer *writer)
{
	return module->commit(writer);
}

dk_err
dk_catalogue_begin(struct dk_catalogue_writer *writer, const char *root, size_t root_len,
    uint64_t now, uint64_t *ret_scan)
{
	return module->begin(writer, root, root_len, now, ret_scan);
}

dk_err
dk_catalogue_end(struct dk_catalogue_writer *writer, uint64_t scan, uint64_t folder, uint64_t now,
    uint64_t *ret_missed)
{
	return module->end(writer, scan, folder, now, ret_missed);
}

dk_err
dk_catalogue_folder(struct dk_catalogue_writer *writer, uint64_t parent, const char *path,
    size_t len, uint64_t *ret_folder)
{
	return module->folder(writer, parent, path, len, ret_folder);
}

dk_err
dk_catalogue_folder_error(
    struct dk_catalogue_writer *writer, uint64_t folder, const char *error, const char *place)
{
	return module->folder_error(writer, folder, error, place);
}

dk_err
dk_catalogue_children(struct dk_catalogue_writer *writer, uint64_t folder, uint64_t *after,
    struct dk_catalogue_known *ret, size_t cap, size_t *ret_count)
{
	return module->children(writer, folder, after, ret, cap, ret_count);
}

dk_err
dk_catalogue_folder_gone(struct dk_catalogue_writer *writer, uint64_t folder)
{
	return module->folder_gone(writer, folder);
}

dk_err
dk_catalogue_known(struct dk_catalogue_writer *writer, uint64_t folder, const char *after,
    size_t len, struct dk_catalogue_known *ret, size_t cap, size_t *ret_count)
{
	return module->known(writer, folder, after, len, ret, cap, ret_count);
}

dk_err
dk_catalogue_put(
    struct dk_catalogue_writer *writer, uint64_t folder, const struct dk_catalogue_found *found)
{
	return module->put(writer, folder, found);
}

dk_err
dk_catalogue_gone(struct dk_catalogue_writer *writer, uint64_t folder, const char *name, size_t len)
{
	return module->gone(writer, folder, name, len);
}

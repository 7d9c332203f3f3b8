/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue/impl.h"

static void
counted(const struct dk_catalogue_writer *writer, struct dk_catalogue_counts *ret)
{
	*ret = writer->counts;
}

__attribute__((visibility("default"))) extern const struct dk_catalogue_module dk_catalogue_module;
const struct dk_catalogue_module dk_catalogue_module = {
	.abi = DK_CATALOGUE_ABI,
	.open = catalogue_open,
	.close = catalogue_close,
	.count = catalogue_count,
	.keys = catalogue_keys,
	.next = catalogue_next,
	.locations = catalogue_locations,
	.problems = catalogue_problems,
	.scans = catalogue_scans,
	.writer_open = catalogue_writer_open,
	.writer_close = catalogue_writer_close,
	.commit = catalogue_commit,
	.begin = catalogue_begin,
	.end = catalogue_end,
	.folder = catalogue_folder,
	.folder_error = catalogue_folder_error,
	.children = catalogue_children,
	.folder_gone = catalogue_folder_gone,
	.known = catalogue_known,
	.put = catalogue_put,
	.gone = catalogue_gone,
	.counted = counted,
};

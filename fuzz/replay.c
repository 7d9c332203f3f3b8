/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a harness over files, without a fuzzer.
 *
 * usage: HARNESS FILE|FOLDER...
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX (4u << 20)

static unsigned
run_file(const char *path)
{
	uint8_t *data = malloc(INPUT_MAX);
	FILE *f = fopen(path, "rb");
	uint8_t *exact;
	size_t len;

	FUZZ_CHECK(data != NULL);
	if (!f) {
		perror(path);
		exit(1);
	}
	len = fread(data, 1, INPUT_MAX, f);
	FUZZ_CHECK(len < INPUT_MAX);
	fclose(f);
	fprintf(stderr, "%s\n", path);
	exact = fuzz_exact(data, len);
	free(data);
	(void)LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 1;
}

static unsigned
run_folder(const char *path, DIR *folder)
{
	const struct dirent *entry;
	unsigned count = 0;

	while ((entry = readdir(folder))) {
		char file[4096];
		int n;

		if (entry->d_name[0] == '.')
			continue;
		n = snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		FUZZ_CHECK(n > 0 && (size_t)n < sizeof(file));
		count += run_file(file);
	}
	return count;
}

int
main(int argc, char **argv)
{
	unsigned count = 0;

	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);

		count += folder ? run_folder(argv[i], folder) : run_file(argv[i]);
		if (folder)
			closedir(folder);
	}
	printf("%u inputs\n", count);
	/* A corpus that was not found would look like one without findings. */
	return count > 0 ? 0 : 1;
}

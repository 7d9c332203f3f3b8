/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In programs with a hole only, by which tests/breach must find something. They are never
 * installed, and say so at each start and with --version. DK_VERSION names the hole, also in
 * the record that keyd makes of its start.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef NDEBUG
#error "a program with a hole is for tests"
#endif

__attribute__((constructor)) static void
say_weakened(int argc, char **argv)
{
	const int version = argc > 1 && strcmp(argv[1], "--version") == 0;
	FILE *to = version ? stdout : stderr;

	(void)fprintf(to, "%s %s: for tests only, protects nothing\n", argv[0], DK_VERSION);
	(void)fflush(to);
	if (version)
		_Exit(0);
}

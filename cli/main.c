/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

static const struct command commands[] = {
	{ "keygen", cmd_keygen, "make a key pair" },
	{ 0 },
};

int
main(int argc, char **argv)
{
	return frame_run(commands, argc, argv);
}

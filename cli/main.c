/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command/frame.h"

static const struct command commands[] = {
	{ "encrypt", cmd_encrypt, "encrypt for a customer key and a provider key" },
	{ "decrypt", cmd_decrypt, "decrypt with a key of each side" },
	{ "enrol", cmd_enrol, "enrol this machine at a customer key service" },
	{ "inspect", cmd_inspect, "show the header of an object" },
	{ "rewrap", cmd_rewrap, "give one side of an object new keys" },
	{ "keygen", cmd_keygen, "make a key pair" },
	{ "key", cmd_key, "back up and restore a private key" },
	{ "profile", cmd_profile, "name the keys that are used each day" },
	{ "doctor", cmd_doctor, "try the keys of a profile, and say what is wrong" },
	{ "request", cmd_request, "ask other people to approve what shall be decrypted" },
	{ "approve", cmd_approve, "see what somebody asks for, and approve it" },
	{ "presence", cmd_presence, "tell a key service that you are there" },
	{ "scan", cmd_scan, "make a catalogue of the objects in folders" },
	{ "incident", cmd_incident, "write down and check what was stolen, and when" },
	{ "assess", cmd_assess, "say which objects could be read after a theft" },
	{ "evidence", cmd_evidence, "put an assessment into one file, and check such a file" },
	{ "log", cmd_log, "check, copy and witness logs of key services" },
	{ 0 },
};

int
main(int argc, char **argv)
{
	return frame_run(commands, argc, argv);
}

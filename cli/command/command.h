/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of doublekey: one file each, cmd_NAME.c; main.c has the table. */
#ifndef DK_CLI_COMMAND_H
#define DK_CLI_COMMAND_H

/* Exit status. Anything else is a bug. */
enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* argv[0] is the name of the command. The result is the exit status. */
typedef int (*command_fn)(int argc, char **argv);

struct command {
	const char *name;
	command_fn run;
	const char *summary; /* one line for `doublekey --help` */
};

int cmd_approve(int argc, char **argv);
int cmd_assess(int argc, char **argv);
int cmd_decrypt(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_encrypt(int argc, char **argv);
int cmd_enrol(int argc, char **argv);
int cmd_evidence(int argc, char **argv);
int cmd_evidence_bundle(int argc, char **argv);
int cmd_evidence_verify(int argc, char **argv);
int cmd_incident(int argc, char **argv);
int cmd_incident_check(int argc, char **argv);
int cmd_incident_new(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_key(int argc, char **argv);
int cmd_key_join(int argc, char **argv);
int cmd_key_public(int argc, char **argv);
int cmd_key_split(int argc, char **argv);
int cmd_keygen(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_log_export(int argc, char **argv);
int cmd_log_gossip(int argc, char **argv);
int cmd_log_mirror(int argc, char **argv);
int cmd_log_prove(int argc, char **argv);
int cmd_log_verify(int argc, char **argv);
int cmd_log_witness(int argc, char **argv);
int cmd_presence(int argc, char **argv);
int cmd_profile(int argc, char **argv);
int cmd_request(int argc, char **argv);
int cmd_rewrap(int argc, char **argv);
int cmd_scan(int argc, char **argv);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signal during the question is only noted by its handler. The read then ends
 * with EINTR, the terminal and the handlers are put back, and the signal is sent
 * again, now with its own effect. If the process goes on after that (it was
 * stopped and continued, or the signal is handled), the question is asked again.
 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGPIPE, SIGTSTP, SIGTTIN,
	SIGTTOU };
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static volatile sig_atomic_t caught[SIGNALS];

static void
note(int number)
{
	for (size_t i = 0; i < SIGNALS; i++)
		if (signals[i] == number)
			caught[i] = 1;
}

static void
watch(struct sigaction old[SIGNALS])
{
	struct sigaction action = { .sa_handler = note };

	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < SIGNALS; i++) {
		caught[i] = 0;
		(void)sigaction(signals[i], NULL, &old[i]);
		/* What the parent ignores stays ignored (nohup). */
		if (old[i].sa_handler != SIG_IGN)
			(void)sigaction(signals[i], &action, NULL);
	}
}

/* True if there was a signal and the process is still here. */
static bool
unwatch(const struct sigaction old[SIGNALS])
{
	bool any = false;

	for (size_t i = 0; i < SIGNALS; i++)
		(void)sigaction(signals[i], &old[i], NULL);
	for (size_t i = 0; i < SIGNALS; i++) {
		if (caught[i]) {
			(void)kill(getpid(), signals[i]);
			any = true;
		}
	}
	return any;
}

static bool
any_caught(void)
{
	for (size_t i = 0; i < SIGNALS; i++)
		if (caught[i])
			return true;
	return false;
}

static bool
put(int fd, const char *text)
{
	size_t len = strlen(text);

	return write(fd, text, len) == (ssize_t)len;
}

/* Reads to the line end even if the line is too long, so that the rest of it
 * does not go to the shell. */
static enum terminal_result
read_line(int fd, struct secret_line *line)
{
	enum terminal_result result = TERMINAL_OK;

	line->len = 0;
	for (;;) {
		uint8_t c;
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR && !any_caught())
			continue;
		if (n <= 0)
			return TERMINAL_END;
		if (c == '\n' || c == '\r')
			return result;
		if (line->len == sizeof(line->bytes))
			result = TERMINAL_TOO_LONG;
		else
			line->bytes[line->len++] = c;
	}
}

static enum terminal_result
ask_once(int fd, const char *question, struct secret_line *line, bool *ret_again)
{
	struct sigaction old_actions[SIGNALS];
	struct termios old, silent;
	enum terminal_result result = TERMINAL_NONE;

	watch(old_actions);
	if (tcgetattr(fd, &old) == 0) {
		silent = old;
		silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
		silent.c_lflag |= ICANON | ISIG;
		if (tcsetattr(fd, TCSAFLUSH, &silent) == 0 && put(fd, question))
			result = read_line(fd, line);
		else if (any_caught())
			result = TERMINAL_END; /* in the background: SIGTTOU */
		while (tcsetattr(fd, TCSAFLUSH, &old) != 0 && errno == EINTR && !any_caught())
			continue;
		(void)put(fd, "\n");
	}
	*ret_again = unwatch(old_actions);
	return result;
}

enum terminal_result
terminal_ask(const char *question, struct secret_line *ret_line)
{
	enum terminal_result result;
	bool again;
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return TERMINAL_NONE;
	do {
		result = ask_once(fd, question, ret_line, &again);
	} while (again);
	(void)close(fd);
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals are blocked during the question but for the time of waiting for input,
 * so that none comes between looking and waiting, and are only noted by their
 * handler. The waiting then ends, the terminal and the handlers are put back, and
 * the signal is sent again, now with its own effect. If the process goes on after
 * that (it was stopped and continued, or the signal is handled), the question is
 * asked again. SIGTTIN and SIGTTOU stay unblocked: a process in the background that
 * blocks them may change the terminal of the one in the foreground.
 */
#include "cli/console/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

struct watched {
	struct sigaction action[SIGNALS];
	sigset_t mask;
};

static void
watch(struct watched *old)
{
	struct sigaction action = { .sa_handler = note };
	sigset_t blocked;

	(void)sigemptyset(&action.sa_mask);
	(void)sigemptyset(&blocked);
	for (size_t i = 0; i < SIGNALS; i++)
		if (signals[i] != SIGTTIN && signals[i] != SIGTTOU)
			(void)sigaddset(&blocked, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &blocked, &old->mask);
	for (size_t i = 0; i < SIGNALS; i++) {
		caught[i] = 0;
		(void)sigaction(signals[i], NULL, &old->action[i]);
		/* What the parent ignores stays ignored (nohup). */
		if (old->action[i].sa_handler != SIG_IGN)
			(void)sigaction(signals[i], &action, NULL);
	}
}

/* True if there was a signal and the process is still here. */
static bool
unwatch(const struct watched *old)
{
	bool any = false;

	for (size_t i = 0; i < SIGNALS; i++)
		(void)sigaction(signals[i], &old->action[i], NULL);
	(void)sigprocmask(SIG_SETMASK, &old->mask, NULL);
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

/* One byte, with the signals of old let through while there is none. */
static ssize_t
read_byte(int fd, const sigset_t *old, uint8_t *ret)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	while (ppoll(&wait, 1, NULL, old) < 0)
		if (errno != EINTR || any_caught())
			return -1;
	return read(fd, ret, 1);
}

/* Reads to the line end even if the line is too long, so that the rest of it
 * does not go to the shell. */
static enum terminal_result
read_line(int fd, const sigset_t *old, struct secret_line *line)
{
	enum terminal_result result = TERMINAL_OK;

	line->len = 0;
	for (;;) {
		uint8_t c;

		if (read_byte(fd, old, &c) <= 0)
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
	struct watched watched;
	struct termios old, silent;
	enum terminal_result result = TERMINAL_NONE;

	watch(&watched);
	if (tcgetattr(fd, &old) == 0) {
		silent = old;
		silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
		silent.c_lflag |= ICANON | ISIG;
		if (tcsetattr(fd, TCSAFLUSH, &silent) == 0 && put(fd, question))
			result = read_line(fd, &watched.mask, line);
		else if (any_caught())
			result = TERMINAL_END; /* in the background: SIGTTOU */
		while (tcsetattr(fd, TCSAFLUSH, &old) != 0 && errno == EINTR && !any_caught())
			continue;
		(void)put(fd, "\n");
	}
	*ret_again = unwatch(&watched);
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

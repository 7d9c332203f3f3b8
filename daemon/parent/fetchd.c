/* SPDX-License-Identifier: Apache-2.0 */
/* fetchd as a process: it alone is started anew while the others go on. */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "parent/run.h"

static uint64_t
monotonic_ms(void)
{
	struct timespec ts = { 0, 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void
put_down(struct run *run)
{
	ipc_channel_close(&run->set.channel[IPC_FETCHD]);
	if (run->set.pid[IPC_FETCHD] > 0) {
		(void)kill(run->set.pid[IPC_FETCHD], SIGKILL);
		(void)run_wait_for(run->set.pid[IPC_FETCHD], 10000);
	}
	run->set.pid[IPC_FETCHD] = 0;
	run->ready &= ~(1u << IPC_FETCHD);
	run->protections[IPC_FETCHD] = 0;
}

void
run_fetchd_gone(struct run *run)
{
	uint64_t now = monotonic_ms();

	if (run->stopping || run->restart || run->fetchd_down)
		return;
	/* The set begins with all of them, or not at all. */
	if (!run->went) {
		run->restart = true;
		return;
	}
	put_down(run);
	run_sources_unasked(run);
	if (now > run->fetchd_begun_ms + RUN_CALM_S * 1000)
		run->fetchd_delay_ms = 0;
	run->fetchd_delay_ms = run->fetchd_delay_ms == 0   ? RUN_DELAY_FIRST_MS
	    : 2 * run->fetchd_delay_ms < RUN_DELAY_LAST_MS ? 2 * run->fetchd_delay_ms
							   : RUN_DELAY_LAST_MS;
	run->fetchd_down = true;
	run->fetchd_next_ms = now + (uint64_t)run->fetchd_delay_ms;
	run->fetchd_restarts++;
	run->fetch_told = false;
	say(SAY_WARNING, "fetchd is started anew; the other processes go on");
}

void
run_fetchd_begun(struct run *run)
{
	run->fetchd_down = false;
	run->fetchd_begun_ms = monotonic_ms();
	run_sources_unasked(run);
}

void
run_fetchd_step(struct run *run)
{
	if (!run->fetchd_down || monotonic_ms() < run->fetchd_next_ms)
		return;
	run_fetchd_begun(run);
	if (!run_fetchd_spawn(run))
		run_fetchd_gone(run);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/console/progress.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/console/message.h"

#define NS_PER_S UINT64_C(1000000000)
#define FIRST_NS (NS_PER_S / 2) /* shorter work shows no line */
#define EVERY_NS (NS_PER_S / 10)
#define LINE_BYTES 128

static bool shown;
static uint64_t started_ns;
static uint64_t total_bytes;
static const char *unit_name; /* NULL: bytes */
static atomic_ullong done_bytes;
static atomic_ullong next_ns; /* when the line is drawn again */

static uint64_t
now_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		return 0;
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

void
progress_start(uint64_t total)
{
	shown = !message_quiet() && isatty(STDERR_FILENO) == 1;
	started_ns = now_ns();
	total_bytes = total;
	unit_name = NULL;
	atomic_store(&done_bytes, 0);
	atomic_store(&next_ns, started_ns + FIRST_NS);
}

void
progress_start_count(const char *unit)
{
	progress_start(PROGRESS_UNKNOWN);
	unit_name = unit;
}

void
progress_end(void)
{
	if (shown)
		message_status(NULL);
	shown = false;
}

/* "1.5 GiB"; out has 16 bytes. */
static const char *
size_text(double bytes, char *out)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	unsigned unit = 0;

	while (bytes >= 1024 && unit < 5) {
		bytes /= 1024;
		unit++;
	}
	if (snprintf(out, 16, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]) >= 16)
		out[0] = '\0';
	return out;
}

/* "1:02:03" or "2:03"; out has 16 bytes. */
static const char *
time_text(double seconds, char *out)
{
	unsigned long s = seconds < 359999 ? (unsigned long)(seconds + 0.5) : 359999;
	int n;

	if (s >= 3600)
		n = snprintf(out, 16, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
	else
		n = snprintf(out, 16, "%lu:%02lu", s / 60, s % 60);
	if (n >= 16)
		out[0] = '\0';
	return out;
}

static void
draw(uint64_t now)
{
	double done = (double)atomic_load(&done_bytes);
	double total = (double)total_bytes;
	double rate = done * (double)NS_PER_S / (double)(now - started_ns);
	char a[16], b[16], c[16], d[16], line[LINE_BYTES];
	int n;

	if (unit_name)
		n = snprintf(line, sizeof(line), "%.0f %s  %.0f/s", done, unit_name, rate);
	else if (total_bytes == PROGRESS_UNKNOWN || total_bytes == 0 || done > total)
		n = snprintf(
		    line, sizeof(line), "%s  %s/s", size_text(done, a), size_text(rate, b));
	else
		n = snprintf(line, sizeof(line), "%3.0f%%  %s of %s  %s/s  %s left",
		    100 * done / total, size_text(done, a), size_text(total, b), size_text(rate, c),
		    time_text(rate > 0 ? (total - done) / rate : 359999, d));
	if (n > 0 && n < LINE_BYTES)
		message_status(line);
}

static void
add(uint64_t bytes)
{
	unsigned long long due;
	uint64_t now;

	(void)atomic_fetch_add(&done_bytes, bytes);
	if (!shown)
		return;
	now = now_ns();
	due = atomic_load(&next_ns);
	/* One thread of several draws; the others have better things to do. */
	if (now >= due && atomic_compare_exchange_strong(&next_ns, &due, now + EVERY_NS))
		draw(now);
}

void
progress_part_add(struct progress_part *part, uint64_t bytes)
{
	if (!part)
		return;
	part->done += bytes;
	add(bytes);
}

int
progress_part_at(void *ctx, uint64_t done)
{
	struct progress_part *part = ctx;

	if (done > part->done)
		progress_part_add(part, done - part->done);
	return 0;
}

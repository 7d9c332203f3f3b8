/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/resource.h>

#include "load.h"

double
cpu_seconds(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void
times_print(double *latency, unsigned n)
{
	qsort(latency, n, sizeof(double), by_value);
	if (n > 0)
		printf(" p50=%.6f p99=%.6f max=%.6f", latency[n / 2], latency[n * 99 / 100],
		    latency[n - 1]);
	printf("\n");
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DK_INIT_RENEW_H
#define DK_INIT_RENEW_H

/* Another TLS certificate, with a new key, under the service's own CA. Returns the
 * exit status. The service may run: it keeps the old one until it is told. */
int renew(const char *dir, int passphrase_fd);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The text of doublekeyd.conf, doublekeyd.conf(5). */
#ifndef DK_PARENT_CONF_TEXT_H
#define DK_PARENT_CONF_TEXT_H

#include <confuse.h>
#include <stdbool.h>
#include <stddef.h>

#define CONF_TEXT_MAX_BYTES 65536
#define CONF_FAULT_BYTES 160

/*
 * Parse it. What libconfuse would take and nobody may mean is refused: an option that
 * stands twice, `${` (a variable of the environment), a value that is not plain text.
 *
 * In:      text       len bytes and a NUL behind them
 * Out:     ret_cfg    cfg_free()
 *          ret_fault  one line about what is wrong, without LF; on failure only
 * Limits:  CONF_TEXT_MAX_BYTES
 */
bool conf_text_parse(
    const char *text, size_t len, cfg_t **ret_cfg, char ret_fault[CONF_FAULT_BYTES]);

#endif

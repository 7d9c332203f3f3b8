/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared modules of this project, loaded at their first use, so that a program
 * that needs none of them starts without the libraries behind them.
 */
#ifndef DK_BASE_MODULE_H
#define DK_BASE_MODULE_H

/*
 * Load a module by its file name and find one symbol in it: beside this code,
 * then where the project was installed, then where the linker looks. A module is
 * never unloaded. NULL: it is not there, or has no such symbol.
 */
const void *dk_module_symbol(const char *file, const char *symbol);

/*
 * The path of a program of the project that a module starts, found in the same
 * way. 0: it is not there, or cap is too small.
 */
int dk_module_program(const char *file, char *ret_path, unsigned cap);

#endif

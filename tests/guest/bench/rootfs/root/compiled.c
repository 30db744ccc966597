/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the compile workload compiles: xxHash by people who had no benchmark of
 * compilers in mind, from Debian's libxxhash-dev. XXH3 is left out: with it one
 * compilation takes ten times as long, and a unit of work shall be short.
 */
#define XXH_NO_XXH3
#define XXH_STATIC_LINKING_ONLY
#define XXH_IMPLEMENTATION
#include <xxhash.h>

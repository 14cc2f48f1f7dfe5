/* SPDX-License-Identifier: BSD-3-Clause */
/* A shared object that is no BSP. */
int nothing_at_all;

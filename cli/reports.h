/* SPDX-License-Identifier: BSD-3-Clause */
/* Where `test` and `report` leave their results. */
#ifndef CLI_REPORTS_H
#define CLI_REPORTS_H

#include "suite/report.h"

/*
 * Writes REPORT to the files JUNIT and JSON, either NULL for none, "-" for standard output. 0, or a
 * negative errno; the reason is printed.
 */
int reports_write(const json_t *report, const char *junit, const char *json);

/* In a job of GitHub Actions: annotations to F, a table to the job's summary. */
void reports_tell_github(const json_t *report, FILE *f);

#endif

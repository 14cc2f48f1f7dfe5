/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of process 1 of the emulated machine. */
#ifndef RIG_INIT_H
#define RIG_INIT_H

#include <jansson.h>

/* Mounts what a program expects, and loads the modules. What fails is told on the console. */
void init_mount(void);
void init_load_modules(void);
/* The host's name, and the loopback interface. */
void init_network(const char *hostname);

/* The port to the front, which is waited for; -1: there is none. */
int init_open_port(void);

/*
 * Runs the command of JOB, with its input, output and signals through PORT, until it has ended. Its
 * exit code, 128 + N after signal N; or a negative errno: it could not be started.
 */
int init_run(const json_t *job, int port);

/* Sends all that is there of the job's outputs. */
void init_send_outputs(const json_t *job, int port);

#endif

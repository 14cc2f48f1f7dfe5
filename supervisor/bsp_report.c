/* SPDX-License-Identifier: BSD-3-Clause */
/* What became of the BSP's hooks, in words and in JSON. */
#include "supervisor/bsp.h"

#include "lib/util.h"
#include "supervisor/run.h"

#include <inttypes.h>
#include <stdatomic.h>

enum bh_exit run_bsp_exit_code(const struct run *run)
{
	return run->bsp && run->bsp->phase == BSP_FAILED ? run->bsp->failure : BH_EXIT_OK;
}

void run_bsp_report(const struct run *run, uint64_t event_ns, FILE *f)
{
	for (unsigned i = 0; run->bsp && run->bsp->shared && i < run->bsp->core_count; i++) {
		uint64_t entered = atomic_load(&run->bsp->shared[i].entered_ns);
		uint64_t own = atomic_load(&run->bsp->shared[i].event_ns);
		/* Called for an event before this one: its own counts. */
		uint64_t event = entered >= event_ns ? event_ns : min_u64(own, entered);
		uint64_t ns = entered - event;

		if (entered)
			fprintf(f,
				"; bsp_fatal_error entered on core %u after %" PRIu64 ".%03" PRIu64
				" ms",
				run->bsp->cores[i].core, ns / 1000000, ns / 1000 % 1000);
	}
}

static json_t *time_json(uint64_t ns)
{
	return ns && ns <= INT64_MAX ? json_integer((json_int_t)ns) : json_null();
}

static const char *core_word(uint32_t state)
{
	static const char *const words[] = {
		[BSP_CORE_IDLE] = "idle",
		[BSP_CORE_INIT] = "init",
		[BSP_CORE_READY] = "ready",
		[BSP_CORE_FATAL] = "fatal",
		[BSP_CORE_HALTED] = "halted",
		[BSP_CORE_RETURNED] = "returned",
		[BSP_CORE_FAILED] = "failed",
	};

	return state < ARRAY_SIZE(words) ? words[state] : "unknown";
}

json_t *run_bsp_json(const struct run *run)
{
	const struct run_bsp *bsp = run->bsp;
	json_t *cores;

	if (!bsp)
		return json_null();
	cores = json_array();
	for (unsigned i = 0; bsp->shared && i < bsp->core_count; i++) {
		const struct bsp_shared_core *s = &bsp->shared[i];
		const struct bsp_core *c = &bsp->cores[i];

		json_array_append_new(
			cores, json_pack("{s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "core",
				       (int)c->core, "partition", c->partition->name, "state",
				       core_word(atomic_load(&s->state)), "init_start_ns",
				       time_json(c->init_start_ns), "init_end_ns",
				       time_json(c->init_end_ns), "event_ns",
				       time_json(atomic_load(&s->event_ns)), "entered_ns",
				       time_json(atomic_load(&s->entered_ns)), "ended_ns",
				       time_json(atomic_load(&s->ended_ns))));
	}
	return json_pack("{s:s, s:o}", "path", bsp_path(bsp), "cores", cores);
}

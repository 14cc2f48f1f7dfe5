/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which case runs when. Cases whose partitions have cores to themselves come first, and only beside
 * cases that want other cores; all others share the cores that no such case names, one core for
 * each vCPU, and memory. A case that alone is too big for that runs alone.
 */
#include "suite/job.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

/* What a partition's process takes beside its guest's memory. */
#define PROCESS_MEMORY (8 * MIB)

/* Descriptors of the loop that are not a job's. */
#define OWN_WATCHES 8

#define TICK_NS 1000000000

/* So many times as many processes as jobs, those included whose guests have ended. */
#define WINDING_DOWN_FACTOR 3

/* What a case takes of the host. */
struct demand {
	unsigned cores;      /* of those that it shares with others */
	cpu_set_t exclusive; /* those that it has to itself */
	cpu_set_t named;     /* those that it shares, but by number */
	uint64_t memory;
	unsigned watches;
	bool is_exclusive;
};

struct task {
	struct demand demand;
	struct job *job;     /* while it runs */
	bool over;           /* nothing more to do */
	bool able;           /* this host has what it needs */
	unsigned failures;   /* attempts that failed */
	char *first_failure; /* the text of the first */
};

struct runner {
	const struct suite_runner_options *o;
	struct loop *loop;
	struct loop_watch signals;
	struct loop_timer tick;
	struct task *tasks;
	unsigned running;
	unsigned busy;      /* of them, those whose guests have not ended */
	struct demand used; /* the sum of those that run */
	unsigned cores;     /* that this process may use */
	cpu_set_t allowed;
	cpu_set_t reserved; /* exclusive cores of cases that are not over */
	uint64_t memory;
	uint64_t start_ns;
	bool ending; /* nothing more is started */
	bool interrupted;
	const char *first_failed; /* fail_fast: who it was */
};

static const char *const verdict_names[] = {"not-run", "passed", "failed", "skipped"};

const char *suite_verdict_name(enum suite_verdict v)
{
	return verdict_names[v];
}

void suite_result_fini(struct suite_result *r)
{
	free(r->text);
	free(r->flaky);
	free(r->tail);
	free(r->messages);
	free(r->report);
	free(r->artifacts);
	*r = (struct suite_result){0};
}

/* ---- what cases take ---- */

static void demand_of(const struct suite_case *c, struct demand *ret)
{
	struct demand d = {.watches = 4};

	for (unsigned i = 0; i < c->plan->partition_count; i++) {
		const struct plan_partition *p = &c->plan->partitions[i];

		d.memory += p->memory + PROCESS_MEMORY;
		if (p->cpus.shared)
			d.cores += p->cpus.vcpus;
		for (unsigned k = 0; k < p->cpus.core_count && p->cpus.cores[k] < CPU_SETSIZE; k++)
			CPU_SET(p->cpus.cores[k], p->cpus.shared ? &d.named : &d.exclusive);
		for (unsigned s = 0; s < PLAN_PORTS_MAX; s++) {
			const struct plan_port *port = plan_port(p, s);

			d.watches += port && port->kind == PLAN_PORT_CONSOLE;
		}
	}
	d.memory = max_u64(d.memory, c->needs.memory);
	d.is_exclusive = CPU_COUNT(&d.exclusive);
	*ret = d;
}

static void demand_add(struct demand *sum, const struct demand *d)
{
	sum->cores += d->cores;
	sum->memory += d->memory;
	sum->watches += d->watches;
	CPU_OR(&sum->exclusive, &sum->exclusive, &d->exclusive);
}

/* What those that run take, and what those that are still to come reserve. */
static void sum_up(struct runner *r)
{
	r->used = (struct demand){0};
	r->busy = 0;
	CPU_ZERO(&r->reserved);
	for (unsigned i = 0; i < r->o->count; i++) {
		const struct task *t = &r->tasks[i];

		if (!t->job)
			continue;
		demand_add(&r->used, &t->demand);
		/* Tearing down its machine takes the kernel time, but no core of ours. */
		if (t->job->wound_down && !t->demand.is_exclusive)
			r->used.cores -= t->demand.cores;
		else
			r->busy++;
		CPU_OR(&r->used.named, &r->used.named, &t->demand.named);
		if (!t->over)
			CPU_OR(&r->reserved, &r->reserved, &t->demand.exclusive);
	}
}

/* The cores for those that share: all that nobody will want for itself, if there are any. */
static void shared_cores(const struct runner *r, cpu_set_t *ret)
{
	for (unsigned c = 0; c < CPU_SETSIZE; c++) {
		if (!CPU_ISSET(c, &r->allowed) || CPU_ISSET(c, &r->reserved))
			CPU_CLR(c, ret);
		else
			CPU_SET(c, ret);
	}
}

static bool overlap(const cpu_set_t *a, const cpu_set_t *b)
{
	cpu_set_t both;

	CPU_AND(&both, a, b);
	return CPU_COUNT(&both);
}

static bool full(const struct runner *r)
{
	unsigned jobs = r->o->jobs ? r->o->jobs : r->cores;

	return r->busy >= jobs || r->running >= jobs * WINDING_DOWN_FACTOR;
}

static bool fits(const struct runner *r, const struct demand *d)
{
	cpu_set_t shared;
	unsigned rounds;

	shared_cores(r, &shared);
	if (!r->running)
		return true;
	if (full(r) || r->used.watches + d->watches > LOOP_WATCHES_MAX - OWN_WATCHES ||
		r->used.memory + d->memory > r->memory)
		return false;
	if (overlap(&d->exclusive, &r->used.exclusive) || overlap(&d->exclusive, &r->used.named) ||
		overlap(&d->named, &r->used.exclusive))
		return false;
	/* Whoever would have to share the cores of others waits until these are over. */
	if (!CPU_COUNT(&shared))
		return d->is_exclusive && !d->cores && !r->used.cores;
	/* More jobs than cores were asked for: the cores are shared that often. */
	rounds = r->o->jobs > r->cores ? (r->o->jobs + r->cores - 1) / r->cores : 1;
	return !d->cores || r->used.cores + d->cores <= (unsigned)CPU_COUNT(&shared) * rounds;
}

/* ---- what cannot run here ---- */

static bool any_linux(const struct suite_host *host, const struct plan *plan)
{
	bool any = false;

	for (unsigned i = 0; host->is_linux && i < plan->partition_count; i++)
		any = any || host->is_linux(plan->partitions[i].image);
	return any;
}

const char *suite_kvm_lacks(const struct suite_host *host, const struct suite_case *c)
{
	bool none = c->needs.features_loc.file && !c->needs.feature_count;
	bool full = !none && any_linux(host, c->plan);

	if (host->no_kvm)
		return host->no_kvm;
	for (unsigned i = 0; i < c->needs.feature_count; i++)
		full = full || c->needs.features[i].feature == SUITE_FULL_KVM;
	return full ? host->no_full_kvm : NULL;
}

/* What else of its needs the host has not; the caller's, or NULL. */
static char *host_lacks(const struct runner *r, const struct suite_case *c, const struct demand *d)
{
	char *text = NULL;
	int n = 0;

	if (c->plan->arch != r->o->host.arch)
		n = asprintf(&text, "it is for %s, and this host runs %s guests",
			plan_arch_name(c->plan->arch), plan_arch_name(r->o->host.arch));
	else if (c->needs.cores > r->cores)
		n = asprintf(&text, "it needs %u cores, and %u may be used here", c->needs.cores,
			r->cores);
	else if (d->memory > r->memory)
		n = asprintf(&text, "it needs %llu MiB of memory, and %llu MiB are free",
			(unsigned long long)(d->memory / MIB),
			(unsigned long long)(r->memory / MIB));
	for (unsigned i = 0; !text && n >= 0 && i < c->needs.feature_count; i++) {
		enum suite_feature f = c->needs.features[i].feature;

		if (f != SUITE_FULL_KVM && !r->o->host.features[f])
			n = asprintf(&text, "it needs %s, which this host has not",
				suite_feature_name(f));
	}
	return n < 0 ? NULL : text;
}

static void conclude(
	struct runner *r, unsigned i, enum suite_verdict verdict, const char *cause, char *text)
{
	struct suite_result *result = &r->o->entries[i].result;

	result->verdict = verdict;
	snprintf(result->cause, sizeof(result->cause), "%s", cause);
	free(result->text);
	result->text = text;
	result->exit_code = -1;
	result->guest_code = -1;
	r->tasks[i].over = true;
}

/* True when the case cannot run here, and is over by that. */
static bool skip(struct runner *r, unsigned i)
{
	const struct suite_case *c = r->o->entries[i].test;
	const char *kvm;
	char *lacks;

	if (r->tasks[i].able)
		return false;
	kvm = suite_kvm_lacks(&r->o->host, c);
	lacks = host_lacks(r, c, &r->tasks[i].demand);
	if (lacks) {
		conclude(r, i, SUITE_SKIP, "needs", lacks);
	} else if (kvm) {
		conclude(r, i, r->o->require_kvm && !c->optional ? SUITE_FAIL : SUITE_SKIP, "host",
			strdup(kvm));
	} else {
		r->tasks[i].able = true;
		return false;
	}
	if (r->o->finished)
		r->o->finished(r->o->ctx, &r->o->entries[i]);
	return true;
}

/* ---- running ---- */

static void start_more(struct runner *r);

static void end_all(struct runner *r)
{
	r->ending = true;
	for (unsigned i = 0; i < r->o->count; i++) {
		if (r->tasks[i].job)
			job_abandon(r->tasks[i].job);
	}
}

static void attempt_over(struct runner *r, unsigned i)
{
	struct suite_entry *e = &r->o->entries[i];
	struct suite_result *result = &e->result;
	struct task *t = &r->tasks[i];

	if (result->verdict == SUITE_FAIL && !r->ending && t->failures < r->o->retry) {
		unsigned attempts = result->attempts;

		if (!t->failures++) {
			t->first_failure = result->text;
			result->text = NULL;
		}
		suite_result_fini(result);
		result->attempts = attempts;
		return; /* its turn comes again */
	}
	t->over = true;
	if (result->verdict == SUITE_PASS && t->failures) {
		result->flaky = t->first_failure;
		t->first_failure = NULL;
	}
	if (result->verdict == SUITE_FAIL && r->o->fail_fast && !r->ending) {
		r->first_failed = e->test->name;
		end_all(r);
	}
	if (r->o->finished && result->verdict != SUITE_NOT_RUN)
		r->o->finished(r->o->ctx, e);
}

static void job_done(struct job *job)
{
	struct runner *r = job->ctx;
	unsigned i = (unsigned)(job->entry - r->o->entries);

	r->tasks[i].job = NULL;
	r->running--;
	job_destroy(job);
	attempt_over(r, i);
	start_more(r);
}

static void job_ending(struct job *job)
{
	start_more(job->ctx);
}

static void start_one(struct runner *r, unsigned i)
{
	struct suite_entry *e = &r->o->entries[i];
	struct task *t = &r->tasks[i];
	struct job *job = calloc(1, sizeof(*job));
	cpu_set_t cores;
	int ret = -ENOMEM;

	if (!e->result.attempts)
		e->result.start_ns = monotonic_ns() - r->start_ns;
	e->result.attempts++;
	shared_cores(r, &cores);
	if (job) {
		bool anywhere =
			t->demand.is_exclusive || CPU_COUNT(&t->demand.named) || !CPU_COUNT(&cores);

		job->loop = r->loop;
		job->options = r->o;
		job->entry = e;
		job->test = e->test;
		job->ending = job_ending;
		job->done = job_done;
		job->ctx = r;
		ret = job_start(job, anywhere ? NULL : &cores);
	}
	if (!ret) {
		t->job = job;
		r->running++;
		if (r->o->started)
			r->o->started(r->o->ctx, e);
		return;
	}
	job_destroy(job);
	conclude(r, i, SUITE_FAIL, "crash", strdup(strerror(-ret)));
	if (r->o->finished)
		r->o->finished(r->o->ctx, e);
}

/* Those with cores of their own first. */
static void start_kind(struct runner *r, bool exclusive)
{
	sum_up(r);
	for (unsigned i = 0; !r->ending && i < r->o->count; i++) {
		struct task *t = &r->tasks[i];

		if (t->over || t->job || t->demand.is_exclusive != exclusive || skip(r, i))
			continue;
		if (fits(r, &t->demand)) {
			start_one(r, i);
			sum_up(r);
		}
		/* Nothing else will fit either, as a rule. */
		if (full(r))
			return;
	}
}

static void start_more(struct runner *r)
{
	start_kind(r, true);
	start_kind(r, false);
	if (!r->running)
		loop_stop(r->loop);
}

static void signal_ready(struct loop_watch *w, uint32_t revents)
{
	struct runner *r = container_of(w, struct runner, signals);
	struct signalfd_siginfo info;

	(void)revents;
	if (read(w->fd, &info, sizeof(info)) != sizeof(info))
		return;
	r->interrupted = true;
	end_all(r);
	if (!r->running)
		loop_stop(r->loop);
}

static void tick(struct loop_timer *t)
{
	struct runner *r = container_of(t, struct runner, tick);

	if (r->o->tick)
		r->o->tick(r->o->ctx);
	loop_timer_start(t, TICK_NS);
}

/* ---- set-up ---- */

static uint64_t free_memory(void)
{
	unsigned long long kib = 0;
	FILE *f = fopen("/proc/meminfo", "re");
	char line[128];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
			break;
	}
	if (f)
		fclose(f);
	return kib * KIB / 10 * 9;
}

static int init(struct runner *r, sigset_t *ret_before)
{
	sigset_t set;
	int ret = loop_create_epoll(&r->loop);

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, ret_before);
	r->signals = LOOP_WATCH_INIT;
	r->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	r->signals.events = POLLIN;
	r->signals.ready = signal_ready;
	r->tasks = calloc(r->o->count + 1, sizeof(*r->tasks));
	if (!ret && (r->signals.fd < 0 || !r->tasks))
		ret = -ENOMEM;
	if (!ret)
		ret = loop_watch(r->loop, &r->signals);
	if (!ret)
		ret = loop_timer_init(r->loop, &r->tick, tick);
	if (!ret && sched_getaffinity(0, sizeof(r->allowed), &r->allowed))
		ret = -errno;
	r->cores = (unsigned)CPU_COUNT(&r->allowed);
	r->memory = free_memory();
	r->start_ns = monotonic_ns();
	for (unsigned i = 0; !ret && i < r->o->count; i++)
		demand_of(r->o->entries[i].test, &r->tasks[i].demand);
	return ret;
}

static void fini(struct runner *r, const sigset_t *before)
{
	for (unsigned i = 0; r->tasks && i < r->o->count; i++) {
		job_destroy(r->tasks[i].job);
		free(r->tasks[i].first_failure);
	}
	free(r->tasks);
	loop_timer_fini(&r->tick);
	fd_close(&r->signals.fd);
	loop_destroy(r->loop);
	sigprocmask(SIG_SETMASK, before, NULL);
}

/* Those that never had their turn, and those that were ended for no fault of theirs. */
static void name_reasons(struct runner *r)
{
	for (unsigned i = 0; i < r->o->count; i++) {
		struct suite_result *result = &r->o->entries[i].result;
		char *text = NULL;

		if (result->verdict != SUITE_NOT_RUN)
			continue;
		if (asprintf(&text, r->interrupted ? "interrupted%s" : "not run: %s has failed",
			    r->interrupted ? "" : r->first_failed) < 0)
			text = NULL;
		conclude(r, i, SUITE_NOT_RUN, "", text);
	}
}

int suite_run(const struct suite_runner_options *options, bool *ret_interrupted)
{
	struct runner r = {.o = options};
	sigset_t before;
	int ret;

	if (options->artifacts && mkdir(options->artifacts, 0777) && errno != EEXIST)
		return -errno;
	ret = init(&r, &before);
	if (!ret) {
		loop_timer_start(&r.tick, TICK_NS);
		start_more(&r);
		/* A loop that is told to stop before it runs would not know. */
		if (r.running)
			ret = loop_run(r.loop);
		name_reasons(&r);
	}
	fini(&r, &before);
	*ret_interrupted = r.interrupted;
	return ret;
}

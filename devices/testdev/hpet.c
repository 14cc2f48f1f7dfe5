/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * High Precision Event Timer [IA-PC HPET 1.0a, October 2004] as QEMU's PC has one: three timers,
 * all of them periodic if asked to and 64 bits wide, a counter of 100 MHz, and the legacy
 * replacement route, which takes line 0 from the interval timer. Left out: interrupts by the front
 * side bus.
 *
 * As QEMU's, a comparator that is written with a time that has passed already interrupts at once: a
 * guest that was held between reading the counter and writing the comparator misses nothing. A
 * periodic timer whose periods have passed unseen interrupts once for all of them.
 */
#include "devices/testdev/hpet.h"

#include "devices/common.h"
#include "lib/util.h"
#include "vmm/layout_x86.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define TIMERS  3
#define TICK_NS 10
#define TICK_FS ((uint64_t)TICK_NS * 1000000)

/* Registers [2.3.1]; those of timer N are at REG_TIMERS + N * TIMER_SIZE. */
enum {
	REG_CAPABILITIES = 0x000,
	REG_CONFIGURATION = 0x010,
	REG_STATUS = 0x020,
	REG_COUNTER = 0x0F0,
	REG_TIMERS = 0x100,
	TIMER_CONFIGURATION = 0x00,
	TIMER_COMPARATOR = 0x08,
	TIMER_SIZE = 0x20,
};

/* GCAP_ID [2.3.4]: revision 1, Intel's vendor id, 64 bits, legacy replacement. */
#define CAPABILITIES                                                                               \
	(TICK_FS << 32 | (uint64_t)0x8086 << 16 | 1u << 15 | 1u << 13 | (TIMERS - 1) << 8 | 1)

#define CONF_ENABLE 0x1
#define CONF_LEGACY 0x2

/* Tn_CONF_CAP [2.3.8]. */
#define T_LEVEL        (1u << 1)
#define T_INT_ENABLE   (1u << 2)
#define T_PERIODIC     (1u << 3)
#define T_PERIODIC_CAP (1u << 4)
#define T_SIZE_CAP     (1u << 5)
#define T_VALUE_SET    (1u << 6)
#define T_32BIT        (1u << 8)
#define T_ROUTE_SHIFT  9
#define T_ROUTE        (0x1Fu << T_ROUTE_SHIFT)
#define T_WRITABLE     (T_LEVEL | T_INT_ENABLE | T_PERIODIC | T_VALUE_SET | T_32BIT)

/* IOAPIC pins that a timer may be routed to: those of the legacy lines, and its own. */
#define ROUTES (1u << X86_IRQ_TIMER_GSI | 1u << X86_IRQ_RTC | 7u << X86_IRQ_HPET)

#define NO_LINE UINT32_MAX

/* A periodic timer expires no more often than this: a guest does not keep the I/O thread busy. */
#define PERIOD_MIN_NS 100000

/* Timers that are due later are looked at again then: it keeps sums within 64 bits. */
#define AHEAD_MAX ((uint64_t)1 << 38)

struct hpet_timer {
	uint64_t config, comparator, period;
	bool armed;
	uint64_t due; /* while armed: the counter's value */
};

struct hpet {
	struct device dev;
	struct hpet_config cfg;
	struct loop_watch watch; /* of a timerfd */
	pthread_mutex_t lock;    /* guards what follows, and the setting of the timerfd */
	uint64_t conf, status;
	uint64_t count;    /* the counter while it stands; what it started with while it runs */
	uint64_t count_ns; /* when it started */
	uint32_t asserted; /* lines, a bit each */
	struct hpet_timer timers[TIMERS];
};

static struct hpet *to_hpet(struct device *dev)
{
	return container_of(dev, struct hpet, dev);
}

static uint64_t now_ns(const struct hpet *h)
{
	return h->cfg.now ? h->cfg.now(h->cfg.ctx) : monotonic_ns();
}

static bool enabled(const struct hpet *h)
{
	return h->conf & CONF_ENABLE;
}

static uint64_t counter(const struct hpet *h)
{
	return enabled(h) ? h->count + (now_ns(h) - h->count_ns) / TICK_NS : h->count;
}

static bool is_periodic(const struct hpet_timer *t)
{
	return t->config & T_PERIODIC && t->period;
}

static uint64_t mask_of(const struct hpet_timer *t)
{
	return t->config & T_32BIT ? UINT32_MAX : UINT64_MAX;
}

/* ---- interrupts ---- */

/* The machine's line of timer N, as IOAPIC pins are numbered but for the interval timer's. */
static uint32_t line_of(const struct hpet *h, unsigned n)
{
	uint32_t route = (uint32_t)(h->timers[n].config & T_ROUTE) >> T_ROUTE_SHIFT;

	if (h->conf & CONF_LEGACY && n < 2)
		return n == 0 ? X86_IRQ_TIMER : X86_IRQ_RTC;
	if (route == X86_IRQ_TIMER_GSI)
		return X86_IRQ_TIMER;
	return ROUTES >> route & 1 ? route : NO_LINE;
}

static void irq_set(const struct hpet *h, uint32_t line, bool asserted)
{
	const struct machine_services *services = &h->dev.machine->services;

	services->irq_set(services->ctx, line, asserted);
}

/* Lines are as the status of level-triggered timers has them. */
static void update_lines(struct hpet *h)
{
	uint32_t want = 0, changed;

	for (unsigned n = 0; n < TIMERS; n++) {
		const struct hpet_timer *t = &h->timers[n];

		if (t->config & T_LEVEL && t->config & T_INT_ENABLE && h->status >> n & 1 &&
			enabled(h) && line_of(h, n) != NO_LINE)
			want |= 1u << line_of(h, n);
	}
	changed = want ^ h->asserted;
	h->asserted = want;
	for (uint32_t line = 0; changed >> line; line++) {
		if (changed >> line & 1)
			irq_set(h, line, want >> line & 1);
	}
}

static void interrupt(struct hpet *h, unsigned n)
{
	const struct hpet_timer *t = &h->timers[n];
	uint32_t line = line_of(h, n);

	if (t->config & T_LEVEL) {
		h->status |= 1u << n;
		update_lines(h);
	} else if (t->config & T_INT_ENABLE && line != NO_LINE && !(h->asserted >> line & 1)) {
		irq_set(h, line, true);
		irq_set(h, line, false);
	}
}

/* ---- time ---- */

/*
 * Decides when T expires next, from its comparator and the counter. AT_ONCE: now, if that is over;
 * else the counter comes there again when it has wrapped, or a period later.
 */
static void arm(const struct hpet *h, struct hpet_timer *t, bool at_once)
{
	uint64_t count = counter(h), ahead = (t->comparator - count) & mask_of(t);
	bool over = t->config & T_32BIT ? ahead > INT32_MAX : t->comparator < count;

	t->armed = enabled(h) && t->config & (T_INT_ENABLE | T_LEVEL);
	if (over && at_once)
		ahead = 0;
	else if (over && is_periodic(t))
		ahead = t->period - ((count - t->comparator) & mask_of(t)) % t->period;
	t->due = count + ahead;
	if (t->due < count) /* further than the counter ever gets */
		t->armed = false;
}

/* T, which was due, has expired: the next time. COUNT is not before it. */
static void arm_next(struct hpet_timer *t, uint64_t count)
{
	uint64_t step = is_periodic(t) ? t->period : t->config & T_32BIT ? (uint64_t)1 << 32 : 0;
	uint64_t steps = step ? (count - t->due) / step + 1 : 0;

	if (is_periodic(t))
		t->comparator = (t->comparator + steps * step) & mask_of(t);
	t->armed = step && !__builtin_add_overflow(t->due, steps * step, &t->due);
}

/* Has the host's timer expire when the first of the timers is due. */
static void set_host_timer(const struct hpet *h)
{
	uint64_t count = counter(h), now = now_ns(h), at = UINT64_MAX;
	struct itimerspec when = {0};

	if (h->watch.fd < 0)
		return;
	for (unsigned n = 0; n < TIMERS; n++) {
		const struct hpet_timer *t = &h->timers[n];
		uint64_t ns;

		if (!t->armed)
			continue;
		ns = t->due > count ? min_u64(t->due - count, AHEAD_MAX) * TICK_NS : 0;
		if (is_periodic(t) && t->period < PERIOD_MIN_NS / TICK_NS)
			ns = max_u64(ns, PERIOD_MIN_NS);
		at = min_u64(at, now + ns);
	}
	if (at != UINT64_MAX) {
		when.it_value.tv_sec = (time_t)(at / 1000000000);
		when.it_value.tv_nsec = (long)(at % 1000000000);
	}
	/* Cannot fail: the descriptor is a timer, and a time that is over is legal. */
	timerfd_settime(h->watch.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void expire(struct hpet *h)
{
	uint64_t count = counter(h);

	for (unsigned n = 0; n < TIMERS; n++) {
		struct hpet_timer *t = &h->timers[n];

		if (!t->armed || t->due > count)
			continue;
		arm_next(t, count);
		interrupt(h, n);
	}
	set_host_timer(h);
}

static void host_timer_ready(struct loop_watch *w, uint32_t revents)
{
	struct hpet *h = container_of(w, struct hpet, watch);
	uint64_t count;

	(void)revents;
	/* Nothing to read: a guest has changed a timer meanwhile. */
	if (read(w->fd, &count, sizeof(count)) != sizeof(count))
		return;
	pthread_mutex_lock(&h->lock);
	expire(h);
	pthread_mutex_unlock(&h->lock);
}

/* ---- registers ---- */

static void arm_all(struct hpet *h)
{
	for (unsigned n = 0; n < TIMERS; n++)
		arm(h, &h->timers[n], false);
}

static void configuration_write(struct hpet *h, uint64_t value)
{
	const struct machine_services *services = &h->dev.machine->services;
	uint64_t changed;

	value &= CONF_ENABLE | CONF_LEGACY;
	changed = value ^ h->conf;
	if (changed & CONF_ENABLE) {
		h->count = counter(h);
		h->count_ns = now_ns(h);
	}
	h->conf = value;
	if (changed & CONF_LEGACY && services->pit_set)
		services->pit_set(services->ctx, !(value & CONF_LEGACY));
	if (changed & CONF_ENABLE)
		arm_all(h);
	update_lines(h);
}

static void timer_config_write(struct hpet *h, struct hpet_timer *t, uint64_t value)
{
	uint64_t old = t->config;

	t->config = (old & ~(uint64_t)T_WRITABLE) | (value & T_WRITABLE);
	/* A route that there is not leaves the one before, for software to find out. */
	if (ROUTES >> ((value & T_ROUTE) >> T_ROUTE_SHIFT) & 1)
		t->config = (t->config & ~(uint64_t)T_ROUTE) | (value & T_ROUTE);
	t->comparator &= mask_of(t);
	t->period &= mask_of(t);
	if ((old ^ t->config) & (T_LEVEL | T_INT_ENABLE | T_PERIODIC | T_32BIT))
		arm(h, t, false);
	update_lines(h);
}

/*
 * What is written to a periodic timer's comparator is its period; after VALUE_SET, which holds for
 * one write, it is also when it expires first [2.3.9.2.2].
 */
static void comparator_write(struct hpet *h, struct hpet_timer *t, uint64_t value)
{
	value &= mask_of(t);
	if (!(t->config & T_PERIODIC) || t->config & T_VALUE_SET)
		t->comparator = value;
	if (t->config & T_PERIODIC)
		t->period = value;
	if (!(t->config & T_PERIODIC) || t->config & T_VALUE_SET || !t->armed)
		arm(h, t, true);
	t->config &= ~(uint64_t)T_VALUE_SET;
}

static uint64_t *timer_register(struct hpet *h, uint64_t reg, struct hpet_timer **ret_timer)
{
	uint64_t n = (reg - REG_TIMERS) / TIMER_SIZE;
	struct hpet_timer *t;

	if (reg < REG_TIMERS || n >= TIMERS)
		return NULL;
	t = *ret_timer = &h->timers[n];
	switch (reg % TIMER_SIZE) {
	case TIMER_CONFIGURATION:
		return &t->config;
	case TIMER_COMPARATOR:
		return &t->comparator;
	}
	return NULL;
}

/* A whole register, REG being a multiple of 8; what is none reads as 0. */
static uint64_t reg_read(struct hpet *h, uint64_t reg)
{
	struct hpet_timer *t;
	const uint64_t *value;

	switch (reg) {
	case REG_CAPABILITIES:
		return CAPABILITIES;
	case REG_CONFIGURATION:
		return h->conf;
	case REG_STATUS:
		return h->status;
	case REG_COUNTER:
		return counter(h);
	}
	value = timer_register(h, reg, &t);
	return value ? *value : 0;
}

/* VALUE is all of the register, of which the bits in MASK are written and the others as read. */
static void reg_write(struct hpet *h, uint64_t reg, uint64_t value, uint64_t mask)
{
	struct hpet_timer *t;
	const uint64_t *timer;

	switch (reg) {
	case REG_CONFIGURATION:
		configuration_write(h, value);
		break;
	case REG_STATUS: /* what is written as 1 goes */
		h->status &= ~(value & mask);
		update_lines(h);
		break;
	case REG_COUNTER:
		h->count = value;
		h->count_ns = now_ns(h);
		arm_all(h);
		break;
	default:
		timer = timer_register(h, reg, &t);
		if (!timer)
			break;
		if (timer == &t->config)
			timer_config_write(h, t, value);
		else
			comparator_write(h, t, value);
	}
	set_host_timer(h);
}

/* Registers are 64 bits wide, and are used as that or as two of 32 [2.3.2]. */
static bool is_access(uint64_t offset, unsigned size)
{
	return (size == 4 || size == 8) && offset % size == 0;
}

static uint64_t hpet_read(struct device *dev, unsigned index, uint64_t offset, unsigned size)
{
	struct hpet *h = to_hpet(dev);
	uint64_t value;

	(void)index;
	if (!is_access(offset, size))
		return 0;
	pthread_mutex_lock(&h->lock);
	value = reg_read(h, align_down(offset, 8)) >> (8 * (offset % 8));
	pthread_mutex_unlock(&h->lock);
	return value;
}

static void hpet_write(
	struct device *dev, unsigned index, uint64_t offset, unsigned size, uint64_t value)
{
	struct hpet *h = to_hpet(dev);
	uint64_t reg = align_down(offset, 8);
	unsigned shift = 8 * (offset % 8);
	uint64_t mask = (size == 8 ? UINT64_MAX : UINT32_MAX) << shift;

	(void)index;
	if (!is_access(offset, size))
		return;
	pthread_mutex_lock(&h->lock);
	value = (reg_read(h, reg) & ~mask) | (value << shift & mask);
	reg_write(h, reg, value, mask);
	pthread_mutex_unlock(&h->lock);
}

static void hpet_destroy(struct device *dev)
{
	struct hpet *h = to_hpet(dev);

	if (h->cfg.loop)
		loop_unwatch(h->cfg.loop, &h->watch);
	fd_close(&h->watch.fd);
	pthread_mutex_destroy(&h->lock);
	device_free(dev);
}

static const struct device_class hpet_class = {
	.name = "hpet",
	.acpi_hid = "PNP0103",
	.read = hpet_read,
	.write = hpet_write,
	.destroy = hpet_destroy,
};

void hpet_expired(const struct machine *m)
{
	struct device *dev = device_find(m, &hpet_class);

	if (!dev)
		return;
	pthread_mutex_lock(&to_hpet(dev)->lock);
	expire(to_hpet(dev));
	pthread_mutex_unlock(&to_hpet(dev)->lock);
}

static int start_watch(struct hpet *h)
{
	if (!h->cfg.loop)
		return 0;
	h->watch.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return h->watch.fd < 0 ? -errno : loop_watch(h->cfg.loop, &h->watch);
}

int hpet_create(struct machine *m, const struct hpet_config *cfg)
{
	struct device *dev;
	struct hpet *h;
	int ret = device_create(m, &hpet_class, "HPET", sizeof(*h), &dev);

	if (ret)
		return ret;
	h = to_hpet(dev);
	h->cfg = *cfg;
	h->watch = LOOP_WATCH_INIT;
	h->watch.events = POLLIN;
	h->watch.ready = host_timer_ready;
	pthread_mutex_init(&h->lock, NULL);
	for (unsigned n = 0; n < TIMERS; n++)
		h->timers[n] = (struct hpet_timer){
			.config = (uint64_t)ROUTES << 32 | T_SIZE_CAP | T_PERIODIC_CAP,
			.comparator = UINT64_MAX};
	ret = machine_add_window(m, WINDOW_MMIO, X86_HPET_BASE, X86_HPET_SIZE, dev, 0);
	/* Its own lines, as its driver in Linux wants them described: one for each timer, by level.
	 */
	for (unsigned i = 0; !ret && i < TIMERS; i++)
		ret = machine_add_irq(m, dev, X86_IRQ_HPET + i, true);
	return ret ? ret : start_watch(h);
}

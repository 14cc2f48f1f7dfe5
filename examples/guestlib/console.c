/* SPDX-License-Identifier: BSD-3-Clause */
/* kprintf: formats into a line buffer on the stack, which goes out under one lock. */
#include "arch.h"

#define LINE_MAX 512

struct line {
	char text[LINE_MAX];
	size_t used;
};

struct spec {
	bool left;
	char pad;
	unsigned width;
	unsigned longs;
};

static struct spinlock console_lock;

void console_write(const char *text, size_t size)
{
	spin_lock(&console_lock);
	arch_console_write(text, size);
	spin_unlock(&console_lock);
}

static void put(struct line *l, char c)
{
	if (l->used < LINE_MAX)
		l->text[l->used++] = c;
}

static void put_padded(struct line *l, const char *text, size_t n, const struct spec *s)
{
	size_t fill = s->width > n ? s->width - n : 0;

	if (!s->left)
		for (; fill; fill--)
			put(l, s->pad);
	for (size_t i = 0; i < n; i++)
		put(l, text[i]);
	for (; fill; fill--)
		put(l, ' ');
}

static void put_number(struct line *l, uint64_t v, unsigned base, bool negative, struct spec *s)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	if (negative && s->pad == '0') {
		put(l, '-');
		s->width -= s->width > 0;
	} else if (negative) {
		digits[--at] = '-';
	}
	put_padded(l, digits + at, sizeof(digits) - at, s);
}

static uint64_t take_unsigned(va_list *ap, unsigned longs)
{
	return longs ? va_arg(*ap, unsigned long long) : va_arg(*ap, unsigned int);
}

static int64_t take_signed(va_list *ap, unsigned longs)
{
	return longs ? va_arg(*ap, long long) : va_arg(*ap, int);
}

static void put_argument(struct line *l, char conversion, struct spec *s, va_list *ap)
{
	const char *text;
	int64_t n;
	char c;

	switch (conversion) {
	case 'd':
	case 'i':
		n = take_signed(ap, s->longs);
		put_number(l, n < 0 ? -(uint64_t)n : (uint64_t)n, 10, n < 0, s);
		break;
	case 'u':
		put_number(l, take_unsigned(ap, s->longs), 10, false, s);
		break;
	case 'x':
		put_number(l, take_unsigned(ap, s->longs), 16, false, s);
		break;
	case 'p':
		put_number(l, (uintptr_t)va_arg(*ap, void *), 16, false, s);
		break;
	case 's':
		text = va_arg(*ap, const char *);
		put_padded(l, text, strlen(text), s);
		break;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_padded(l, &c, 1, s);
		break;
	default:
		put(l, conversion);
	}
}

void kvprintf(const char *fmt, va_list args)
{
	struct line l;
	va_list ap;

	l.used = 0;
	va_copy(ap, args);
	for (; *fmt; fmt++) {
		struct spec s = {.pad = ' '};

		if (*fmt != '%') {
			put(&l, *fmt);
			continue;
		}
		fmt++;
		for (; *fmt == '-' || *fmt == '0'; fmt++) {
			if (*fmt == '-')
				s.left = true;
			else
				s.pad = '0';
		}
		for (; *fmt >= '0' && *fmt <= '9'; fmt++)
			s.width = s.width * 10 + (unsigned)(*fmt - '0');
		for (; *fmt == 'l' || *fmt == 'z'; fmt++)
			s.longs++;
		if (!*fmt)
			break;
		put_argument(&l, *fmt, &s, &ap);
	}
	va_end(ap);
	console_write(l.text, l.used);
}

void kprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	kvprintf(fmt, ap);
	va_end(ap);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	kprintf("panic on cpu %u: ", cpu_id());
	va_start(ap, fmt);
	kvprintf(fmt, ap);
	va_end(ap);
	kprintf("\n");
	guest_exit(EXIT_PANIC);
}

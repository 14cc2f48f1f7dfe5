/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loading a BSP: the shared object that the supervisor has opened, checked against this program's
 * interface before anything of it is called.
 */
#include "bsp/host.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <string.h>

#define REBUILD                                                                                    \
	"rebuild it with the bsp.h of this Bulkhead, with .abi = BULKHEAD_BSP_ABI and .size = "    \
	"sizeof(bulkhead_bsp)"

/* ACRN's functions take nothing; one that does not end by itself has not succeeded. */
static void (*acrn_init)(void);
static void (*acrn_fatal_error)(void);

static int call_acrn_init(const struct bsp_context *ctx)
{
	(void)ctx;
	acrn_init();
	return 0;
}

static void call_acrn_fatal_error(const struct bsp_context *ctx)
{
	(void)ctx;
	acrn_fatal_error();
}

static int PRINTF_LIKE(2, 3) refuse(char *ret_text, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ret_text, BSP_TEXT_MAX, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* The bytes that the symbol at ADDRESS has; 0 when that is not known. */
static size_t symbol_size(const void *address)
{
	const ElfW(Sym) *symbol = NULL;
	Dl_info info;

	if (!dladdr1(address, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol)
		return 0;
	return symbol->st_size;
}

static int check(const struct bulkhead_bsp *bsp, char *ret_text)
{
	const char *missing;

	if (symbol_size(bsp) < offsetof(struct bulkhead_bsp, name))
		return refuse(
			ret_text, "its symbol bulkhead_bsp is no struct bulkhead_bsp; " REBUILD);
	if (bsp->abi != BULKHEAD_BSP_ABI)
		return refuse(ret_text, "it was built for BSP interface %u, this is %u; " REBUILD,
			bsp->abi, BULKHEAD_BSP_ABI);
	if (bsp->size != sizeof(*bsp) || symbol_size(bsp) < sizeof(*bsp))
		return refuse(ret_text,
			"its bulkhead_bsp says %u bytes and has %zu, but interface %u has %zu; " REBUILD,
			bsp->size, symbol_size(bsp), BULKHEAD_BSP_ABI, sizeof(*bsp));
	missing = !bsp->init ? "init" : !bsp->fatal_error ? "fatal_error" : NULL;
	if (missing)
		return refuse(ret_text,
			"it has no %s, which is mandatory; set .%s in its bulkhead_bsp", missing,
			missing);
	return 0;
}

/* Without the name under which it was opened here. */
static const char *load_error(void)
{
	const char *text = dlerror() ?: "unknown error";
	const char *own = strncmp(text, "/proc/", 6) == 0 ? strstr(text, ": ") : NULL;

	return own ? own + 2 : text;
}

/*
 * RTLD_DEEPBIND: what a BSP defines itself is its own, even if this program exports the same name
 * for ACRN's. The address sanitizer does not go with it.
 */
#ifdef __SANITIZE_ADDRESS__
#define LOAD_FLAGS (RTLD_NOW | RTLD_LOCAL)
#else
#define LOAD_FLAGS (RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND)
#endif

static int load_object(struct host *host, char *ret_text)
{
	const struct bulkhead_bsp *bsp;
	const char *error;
	char path[32];
	int ret;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", host->launch.object_fd);
	host->object = dlopen(path, LOAD_FLAGS);
	if (!host->object) {
		error = load_error();
		if (strstr(error, "undefined symbol"))
			return refuse(ret_text,
				"%s; link what defines it into the shared object (for ACRN's BSPs, "
				"bsp_acrn.h lists what there is)",
				error);
		return refuse(ret_text,
			"it cannot be loaded: %s; build a shared object for this host (cc -shared "
			"-fPIC)",
			error);
	}
	bsp = dlsym(host->object, "bulkhead_bsp");
	if (bsp) {
		ret = check(bsp, ret_text);
		if (!ret)
			host->bsp = *bsp;
		return ret;
	}
	acrn_init = (void (*)(void))(uintptr_t)dlsym(host->object, "bsp_init");
	acrn_fatal_error = (void (*)(void))(uintptr_t)dlsym(host->object, "bsp_fatal_error");
	if (!acrn_init || !acrn_fatal_error)
		return refuse(ret_text,
			"it exports no bulkhead_bsp%s%s; see docs/porting-a-bsp.md for what a BSP "
			"exports",
			acrn_init || acrn_fatal_error ? ", and of ACRN's functions not "
						      : ", nor ACRN's bsp_init and bsp_fatal_error",
			acrn_init          ? "bsp_fatal_error"
			: acrn_fatal_error ? "bsp_init"
					   : "");
	host->bsp =
		(struct bulkhead_bsp){.init = call_acrn_init, .fatal_error = call_acrn_fatal_error};
	return 0;
}

int host_load(struct host *host, char ret_text[BSP_TEXT_MAX])
{
	if (host->launch.object_fd < 0) {
		host->bsp = builtin_bsp;
		return 0;
	}
	return load_object(host, ret_text);
}

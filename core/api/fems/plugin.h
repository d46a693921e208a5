/* SPDX-License-Identifier: Apache-2.0
 *
 * fems/plugin.h - everything a plugin may use; femsd exports nothing else.
 *
 * A plugin is one shared object with one exported data symbol, fems_plugin_1, and one ELF note that
 * femsd reads before it loads anything. Only flat data crosses this border, so the same file runs
 * inside femsd or, by "isolate: true", in a child process of its own (fems-host).
 *
 * Threads. An instance is only ever called from its own thread, one call at a time. A call may block
 * for as long as the budget_us it is given (microseconds of real time). Every function of struct
 * fems_host may be called from any thread, also from threads that the plugin makes itself, between
 * the start of open() and the return of close(); point() and subscribe() only inside open() and
 * reload().
 *
 * Life. check() judges settings without any I/O. open() makes the instance and its points. start()
 * connects; it must not wait for peers that are away. stop() ends threads and I/O within one second
 * and is followed by close(). reload() takes new settings or fails and leaves the old ones in force;
 * NULL means that femsd may stop, close and open again.
 *
 * Errors. A function that fails returns another code than FEMS_OK and fills struct fems_error: what
 * failed, why, and what to do. femsd adds file:line:col of the setting named in "key".
 *
 * Memory. Pointers passed in either direction are borrowed until the call returns, with two
 * exceptions: strings and lists inside cfg stay valid until close() or the next successful reload().
 *
 * Versions. Same major, and the plugin's minor not above femsd's. A minor only appends members; read
 * one that was added after 1.0 through FEMS_HAS.
 */
#ifndef FEMS_PLUGIN_H
#define FEMS_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FEMS_ABI_MAJOR 1 /* a layout or a meaning changed: rebuild the plugin */
#define FEMS_ABI_MINOR 0 /* something was appended: older plugins still load  */

enum fems_rc {
	FEMS_OK,
	FEMS_AGAIN,  /* not now: try later; also "the instance is stopping" */
	FEMS_EINVAL, /* the caller's data is wrong                          */
	FEMS_EIO,    /* the other side or the disk failed                   */
	FEMS_ETIME,  /* no answer within the budget                         */
	FEMS_EAUTH,  /* refused: rights, credentials, control switched off  */
	FEMS_ENOMEM,
	FEMS_EUNSUP,   /* not offered by this plugin or this femsd            */
	FEMS_ENOENT,   /* no such thing                                       */
	FEMS_ECONFLICT /* stale, double, or against a rule                    */
};

enum fems_kind {
	FEMS_METER = 1,
	FEMS_ANALYSIS = 2,
	FEMS_CONNECTOR = 4,
	FEMS_OPTIMISER = 8,
	FEMS_SERVICE = 16 /* answers calls; a web server is one that makes calls of its own */
};

enum fems_grade { FEMS_EXPERIMENTAL, FEMS_BETA, FEMS_STABLE };
enum fems_level { FEMS_LOG_ERROR = 3, FEMS_LOG_WARN = 4, FEMS_LOG_INFO = 6, FEMS_LOG_DEBUG = 7 };

struct fems_error {
	char text[400];  /* UTF-8, one sentence or two: what, why, what to do */
	const char *key; /* the offending setting (a name from the table) or NULL */
};

struct fems_span { /* borrowed bytes; JSON bodies are UTF-8 without a final NUL */
	const char *ptr;
	size_t len;
};

/* ---- samples ---------------------------------------------------------------------------------- */

/* Quality: one class in the low byte, flags above. A class above FEMS_Q_UNCERTAIN carries no usable
 * value: its sample tells only that there is none, and when that was found. */
enum fems_quality {
	FEMS_Q_GOOD = 0,
	FEMS_Q_INTERPOLATED = 1,
	FEMS_Q_ESTIMATED = 2,
	FEMS_Q_MANUAL = 3,
	FEMS_Q_SUBSTITUTED = 4,
	FEMS_Q_UNCERTAIN = 15,
	FEMS_Q_SUSPECT = 16, /* implausible: withheld from sums until released */
	FEMS_Q_OUT_OF_RANGE = 17,
	FEMS_Q_NOT_AVAILABLE = 18, /* the device says that it has no value */
	FEMS_Q_DEVICE_ERROR = 19,  /* the device answered with an exception */
	FEMS_Q_COMM_ERROR = 20,    /* no answer */
	FEMS_Q_CLASS = 0xff,
	FEMS_Q_RESET = 0x100,     /* counter went backwards here: a new epoch starts */
	FEMS_Q_UNVERIFIED = 0x200 /* the register's meaning was not confirmed by the maker's manual */
};

struct fems_sample {       /* 32 bytes */
	int64_t t_us;      /* UTC; middle between request and reply, never the time of dispatch */
	double value;      /* in the unit of the point's quantity; counters in whole Wh up to 2^53 */
	uint32_t point;    /* from host->point() or host->find() */
	uint32_t t_unc_us; /* half the round trip */
	uint32_t quality;
	uint32_t epoch; /* counters: raised at a meter exchange or a reset */
};

enum fems_point_flag { FEMS_POINT_WRITABLE = 1, FEMS_POINT_UNVERIFIED = 2 };

struct fems_point_info {
	uint32_t size;
	uint32_t flags;
	const char *device;   /* name of the meter as in the settings */
	const char *quantity; /* from the fixed vocabulary, such as "energy.active.import" */
	double resolution;    /* smallest step of the register in the unit of the quantity; 0: unknown */
	double write_min, write_max; /* when writable */
};

enum fems_device_state { FEMS_DEV_UNKNOWN, FEMS_DEV_ONLINE, FEMS_DEV_DEGRADED, FEMS_DEV_OFFLINE };

/* ---- settings: declared by the plugin, checked and filled by femsd before it calls anything ---- */

enum fems_type {
	FEMS_T_BOOL,     /* int64_t 0 or 1 */
	FEMS_T_INT,      /* int64_t */
	FEMS_T_NUM,      /* double */
	FEMS_T_STR,      /* const char * */
	FEMS_T_SECRET,   /* const char *; given as {file: PATH} or {credential: NAME}; never printed */
	FEMS_T_ENUM,     /* int64_t, index into choices */
	FEMS_T_DURATION, /* int64_t microseconds; written as 500ms, 5s, 15min, 2h, 1d */
	FEMS_T_POWER,    /* int64_t W;  written as 450 kW */
	FEMS_T_ENERGY,   /* int64_t Wh; written as 200 kWh */
	FEMS_T_PATH,     /* const char *; relative to the file that holds the setting */
	FEMS_T_STRLIST,  /* struct fems_list of const char * */
	FEMS_T_LIST      /* struct fems_list of structs described by sub */
};

struct fems_list {
	const void *items;
	size_t count;
};

struct fems_key {
	const char *name, *def; /* def == NULL: required; "" for STR and lists: none */
	const char *unit, *help;
	double min, max;            /* in base units (W, Wh, us); both 0: no limit */
	const char *const *choices; /* ENUM: ends with NULL */
	const struct fems_key *sub; /* LIST */
	size_t sub_size;
	uint32_t type, off;
};

/* clang-format off: a table of macros reads better in lines of its own */
/* Offset of a member, or a compile error when its type is not the one the macro declares. */
#define FEMS_OFF_(T, f, ct)                                                                                  \
	(uint32_t)(offsetof(T, f) + 0 * sizeof(char[_Generic(&((T *)0)->f, ct * : 1, default : -1)]))
#define FEMS_KEY_(T, f, ct, ty, d, lo, hi, ch, sb, ss, u, h)                                                 \
	{                                                                                                    \
#f, d, u, h, lo, hi, ch, sb, ss, ty, FEMS_OFF_(T, f, ct)                                     \
	}
#define FEMS_BOOL(T, f, d, h)           FEMS_KEY_(T, f, int64_t, FEMS_T_BOOL, d, 0, 0, NULL, NULL, 0, NULL, h)
#define FEMS_INT(T, f, d, lo, hi, u, h) FEMS_KEY_(T, f, int64_t, FEMS_T_INT, d, lo, hi, NULL, NULL, 0, u, h)
#define FEMS_NUM(T, f, d, lo, hi, u, h) FEMS_KEY_(T, f, double, FEMS_T_NUM, d, lo, hi, NULL, NULL, 0, u, h)
#define FEMS_STR(T, f, d, h)            FEMS_KEY_(T, f, const char *, FEMS_T_STR, d, 0, 0, NULL, NULL, 0, NULL, h)
#define FEMS_PATH(T, f, d, h)           FEMS_KEY_(T, f, const char *, FEMS_T_PATH, d, 0, 0, NULL, NULL, 0, NULL, h)
#define FEMS_SECRET(T, f, d, h)         FEMS_KEY_(T, f, const char *, FEMS_T_SECRET, d, 0, 0, NULL, NULL, 0, NULL, h)
#define FEMS_ENUM(T, f, d, ch, h)       FEMS_KEY_(T, f, int64_t, FEMS_T_ENUM, d, 0, 0, ch, NULL, 0, NULL, h)
#define FEMS_DURATION(T, f, d, lo, hi, h)                                                                    \
	FEMS_KEY_(T, f, int64_t, FEMS_T_DURATION, d, lo, hi, NULL, NULL, 0, "us", h)
#define FEMS_POWER(T, f, d, lo, hi, h)                                                                       \
	FEMS_KEY_(T, f, int64_t, FEMS_T_POWER, d, lo, hi, NULL, NULL, 0, "W", h)
#define FEMS_ENERGY(T, f, d, lo, hi, h)                                                                      \
	FEMS_KEY_(T, f, int64_t, FEMS_T_ENERGY, d, lo, hi, NULL, NULL, 0, "Wh", h)
#define FEMS_STRLIST(T, f, d, h)                                                                             \
	FEMS_KEY_(T, f, struct fems_list, FEMS_T_STRLIST, d, 0, 0, NULL, NULL, 0, NULL, h)
#define FEMS_LIST(T, f, sb, ss, h)                                                                           \
	FEMS_KEY_(T, f, struct fems_list, FEMS_T_LIST, "", 0, 0, NULL, sb, ss, NULL, h)
#define FEMS_KEYS_END                                                                                        \
	{                                                                                                    \
		NULL, NULL, NULL, NULL, 0, 0, NULL, NULL, 0, 0, 0                                            \
	}
/* clang-format on */

/* ---- what femsd offers; see "Threads" above ---------------------------------------------------- */

typedef void (*fems_reply_fn)(void *ctx, struct fems_span json);

struct fems_host {
	uint32_t size;
	uint16_t abi_major, abi_minor;
	void *ctx;

	void (*log)(void *ctx, enum fems_level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

	/* UTC microseconds of the plant's clock, which may run faster than real time or be virtual. */
	int64_t (*now_us)(void *ctx);
	/* Waits until the plant's clock shows t_us. FEMS_AGAIN: the instance is stopping, end your work. */
	enum fems_rc (*wait_until)(void *ctx, int64_t t_us);

	/* Registers a point of one of the instance's devices, or finds it again. 0: refused, see error. */
	uint32_t (*point)(void *ctx, const struct fems_point_info *, struct fems_error *);
	/* Id of "DEVICE/QUANTITY", 0: no such point. */
	uint32_t (*find)(void *ctx, const char *name);
	/* Copies n samples to the bus; never blocks. */
	enum fems_rc (*emit)(void *ctx, const struct fems_sample *, size_t n);
	/* State of a device with a sentence for the person who has to repair it. */
	void (*device_state)(void *ctx, const char *device, enum fems_device_state, const char *why);

	/* Asks for samples of "DEVICE/QUANTITY" to arrive in feed(); "*" as device: every device. */
	enum fems_rc (*subscribe)(void *ctx, const char *pattern, struct fems_error *);
	/* Tells everybody with notice(): "demand", "alarm" ...; body is a JSON object. */
	enum fems_rc (*publish)(void *ctx, const char *topic, struct fems_span body);

	/* Hands a document to the core: type and JSON as in docs/documents.md, key = idempotency key.
	 * FEMS_OK: stored durably. FEMS_ECONFLICT: same key seen before (harmless when the body was the
	 * same, an error text when it differed). */
	enum fems_rc (*document)(void *ctx, const char *type, const char *key, struct fems_span body,
				 struct fems_error *);
	/* Calls a service by name (docs/services.md); reply is called once, before return, on success. */
	enum fems_rc (*call)(void *ctx, const char *name, struct fems_span request, fems_reply_fn reply,
			     void *reply_ctx, struct fems_error *);
	/* Sends a command to a machine through limits, interlocks, mode and audit of core/act. */
	enum fems_rc (*command)(void *ctx, const char *point, double value, const char *reason,
				struct fems_error *);

	/* Directory of this instance for its own small state; exists, private. */
	const char *(*state_dir)(void *ctx);
	/* The instance's name in the settings. */
	const char *(*instance)(void *ctx);
};
#define FEMS_HAS(p, m) ((p)->size >= offsetof(__typeof__(*(p)), m) + sizeof((p)->m) && (p)->m)

/* ---- what a plugin offers ---------------------------------------------------------------------- */

/* Settings of an instance: cfg by the table "keys"; meter plugins also get their devices, each an
 * item of device_size bytes filled by "device_keys" (which must begin with the string "name"). */
struct fems_settings {
	uint32_t size;
	const void *cfg;
	struct fems_list devices;
};

struct fems_life {
	uint32_t size;
	enum fems_rc (*check)(const struct fems_settings *, struct fems_error *);
	enum fems_rc (*open)(const struct fems_host *, const struct fems_settings *, void **self,
			     struct fems_error *);
	enum fems_rc (*start)(void *self, struct fems_error *);
	enum fems_rc (*reload)(void *self, const struct fems_settings *, struct fems_error *);
	void (*stop)(void *self);
	void (*close)(void *self); /* frees self; also called after an open() that set *self and failed */
};

struct fems_meter_ops {
	uint32_t size;
	/* Called once per "interval" of the instance when not NULL; reads and emits. */
	enum fems_rc (*poll)(void *self, int64_t budget_us, struct fems_error *);
	/* Writes one writable point, reads it back, FEMS_OK only when they agree. */
	enum fems_rc (*write)(void *self, uint32_t point, double value, int64_t budget_us,
			      struct fems_error *);
};

struct fems_analysis_ops {
	uint32_t size;
	/* New samples of the subscribed points, in order of arrival; lost: samples this instance missed
	 * because it was slow. */
	enum fems_rc (*feed)(void *self, const struct fems_sample *, size_t n, uint64_t lost);
	/* Every second of the plant's clock. */
	enum fems_rc (*tick)(void *self, int64_t now_us);
	/* What others publish, and the core: "plan", "orders", "performance", "meter", "outbox", "alarm". */
	enum fems_rc (*notice)(void *self, const char *topic, struct fems_span body);
};

struct fems_delivery { /* filled by push() */
	uint32_t size;
	int64_t retry_after_us; /* 0: femsd's own back-off */
	uint32_t permanent;     /* 1: the other side will never take it, do not retry */
	char receipt[128];      /* the peer's own reference, or empty */
};

struct fems_connector_ops {
	uint32_t size;
	/* Called once per "interval" of the instance; hands over what it found by host->document(). */
	enum fems_rc (*pull)(void *self, int64_t budget_us, struct fems_error *);
	/* Delivers one message of the outbox. key: the same on every attempt of the same message. */
	enum fems_rc (*push)(void *self, const char *type, const char *key, struct fems_span body,
			     int64_t budget_us, struct fems_delivery *, struct fems_error *);
	/* Types of documents that push() takes, ends with NULL. */
	const char *const *types;
};

/* One answer on the way to the best: the JSON of a plan. Non-zero: stop searching. */
typedef int (*fems_incumbent_fn)(void *ctx, struct fems_span plan);

struct fems_optimiser_ops {
	uint32_t size;
	/* Solves the problem (docs/documents.md, "plan-problem") within budget_us of real time. Calls
	 * incumbent at least once with a plan that keeps every rule, or returns FEMS_ECONFLICT with the
	 * orders and rules that exclude each other. */
	enum fems_rc (*solve)(void *self, struct fems_span problem, int64_t budget_us,
			      fems_incumbent_fn incumbent, void *ctx, struct fems_error *);
};

struct fems_service_ops {
	uint32_t size;
	/* Answers NAME of a call to "INSTANCE.NAME" (docs/services.md). */
	enum fems_rc (*handle)(void *self, const char *name, struct fems_span request, fems_reply_fn reply,
			       void *reply_ctx, struct fems_error *);
};

/* ---- the descriptor: the single symbol a plugin exports ---------------------------------------- */

struct fems_plugin {
	uint32_t size;
	uint16_t abi_major, abi_minor;
	uint32_t kinds, grade;
	const char *name, *version, *license, *summary;
	const struct fems_key *keys; /* NULL: no settings of its own */
	size_t cfg_size;
	const struct fems_key *device_keys; /* meter plugins */
	size_t device_size;
	const struct fems_life *life;
	const struct fems_meter_ops *meter;
	const struct fems_analysis_ops *analysis;
	const struct fems_connector_ops *connector;
	const struct fems_optimiser_ops *optimiser;
	const struct fems_service_ops *service;
};

/* The ELF note, owner "FEMS", type 1, in section .note.fems: readable without loading the file. */
struct fems_note {
	uint32_t namesz, descsz, type;
	char owner[8];
	uint16_t abi_major, abi_minor;
	uint32_t kinds;
	char name[32], version[16];
};

#define FEMS_PLUGIN(nm, ver, knd, ...)                                                                       \
	__attribute__((section(".note.fems"), used,                                                          \
		       aligned(4))) static const struct fems_note fems_note_ = {                             \
		5, sizeof(struct fems_note) - 20, 1, "FEMS", FEMS_ABI_MAJOR, FEMS_ABI_MINOR, knd, nm, ver    \
	};                                                                                                   \
	__attribute__((visibility("default")))                                                               \
	const struct fems_plugin fems_plugin_1 = { .size = sizeof(struct fems_plugin),                       \
						   .abi_major = FEMS_ABI_MAJOR,                              \
						   .abi_minor = FEMS_ABI_MINOR,                              \
						   .kinds = knd,                                             \
						   .name = nm,                                               \
						   .version = ver,                                           \
						   __VA_ARGS__ }

#ifdef __cplusplus
}
#endif
#endif

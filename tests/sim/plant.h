/* SPDX-License-Identifier: Apache-2.0
 *
 * fems-plant: a virtual factory behind real Modbus/TCP register maps. The physics are simple but
 * coherent: machines draw power while orders run on them, children sum to their parent plus losses,
 * counters count, the battery has a state of charge, set-points and shed commands are obeyed.
 * Everything is a function of the seed, the dispatch list and what was written; it moves in steps of
 * one second of the plant's clock. Not a model of any real factory.
 */
#ifndef FEMS_SIM_PLANT_H
#define FEMS_SIM_PLANT_H

#include <stdbool.h>
#include <stdint.h>
#include "core/base/zone.h"

enum plant_kind { KIND_MACHINE, KIND_COMPRESSOR, KIND_CHILLER, KIND_OFFICE, KIND_PV, KIND_BATTERY, KIND_SUM };

#define PLANT_DEVICES           16
#define BATTERY_WH              200000
#define BATTERY_W               100000
#define BATTERY_CHARGE_PERMILLE 900 /* all of the round trip is lost on charging */
#define SETPOINT_WATCHDOG_S     900 /* a set-point that is not renewed falls back to 0 */

struct plant_device {
	const char *name;      /* meter name in the settings */
	const char *equipment; /* EquipmentID of the ERP, NULL: none */
	enum plant_kind kind;
	int parent; /* index, -1: the grid */
	int64_t rated_w, idle_w;
	int pf_permille;

	/* state, after the last step */
	int64_t power_w, var;         /* positive: drawn */
	int64_t import_ws, export_ws; /* watt seconds since the start of the counters */
	int64_t import_vars, export_vars;
	bool running, shed, loaded;
	bool unplugged;                     /* its Modbus listener is closed */
	int64_t setpoint_w, setpoint_age_s; /* battery */
	int64_t stored_ws;                  /* battery */
	int64_t air_ws;                     /* compressor: pressure store as work */
};

struct plant_job { /* an order on a machine */
	char segment[64], equipment[32];
	int64_t start_us, end_us;
	int64_t power_w; /* 0: the machine's rating */
};

#define PLANT_JOBS 512

struct plant {
	struct plant_device dev[PLANT_DEVICES];
	int n;
	uint64_t seed;
	struct zone *zone;
	int64_t now_us; /* time of the last step */
	struct plant_job jobs[PLANT_JOBS];
	int n_jobs;
	bool invent_jobs; /* history, or no ERP: a seeded shop floor of its own */
};

/* Devices, tree and counters at t_us; zone is borrowed. */
void plant_init(struct plant *, uint64_t seed, struct zone *, int64_t t_us);
/* Steps of step_s up to t_us. */
void plant_run(struct plant *, int64_t t_us, int step_s);
struct plant_device *plant_find(struct plant *, const char *name);
/* The job that runs on the equipment at t_us, NULL: none. Invented ones when invent_jobs is set. */
bool plant_job_at(const struct plant *, const char *equipment, int64_t t_us, int64_t rated_w,
		  int64_t *power_w);
/* Uniform in [0, 1), the same for the same arguments. */
double plant_noise(uint64_t seed, uint64_t device, uint64_t t);

/* ---- register maps (plant_maps.c) ---- */

/* Reads count registers; 0, or a Modbus exception code. */
int plant_read(struct plant *, int device, int unit, int fc, int address, int count, uint16_t *out);
int plant_write(struct plant *, int device, int unit, int address, int count, const uint16_t *in);
const char *plant_map_name(const struct plant *, int device);

/* ---- Modbus/TCP server (plant_server.c) ---- */

struct plant_server;
/* One listener per device on ADDR, ports base.. in order of the devices. NULL: message printed. */
struct plant_server *plant_server_open(struct plant *, const char *address, int base_port);
/* Serves for at most wait_ms; steps the plant to the present before each answer. */
void plant_server_poll(struct plant_server *, int wait_ms);
/* Closes or opens a device's listener and its connections. */
void plant_server_plug(struct plant_server *, int device, bool in);
void plant_server_close(struct plant_server *);

/* ---- shop floor (plant_floor.c): follows the ERP's dispatch list ---- */

struct plant_floor;
struct plant_floor *plant_floor_open(const char *dispatch_url);
/* Copies the newest list into the plant when there is one. */
void plant_floor_take(struct plant_floor *, struct plant *);
void plant_floor_close(struct plant_floor *);

/* ---- history (plant_history.c) ---- */

/* CSV of 15-min energies of all meters over [from, to): "start,METER/QUANTITY,..." */
int plant_history_write(struct plant *, int64_t from_us, int64_t to_us, const char *path);

#endif

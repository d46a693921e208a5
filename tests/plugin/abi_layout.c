/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints the layout of everything public in fems/plugin.h, for 64-bit machines: one line per struct,
 * member and constant. abi.test compares it with the committed abi-MAJOR.MINOR.txt.
 */
#include <stdio.h>
#include <fems/plugin.h>

#define STRUCT(T) printf("struct " #T " size %zu align %zu\n", sizeof(struct T), _Alignof(struct T))
#define MEMBER(T, m)                                                                                         \
	printf("  " #T "." #m " at %zu size %zu\n", offsetof(struct T, m), sizeof(((struct T *)0)->m))
#define VALUE(v) printf("value " #v " %lld\n", (long long)(v))

static void values(void)
{
	VALUE(FEMS_OK);
	VALUE(FEMS_AGAIN);
	VALUE(FEMS_EINVAL);
	VALUE(FEMS_EIO);
	VALUE(FEMS_ETIME);
	VALUE(FEMS_EAUTH);
	VALUE(FEMS_ENOMEM);
	VALUE(FEMS_EUNSUP);
	VALUE(FEMS_ENOENT);
	VALUE(FEMS_ECONFLICT);
	VALUE(FEMS_METER);
	VALUE(FEMS_ANALYSIS);
	VALUE(FEMS_CONNECTOR);
	VALUE(FEMS_OPTIMISER);
	VALUE(FEMS_SERVICE);
	VALUE(FEMS_EXPERIMENTAL);
	VALUE(FEMS_BETA);
	VALUE(FEMS_STABLE);
	VALUE(FEMS_LOG_ERROR);
	VALUE(FEMS_LOG_WARN);
	VALUE(FEMS_LOG_INFO);
	VALUE(FEMS_LOG_DEBUG);
	VALUE(FEMS_Q_GOOD);
	VALUE(FEMS_Q_INTERPOLATED);
	VALUE(FEMS_Q_ESTIMATED);
	VALUE(FEMS_Q_MANUAL);
	VALUE(FEMS_Q_SUBSTITUTED);
	VALUE(FEMS_Q_UNCERTAIN);
	VALUE(FEMS_Q_SUSPECT);
	VALUE(FEMS_Q_OUT_OF_RANGE);
	VALUE(FEMS_Q_NOT_AVAILABLE);
	VALUE(FEMS_Q_DEVICE_ERROR);
	VALUE(FEMS_Q_COMM_ERROR);
	VALUE(FEMS_Q_CLASS);
	VALUE(FEMS_Q_RESET);
	VALUE(FEMS_Q_UNVERIFIED);
	VALUE(FEMS_POINT_WRITABLE);
	VALUE(FEMS_POINT_UNVERIFIED);
	VALUE(FEMS_DEV_UNKNOWN);
	VALUE(FEMS_DEV_ONLINE);
	VALUE(FEMS_DEV_DEGRADED);
	VALUE(FEMS_DEV_OFFLINE);
	VALUE(FEMS_T_BOOL);
	VALUE(FEMS_T_INT);
	VALUE(FEMS_T_NUM);
	VALUE(FEMS_T_STR);
	VALUE(FEMS_T_SECRET);
	VALUE(FEMS_T_ENUM);
	VALUE(FEMS_T_DURATION);
	VALUE(FEMS_T_POWER);
	VALUE(FEMS_T_ENERGY);
	VALUE(FEMS_T_PATH);
	VALUE(FEMS_T_STRLIST);
	VALUE(FEMS_T_LIST);
}

static void data(void)
{
	STRUCT(fems_error);
	MEMBER(fems_error, text);
	MEMBER(fems_error, key);
	STRUCT(fems_span);
	MEMBER(fems_span, ptr);
	MEMBER(fems_span, len);
	STRUCT(fems_sample);
	MEMBER(fems_sample, t_us);
	MEMBER(fems_sample, value);
	MEMBER(fems_sample, point);
	MEMBER(fems_sample, t_unc_us);
	MEMBER(fems_sample, quality);
	MEMBER(fems_sample, epoch);
	STRUCT(fems_point_info);
	MEMBER(fems_point_info, size);
	MEMBER(fems_point_info, flags);
	MEMBER(fems_point_info, device);
	MEMBER(fems_point_info, quantity);
	MEMBER(fems_point_info, resolution);
	MEMBER(fems_point_info, write_min);
	MEMBER(fems_point_info, write_max);
	STRUCT(fems_list);
	MEMBER(fems_list, items);
	MEMBER(fems_list, count);
	STRUCT(fems_key);
	MEMBER(fems_key, name);
	MEMBER(fems_key, def);
	MEMBER(fems_key, unit);
	MEMBER(fems_key, help);
	MEMBER(fems_key, min);
	MEMBER(fems_key, max);
	MEMBER(fems_key, choices);
	MEMBER(fems_key, sub);
	MEMBER(fems_key, sub_size);
	MEMBER(fems_key, type);
	MEMBER(fems_key, off);
	STRUCT(fems_settings);
	MEMBER(fems_settings, size);
	MEMBER(fems_settings, cfg);
	MEMBER(fems_settings, devices);
	STRUCT(fems_delivery);
	MEMBER(fems_delivery, size);
	MEMBER(fems_delivery, retry_after_us);
	MEMBER(fems_delivery, permanent);
	MEMBER(fems_delivery, receipt);
}

static void calls(void)
{
	STRUCT(fems_host);
	MEMBER(fems_host, size);
	MEMBER(fems_host, abi_major);
	MEMBER(fems_host, abi_minor);
	MEMBER(fems_host, ctx);
	MEMBER(fems_host, log);
	MEMBER(fems_host, now_us);
	MEMBER(fems_host, wait_until);
	MEMBER(fems_host, point);
	MEMBER(fems_host, find);
	MEMBER(fems_host, emit);
	MEMBER(fems_host, device_state);
	MEMBER(fems_host, subscribe);
	MEMBER(fems_host, publish);
	MEMBER(fems_host, document);
	MEMBER(fems_host, call);
	MEMBER(fems_host, command);
	MEMBER(fems_host, state_dir);
	MEMBER(fems_host, instance);
	STRUCT(fems_life);
	MEMBER(fems_life, size);
	MEMBER(fems_life, check);
	MEMBER(fems_life, open);
	MEMBER(fems_life, start);
	MEMBER(fems_life, reload);
	MEMBER(fems_life, stop);
	MEMBER(fems_life, close);
	STRUCT(fems_meter_ops);
	MEMBER(fems_meter_ops, size);
	MEMBER(fems_meter_ops, poll);
	MEMBER(fems_meter_ops, write);
	STRUCT(fems_analysis_ops);
	MEMBER(fems_analysis_ops, size);
	MEMBER(fems_analysis_ops, feed);
	MEMBER(fems_analysis_ops, tick);
	MEMBER(fems_analysis_ops, notice);
	STRUCT(fems_connector_ops);
	MEMBER(fems_connector_ops, size);
	MEMBER(fems_connector_ops, pull);
	MEMBER(fems_connector_ops, push);
	MEMBER(fems_connector_ops, types);
	STRUCT(fems_optimiser_ops);
	MEMBER(fems_optimiser_ops, size);
	MEMBER(fems_optimiser_ops, solve);
	STRUCT(fems_service_ops);
	MEMBER(fems_service_ops, size);
	MEMBER(fems_service_ops, handle);
}

static void descriptor(void)
{
	STRUCT(fems_plugin);
	MEMBER(fems_plugin, size);
	MEMBER(fems_plugin, abi_major);
	MEMBER(fems_plugin, abi_minor);
	MEMBER(fems_plugin, kinds);
	MEMBER(fems_plugin, grade);
	MEMBER(fems_plugin, name);
	MEMBER(fems_plugin, version);
	MEMBER(fems_plugin, license);
	MEMBER(fems_plugin, summary);
	MEMBER(fems_plugin, keys);
	MEMBER(fems_plugin, cfg_size);
	MEMBER(fems_plugin, device_keys);
	MEMBER(fems_plugin, device_size);
	MEMBER(fems_plugin, life);
	MEMBER(fems_plugin, meter);
	MEMBER(fems_plugin, analysis);
	MEMBER(fems_plugin, connector);
	MEMBER(fems_plugin, optimiser);
	MEMBER(fems_plugin, service);
	STRUCT(fems_note);
	MEMBER(fems_note, namesz);
	MEMBER(fems_note, descsz);
	MEMBER(fems_note, type);
	MEMBER(fems_note, owner);
	MEMBER(fems_note, abi_major);
	MEMBER(fems_note, abi_minor);
	MEMBER(fems_note, kinds);
	MEMBER(fems_note, name);
	MEMBER(fems_note, version);
}

int main(void)
{
	printf("abi %d.%d\n", FEMS_ABI_MAJOR, FEMS_ABI_MINOR);
	values();
	data();
	calls();
	descriptor();
	return 0;
}

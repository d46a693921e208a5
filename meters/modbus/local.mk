# SPDX-License-Identifier: Apache-2.0
modbus_decode_sources = \
	%D%/decode.c %D%/decode.h \
	%D%/plan.c %D%/plan.h \
	%D%/profile.c %D%/profile.h %D%/profile_read.h %D%/profile_reg.c %D%/profile_value.c \
	%D%/unit.c %D%/unit.h \
	%D%/yaml.c %D%/yaml.h

plugin_LTLIBRARIES += %D%/modbus.la
meters_modbus_modbus_la_SOURCES = $(modbus_decode_sources) \
	%D%/device.c %D%/device.h %D%/device_write.c \
	%D%/link.c %D%/link.h %D%/link_addr.c %D%/link_engine.h %D%/link_resolve.c \
	%D%/link_rtu.c %D%/link_tcp.c \
	%D%/modbus.c \
	%D%/settings.c %D%/settings.h
meters_modbus_modbus_la_CFLAGS = $(plugin_cflags) $(MODBUS_CFLAGS) $(FYAML_CFLAGS)
meters_modbus_modbus_la_CPPFLAGS = $(plugin_cppflags) -DFEMS_DATA_DIR='"$(pkgdatadir)"'
meters_modbus_modbus_la_LDFLAGS = $(plugin_ldflags) -Wl,-z,nodelete
meters_modbus_modbus_la_LIBADD = $(MODBUS_LIBS) $(FYAML_LIBS)

if HAVE_CMOCKA
check_LTLIBRARIES += %D%/libmodbus_decode.la
meters_modbus_libmodbus_decode_la_SOURCES = $(modbus_decode_sources)
meters_modbus_libmodbus_decode_la_CFLAGS = $(AM_CFLAGS) $(FYAML_CFLAGS)
meters_modbus_libmodbus_decode_la_LIBADD = $(FYAML_LIBS)
modbus_unit_ldadd = %D%/libmodbus_decode.la $(unit_ldadd)

modbus_unit_tests = tests/unit/test_modbus_decode tests/unit/test_modbus_plan tests/unit/test_modbus_profile
check_PROGRAMS += $(modbus_unit_tests)
TESTS += $(modbus_unit_tests)
tests_unit_test_modbus_decode_SOURCES = tests/unit/test_modbus_decode.c
tests_unit_test_modbus_decode_CFLAGS = $(unit_cflags)
tests_unit_test_modbus_decode_LDADD = $(modbus_unit_ldadd)
tests_unit_test_modbus_plan_SOURCES = tests/unit/test_modbus_plan.c
tests_unit_test_modbus_plan_CFLAGS = $(unit_cflags)
tests_unit_test_modbus_plan_LDADD = $(modbus_unit_ldadd)
tests_unit_test_modbus_profile_SOURCES = tests/unit/test_modbus_profile.c
tests_unit_test_modbus_profile_CFLAGS = $(unit_cflags) $(FYAML_CFLAGS)
tests_unit_test_modbus_profile_LDADD = $(modbus_unit_ldadd)
endif

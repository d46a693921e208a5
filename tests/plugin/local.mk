# SPDX-License-Identifier: Apache-2.0

if HAVE_CMOCKA
check_PROGRAMS += tests/plugin/test_modbus
TESTS += tests/plugin/test_modbus
tests_plugin_test_modbus_SOURCES = %D%/test_modbus.c %D%/modbus_host.c %D%/modbus_host.h \
	%D%/modbus_peer.c %D%/modbus_peer.h
tests_plugin_test_modbus_CFLAGS = $(unit_cflags) $(MODBUS_CFLAGS) $(FYAML_CFLAGS)
tests_plugin_test_modbus_LDADD = $(CMOCKA_LIBS) $(MODBUS_LIBS)
tests_plugin_test_modbus_DEPENDENCIES = meters/modbus/modbus.la
endif
EXTRA_DIST += %D%/modbus_pymodbus.py

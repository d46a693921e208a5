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

# Plugins of the tests; -rpath makes libtool build shared objects that are not installed.
test_plugin_ldflags = $(plugin_ldflags) -rpath $(abs_top_builddir)/tests/plugin

check_LTLIBRARIES += tests/plugin/probe.la tests/plugin/meter-sim.la \
	tests/plugin/bad.la tests/plugin/bad-major.la tests/plugin/bad-minor.la tests/plugin/bad-symbol.la \
	tests/plugin/bad-mismatch.la tests/plugin/bad-kinds.la tests/plugin/bad-table.la tests/plugin/bad-key.la \
	tests/plugin/bad-alias.la tests/plugin/bad-constructor.la tests/plugin/no-note.la

tests_plugin_probe_la_SOURCES = %D%/probe.c
tests_plugin_probe_la_CPPFLAGS = $(plugin_cppflags)
tests_plugin_probe_la_CFLAGS = $(plugin_cflags)
tests_plugin_probe_la_LDFLAGS = $(test_plugin_ldflags)
tests_plugin_meter_sim_la_SOURCES = etc/skeleton/meter-sim.c
tests_plugin_meter_sim_la_CPPFLAGS = $(plugin_cppflags)
tests_plugin_meter_sim_la_CFLAGS = $(plugin_cflags)
tests_plugin_meter_sim_la_LDFLAGS = $(test_plugin_ldflags)
tests_plugin_bad_la_SOURCES = %D%/bad.c
tests_plugin_bad_la_CPPFLAGS = $(plugin_cppflags)
tests_plugin_bad_la_CFLAGS = $(plugin_cflags)
tests_plugin_bad_la_LDFLAGS = $(test_plugin_ldflags)
tests_plugin_bad_major_la_SOURCES = %D%/bad.c
tests_plugin_bad_major_la_CPPFLAGS = $(plugin_cppflags) -DBAD_MAJOR -DBAD_NAME='"bad-major"'
tests_plugin_bad_major_la_CFLAGS = $(plugin_cflags)
tests_plugin_bad_major_la_LDFLAGS = $(test_plugin_ldflags)
tests_plugin_bad_minor_la_SOURCES = %D%/bad.c
tests_plugin_bad_minor_la_CPPFLAGS = $(plugin_cppflags) -DBAD_MINOR -DBAD_NAME='"bad-minor"'
tests_plugin_bad_minor_la_CFLAGS = $(plugin_cflags)
tests_plugin_bad_minor_la_LDFLAGS = $(test_plugin_ldflags)
tests_plugin_bad_symbol_la_SOURCES = %D%/bad.c
tests_plugin_bad_symbol_la_CPPFLAGS = $(plugin_cppflags) -DBAD_SYMBOL -DBAD_NAME='"bad-symbol"'
tests_plugin_bad_symbol_la_CFLAGS = $(plugin_cflags)
tests_plugin_bad_symbol_la_LDFLAGS = $(test_plugin_ldflags)
tests_plugin_bad_mismatch_la_SOURCES = %D%/bad.c
tests_plugin_bad_mismatch_la_CPPFLAGS = $(plugin_cppflags) -DBAD_MISMATCH -DBAD_NAME='"bad-mismatch"'
tests_plugin_bad_mismatch_la_CFLAGS = $(plugin_cflags)
tests_plugin_bad_mismatch_la_LDFLAGS = $(test_plugin_ldflags)
tests_plugin_bad_kinds_la_SOURCES = %D%/bad.c
tests_plugin_bad_kinds_la_CPPFLAGS = $(plugin_cppflags) -DBAD_KINDS -DBAD_NAME='"bad-kinds"'
tests_plugin_bad_kinds_la_CFLAGS = $(plugin_cflags)
tests_plugin_bad_kinds_la_LDFLAGS = $(test_plugin_ldflags)
tests_plugin_bad_table_la_SOURCES = %D%/bad.c
tests_plugin_bad_table_la_CPPFLAGS = $(plugin_cppflags) -DBAD_TABLE -DBAD_NAME='"bad-table"'
tests_plugin_bad_table_la_CFLAGS = $(plugin_cflags)
tests_plugin_bad_table_la_LDFLAGS = $(test_plugin_ldflags)
tests_plugin_bad_key_la_SOURCES = %D%/bad.c
tests_plugin_bad_key_la_CPPFLAGS = $(plugin_cppflags) -DBAD_KEY -DBAD_NAME='"bad-key"'
tests_plugin_bad_key_la_CFLAGS = $(plugin_cflags)
tests_plugin_bad_key_la_LDFLAGS = $(test_plugin_ldflags)
tests_plugin_bad_alias_la_SOURCES = %D%/bad.c
tests_plugin_bad_alias_la_CPPFLAGS = $(plugin_cppflags) -DBAD_NAME='"by-another-name"'
tests_plugin_bad_alias_la_CFLAGS = $(plugin_cflags)
tests_plugin_bad_alias_la_LDFLAGS = $(test_plugin_ldflags)
tests_plugin_bad_constructor_la_SOURCES = %D%/bad.c
tests_plugin_bad_constructor_la_CPPFLAGS = $(plugin_cppflags) -DBAD_CONSTRUCTOR -DBAD_NAME='"bad-constructor"'
tests_plugin_bad_constructor_la_CFLAGS = $(plugin_cflags)
tests_plugin_bad_constructor_la_LDFLAGS = $(test_plugin_ldflags)
tests_plugin_no_note_la_SOURCES = %D%/no_note.c
tests_plugin_no_note_la_CPPFLAGS = $(plugin_cppflags)
tests_plugin_no_note_la_CFLAGS = $(plugin_cflags)
tests_plugin_no_note_la_LDFLAGS = $(test_plugin_ldflags)

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_plug_note tests/unit/test_plug_wire tests/plugin/test_plugs \
	tests/plugin/test_isolated tests/plugin/test_reload tests/plugin/test_manual
TESTS += tests/unit/test_plug_note tests/unit/test_plug_wire tests/plugin/test_plugs \
	tests/plugin/test_isolated tests/plugin/test_reload tests/plugin/test_manual
tests_unit_test_plug_note_SOURCES = tests/unit/test_plug_note.c
tests_unit_test_plug_note_CFLAGS = $(unit_cflags)
tests_unit_test_plug_note_LDADD = $(unit_ldadd)
tests_unit_test_plug_wire_SOURCES = tests/unit/test_plug_wire.c
tests_unit_test_plug_wire_CFLAGS = $(unit_cflags)
tests_unit_test_plug_wire_LDADD = $(unit_ldadd)
tests_plugin_test_plugs_SOURCES = %D%/test_plugs.c %D%/stage.c %D%/stage.h
tests_plugin_test_plugs_CFLAGS = $(unit_cflags)
tests_plugin_test_plugs_LDADD = $(unit_ldadd)
tests_plugin_test_isolated_SOURCES = %D%/test_isolated.c %D%/stage.c %D%/stage.h
tests_plugin_test_isolated_CFLAGS = $(unit_cflags)
tests_plugin_test_isolated_LDADD = $(unit_ldadd)
tests_plugin_test_manual_SOURCES = %D%/test_manual.c %D%/stage.c %D%/stage.h
tests_plugin_test_manual_CFLAGS = $(unit_cflags)
tests_plugin_test_manual_LDADD = $(unit_ldadd)
tests_plugin_test_reload_SOURCES = %D%/test_reload.c %D%/stage.c %D%/stage.h
tests_plugin_test_reload_CFLAGS = $(unit_cflags)
tests_plugin_test_reload_LDADD = $(unit_ldadd)
endif

# The public layout, and the example of a plugin as its authors build it.
check_PROGRAMS += tests/plugin/abi_layout
tests_plugin_abi_layout_SOURCES = %D%/abi_layout.c
dist_check_SCRIPTS += %D%/abi.test %D%/author.test
TESTS += %D%/abi.test %D%/author.test
EXTRA_DIST += %D%/abi-1.0.txt

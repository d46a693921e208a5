# SPDX-License-Identifier: Apache-2.0
demand_window_sources = %D%/window.c %D%/window.h %D%/shed.c %D%/shed.h
plugin_LTLIBRARIES += plugins/demand/demand.la
plugins_demand_demand_la_SOURCES = %D%/demand.c %D%/demand.h %D%/ask.c %D%/report.c $(demand_window_sources)
plugins_demand_demand_la_CFLAGS = $(plugin_cflags) $(JANSSON_CFLAGS)
plugins_demand_demand_la_CPPFLAGS = $(plugin_cppflags)
plugins_demand_demand_la_LDFLAGS = $(plugin_ldflags)
plugins_demand_demand_la_LIBADD = $(JANSSON_LIBS) -lm

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_demand
TESTS += tests/unit/test_demand
tests_unit_test_demand_SOURCES = tests/unit/test_demand.c $(demand_window_sources)
tests_unit_test_demand_CFLAGS = $(unit_cflags)
tests_unit_test_demand_LDADD = $(CMOCKA_LIBS) -lm
endif

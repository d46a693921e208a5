# SPDX-License-Identifier: Apache-2.0
libfems_la_SOURCES += core/site_settings.c core/site_settings.h core/site_check.c core/site_check.h core/site_items.c core/site_read.h
include core/daemon/local.mk
sbin_PROGRAMS += femsd
femsd_SOURCES = core/femsd.c
femsd_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
femsd_LDADD = libfems.la

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_site
TESTS += tests/unit/test_site
tests_unit_test_site_SOURCES = tests/unit/test_site.c tests/unit/conf_help.h
tests_unit_test_site_CFLAGS = $(unit_cflags)
tests_unit_test_site_LDADD = $(unit_ldadd)
endif

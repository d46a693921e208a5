# SPDX-License-Identifier: Apache-2.0
libfems_la_SOURCES += %D%/battery.c %D%/check.c %D%/check.h %D%/control.c %D%/control.h %D%/daemon.c %D%/daemon.h \
	%D%/delivery.c %D%/delivery.h %D%/hooks.c %D%/notify.c %D%/notify.h %D%/recorder.c %D%/recorder.h \
	%D%/setup.c %D%/setup.h %D%/status.c

if HAVE_CMOCKA
daemon_tests = tests/unit/test_control tests/unit/test_delivery tests/unit/test_recorder
check_PROGRAMS += $(daemon_tests)
TESTS += $(daemon_tests)
tests_unit_test_control_SOURCES = tests/unit/test_control.c
tests_unit_test_control_CFLAGS = $(unit_cflags)
tests_unit_test_control_LDADD = $(unit_ldadd) $(JANSSON_LIBS)
tests_unit_test_delivery_SOURCES = tests/unit/test_delivery.c tests/unit/store_fixture.h tests/unit/store_fixture.c
tests_unit_test_delivery_CFLAGS = $(unit_cflags) $(SQLITE_CFLAGS)
tests_unit_test_delivery_LDADD = $(unit_ldadd) $(SQLITE_LIBS) $(JANSSON_LIBS)
tests_unit_test_recorder_SOURCES = tests/unit/test_recorder.c tests/unit/store_fixture.h tests/unit/store_fixture.c
tests_unit_test_recorder_CFLAGS = $(unit_cflags) $(SQLITE_CFLAGS)
tests_unit_test_recorder_LDADD = $(unit_ldadd) $(SQLITE_LIBS) $(JANSSON_LIBS)
endif

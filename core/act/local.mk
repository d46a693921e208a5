# SPDX-License-Identifier: Apache-2.0
libfems_la_SOURCES += %D%/act.c %D%/act.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_act
TESTS += tests/unit/test_act
tests_unit_test_act_SOURCES = tests/unit/test_act.c tests/unit/store_fixture.h tests/unit/store_fixture.c
tests_unit_test_act_CFLAGS = $(unit_cflags) $(SQLITE_CFLAGS)
tests_unit_test_act_LDADD = $(unit_ldadd) $(SQLITE_LIBS) $(JANSSON_LIBS) -lm
endif

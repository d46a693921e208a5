# SPDX-License-Identifier: Apache-2.0
libfems_la_SOURCES += \
	%D%/clock.c %D%/clock.h %D%/err.c %D%/err.h %D%/file.c %D%/json.c %D%/json.h \
	%D%/log.c %D%/log.h %D%/money.c %D%/money.h %D%/site.c %D%/site.h %D%/text.c %D%/text.h \
	%D%/time_text.c %D%/zone.c %D%/zone.h %D%/zone_rule.c %D%/zone_rule.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_base tests/unit/test_zone
TESTS += tests/unit/test_base tests/unit/test_zone
tests_unit_test_base_SOURCES = tests/unit/test_base.c
tests_unit_test_base_CFLAGS = $(unit_cflags)
tests_unit_test_base_LDADD = $(unit_ldadd)
tests_unit_test_zone_SOURCES = tests/unit/test_zone.c
tests_unit_test_zone_CFLAGS = $(unit_cflags)
tests_unit_test_zone_LDADD = $(unit_ldadd)
endif

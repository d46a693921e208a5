# SPDX-License-Identifier: Apache-2.0
libfems_la_SOURCES += %D%/loop.h %D%/worker.h %D%/service.h %D%/timers.h %D%/mono.h \
	%D%/loop.c %D%/timers.c %D%/worker.c %D%/service.c

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_loop tests/unit/test_worker tests/unit/test_service
TESTS += tests/unit/test_loop tests/unit/test_worker tests/unit/test_service
tests_unit_test_loop_SOURCES = tests/unit/test_loop.c
tests_unit_test_loop_CFLAGS = $(unit_cflags)
tests_unit_test_loop_LDADD = $(unit_ldadd)
tests_unit_test_worker_SOURCES = tests/unit/test_worker.c
tests_unit_test_worker_CFLAGS = $(unit_cflags)
tests_unit_test_worker_LDADD = $(unit_ldadd)
tests_unit_test_service_SOURCES = tests/unit/test_service.c
tests_unit_test_service_CFLAGS = $(unit_cflags)
tests_unit_test_service_LDADD = $(unit_ldadd)
endif

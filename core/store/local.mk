# SPDX-License-Identifier: Apache-2.0
libfems_la_SOURCES += %D%/store.h %D%/internal.h %D%/store.c %D%/db.h %D%/db.c %D%/migrate.h %D%/migrate.c \
	%D%/pack.h %D%/pack.c %D%/index.h %D%/index.c %D%/boundary.h %D%/boundary.c %D%/counter.h %D%/counter.c \
	%D%/lock.c %D%/live.c %D%/raw.c %D%/readers.c %D%/hot.c %D%/chunk.c %D%/late.c %D%/rebuild.c %D%/commit.c %D%/writer.c %D%/energy.c \
	%D%/import.c %D%/orders.c %D%/plans.c %D%/outbox.c %D%/audit.c \
	%D%/store_services.h %D%/store_services.c %D%/series_service.h %D%/series_service.c

if HAVE_CMOCKA
store_tests = tests/unit/test_store_pack tests/unit/test_store_index tests/unit/test_store_samples \
	tests/unit/test_store_energy tests/unit/test_store_documents tests/unit/test_store_open \
	tests/unit/test_store_services tests/unit/test_store_crash
check_PROGRAMS += $(store_tests)
TESTS += $(store_tests)
store_test_common = tests/unit/store_fixture.h tests/unit/store_fixture.c
tests_unit_test_store_pack_SOURCES = tests/unit/test_store_pack.c
tests_unit_test_store_pack_CFLAGS = $(unit_cflags)
tests_unit_test_store_pack_LDADD = $(unit_ldadd)
tests_unit_test_store_index_SOURCES = tests/unit/test_store_index.c
tests_unit_test_store_index_CFLAGS = $(unit_cflags) $(SQLITE_CFLAGS)
tests_unit_test_store_index_LDADD = $(unit_ldadd)
tests_unit_test_store_samples_SOURCES = tests/unit/test_store_samples.c $(store_test_common)
tests_unit_test_store_samples_CFLAGS = $(unit_cflags) $(SQLITE_CFLAGS)
tests_unit_test_store_samples_LDADD = $(unit_ldadd) $(SQLITE_LIBS) $(JANSSON_LIBS)
tests_unit_test_store_energy_SOURCES = tests/unit/test_store_energy.c $(store_test_common)
tests_unit_test_store_energy_CFLAGS = $(unit_cflags) $(SQLITE_CFLAGS)
tests_unit_test_store_energy_LDADD = $(unit_ldadd) $(SQLITE_LIBS) $(JANSSON_LIBS)
tests_unit_test_store_documents_SOURCES = tests/unit/test_store_documents.c $(store_test_common)
tests_unit_test_store_documents_CFLAGS = $(unit_cflags) $(SQLITE_CFLAGS)
tests_unit_test_store_documents_LDADD = $(unit_ldadd) $(SQLITE_LIBS) $(JANSSON_LIBS)
tests_unit_test_store_open_SOURCES = tests/unit/test_store_open.c $(store_test_common)
tests_unit_test_store_open_CFLAGS = $(unit_cflags) $(SQLITE_CFLAGS)
tests_unit_test_store_open_LDADD = $(unit_ldadd) $(SQLITE_LIBS) $(JANSSON_LIBS)
tests_unit_test_store_services_SOURCES = tests/unit/test_store_services.c $(store_test_common)
tests_unit_test_store_services_CFLAGS = $(unit_cflags) $(SQLITE_CFLAGS)
tests_unit_test_store_services_LDADD = $(unit_ldadd) $(SQLITE_LIBS) $(JANSSON_LIBS)
tests_unit_test_store_crash_SOURCES = tests/unit/test_store_crash.c $(store_test_common)
tests_unit_test_store_crash_CFLAGS = $(unit_cflags) $(SQLITE_CFLAGS)
tests_unit_test_store_crash_LDADD = $(unit_ldadd) $(SQLITE_LIBS) $(JANSSON_LIBS)
endif

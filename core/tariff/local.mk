# SPDX-License-Identifier: Apache-2.0
libfems_la_SOURCES += \
	%D%/bill.c %D%/bill_json.c %D%/bill_json.h %D%/bill_months.c %D%/bill_months.h %D%/bill_run.h \
	%D%/billing.c %D%/billing.h %D%/billing_forecast.c %D%/billing_run.h %D%/billing_services.c %D%/billing_slots.c \
	%D%/calendar.c %D%/calendar.h %D%/compile.c %D%/demand.c %D%/evidence.c \
	%D%/lines.c %D%/load.c %D%/load.h %D%/load_cells.c %D%/load_csv.c %D%/load_csv.h %D%/load_notes.c %D%/load_rows.h %D%/load_series.c \
	%D%/load_hours.c %D%/load_lines.c %D%/load_util.c %D%/model.h \
	%D%/power_factor.c %D%/power_factor.h %D%/selftest.c %D%/tariff.c %D%/tariff.h

EXTRA_DIST += docs/load-file.md

if HAVE_CMOCKA
tariff_tests = tests/unit/test_bill tests/unit/test_bill_cases tests/unit/test_billing tests/unit/test_calendar \
	tests/unit/test_load_csv tests/unit/test_tariff_load
check_PROGRAMS += $(tariff_tests)
TESTS += $(tariff_tests)
tests_unit_test_bill_SOURCES = tests/unit/test_bill.c tests/unit/bill_help.c tests/unit/bill_help.h
tests_unit_test_bill_cases_SOURCES = tests/unit/test_bill_cases.c tests/unit/bill_help.c tests/unit/bill_help.h
tests_unit_test_bill_cases_CFLAGS = $(unit_cflags)
tests_unit_test_bill_cases_LDADD = $(unit_ldadd)
tests_unit_test_bill_CFLAGS = $(unit_cflags)
tests_unit_test_bill_LDADD = $(unit_ldadd)
tests_unit_test_billing_SOURCES = tests/unit/test_billing.c
tests_unit_test_billing_CFLAGS = $(unit_cflags)
tests_unit_test_billing_LDADD = $(unit_ldadd)
tests_unit_test_calendar_SOURCES = tests/unit/test_calendar.c
tests_unit_test_calendar_CFLAGS = $(unit_cflags)
tests_unit_test_calendar_LDADD = $(unit_ldadd)
tests_unit_test_load_csv_SOURCES = tests/unit/test_load_csv.c
tests_unit_test_load_csv_CFLAGS = $(unit_cflags)
tests_unit_test_load_csv_LDADD = $(unit_ldadd)
tests_unit_test_tariff_load_SOURCES = tests/unit/test_tariff_load.c
tests_unit_test_tariff_load_CFLAGS = $(unit_cflags)
tests_unit_test_tariff_load_LDADD = $(unit_ldadd)
endif

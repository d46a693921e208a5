# SPDX-License-Identifier: Apache-2.0
libfems_la_SOURCES += %D%/quantity.c %D%/quantity.h %D%/point.c %D%/point.h %D%/bus.c %D%/bus.h \
	%D%/data_services.c %D%/data_services.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_quantity tests/unit/test_point tests/unit/test_bus
TESTS += tests/unit/test_quantity tests/unit/test_point tests/unit/test_bus
tests_unit_test_quantity_SOURCES = tests/unit/test_quantity.c
tests_unit_test_quantity_CFLAGS = $(unit_cflags)
tests_unit_test_quantity_LDADD = $(unit_ldadd)
tests_unit_test_point_SOURCES = tests/unit/test_point.c
tests_unit_test_point_CFLAGS = $(unit_cflags)
tests_unit_test_point_LDADD = $(unit_ldadd)
tests_unit_test_bus_SOURCES = tests/unit/test_bus.c
tests_unit_test_bus_CFLAGS = $(unit_cflags)
tests_unit_test_bus_LDADD = $(unit_ldadd)
check_PROGRAMS += tests/unit/test_data_services
TESTS += tests/unit/test_data_services
tests_unit_test_data_services_SOURCES = tests/unit/test_data_services.c
tests_unit_test_data_services_CFLAGS = $(unit_cflags)
tests_unit_test_data_services_LDADD = $(unit_ldadd)
endif

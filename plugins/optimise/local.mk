# SPDX-License-Identifier: Apache-2.0
# The search is a library of its own, so that tests and benchmarks run it without a plugin host.
noinst_LTLIBRARIES += liboptimise.la
liboptimise_la_SOURCES = \
	%D%/battery.c %D%/battery.h %D%/bound.c %D%/build.c %D%/build.h %D%/model.c %D%/model.h \
	%D%/model_parse.c %D%/search.c %D%/search.h %D%/solve.c %D%/solve.h %D%/state.c %D%/state.h
liboptimise_la_CFLAGS = $(plugin_cflags) $(JANSSON_CFLAGS) $(CBC_CFLAGS)
liboptimise_la_CPPFLAGS = $(plugin_cppflags)
liboptimise_la_LIBADD = $(JANSSON_LIBS) -lClp -lCoinUtils -lm

plugin_LTLIBRARIES += plugins/optimise/optimise.la
plugins_optimise_optimise_la_SOURCES = %D%/optimise.c
plugins_optimise_optimise_la_CFLAGS = $(plugin_cflags)
plugins_optimise_optimise_la_CPPFLAGS = $(plugin_cppflags)
plugins_optimise_optimise_la_LDFLAGS = $(plugin_ldflags)
plugins_optimise_optimise_la_LIBADD = liboptimise.la

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_plan_search
TESTS += tests/unit/test_plan_search
tests_unit_test_plan_search_SOURCES = tests/unit/test_plan_search.c tests/unit/plan_sample.c tests/unit/plan_sample.h
tests_unit_test_plan_search_CFLAGS = $(unit_cflags)
tests_unit_test_plan_search_LDADD = liboptimise.la $(unit_ldadd) -lm
check_PROGRAMS += tests/unit/test_planner
TESTS += tests/unit/test_planner
tests_unit_test_planner_SOURCES = tests/unit/test_planner.c tests/unit/store_fixture.c tests/unit/store_fixture.h
tests_unit_test_planner_CFLAGS = $(unit_cflags) $(SQLITE_CFLAGS)
tests_unit_test_planner_LDADD = liboptimise.la $(unit_ldadd) $(SQLITE_LIBS) -lm
endif

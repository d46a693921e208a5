# SPDX-License-Identifier: Apache-2.0
EXTRA_PROGRAMS += tests/bench/bench_plan
CLEANFILES += tests/bench/bench_plan
tests_bench_bench_plan_SOURCES = tests/bench/bench_plan.c tests/unit/plan_sample.c tests/unit/plan_sample.h
tests_bench_bench_plan_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_bench_bench_plan_LDADD = liboptimise.la libfems.la -lm
EXTRA_PROGRAMS += tests/bench/bench_web
CLEANFILES += tests/bench/bench_web
tests_bench_bench_web_SOURCES = tests/bench/bench_web.c tests/plugin/web_host.c tests/plugin/web_host.h
tests_bench_bench_web_CFLAGS = $(AM_CFLAGS)
EXTRA_PROGRAMS += tests/bench/bench_tariff
CLEANFILES += tests/bench/bench_tariff
tests_bench_bench_tariff_SOURCES = tests/bench/bench_tariff.c
tests_bench_bench_tariff_LDADD = libfems.la

# SPDX-License-Identifier: Apache-2.0

if ENABLE_FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_tariff
tests_fuzz_fuzz_tariff_SOURCES = tests/fuzz/fuzz_tariff.c
tests_fuzz_fuzz_tariff_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_tariff_LDADD = libfems.la
noinst_PROGRAMS += tests/fuzz/fuzz_conf
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c
tests_fuzz_fuzz_conf_LDADD = libfems.la
tests_fuzz_fuzz_conf_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += tests/fuzz/fuzz_profile
tests_fuzz_fuzz_profile_SOURCES = %D%/fuzz_profile.c $(modbus_decode_sources)
tests_fuzz_fuzz_profile_CFLAGS = $(AM_CFLAGS) $(FYAML_CFLAGS)
tests_fuzz_fuzz_profile_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_profile_LDADD = $(FYAML_LIBS)
endif
if ENABLE_FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_b2mml
tests_fuzz_fuzz_b2mml_SOURCES = tests/fuzz/fuzz_b2mml.c
tests_fuzz_fuzz_b2mml_CFLAGS = $(AM_CFLAGS) $(XML_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_b2mml_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_b2mml_LDADD = connectors/b2mml/libb2mml.la $(JANSSON_LIBS)
endif
EXTRA_DIST += tests/fuzz/fuzz_b2mml.c
if ENABLE_FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_problem
tests_fuzz_fuzz_problem_SOURCES = tests/fuzz/fuzz_problem.c
tests_fuzz_fuzz_problem_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_problem_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_problem_LDADD = liboptimise.la libfems.la
endif
EXTRA_DIST += tests/fuzz/seeds/problem/small.json tests/fuzz/seeds/problem/battery.json
if ENABLE_FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_note
tests_fuzz_fuzz_note_SOURCES = tests/fuzz/fuzz_note.c
tests_fuzz_fuzz_note_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_note_LDADD = libfems.la
endif
EXTRA_DIST += tests/fuzz/fuzz_note.c
if ENABLE_FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_load
tests_fuzz_fuzz_load_SOURCES = tests/fuzz/fuzz_load.c
tests_fuzz_fuzz_load_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_load_LDADD = libfems.la
endif
EXTRA_DIST += tests/fuzz/fuzz_load.c tests/fuzz/seeds/load

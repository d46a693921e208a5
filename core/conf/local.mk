# SPDX-License-Identifier: Apache-2.0
libfems_la_SOURCES += %D%/conf.h %D%/arena.h %D%/node.h %D%/quote.h %D%/scalar.h %D%/secret.h %D%/unit.h \
	%D%/arena.c %D%/doc.c %D%/dump.c %D%/excerpt.c %D%/faults.c %D%/fill.c %D%/json_out.c %D%/merge.c \
	%D%/names.c %D%/parse.c %D%/sample.c %D%/scalar.c %D%/secret.c %D%/source.c %D%/syntax.c %D%/unit.c

if HAVE_CMOCKA
conf_tests = tests/unit/test_conf_parse tests/unit/test_conf_fill tests/unit/test_conf_tree
check_PROGRAMS += $(conf_tests)
TESTS += $(conf_tests)
tests_unit_test_conf_parse_SOURCES = tests/unit/test_conf_parse.c tests/unit/conf_help.h
tests_unit_test_conf_parse_CFLAGS = $(unit_cflags)
tests_unit_test_conf_parse_LDADD = $(unit_ldadd)
tests_unit_test_conf_fill_SOURCES = tests/unit/test_conf_fill.c tests/unit/conf_help.h
tests_unit_test_conf_fill_CFLAGS = $(unit_cflags)
tests_unit_test_conf_fill_LDADD = $(unit_ldadd)
tests_unit_test_conf_tree_SOURCES = tests/unit/test_conf_tree.c tests/unit/conf_help.h
tests_unit_test_conf_tree_CFLAGS = $(unit_cflags)
tests_unit_test_conf_tree_LDADD = $(unit_ldadd)
endif

# SPDX-License-Identifier: Apache-2.0
plugin_LTLIBRARIES += %D%/b2mml.la
b2mml_read_sources = %D%/buf.c %D%/buf.h %D%/lex.c %D%/lex.h %D%/xml_scan.c %D%/xml_scan.h \
	%D%/xml_schema.c %D%/xml_schema.h %D%/xml_in.c %D%/xml_in.h %D%/sched.h %D%/sched_state.h \
	%D%/sched_read.c %D%/sched_leaf.c %D%/sched_json.c
b2mml_out_sources = %D%/xml_out.c %D%/xml_out.h
b2mml_libs = $(XML_LIBS) $(CURL_LIBS) $(JANSSON_LIBS) $(SODIUM_LIBS) -lpthread
b2mml_cflags = $(XML_CFLAGS) $(CURL_CFLAGS) $(JANSSON_CFLAGS) $(SODIUM_CFLAGS)
%C%_b2mml_la_SOURCES = %D%/b2mml.c %D%/b2mml.h %D%/pull.c %D%/push.c %D%/http.c %D%/http.h %D%/folder.c %D%/folder.h \
	$(b2mml_read_sources) $(b2mml_out_sources)
%C%_b2mml_la_CFLAGS = $(plugin_cflags) $(b2mml_cflags)
%C%_b2mml_la_CPPFLAGS = $(plugin_cppflags)
%C%_b2mml_la_LDFLAGS = $(plugin_ldflags)
%C%_b2mml_la_LIBADD = $(b2mml_libs)

# The readers and writers as a library, for the ERP stand-in and the tests.
noinst_LTLIBRARIES += %D%/libb2mml.la
%C%_libb2mml_la_SOURCES = $(b2mml_read_sources) $(b2mml_out_sources)
%C%_libb2mml_la_CFLAGS = $(AM_CFLAGS) $(b2mml_cflags)
%C%_libb2mml_la_LIBADD = $(XML_LIBS) $(JANSSON_LIBS) $(SODIUM_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += tests/plugin/test_b2mml_read tests/plugin/test_b2mml \
	tests/plugin/test_b2mml_push tests/plugin/test_b2mml_folder tests/plugin/test_b2mml_isolated
TESTS += tests/plugin/test_b2mml_read tests/plugin/test_b2mml tests/plugin/test_b2mml_push \
	tests/plugin/test_b2mml_folder tests/plugin/test_b2mml_isolated
tests_plugin_test_b2mml_read_SOURCES = tests/plugin/test_b2mml_read.c
tests_plugin_test_b2mml_read_CFLAGS = $(unit_cflags) $(b2mml_cflags)
tests_plugin_test_b2mml_read_LDADD = %D%/libb2mml.la $(CMOCKA_LIBS) $(JANSSON_LIBS)
b2mml_test_host = tests/plugin/b2mml_host.c tests/plugin/b2mml_host.h
b2mml_test_ldadd = %D%/libb2mml.la $(CMOCKA_LIBS) $(JANSSON_LIBS) $(CURL_LIBS) -lpthread
tests_plugin_test_b2mml_SOURCES = tests/plugin/test_b2mml.c $(b2mml_test_host)
tests_plugin_test_b2mml_CFLAGS = $(unit_cflags) $(b2mml_cflags)
tests_plugin_test_b2mml_LDADD = $(b2mml_test_ldadd)
tests_plugin_test_b2mml_push_SOURCES = tests/plugin/test_b2mml_push.c $(b2mml_test_host)
tests_plugin_test_b2mml_push_CFLAGS = $(unit_cflags) $(b2mml_cflags)
tests_plugin_test_b2mml_push_LDADD = $(b2mml_test_ldadd)
tests_plugin_test_b2mml_folder_SOURCES = tests/plugin/test_b2mml_folder.c $(b2mml_test_host)
tests_plugin_test_b2mml_folder_CFLAGS = $(unit_cflags) $(b2mml_cflags)
tests_plugin_test_b2mml_folder_LDADD = $(b2mml_test_ldadd)
tests_plugin_test_b2mml_isolated_SOURCES = tests/plugin/test_b2mml_isolated.c tests/plugin/stage.c \
	tests/plugin/stage.h $(b2mml_test_host)
tests_plugin_test_b2mml_isolated_CFLAGS = $(unit_cflags) $(b2mml_cflags)
tests_plugin_test_b2mml_isolated_LDADD = $(unit_ldadd) $(b2mml_test_ldadd)
endif
EXTRA_DIST += tests/b2mml docs/b2mml.md

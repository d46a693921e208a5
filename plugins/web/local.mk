# SPDX-License-Identifier: Apache-2.0
plugin_LTLIBRARIES += plugins/web/web.la
plugins_web_web_la_SOURCES = \
	plugins/web/plugin.c plugins/web/settings.h \
	plugins/web/answer.c plugins/web/answer.h \
	plugins/web/files.c plugins/web/files.h \
	plugins/web/guard.c plugins/web/guard.h \
	plugins/web/hub.c plugins/web/hub.h \
	plugins/web/listen.c plugins/web/listen.h \
	plugins/web/pool.c plugins/web/pool.h \
	plugins/web/power.c plugins/web/power.h \
	plugins/web/routes.c plugins/web/routes.h \
	plugins/web/server.c plugins/web/server.h
plugins_web_web_la_CFLAGS = $(plugin_cflags) $(MHD_CFLAGS) $(JANSSON_CFLAGS)
plugins_web_web_la_CPPFLAGS = $(plugin_cppflags) -DFEMS_WEB_ROOT='"$(pkgdatadir)/web"'
plugins_web_web_la_LDFLAGS = $(plugin_ldflags)
plugins_web_web_la_LIBADD = $(MHD_LIBS) $(JANSSON_LIBS)

if HAVE_CMOCKA
web_tests = tests/plugin/test_web tests/plugin/test_web_live
check_PROGRAMS += $(web_tests)
TESTS += $(web_tests)
web_test_host = tests/plugin/web_host.c tests/plugin/web_host.h
tests_plugin_test_web_SOURCES = tests/plugin/test_web.c $(web_test_host)
tests_plugin_test_web_CFLAGS = $(unit_cflags)
tests_plugin_test_web_LDADD = $(CMOCKA_LIBS) $(JANSSON_LIBS)
tests_plugin_test_web_live_SOURCES = tests/plugin/test_web_live.c $(web_test_host)
tests_plugin_test_web_live_CFLAGS = $(unit_cflags)
tests_plugin_test_web_live_LDADD = $(CMOCKA_LIBS) $(JANSSON_LIBS)
endif

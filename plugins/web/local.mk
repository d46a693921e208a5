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

# The page: bundled from plugins/web/ui; a release has the result in plugins/web/dist and needs no Node.js.
webdir = $(pkgdatadir)/web
web_page = plugins/web/dist/index.html plugins/web/dist/app.js plugins/web/dist/app.css plugins/web/dist/favicon.svg
web_packed = plugins/web/dist/index.html.gz plugins/web/dist/app.js.gz plugins/web/dist/app.css.gz \
	plugins/web/dist/favicon.svg.gz
dist_web_DATA = $(web_page) $(web_packed)
web_ui = plugins/web/ui/package.json plugins/web/ui/package-lock.json plugins/web/ui/.npmrc \
	plugins/web/ui/tsconfig.json plugins/web/ui/build.mjs
web_src = \
	plugins/web/ui/src/bands.ts plugins/web/ui/src/card.ts plugins/web/ui/src/cost.ts \
	plugins/web/ui/src/curve.ts plugins/web/ui/src/dialog.ts plugins/web/ui/src/dom.ts \
	plugins/web/ui/src/en.json plugins/web/ui/src/favicon.svg plugins/web/ui/src/feeders.ts \
	plugins/web/ui/src/format.ts plugins/web/ui/src/gantt.ts plugins/web/ui/src/gauge.ts \
	plugins/web/ui/src/hatch.ts plugins/web/ui/src/i18n.ts plugins/web/ui/src/index.html \
	plugins/web/ui/src/ko.json plugins/web/ui/src/main.ts plugins/web/ui/src/meters.ts \
	plugins/web/ui/src/next.ts plugins/web/ui/src/plan.ts plugins/web/ui/src/store.ts \
	plugins/web/ui/src/style.css plugins/web/ui/src/topbar.ts plugins/web/ui/src/types.ts
EXTRA_DIST += $(web_ui) $(web_src)
# Where the packages of the lock file are: a directory of the build, kept by "make clean".
web_npm = plugins/web/npm

if WEB_REBUILD
$(web_page) $(web_packed): plugins/web/dist/.stamp
	@test -f $@ || { rm -f plugins/web/dist/.stamp; $(MAKE) $(AM_MAKEFLAGS) plugins/web/dist/.stamp; }

plugins/web/npm/.stamp: $(web_ui)
	$(AM_V_GEN)$(MKDIR_P) $(web_npm)
	$(AM_V_at)cp $(srcdir)/plugins/web/ui/package.json $(srcdir)/plugins/web/ui/package-lock.json \
		$(srcdir)/plugins/web/ui/.npmrc $(srcdir)/plugins/web/ui/tsconfig.json \
		$(srcdir)/plugins/web/ui/build.mjs $(web_npm)/
	$(AM_V_at)cd $(web_npm) && { cmp -s package-lock.json .installed && test -d node_modules || \
		{ $(NPM) ci --ignore-scripts --prefer-offline --loglevel=error && cp package-lock.json .installed; } || \
		{ echo 'The page needs the npm packages of plugins/web/ui/package-lock.json and npm could not get them.' \
		'Connect to the registry once, or build from a release tarball.' >&2; exit 1; }; }
	@touch $@

plugins/web/dist/.stamp: plugins/web/npm/.stamp $(web_src)
	$(AM_V_GEN)rm -rf $(web_npm)/src plugins/web/dist && cp -R $(srcdir)/plugins/web/ui/src $(web_npm)/src
	$(AM_V_at)cd $(web_npm) && $(NODE) node_modules/typescript/bin/tsc -p . && $(NODE) build.mjs ../dist
	$(AM_V_at)for f in $(web_page); do gzip -n9c $$f >$$f.gz || exit 1; done
	@touch $@

CLEANFILES += $(web_page) $(web_packed) plugins/web/dist/.stamp
endif

distclean-local:
	-rm -rf $(web_npm)

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

dist_check_SCRIPTS += tests/web/page.test
TESTS += tests/web/page.test
EXTRA_DIST += tests/web/page.test.mjs tests/web/mock-server.mjs

# SPDX-License-Identifier: Apache-2.0
house_tests = tests/house/arrows.test tests/house/style.test
dist_check_SCRIPTS += $(house_tests)
TESTS += $(house_tests)

# ---- habits: make lint, make format, make fuzz, make bench ----
EXTRA_DIST += .clang-format .clang-tidy tests/house/cppcheck.suppress tests/house/cppcheck.h tests/bench/run tests/bench/table.py docs/contributing.md docs/documents.md \
	docs/services.md
PHONY += lint lint-tidy lint-cppcheck format format-check bench fuzz
c_sources = find core meters plugins connectors tests etc -path '*/node_modules' -prune -o -name '*.[ch]' -print

format:
	cd $(srcdir) && $(c_sources) | xargs clang-format -i
format-check:
	cd $(srcdir) && $(c_sources) | xargs clang-format --dry-run -Werror

tidy_flags = -std=gnu11 -D_GNU_SOURCE -I. -Icore/api -I$(abs_builddir) -DFEMS_PLUGIN_DIR=\"\" \
	-DFEMS_LIBEXEC_DIR=\"\" -DFEMS_DATA_DIR=\"\" -DFEMS_SYSCONF_DIR=\"\" -DFEMS_WEB_ROOT=\"\" \
	$(XML_CFLAGS) $(MODBUS_CFLAGS) $(CBC_CFLAGS)

lint: lint-cppcheck lint-tidy
lint-cppcheck:
	cd $(srcdir) && cppcheck --quiet --error-exitcode=1 --inline-suppr --enable=warning,performance,portability \
		--suppressions-list=tests/house/cppcheck.suppress --std=c11 -I. -Icore/api -j2 \
		--include=tests/house/cppcheck.h \
		core meters plugins connectors tests/sim
lint-tidy:
	cd $(srcdir) && find core meters plugins connectors tests/sim -path '*/node_modules' -prune -o -name '*.c' -print | \
		xargs -P2 -n8 sh -c 'clang-tidy --quiet "$$@" -- $(tidy_flags)' sh

# BENCH=ROOM measures one room; BENCH_OUT=FILE keeps the rows as JSON lines.
bench: all
	$(MAKE) $(AM_MAKEFLAGS) $(EXTRA_PROGRAMS)
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' $(srcdir)/tests/bench/run

# A minute for each target, or FUZZ_SECONDS; wants CC=clang ./configure --enable-fuzzers.
FUZZ_SECONDS = 60
fuzz: all
	@found=; for f in tests/fuzz/fuzz_*; do \
		test -f $$f && test -x $$f || continue; found=1; echo "== $$f"; mkdir -p $$f.corpus; \
		./$$f -max_total_time=$(FUZZ_SECONDS) -verbosity=0 $$f.corpus || exit 1; \
	done; test -n "$$found" || { echo "no fuzz targets: CC=clang ./configure --enable-fuzzers"; exit 1; }

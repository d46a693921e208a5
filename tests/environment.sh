# SPDX-License-Identifier: Apache-2.0
# Environment of every test: messages in English and UTF-8, UTC, TAP output, plugins of this build.
LC_ALL=C.UTF-8
TZ=UTC
CMOCKA_MESSAGE_OUTPUT=TAP
FEMS_PLUGIN_PATH="$top_builddir/meters/modbus/.libs:$top_builddir/plugins/optimise/.libs:$top_builddir/plugins/demand/.libs:$top_builddir/plugins/web/.libs:$top_builddir/connectors/b2mml/.libs:$top_builddir/tests/plugin/.libs"
FEMS_PROFILE_PATH="$top_srcdir/meters/profiles"
FEMS_HOST_PROGRAM="$top_builddir/fems-host"
FEMS_SHARED="${FEMS_SHARED:-$top_srcdir/../shared}"
ASAN_OPTIONS="detect_leaks=1:abort_on_error=0:${ASAN_OPTIONS-}"
UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS-}"
TSAN_OPTIONS="halt_on_error=1:${TSAN_OPTIONS-}"
export LC_ALL TZ CMOCKA_MESSAGE_OUTPUT FEMS_PLUGIN_PATH FEMS_PROFILE_PATH FEMS_HOST_PROGRAM FEMS_SHARED ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS

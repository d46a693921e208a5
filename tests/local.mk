# SPDX-License-Identifier: Apache-2.0
house_tests = tests/house/arrows.test tests/house/style.test
dist_check_SCRIPTS += $(house_tests)
TESTS += $(house_tests)

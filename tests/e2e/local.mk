# SPDX-License-Identifier: Apache-2.0
e2e_tests = %D%/bill.test %D%/chain.test %D%/steel.test %D%/browser.test %D%/isolate.test %D%/man.test %D%/demo.test
dist_check_SCRIPTS += $(e2e_tests)
EXTRA_DIST += %D%/e2e.py %D%/replay.py %D%/browser.mjs
TESTS += $(e2e_tests)

# SPDX-License-Identifier: Apache-2.0
bin_PROGRAMS += femsctl
femsctl_SOURCES = %D%/femsctl.c %D%/femsctl.h %D%/bill.c %D%/bill_case.c %D%/bill_file.c %D%/bill_sheet.c %D%/bill_case.h %D%/case_result.c %D%/tariff.c %D%/check.c %D%/common.c %D%/history.c %D%/load.c %D%/meters.c \
	%D%/plan.c %D%/records.c %D%/status.c
femsctl_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
femsctl_LDADD = libfems.la

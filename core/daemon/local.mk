# SPDX-License-Identifier: Apache-2.0
libfems_la_SOURCES += %D%/battery.c %D%/check.c %D%/check.h %D%/control.c %D%/control.h %D%/daemon.c %D%/daemon.h \
	%D%/delivery.c %D%/delivery.h %D%/hooks.c %D%/notify.c %D%/notify.h %D%/recorder.c %D%/recorder.h \
	%D%/setup.c %D%/setup.h %D%/status.c

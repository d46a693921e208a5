# SPDX-License-Identifier: Apache-2.0
libfems_la_SOURCES += %D%/clock.h %D%/err.h %D%/json.h %D%/log.h %D%/money.h %D%/site.h %D%/text.h %D%/zone.h

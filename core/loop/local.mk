# SPDX-License-Identifier: Apache-2.0
libfems_la_SOURCES += %D%/loop.h %D%/worker.h %D%/service.h

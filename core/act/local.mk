# SPDX-License-Identifier: Apache-2.0
libfems_la_SOURCES += %D%/act.c %D%/act.h

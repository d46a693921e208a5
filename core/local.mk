# SPDX-License-Identifier: Apache-2.0
libfems_la_SOURCES += core/site_settings.c core/site_settings.h core/site_check.c core/site_check.h

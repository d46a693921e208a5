# SPDX-License-Identifier: Apache-2.0
# Tariffs name their holiday lists as ../calendars/NAME, here and where they are installed.
tariffsdir = $(pkgdatadir)/tariffs
dist_tariffs_DATA = %D%/tariffs/kr-kepco-industrial-b-hva-2.yaml
calendarsdir = $(pkgdatadir)/calendars
dist_calendars_DATA = %D%/calendars/kr-holidays.yaml

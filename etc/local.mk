# SPDX-License-Identifier: Apache-2.0
# Tariffs name their holiday lists as ../calendars/NAME, here and where they are installed.
tariffsdir = $(pkgdatadir)/tariffs
dist_tariffs_DATA = %D%/tariffs/kr-kepco-industrial-b-hva-2.yaml
calendarsdir = $(pkgdatadir)/calendars
dist_calendars_DATA = %D%/calendars/kr-holidays.yaml

dist_pkgdata_DATA += %D%/fems.yaml
dist_man_MANS += %D%/man/femsd.8 %D%/man/femsctl.1 %D%/man/fems.yaml.5
EXTRA_DIST += %D%/demo/fems.yaml %D%/systemd/femsd.service.in

if HAVE_SYSTEMD
systemdsystemunit_DATA = %D%/systemd/femsd.service
endif
CLEANFILES += %D%/systemd/femsd.service
# Directory variables are only final now, so this is not configure's work.
%D%/systemd/femsd.service: %D%/systemd/femsd.service.in Makefile
	@$(MKDIR_P) $(@D)
	$(AM_V_GEN)$(SED) -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' $(srcdir)/etc/systemd/femsd.service.in >$@.tmp && mv $@.tmp $@

skeletondir = $(pkgdatadir)/skeleton
dist_skeleton_DATA = %D%/skeleton/meter-sim.c %D%/skeleton/README.md

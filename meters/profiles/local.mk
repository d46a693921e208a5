# SPDX-License-Identifier: Apache-2.0
profilesdir = $(pkgdatadir)/profiles
dist_profiles_DATA = %D%/README.md \
	%D%/abb-b23.yaml \
	%D%/carlogavazzi-em340.yaml \
	%D%/eastron-sdm630.yaml \
	%D%/fems-battery.yaml \
	%D%/fems-load-controller.yaml \
	%D%/janitza-umg96rme.yaml \
	%D%/kdy-200.yaml \
	%D%/ls-gimac-i.yaml \
	%D%/ls-gimac2-plus.yaml \
	%D%/rootech-accura-3300e.yaml \
	%D%/schneider-iem3255.yaml \
	%D%/siemens-pac3200.yaml \
	%D%/socomec-diris-a10.yaml \
	%D%/sunspec-inverter-103.yaml

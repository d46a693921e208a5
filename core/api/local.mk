# SPDX-License-Identifier: Apache-2.0
femsincludedir = $(includedir)/fems
femsinclude_HEADERS = %D%/fems/plugin.h %D%/fems/util.h

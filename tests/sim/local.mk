# SPDX-License-Identifier: Apache-2.0
pkglibexec_PROGRAMS += fems-plant
fems_plant_SOURCES = %D%/fems-plant.c %D%/plant.h %D%/plant_floor.c %D%/plant_history.c %D%/plant_maps.c \
	%D%/plant_model.c %D%/plant_server.c
fems_plant_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(JANSSON_CFLAGS)
fems_plant_LDADD = libfems.la $(CURL_LIBS) $(JANSSON_LIBS)
pkglibexec_PROGRAMS += fems-erp
fems_erp_SOURCES = %D%/fems-erp.c %D%/erp.h %D%/erp_plan.c %D%/erp_xml.c %D%/erp_received.c %D%/erp_http.c
fems_erp_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS) $(JANSSON_CFLAGS) $(XML_CFLAGS) $(SODIUM_CFLAGS)
fems_erp_LDADD = connectors/b2mml/libb2mml.la libfems.la $(MHD_LIBS) $(XML_LIBS) $(SODIUM_LIBS) $(JANSSON_LIBS)

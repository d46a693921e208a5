# SPDX-License-Identifier: Apache-2.0
pkglibexec_PROGRAMS += fems-plant
fems_plant_SOURCES = %D%/fems-plant.c %D%/plant.h %D%/plant_floor.c %D%/plant_history.c %D%/plant_maps.c \
	%D%/plant_model.c %D%/plant_server.c
fems_plant_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(JANSSON_CFLAGS)
fems_plant_LDADD = libfems.la $(CURL_LIBS) $(JANSSON_LIBS)

# SPDX-License-Identifier: Apache-2.0
libfems_la_SOURCES += %D%/plug.h \
	%D%/apply.c %D%/call.c %D%/call.h %D%/child.c %D%/child.h %D%/child_host.c %D%/face.c %D%/face.h \
	%D%/face_wire.c %D%/feed.c %D%/host.c %D%/idset.c %D%/idset.h %D%/instance.c %D%/instance_call.c %D%/instance.h \
	%D%/item.c %D%/item.h %D%/json.c %D%/loader.c %D%/local.c %D%/module.h %D%/note.c %D%/note.h \
	%D%/notice.c %D%/plugs.c %D%/plugs.h %D%/proxy.c %D%/proxy.h %D%/proxy_ask.c %D%/proxy_process.c \
	%D%/proxy_state.h %D%/restart.c %D%/set.c %D%/wire.c %D%/wire.h

# The process of one isolated plugin.
pkglibexec_PROGRAMS += fems-host
fems_host_SOURCES = %D%/fems-host.c
fems_host_LDADD = libfems.la

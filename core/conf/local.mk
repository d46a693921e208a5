# SPDX-License-Identifier: Apache-2.0
libfems_la_SOURCES += %D%/conf.h %D%/arena.h %D%/node.h %D%/quote.h %D%/scalar.h %D%/secret.h %D%/unit.h \
	%D%/arena.c %D%/doc.c %D%/dump.c %D%/excerpt.c %D%/faults.c %D%/fill.c %D%/json_out.c %D%/merge.c \
	%D%/names.c %D%/parse.c %D%/sample.c %D%/scalar.c %D%/secret.c %D%/source.c %D%/unit.c

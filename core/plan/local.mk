# SPDX-License-Identifier: Apache-2.0
libfems_la_SOURCES += %D%/plan.h \
	%D%/answer.c %D%/conflict.c %D%/conflict.h %D%/cost.c %D%/cost.h %D%/erp.c %D%/evaluate.c \
	%D%/explain.c %D%/infeasible.c %D%/problem.c %D%/problem_parse.c
libfems_la_SOURCES += %D%/planner.h

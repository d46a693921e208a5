# SPDX-License-Identifier: Apache-2.0
libfems_la_SOURCES += %D%/plan.h %D%/planner.h \
	%D%/answer.c %D%/build.c %D%/build.h %D%/conflict.c %D%/conflict.h %D%/cost.c %D%/cost.h %D%/erp.c \
	%D%/evaluate.c %D%/execution.c %D%/explain.c %D%/forecast.c %D%/forecast.h %D%/infeasible.c \
	%D%/order_rows.c %D%/order_rows.h %D%/performance.c %D%/planner.c %D%/planner_job.c %D%/planner_room.h \
	%D%/planner_services.c %D%/planner_view.c %D%/problem.c %D%/problem_parse.c %D%/schedule.c %D%/schedule.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_plan_judge
TESTS += tests/unit/test_plan_judge
tests_unit_test_plan_judge_SOURCES = tests/unit/test_plan_judge.c tests/unit/plan_sample.c tests/unit/plan_sample.h
tests_unit_test_plan_judge_CFLAGS = $(unit_cflags)
tests_unit_test_plan_judge_LDADD = $(unit_ldadd) -lm
endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/demand/shed.h"

#include <inttypes.h>
#include <stdio.h>

#define LEAST_LEFT_US INT64_C(15000000) /* closer to the end nothing that is shed still helps */

static double room(double mean_w, const struct projection *p, int64_t now_us, int64_t target_w)
{
	double left = (double)(p->end_us - now_us);

	return left > 0 ? ((double)target_w - mean_w) * (double)WINDOW_US / left : 0;
}

int64_t shed_room_w(const struct projection *p, int64_t now_us, int64_t target_w)
{
	return (int64_t)room(p->projected_w, p, now_us, target_w);
}

static void reason(struct load *l, enum advice a, const char *en, const char *ko)
{
	l->advice = a;
	snprintf(l->why_en, sizeof l->why_en, "%s", en);
	snprintf(l->why_ko, sizeof l->why_ko, "%s", ko);
}

static void advise_shed(struct load *l, double excess_w)
{
	char en[160], ko[160];

	snprintf(en, sizeof en, "%.0f kW too much for the rest of this window", excess_w / 1000);
	snprintf(ko, sizeof ko, "이 구간의 남은 시간에 %.0f kW 초과", excess_w / 1000);
	reason(l, ADVICE_SHED, en, ko);
}

static bool may_shed(const struct load *l, int64_t now_us)
{
	return !l->off && (!l->changed_us || now_us - l->changed_us >= l->min_on_us);
}

/* Loads that are off: forced back after their longest pause, or held for their shortest one. */
static void settle_off(struct load *l, int64_t now_us, double *free_w)
{
	if (l->max_off_us && now_us - l->changed_us >= l->max_off_us) {
		reason(l, ADVICE_RESTORE, "its longest pause is over", "최대 정지 시간 종료");
		*free_w -= (double)l->power_w;
	} else if (now_us - l->changed_us < l->min_off_us) {
		reason(l, ADVICE_HOLD, "its shortest pause is not over", "최소 정지 시간 미경과");
	} else {
		reason(l, ADVICE_HOLD, "no room yet", "여유 전력 없음");
	}
}

static void shed_some(struct load *loads, int n, int64_t now_us, double excess_w)
{
	for (int i = 0; i < n && excess_w > 0; i++) {
		if (!may_shed(&loads[i], now_us))
			continue;
		advise_shed(&loads[i], excess_w);
		excess_w -= (double)loads[i].power_w;
	}
}

static void restore_some(struct load *loads, int n, int64_t now_us, double free_w)
{
	for (int i = n - 1; i >= 0; i--) {
		struct load *l = &loads[i];

		if (!l->off || l->advice == ADVICE_RESTORE || now_us - l->changed_us < l->min_off_us ||
		    (double)l->power_w > free_w)
			continue;
		reason(l, ADVICE_RESTORE, "there is room again", "여유 전력 회복");
		free_w -= (double)l->power_w;
	}
}

int shed_decide(struct load *loads, int n, const struct projection *p, int64_t now_us, int64_t target_w)
{
	double free_w = room(p->high_w, p, now_us, target_w);
	double spare_w = room(p->high_w, p, now_us, target_w - target_w * SHED_BACK_PERMILLE / 1000);
	int changes = 0;

	for (int i = 0; i < n; i++) {
		reason(&loads[i], ADVICE_HOLD, "", "");
		if (loads[i].off)
			settle_off(&loads[i], now_us, &free_w);
	}
	if (now_us - p->start_us >= SHED_QUIET_US && p->end_us - now_us >= LEAST_LEFT_US && free_w < 0)
		shed_some(loads, n, now_us, -free_w);
	else if (spare_w > 0)
		restore_some(loads, n, now_us, spare_w);
	for (int i = 0; i < n; i++)
		changes += loads[i].advice != ADVICE_HOLD;
	return changes;
}

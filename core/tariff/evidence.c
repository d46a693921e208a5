/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a line of a bill is what it is: formula, inputs, and the interval or month that set it, in
 * English and Korean.
 */
#include "config.h"
#include "core/tariff/bill_run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "core/base/text.h"

struct num {
	char s[48];
};

void fit(char *dst, size_t cap, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(dst, cap, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n < cap)
		return;
	/* Cut: take off what is left of a character of several bytes. */
	for (size_t end = cap - 1; end > 0; end--) {
		unsigned char c = (unsigned char)dst[end - 1];
		size_t whole = c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

		if (whole == 0)
			continue;
		if (cap - 1 - (end - 1) < whole)
			dst[end - 1] = '\0';
		return;
	}
}

/* A number without superfluous zeros: 164, 66.7, 8,320. Written by hand: a bill has a hundred. */
static struct num num(int64_t micro)
{
	uint64_t abs = micro < 0 ? (uint64_t)0 - (uint64_t)micro : (uint64_t)micro, whole = abs / 1000000;
	uint32_t fraction = (uint32_t)(abs % 1000000);
	char *s, digits[32];
	struct num n;
	int count = 0;

	s = digits + sizeof digits;
	*--s = '\0';
	if (fraction) {
		int places = 6;

		for (; fraction % 10 == 0; fraction /= 10)
			places--;
		for (; places > 0; places--, fraction /= 10)
			*--s = (char)('0' + fraction % 10);
		*--s = '.';
	}
	do {
		if (count && count % 3 == 0)
			*--s = ',';
		*--s = (char)('0' + whole % 10);
		count++;
	} while (whole /= 10);
	if (micro < 0)
		*--s = '-';
	memcpy(n.s, s, (size_t)(digits + sizeof digits - s));
	return n;
}

static struct num kilo(int64_t milli)
{
	return num(milli * 1000);
}

static const char *currency_ko(const struct bill_run *run)
{
	static const char *const names[][2] = {
		{ "KRW", "원" }, { "EUR", "유로" }, { "USD", "달러" }, { "JPY", "엔" }
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(run->t->currency, names[i][0]))
			return names[i][1];
	return run->t->currency;
}

/* "2025-01-15 13:30-13:45" in the tariff's zone. */
static struct num interval(const struct bill_run *run, int64_t t_us)
{
	struct civil a, b;
	struct num n;

	zone_civil(run->t->zone, t_us, &a);
	zone_civil(run->t->zone, t_us + run->t->demand_us, &b);
	snprintf(n.s, sizeof n.s, "%04d-%02d-%02d %02d:%02d-%02d:%02d", a.year, a.month, a.day, a.hour,
		 a.minute, b.hour, b.minute);
	return n;
}

/* This month's peak in words, in both languages. */
static void peak_words(const struct bill_run *run, char en[120], char ko[120])
{
	int64_t w = (int64_t)((__int128)run->peak_wh * INT64_C(3600000000) / run->t->demand_us);

	if (!run->peak_wh) {
		snprintf(en, 120, "no demand that counts this month");
		snprintf(ko, 120, "당월 해당 수요 없음");
		return;
	}
	snprintf(en, 120, "%s kW on %s", kilo(w).s, interval(run, run->peak_us).s);
	snprintf(ko, 120, "%s kW (%s)", kilo(w).s, interval(run, run->peak_us).s);
}

static void share_words(int64_t days, int64_t of_days, char en[40], char ko[40])
{
	*en = *ko = '\0';
	if (days == of_days)
		return;
	snprintf(en, 40, " x %d of %d days", (int)days, (int)of_days);
	snprintf(ko, 40, " × %d/%d일", (int)days, (int)of_days);
}

void evidence_demand(const struct bill_run *run, const struct billing_demand *d, const struct rate *rate,
		     int64_t days, int64_t of_days, struct bill_line *out)
{
	char en[120], ko[120], share_en[40], share_ko[40], why_en[200], why_ko[200], more_en[60] = "",
										     more_ko[80] = "";
	struct num percent = num(run->demand->contract_percent_micro), contract = kilo(run->contract_w);

	peak_words(run, en, ko);
	share_words(days, of_days, share_en, share_ko);
	if (!d->month) {
		fit(why_en, sizeof why_en, "floor: %s %% of the contract of %s kW (month: %s)", percent.s,
		    contract.s, en);
		fit(why_ko, sizeof why_ko, "계약전력 %s kW의 %s %% 하한 (당월: %s)", contract.s, percent.s,
		    ko);
	} else if (d->year == run->year && d->month == run->month) {
		fit(why_en, sizeof why_en, "set by this month's highest demand, %s", en);
		fit(why_ko, sizeof why_ko, "당월 최대수요 %s", ko);
	} else {
		fit(why_en, sizeof why_en,
		    "set by the peak of %04d-%02d, kept for %d months (this month: %s)", d->year, d->month,
		    run->demand->window_months, en);
		fit(why_ko, sizeof why_ko, "%04d-%02d 최대수요 적용, %d개월 유지 (당월: %s)", d->year,
		    d->month, run->demand->window_months, ko);
	}
	if (d->missing) {
		snprintf(more_en, sizeof more_en, "; no peak known of %d months that count", d->missing);
		snprintf(more_ko, sizeof more_ko, "; 이전 %d개월 기록 없음", d->missing);
	}
	fit(out->evidence_en, sizeof out->evidence_en, "%s kW x %s %s/kW%s; %s%s", kilo(d->w).s,
	    num(rate->price_micro).s, run->t->currency, share_en, why_en, more_en);
	fit(out->evidence_ko, sizeof out->evidence_ko, "%s kW × %s %s/kW%s; %s%s", kilo(d->w).s,
	    num(rate->price_micro).s, currency_ko(run), share_ko, why_ko, more_ko);
}

void evidence_energy(const struct bill_run *run, const struct line *line, const struct energy_key *key,
		     struct bill_line *out)
{
	const struct tariff *t = run->t;
	const struct discount *d = key->discount == NONE ? NULL : &t->discounts[key->discount];
	int64_t full = line->rates[key->rate].band_micro[key->season][key->band];
	char off_en[120] = "", off_ko[120] = "", day[16];

	if (d) {
		fit(off_en, sizeof off_en, "; %s %% off %s", num(d->percent_micro).s, num(full).s);
		fit(off_ko, sizeof off_ko, "; %s에서 %s %% 할인", num(full).s, num(d->percent_micro).s);
	}
	day_text(line->rates[key->rate].valid.from, day, sizeof day);
	fit(out->evidence_en, sizeof out->evidence_en, "%s kWh x %s %s/kWh; %s, prices from %s%s",
	    kilo(out->quantity_milli).s, num(out->price_micro).s, t->currency,
	    t->seasons[key->season].label.en, day, off_en);
	fit(out->evidence_ko, sizeof out->evidence_ko, "%s kWh × %s %s/kWh; %s, %s 시행 단가%s",
	    kilo(out->quantity_milli).s, num(out->price_micro).s, currency_ko(run),
	    t->seasons[key->season].label.ko, day, off_ko);
}

void evidence_levy(const struct bill_run *run, const struct rate *rate, struct bill_line *out)
{
	char day[16];

	day_text(rate->valid.from, day, sizeof day);
	fit(out->evidence_en, sizeof out->evidence_en, "%s kWh x %s %s/kWh; price from %s",
	    kilo(out->quantity_milli).s, num(rate->price_micro).s, run->t->currency, day);
	fit(out->evidence_ko, sizeof out->evidence_ko, "%s kWh × %s %s/kWh; %s 시행 단가",
	    kilo(out->quantity_milli).s, num(rate->price_micro).s, currency_ko(run), day);
}

void evidence_fixed(const struct bill_run *run, const struct rate *rate, int64_t days, int64_t of_days,
		    struct bill_line *out)
{
	char en[40], ko[40];

	share_words(days, of_days, en, ko);
	fit(out->evidence_en, sizeof out->evidence_en, "%s %s a month%s", num(rate->price_micro).s,
	    run->t->currency, en);
	fit(out->evidence_ko, sizeof out->evidence_ko, "월 %s %s%s", num(rate->price_micro).s,
	    currency_ko(run), ko);
}

void evidence_pf(const struct bill_run *run, const struct pf_rule *rule, const struct pf_mean *mean,
		 int64_t of_micro, struct bill_line *out)
{
	char en[160] = "", ko[160] = "";
	size_t n = 0, m = 0;

	for (int i = 0; i < rule->n_parts; i++) {
		const struct pf_part *p = &rule->parts[i];

		fit(en + n, sizeof en - n, "%s%s %s %% (standard %s)", i ? ", " : "", p->label.en,
		    num(mean->mean_micro[i]).s, num(p->standard_micro).s);
		fit(ko + m, sizeof ko - m, "%s%s %s %% (기준 %s)", i ? ", " : "", p->label.ko,
		    num(mean->mean_micro[i]).s, num(p->standard_micro).s);
		n = strlen(en);
		m = strlen(ko);
	}
	fit(out->evidence_en, sizeof out->evidence_en, "%s: %s %% of %s %s", en, kilo(out->quantity_milli).s,
	    num(of_micro).s, run->t->currency);
	fit(out->evidence_ko, sizeof out->evidence_ko, "%s: %s %s의 %s %%", ko, num(of_micro).s,
	    currency_ko(run), kilo(out->quantity_milli).s);
}

void evidence_over(const struct bill_run *run, int64_t excess_w, int64_t percent_micro, bool grace,
		   struct bill_line *out)
{
	char en[120], ko[120];

	peak_words(run, en, ko);
	if (grace) {
		fit(out->evidence_en, sizeof out->evidence_en,
		    "%s kW above the contract of %s kW (%s); first month above it: a warning, nothing is "
		    "charged",
		    kilo(excess_w).s, kilo(run->contract_w).s, en);
		fit(out->evidence_ko, sizeof out->evidence_ko,
		    "계약전력 %s kW를 %s kW 초과 (%s); 첫 달은 예고만, 부과 없음", kilo(run->contract_w).s,
		    kilo(excess_w).s, ko);
		return;
	}
	fit(out->evidence_en, sizeof out->evidence_en,
	    "%s kW above the contract of %s kW (%s), at %s %% of the base price: %s %s/kW", kilo(excess_w).s,
	    kilo(run->contract_w).s, en, num(percent_micro).s, num(out->price_micro).s, run->t->currency);
	fit(out->evidence_ko, sizeof out->evidence_ko,
	    "계약전력 %s kW를 %s kW 초과 (%s), 기본단가의 %s %%: %s %s/kW", kilo(run->contract_w).s,
	    kilo(excess_w).s, ko, num(percent_micro).s, num(out->price_micro).s, currency_ko(run));
}

void evidence_percent(const struct bill_run *run, const struct line *line, int64_t of_micro, bool mixed,
		      struct bill_line *out)
{
	char en[120] = "", ko[160] = "";
	size_t n = 0, m = 0;
	bool first = true;

	for (int i = 0; i < run->t->n_lines; i++)
		if (line->of >> i & 1) {
			fit(en + n, sizeof en - n, "%s%s", first ? "" : ", ", run->t->lines[i].label.en);
			fit(ko + m, sizeof ko - m, "%s%s", first ? "" : ", ", run->t->lines[i].label.ko);
			n = strlen(en);
			m = strlen(ko);
			first = false;
		}
	fit(out->evidence_en, sizeof out->evidence_en, "%s %% of %s %s%s (%s)", kilo(out->quantity_milli).s,
	    num(of_micro).s, run->t->currency, mixed ? ", rates weighted by days" : "", en);
	fit(out->evidence_ko, sizeof out->evidence_ko, "%s %s의 %s %%%s (%s)", num(of_micro).s,
	    currency_ko(run), kilo(out->quantity_milli).s, mixed ? ", 일수 가중" : "", ko);
}

void evidence_total(const struct bill_run *run, int64_t before_micro, struct bill_line *out)
{
	fit(out->evidence_en, sizeof out->evidence_en, "%s %s before rounding", num(before_micro).s,
	    run->t->currency);
	fit(out->evidence_ko, sizeof out->evidence_ko, "조정 전 %s %s", num(before_micro).s,
	    currency_ko(run));
}

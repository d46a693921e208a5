// SPDX-License-Identifier: Apache-2.0
// Money: today, the month so far and its forecast, and the bill of last month with its evidence.
import { h } from './dom';
import { card, table, waiting } from './card';
import { dayTime, monthName, num } from './format';
import { label, t } from './i18n';
import { openDialog } from './dialog';
import { on, state } from './store';
import type { Bill, Cost } from './types';

function item(name: string, value: string, note: string | null, cls = ''): HTMLElement {
	return h('div', { class: cls || null }, h('dt', {}, name), h('dd', {}, value, note && h('small', {}, note)));
}

function peakNote(c: Cost): string | null {
	const m = c.month;
	if (!m?.peak_w)
		return null;
	const at = m.peak_at ? ` (${dayTime(Date.parse(m.peak_at))})` : '';
	return `${t('cost.peak')} ${num(m.peak_w, 'W')}${at}`;
}

function billed(b: Bill): string {
	const parts = [`${t('bill.energy')} ${num(b.energy_wh, 'Wh')}`];
	if (b.peak_w)
		parts.push(`${t('bill.peak')} ${num(b.peak_w, 'W')}${b.peak_at ? ` (${dayTime(Date.parse(b.peak_at))})` : ''}`);
	if (b.billing_demand_w)
		parts.push(`${t('bill.demand')} ${num(b.billing_demand_w, 'W')}${b.billing_month ? ` (${b.billing_month})` : ''}`);
	return parts.join(' · ');
}

function coverage(b: Bill): string {
	if (b.complete && !b.missing && !b.estimated)
		return t('bill.complete');
	return t('bill.incomplete', { missing: num(b.missing ?? 0, 'count'), estimated: num(b.estimated ?? 0, 'count'), slots: num(b.slots ?? 0, 'count') });
}

function lines(b: Bill): HTMLElement {
	const rows = b.lines.map((l) => [
		h('span', {}, label(l.labels, l.id), l.evidence ? h('small', { class: 'evidence' }, label(l.evidence)) : null),
		l.quantity_milli === null || l.quantity_milli === undefined ? '' : `${num(l.quantity_milli / 1000, 'count')}\u00a0${l.quantity_unit ?? ''}`,
		l.price_micro === null || l.price_micro === undefined ? '' : num(l.price_micro / 1e6, 'count'),
		num(l.amount_micro, 'money'),
	]);
	rows.push([h('strong', {}, t('bill.total')), '', '', h('strong', {}, num(b.total_micro, 'money'))]);
	return table(t('bill.title', { month: monthName(b.month) }), [t('bill.line'), t('bill.quantity'), t('bill.price'), t('bill.amount')], rows, 1);
}

function openBill(b: Bill): void {
	openDialog(t('bill.title', { month: monthName(b.month) }),
		h('p', { class: 'quiet' }, label(b.title, b.tariff ?? ''), h('br'), billed(b), h('br'), coverage(b)), lines(b));
}

function billLink(): HTMLElement {
	const b = state.bill;
	if (!b)
		return waiting('bill');
	return h('div', { class: 'bill' },
		h('dl', {}, item(t('cost.lastMonth', { month: monthName(b.month) }), num(b.total_micro, 'money'), null)),
		h('button', { type: 'button', click: () => openBill(b) }, t('bill.open')));
}

export function costCard(): HTMLElement {
	const c = card('cost');
	function render(): void {
		const cost = state.cost;
		c.title(t('cost.title'));
		if (!cost) {
			c.body.replaceChildren(waiting('cost'), billLink());
			return;
		}
		const m = cost.month;
		c.body.replaceChildren(h('dl', { class: 'money' },
			item(t('cost.today'), num(cost.energy_micro, 'money'), num(cost.energy_wh, 'Wh'), 'lead'),
			m ? item(t('cost.month'), num(m.total_micro, 'money'), peakNote(cost)) : null,
			m ? item(t('cost.forecast'), num(m.forecast_micro, 'money'), null) : null), billLink());
	}
	on(['site', 'cost', 'bill'], render);
	render();
	return c.root;
}

// SPDX-License-Identifier: Apache-2.0
// What the plan does next, with a countdown.
import { h } from './dom';
import { card, waiting } from './card';
import { countdown, day, hhmm, num } from './format';
import { machineName, orderName } from './gantt';
import { t } from './i18n';
import { on, plantNow, state } from './store';
import type { Plan, PlanOrder } from './types';

interface Action { at: number; what: string; detail: string }

function orderAction(o: PlanOrder): Action {
	const erp = o.erp_start ? Date.parse(o.erp_start) : null, at = Date.parse(o.start);
	const saves = o.saving_micro && o.saving_micro > 0 ? t('next.saves', { money: num(o.saving_micro, 'money') }) : '';
	const moved = o.moved && erp !== null && erp !== at ? t('next.moved', { time: hhmm(erp) }) : t('next.asErp');
	return { at, what: t('next.start', { order: orderName(o), machine: machineName(o.equipment) }),
		detail: [o.product ?? '', moved, saves].filter(Boolean).join(' · ') };
}

/** Where the battery begins to charge, to discharge or to rest. */
function batteryActions(p: Plan): Action[] {
	const w = p.battery_w ?? [], from = Date.parse(p.from ?? ''), out: Action[] = [];
	for (let i = 0; i < w.length; i++) {
		if (Math.sign(w[i]) === Math.sign(w[i - 1] ?? 0) || w[i] === 0)
			continue;
		let end = i;
		while (end < w.length && Math.sign(w[end]) === Math.sign(w[i]))
			end++;
		const mean = w.slice(i, end).reduce((a, b) => a + b, 0) / (end - i);
		out.push({ at: from + i * (p.slot_s ?? 900) * 1000, what: t(mean > 0 ? 'next.charge' : 'next.discharge', { power: num(Math.abs(mean), 'W') }),
			detail: t('next.until', { time: hhmm(from + end * (p.slot_s ?? 900) * 1000) }) });
	}
	return out;
}

export function nextCard(): HTMLElement {
	const c = card('next');
	function render(): void {
		c.title(t('next.title'));
		const p = state.plan, now = plantNow();
		if (!p) {
			c.body.replaceChildren(waiting('plan'));
			return;
		}
		const actions = [...(p.orders ?? []).map(orderAction), ...batteryActions(p)]
			.filter((a) => a.at > now).sort((a, b) => a.at - b.at).slice(0, 4);
		if (!actions.length) {
			c.body.replaceChildren(h('p', { class: 'quiet' }, t('next.none')));
			return;
		}
		c.body.replaceChildren(h('ol', { class: 'next' }, ...actions.map((a) => h('li', {},
			h('span', { class: 'when' }, h('b', {}, a.at - now < 86400000 ? countdown(a.at - now) : day(a.at)), h('small', {}, hhmm(a.at))),
			h('span', { class: 'what' }, a.what, h('small', {}, a.detail))))));
	}
	on(['site', 'plan', 'second'], render);
	render();
	return c.root;
}

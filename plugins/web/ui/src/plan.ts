// SPDX-License-Identifier: Apache-2.0
// The plan: what it saves, its state, what excludes each other, the Gantt and the reason of a bar.
import { h } from './dom';
import { card, table, tableSwitch, waiting } from './card';
import { bandName, bandsInUse } from './bands';
import { dayTime, hhmm, num } from './format';
import { gantt, isLate, machineName, orderName } from './gantt';
import { swatch } from './hatch';
import { label, t, word, type Key } from './i18n';
import { on, runPlan, state } from './store';
import type { Plan, PlanOrder } from './types';

function headline(p: Plan): HTMLElement {
	const parts: (string | HTMLElement)[] = [h('span', { class: `badge plan-${p.state}` }, word('plan', p.state))];
	if (p.mode)
		parts.push(h('span', { class: 'badge' }, word('mode', p.mode)));
	if (p.saving_micro !== undefined && p.erp_cost) {
		const key: Key = p.saving_micro > 0 ? 'plan.saves' : p.saving_micro < 0 ? 'plan.costsMore' : 'plan.same';
		parts.push(h('strong', { class: p.saving_micro > 0 ? 'good' : null }, t(key, { money: num(Math.abs(p.saving_micro), 'money') })));
	}
	if (p.peak_w !== undefined && p.erp_peak_w !== undefined)
		parts.push(h('span', {}, t('plan.peaks', { peak: num(p.peak_w, 'W'), erp: num(p.erp_peak_w, 'W') })));
	if (p.erp_feasible === false)
		parts.push(h('span', { class: 'quiet' }, t('plan.erpInfeasible')));
	if (p.made_at)
		parts.push(h('span', { class: 'quiet' }, t('plan.made', { time: hhmm(Date.parse(p.made_at)), ms: num(p.solve_ms, 'count') })));
	return h('p', { class: 'headline' }, ...parts);
}

function conflicts(p: Plan): HTMLElement | null {
	if (!p.conflicts?.length)
		return null;
	return h('div', { class: 'conflicts', role: 'status' }, h('strong', {}, t('plan.conflicts')),
		h('ul', {}, ...p.conflicts.map((c) => h('li', {}, label(c.text, c.rule ?? ''), c.orders?.length ? h('small', {}, c.orders.join(', ')) : null))));
}

function legend(): HTMLElement {
	const bar = (cls: string, key: Key) => h('li', {}, h('span', { class: `key bar-key ${cls}`, 'aria-hidden': 'true' }), t(key));
	return h('ul', { class: 'legend' }, bar('', 'gantt.keyKept'), bar('moved', 'gantt.keyMoved'), bar('late', 'gantt.keyLate'), bar('ghost', 'gantt.keyErp'),
		...bandsInUse().map((b) => h('li', {}, swatch(b.rank, `plan-sw-${b.rank}`), bandName(b.id))));
}

function pair(name: string, value: string | null): HTMLElement | null {
	return value ? h('div', {}, h('dt', {}, name), h('dd', {}, value)) : null;
}

function span(start: string, end: string): string {
	return `${dayTime(Date.parse(start))} – ${hhmm(Date.parse(end))}`;
}

function reason(o: PlanOrder, close: () => void): HTMLElement {
	const q = o.quantity !== null && o.quantity !== undefined ? `${typeof o.quantity === 'number' ? num(o.quantity, 'count') : o.quantity}\u00a0${o.unit ?? ''}` : '';
	const erp = o.erp_start ? `${dayTime(Date.parse(o.erp_start))}${o.erp_equipment && o.erp_equipment !== o.equipment ? ` · ${machineName(o.erp_equipment)}` : ''}` : null;
	return h('div', { class: 'reason' },
		h('header', {}, h('h3', {}, `${orderName(o)} · ${machineName(o.equipment)}`),
			h('button', { type: 'button', class: 'small', click: close }, t('close'))),
		h('p', { class: 'why' }, label(o.reason) || t(o.moved ? 'reason.moved' : 'reason.kept')),
		h('dl', { class: 'facts' }, pair(t('reason.plan'), span(o.start, o.end)), pair(t('reason.erp'), erp),
			pair(t('reason.product'), [o.product, q].filter(Boolean).join(' · ')), pair(t('reason.power'), o.power_w ? num(o.power_w, 'W') : null),
			pair(t('reason.release'), o.release ? dayTime(Date.parse(o.release)) : null), pair(t('reason.due'), o.due ? dayTime(Date.parse(o.due)) : null),
			isLate(o) ? pair(t('reason.late'), num(o.late_s, 'age')) : null, pair(t('reason.order'), o.id)),
		o.moved && o.saving_micro !== undefined ? h('dl', { class: 'facts parts' }, pair(t('reason.saving'), num(o.saving_micro, 'money')),
			pair(t('part.energy'), o.parts ? num(o.parts.energy_micro, 'money') : null), pair(t('part.demand'), o.parts ? num(o.parts.demand_micro, 'money') : null),
			pair(t('part.late'), o.parts ? num(o.parts.late_micro, 'money') : null)) : null);
}

function orderTable(p: Plan): HTMLElement {
	const rows = [...(p.orders ?? [])].sort((a, b) => a.start.localeCompare(b.start)).map((o) => [orderName(o), machineName(o.equipment), span(o.start, o.end),
		o.erp_start ? dayTime(Date.parse(o.erp_start)) : '', o.due ? dayTime(Date.parse(o.due)) : '', isLate(o) ? num(o.late_s, 'age') : '', label(o.reason), num(o.saving_micro, 'money')]);
	return table(t('plan.title'), [t('reason.order'), t('gantt.machine'), t('reason.plan'), t('reason.erp'), t('reason.due'), t('reason.late'), t('plan.reason'), t('reason.saving')], rows, 7);
}

export function planCard(): HTMLElement {
	const c = card('plan');
	const top = h('div'), panel = h('div', { id: 'reason', 'aria-live': 'polite' }), keys = h('div'), place = h('div', { hidden: true });
	const chart = gantt((o) => panel.replaceChildren(...(o ? [reason(o, () => chart.select(null))] : [])));
	const drawing = h('div', {}, chart.root, keys, panel);
	const toTable = tableSwitch('plan.title', drawing, place, () => state.plan ? orderTable(state.plan) : waiting('plan'));
	const run = h('button', { type: 'button', class: 'small', click: async () => {
		run.disabled = true;
		const p = await runPlan();
		run.disabled = false;
		said.textContent = p ? `${t('unavailable')} ${p.detail ?? p.title}` : t('plan.running');
	} });
	const said = h('span', { class: 'quiet', role: 'status' });
	c.tools.append(said, run, toTable.button);

	function render(): void {
		const p = state.plan;
		c.title(t('plan.title'));
		run.textContent = t('plan.run');
		if (!p) {
			c.body.replaceChildren(waiting('plan'));
			toTable.refresh();
			return;
		}
		if (!drawing.isConnected)
			c.body.replaceChildren(top, drawing, place);
		const drawable = !!p.from && !!p.machines?.length;
		top.replaceChildren(...[headline(p), conflicts(p), drawable ? null : h('p', { class: 'quiet' }, t('plan.nothing'))].filter((x) => x !== null));
		toTable.button.hidden = !drawable;
		toTable.refresh();
		chart.root.hidden = !drawable;
		keys.replaceChildren(...(drawable ? [legend()] : []));
		if (drawable && !drawing.hidden)
			chart.render(p);
	}
	on(['site', 'plan', 'load'], render);
	on(['plan'], () => { said.textContent = ''; });
	on(['second'], () => chart.moveNow());
	render();
	return c.root;
}

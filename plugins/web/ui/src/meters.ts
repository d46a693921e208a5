// SPDX-License-Identifier: Apache-2.0
// Health of the meters: state, why, age of the last value, power, energy.
import { h } from './dom';
import { card, table, waiting } from './card';
import { num } from './format';
import { label, t, word } from './i18n';
import { tree } from './feeders';
import { meterAge, meterFresh, meterPower, on, state } from './store';
import type { Meter } from './types';

const SIGNS: Record<string, string> = { online: '●', degraded: '◐', offline: '○', unknown: '?' };

function row(m: Meter): (Node | string)[] {
	const fresh = meterFresh(m.name), age = meterAge(m), cls = fresh ? 'live' : 'stale';
	return [
		h('span', {}, label(m.labels, m.name), h('small', {}, [m.role && word('role', m.role), m.plugin].filter(Boolean).join(' · '))),
		h('span', { class: `state ${m.state}` }, h('i', { 'aria-hidden': 'true' }, SIGNS[m.state] ?? '?'), ' ', word('state', m.state)),
		h('span', { class: 'why' }, m.why ?? '', m.unverified ? h('small', {}, t('meters.unverified')) : null),
		age === null ? t('never') : num(age, 'age'),
		h('span', { class: cls }, num(meterPower(m), 'W')),
		num(m.energy_wh, 'Wh'),
	];
}

export function meterCard(): HTMLElement {
	const c = card('meters');
	function render(): void {
		const list = state.meters;
		c.title(t('meters.title'));
		if (!list) {
			c.body.replaceChildren(waiting('meters'));
			return;
		}
		const online = list.filter((m) => m.state === 'online').length;
		c.tools.replaceChildren(h('span', { class: 'badge' }, t('meters.online', { online, total: list.length })));
		const had = c.body.contains(document.activeElement);
		const left = c.body.firstElementChild?.scrollLeft ?? 0;
		c.body.replaceChildren(table(t('meters.title'),
			[t('meters.meter'), t('meters.state'), t('meters.why'), t('meters.age'), t('meters.power'), t('meters.energy')],
			tree(list).map((r) => row(r.meter)), 3));
		c.body.firstElementChild!.scrollLeft = left;
		if (had)
			(c.body.firstElementChild as HTMLElement).focus();
	}
	on(['site', 'meters', 'live', 'second'], render);
	render();
	return c.root;
}

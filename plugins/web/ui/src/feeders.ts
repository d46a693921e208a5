// SPDX-License-Identifier: Apache-2.0
// Power by feeder: the tree of meters with a bar each, what no meter explains, and old values greyed.
import { h, setText, style } from './dom';
import { card, waiting } from './card';
import { num } from './format';
import { label, t } from './i18n';
import { meterAge, meterFresh, meterPower, on, state } from './store';
import type { Meter } from './types';

interface Row { meter: Meter; depth: number }

/** Meters as a tree, the main meter first; one with an unknown parent stands at the top. */
export function tree(meters: Meter[]): Row[] {
	const names = new Set(meters.map((m) => m.name)), rows: Row[] = [], seen = new Set<string>();
	const main = state.site?.main_meter;
	const add = (m: Meter, depth: number) => {
		if (seen.has(m.name))
			return;
		seen.add(m.name);
		rows.push({ meter: m, depth });
		for (const child of meters)
			if (child.parent === m.name)
				add(child, depth + 1);
	};
	for (const m of [...meters].sort((a, b) => Number(b.name === main) - Number(a.name === main)))
		if (!m.parent || !names.has(m.parent))
			add(m, 0);
	meters.forEach((m) => add(m, 0)); /* what hangs in a circle */
	return rows;
}

/** What the main meter shows and its children do not; null while one of them is old. */
function unmetered(meters: Meter[]): number | null {
	const main = meters.find((m) => m.name === state.site?.main_meter);
	const children = meters.filter((m) => main && m.parent === main.name);
	if (!main || !children.length || ![main, ...children].every((m) => meterFresh(m.name)))
		return null;
	return (meterPower(main) ?? 0) - children.reduce((sum, m) => sum + (meterPower(m) ?? 0), 0);
}

interface Line { root: HTMLElement; value: HTMLElement; age: HTMLElement; bar: HTMLElement }

function line(name: string, depth: number): Line {
	const value = h('span', { class: 'kw live' }), age = h('span', { class: 'age' }), bar = h('span', { class: 'bar' });
	const root = h('li', {}, style(h('span', { class: 'name' }, name), 'padding-left', `${depth * 14}px`),
		h('span', { class: 'track', 'aria-hidden': 'true' }, bar), age, value);
	return { root, value, age, bar };
}

function show(l: Line, w: number | null, max: number, fresh: boolean, age: number | null): void {
	setText(l.value, num(w, 'W'));
	setText(l.age, fresh ? '' : age === null ? t('never') : t('old', { age: num(age, 'age') }));
	l.root.classList.toggle('stale', !fresh);
	l.bar.classList.toggle('feed-in', (w ?? 0) < 0);
	style(l.bar, 'width', `${Math.min(100, (100 * Math.abs(w ?? 0)) / max).toFixed(1)}%`);
}

export function feederCard(): HTMLElement {
	const c = card('feeders');
	let lines = new Map<string, Line>(), rest: Line | null = null, shape = '';

	function build(rows: Row[]): void {
		lines = new Map(rows.map((r) => [r.meter.name, line(label(r.meter.labels, r.meter.name), r.depth)]));
		rest = line(t('feeders.rest'), 1);
		c.body.replaceChildren(h('ul', { class: 'feeders' }, ...[...lines.values()].map((l) => l.root), rest.root));
	}

	function render(): void {
		c.title(t('feeders.title'));
		const meters = state.meters?.filter((m) => m.role !== 'other'); /* controllers see a machine's power again */
		if (!meters) {
			c.body.replaceChildren(waiting('meters'));
			shape = '';
			return;
		}
		const rows = tree(meters);
		const now = `${t('feeders.title')}${JSON.stringify(rows.map((r) => [r.meter.name, r.meter.labels, r.depth]))}`;
		if (now !== shape)
			build(rows);
		shape = now;
		const max = Math.max(1000, ...meters.map((m) => Math.abs(meterPower(m) ?? 0)));
		for (const { meter } of rows)
			show(lines.get(meter.name)!, meterPower(meter), max, meterFresh(meter.name), meterAge(meter));
		const left = unmetered(meters), total = meterPower(meters.find((m) => m.name === state.site?.main_meter) ?? meters[0]) ?? 0;
		rest!.root.hidden = left === null || Math.abs(left) < Math.max(500, Math.abs(total) * 0.005);
		if (left !== null)
			show(rest!, left, max, true, null);
	}
	on(['site', 'meters', 'power', 'live', 'second'], render);
	render();
	return c.root;
}

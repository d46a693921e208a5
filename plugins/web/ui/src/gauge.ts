// SPDX-License-Identifier: Apache-2.0
// The running demand window: mean so far, projected end with its band, limits, money at risk, advice.
import { h, s } from './dom';
import { card, waiting } from './card';
import { countdown, num } from './format';
import { label, t, word, type Key } from './i18n';
import { on, plantNow, state } from './store';
import type { Demand } from './types';

const CX = 120, CY = 118, R = 92;

function point(v: number, max: number, r: number): [number, number] {
	const a = Math.PI * (1 - Math.min(1, Math.max(0, v / max)));
	return [CX + r * Math.cos(a), CY - r * Math.sin(a)];
}

function arc(from: number, to: number, max: number, r: number): string {
	const [x0, y0] = point(from, max, r), [x1, y1] = point(to, max, r);
	return `M${x0.toFixed(2)} ${y0.toFixed(2)}A${r} ${r} 0 0 1 ${x1.toFixed(2)} ${y1.toFixed(2)}`;
}

/** Scale end: a round number above everything that is shown. */
function scale(d: Demand): number {
	const top = 1.08 * Math.max(d.contract_w ?? 0, d.target_w ?? 0, d.threshold_w ?? 0, d.projected_high_w ?? 0, d.mean_w ?? 0, 1000);
	const step = 10 ** Math.floor(Math.log10(top)) / 2;
	return Math.ceil(top / step) * step;
}

type Level = 'ok' | 'warn' | 'bad';

function judge(d: Demand): { level: Level; key: Key; over: number } {
	const p = d.projected_w ?? 0;
	if (d.contract_w && p > d.contract_w)
		return { level: 'bad', key: 'demand.overContract', over: p - d.contract_w };
	if (d.counts && d.threshold_w && p > d.threshold_w)
		return { level: 'bad', key: 'demand.overBilled', over: p - d.threshold_w };
	if (d.target_w && p > d.target_w)
		return { level: 'warn', key: 'demand.overTarget', over: p - d.target_w };
	return { level: 'ok', key: 'demand.ok', over: 0 };
}

function tick(v: number | null | undefined, max: number, kind: string): SVGElement | null {
	if (!v)
		return null;
	const [x0, y0] = point(v, max, R - 10), [x1, y1] = point(v, max, R + 10);
	return s('line', { x1: x0, y1: y0, x2: x1, y2: y1, class: `tick ${kind}` });
}

function ring(d: Demand, level: Level, text: string): SVGElement {
	const max = scale(d), stale = isStale(d);
	const [nx, ny] = point(d.projected_w ?? 0, max, R + 3), [bx, by] = point(d.projected_w ?? 0, max, R - 34);
	return s('svg', { viewBox: '0 0 240 134', role: 'img', 'aria-label': text, class: `ring ${level}${stale ? ' stale' : ''}` },
		s('path', { d: arc(0, max, max, R), class: 'track' }),
		s('path', { d: arc(0, d.mean_w ?? 0, max, R), class: 'value' }),
		d.projected_high_w !== undefined && s('path', { d: arc(d.projected_low_w ?? 0, d.projected_high_w, max, R + 14), class: 'spread' }),
		tick(d.target_w, max, 'target'), tick(d.contract_w, max, 'contract'), tick(d.threshold_w, max, 'billed'),
		d.projected_w !== undefined && s('line', { x1: bx, y1: by, x2: nx, y2: ny, class: 'needle' }),
		d.projected_w !== undefined && s('circle', { cx: nx, cy: ny, r: 4, class: 'needle-tip' }),
		s('text', { x: CX, y: CY - 18, class: 'big' }, num(d.mean_w, 'W')),
		s('text', { x: CX, y: CY + 2, class: 'sub' }, t('demand.mean')),
		s('text', { x: CX - R, y: CY + 14, class: 'edge' }, '0'),
		s('text', { x: CX + R, y: CY + 14, class: 'edge' }, num(max, 'W')));
}

function isStale(d: Demand): boolean {
	return !state.live || !!d.stale;
}

function fact(name: string, value: string, cls = ''): HTMLElement {
	return h('div', { class: cls || null }, h('dt', {}, name), h('dd', {}, value));
}

function facts(d: Demand): HTMLElement {
	const left = d.window_end ? Date.parse(d.window_end) - plantNow() : 0;
	return h('dl', { class: `facts live${isStale(d) ? ' stale' : ''}` },
		fact(t('demand.left'), countdown(left)),
		fact(t('demand.room'), num(d.room_w, 'W')),
		fact(t('demand.projected'), num(d.projected_w, 'W')),
		fact(t('demand.now'), num(d.power_w, 'W')));
}

function limits(d: Demand): HTMLElement {
	const item = (kind: string, key: Key, v: number | null | undefined) =>
		v ? h('li', {}, h('span', { class: `mark ${kind}`, 'aria-hidden': 'true' }), `${t(key)} ${num(v, 'W')}`) : null;
	return h('ul', { class: 'limits' }, item('target', 'limit.target', d.target_w),
		item('contract', 'limit.contract', d.contract_w), item('billed', 'limit.billed', d.threshold_w));
}

function verdict(d: Demand): HTMLElement {
	if (isStale(d))
		return h('p', { class: 'verdict stale' }, d.age_s ? t('demand.stale', { age: num(d.age_s, 'age') }) : t('noLive'));
	const j = judge(d);
	const risk = d.at_risk_micro
		? t('demand.risk', { money: num(d.at_risk_micro, 'money-short'), months: d.months ?? 1 })
		: d.counts === false ? t('demand.notCounted') : '';
	return h('p', { class: `verdict ${j.level}` }, h('strong', {}, t(j.key, { over: num(j.over, 'W') })), risk ? ` ${risk}` : '');
}

function advice(d: Demand): HTMLElement | null {
	/* A load that is on and may stay on is no advice. */
	const list = (d.advice ?? []).filter((a) => a.action !== 'hold' || a.state === 'off');
	if (!list.length)
		return null;
	return h('div', { class: 'advice' }, h('h3', {}, t('demand.advice')),
		h('ul', {}, ...list.map((a) => h('li', { class: a.action },
			h('span', { class: 'who' }, label(a.labels, a.load)),
			h('span', { class: 'do' }, `${word('action', a.action)} ${num(a.power_w, 'W')}`),
			a.reason && h('span', { class: 'why' }, label(a.reason))))));
}

function describe(d: Demand): string {
	return t('demand.alt', {
		mean: num(d.mean_w, 'W'), projected: num(d.projected_w, 'W'), low: num(d.projected_low_w, 'W'),
		high: num(d.projected_high_w, 'W'), target: num(d.target_w, 'W'), contract: num(d.contract_w, 'W'),
	});
}

export function demandCard(): HTMLElement {
	const c = card('demand');
	function render(): void {
		const d = state.demand;
		c.title(t('demand.title'));
		c.tools.replaceChildren(...(d?.mode && d.mode !== 'off' ? [h('span', { class: 'badge' }, word('mode', d.mode))] : []));
		if (!d) {
			c.body.replaceChildren(waiting('demand'));
			return;
		}
		c.body.replaceChildren(ring(d, judge(d).level, describe(d)), verdict(d), facts(d), limits(d), ...[advice(d)].filter((x) => x !== null));
	}
	on(['demand', 'live', 'second', 'site'], render);
	render();
	return c.root;
}

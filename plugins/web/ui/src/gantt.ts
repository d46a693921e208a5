// SPDX-License-Identifier: Apache-2.0
// The plan as one row per machine under the price of each slot. Bars are buttons: arrows walk, Enter explains.
import { h, s } from './dom';
import { bandRank, runs } from './bands';
import { bandPatterns } from './hatch';
import { day, dayTime, hhmm, num } from './format';
import { label, t } from './i18n';
import { plantNow, state } from './store';
import type { Plan, PlanOrder } from './types';

const PRICE_H = 54, AXIS_H = 22, ROW_H = 44, BAR_H = 22, GHOST_H = 7;

export interface Gantt { root: HTMLElement; render(plan: Plan): void; moveNow(): void; select(id: string | null): void }

interface Frame { from: number; slotMs: number; slots: number; px: number; width: number; height: number }

function frameOf(p: Plan, room: number): Frame {
	const slots = Math.max(1, p.slots ?? p.price_micro?.length ?? 96);
	const px = Math.max(room < 500 ? 4 : 3, room / slots);
	return { from: Date.parse(p.from ?? ''), slotMs: (p.slot_s ?? 900) * 1000, slots, px, width: slots * px,
		height: PRICE_H + AXIS_H + ROW_H * (p.machines?.length ?? 0) };
}

function xOf(f: Frame, ms: number): number {
	return ((ms - f.from) / f.slotMs) * f.px;
}

/** Price of each slot as stairs, on the bands. */
function priceLane(p: Plan, f: Frame): SVGElement[] {
	const prices = p.price_micro ?? [], max = Math.max(1, ...prices);
	let path = '';
	prices.forEach((v, i) => {
		const y = (PRICE_H - 4 - (Math.max(0, v) / max) * (PRICE_H - 20)).toFixed(1);
		path += `${i ? 'L' : 'M'}${(i * f.px).toFixed(1)} ${y}L${((i + 1) * f.px).toFixed(1)} ${y}`;
	});
	const out: SVGElement[] = runs(p.band ?? []).flatMap((run) => {
		const rank = bandRank(run.ref);
		return rank === null ? [] : [s('rect', { x: run.from * f.px, y: 0, width: (run.to - run.from) * f.px, height: PRICE_H, fill: `url(#gantt-band-${rank})` }),
			s('rect', { x: run.from * f.px, y: PRICE_H, width: (run.to - run.from) * f.px, height: f.height - PRICE_H, class: `band-${rank} faint` })];
	});
	if (path)
		out.push(s('path', { d: path, class: 'stairs' }));
	/* the number where the price changes, when there is room for it */
	let lastX = -1000;
	prices.forEach((v, i) => {
		if (v === prices[i - 1] || i * f.px - lastX < 52)
			return;
		lastX = i * f.px;
		out.push(s('text', { x: i * f.px + 3, y: 12, class: 'price' }, num(v, 'price').replace('/kWh', '')));
	});
	return out;
}

function axis(f: Frame): SVGElement[] {
	const out: SVGElement[] = [], hourPx = (3600000 / f.slotMs) * f.px, every = hourPx > 40 ? 2 : hourPx > 22 ? 3 : hourPx > 10 ? 6 : 12;
	for (let ms = Math.ceil(f.from / 3600000) * 3600000; ms < f.from + f.slots * f.slotMs; ms += 3600000) {
		const text = hhmm(ms), hour = Number(text.slice(0, 2)), x = xOf(f, ms);
		if (hour % every || !text.endsWith('00'))
			continue;
		out.push(s('line', { x1: x, x2: x, y1: PRICE_H, y2: f.height, class: hour === 0 ? 'grid day' : 'grid' }));
		if (x < f.width - 30)
			out.push(s('text', { x: x + 3, y: PRICE_H + 15, class: hour === 0 ? 'axis strong' : 'axis' }, hour === 0 ? day(ms) : text));
	}
	return out;
}

/** The number of the order; its segment where several segments of one order are planned. */
export function orderName(o: PlanOrder): string {
	const shared = state.plan?.orders?.some((x) => x !== o && x.id !== o.id && x.request_id === o.request_id);
	return shared || !o.request_id ? o.id : o.request_id;
}

export function isLate(o: PlanOrder): boolean {
	return (o.late_s ?? 0) > 0;
}

export function machineName(id: string | null | undefined): string {
	return label(state.plan?.machines?.find((m) => m.id === id)?.labels, id ?? '');
}

function sentence(o: PlanOrder): string {
	const parts = [t('gantt.bar', { order: orderName(o), machine: machineName(o.equipment), start: dayTime(Date.parse(o.start)), end: hhmm(Date.parse(o.end)) })];
	if (o.moved && o.erp_start)
		parts.push(t('gantt.moved', { time: dayTime(Date.parse(o.erp_start)) }));
	if (isLate(o))
		parts.push(t('gantt.late', { age: num(o.late_s, 'age') }));
	return parts.join(' ');
}

function fitText(text: string, width: number): string {
	const n = Math.floor((width - 8) / 7.2);
	return n < 3 ? '' : text.length <= n ? text : `${text.slice(0, n - 1)}…`;
}

function bar(o: PlanOrder, row: number, f: Frame): SVGGElement {
	const x0 = Math.max(0, xOf(f, Date.parse(o.start))), x1 = Math.min(f.width, xOf(f, Date.parse(o.end)));
	const y = PRICE_H + AXIS_H + row * ROW_H + 6, w = Math.max(3, x1 - x0);
	const mark = isLate(o) ? '! ' : o.locked ? '■ ' : '';
	const cls = ['bar', o.moved ? 'moved' : '', isLate(o) ? 'late' : '', o.locked ? 'locked' : '', o.state ?? ''].filter(Boolean).join(' ');
	return s('g', { class: cls, role: 'button', tabindex: -1, 'aria-label': sentence(o), 'data-id': o.id, 'aria-controls': 'reason' },
		s('rect', { x: x0, y, width: w, height: BAR_H, rx: 3 }),
		s('text', { x: x0 + 5, y: y + 15, 'aria-hidden': 'true' }, fitText(mark + orderName(o), w)));
}

/** Where the ERP has the order: an outline below the bar, on the ERP's machine. */
function ghost(o: PlanOrder, rows: Map<string, number>, f: Frame): SVGElement | null {
	const row = rows.get(o.erp_equipment ?? o.equipment), start = o.erp_start ? Date.parse(o.erp_start) : NaN;
	const x0 = Math.max(0, xOf(f, start)), x1 = Math.min(f.width, xOf(f, start + Date.parse(o.end) - Date.parse(o.start)));
	if (row === undefined || !o.moved || !(x1 > x0))
		return null;
	return s('rect', { x: x0 + 0.5, y: PRICE_H + AXIS_H + row * ROW_H + 6 + BAR_H + 3, width: x1 - x0, height: GHOST_H, rx: 2, class: 'ghost', 'data-id': o.id });
}

interface Place { id: string; row: number; start: number }

/** The bar that an arrow key leads to. */
function neighbour(places: Place[], from: Place, key: string): Place | undefined {
	if (key === 'ArrowRight' || key === 'ArrowLeft') {
		const row = places.filter((p) => p.row === from.row).sort((a, b) => a.start - b.start);
		return row[row.indexOf(from) + (key === 'ArrowRight' ? 1 : -1)];
	}
	const down = key === 'ArrowDown' ? 1 : -1;
	const rows = [...new Set(places.map((p) => p.row))].filter((r) => (r - from.row) * down > 0).sort((a, b) => (a - b) * down);
	return places.filter((p) => p.row === rows[0]).sort((a, b) => Math.abs(a.start - from.start) - Math.abs(b.start - from.start))[0];
}

export function gantt(onSelect: (o: PlanOrder | null) => void): Gantt {
	const names = h('div', { class: 'machines', 'aria-hidden': 'true' });
	const scroll = h('div', { class: 'lanes' });
	const root = h('div', { class: 'gantt' }, names, scroll);
	let svg: SVGSVGElement | null = null, nowLine: SVGLineElement | null = null, frame: Frame | null = null;
	let places: Place[] = [], plan: Plan | null = null, current: string | null = null, chosen: string | null = null;

	function barOf(id: string): SVGGElement | null {
		return [...(svg?.querySelectorAll<SVGGElement>('g.bar') ?? [])].find((g) => g.dataset.id === id) ?? null;
	}

	function roam(id: string, focus: boolean): void {
		if (current)
			barOf(current)?.setAttribute('tabindex', '-1');
		current = id;
		const g = barOf(id);
		g?.setAttribute('tabindex', '0');
		if (focus)
			g?.focus();
	}

	function select(id: string | null): void {
		if (chosen)
			barOf(chosen)?.classList.remove('chosen');
		chosen = id;
		if (id)
			barOf(id)?.classList.add('chosen');
		onSelect(plan?.orders?.find((o) => o.id === id) ?? null);
	}

	function onKey(e: KeyboardEvent): void {
		const id = (e.target as Element).closest<SVGGElement>('g.bar')?.dataset.id, from = places.find((p) => p.id === id);
		if (!id || !from)
			return;
		if (e.key === 'Enter' || e.key === ' ') {
			e.preventDefault();
			select(id);
		} else if (e.key === 'Escape') {
			select(null);
		} else if (e.key.startsWith('Arrow')) {
			e.preventDefault();
			const to = neighbour(places, from, e.key);
			if (to)
				roam(to.id, true);
		}
	}

	function onClick(e: MouseEvent): void {
		const id = (e.target as Element).closest<SVGElement>('[data-id]')?.dataset.id;
		if (id) {
			roam(id, true);
			select(id);
		}
	}

	function moveNow(): void {
		if (!frame || !nowLine)
			return;
		const x = xOf(frame, plantNow());
		nowLine.setAttribute('x1', String(x));
		nowLine.setAttribute('x2', String(x));
		nowLine.setAttribute('visibility', x >= 0 && x <= frame.width ? 'visible' : 'hidden');
	}

	function render(p: Plan): void {
		const focused = svg?.contains(document.activeElement) ? current : null, left = scroll.scrollLeft;
		plan = p;
		frame = frameOf(p, Math.max(200, scroll.clientWidth));
		const f = frame, rows = new Map((p.machines ?? []).map((m, i) => [m.id, i]));
		const shown = (p.orders ?? []).filter((o) => rows.has(o.equipment) && xOf(f, Date.parse(o.end)) > 0 && xOf(f, Date.parse(o.start)) < f.width);
		places = shown.map((o) => ({ id: o.id, row: rows.get(o.equipment)!, start: Date.parse(o.start) }));
		nowLine = s('line', { y1: 0, y2: f.height, class: 'now' });
		svg = s('svg', { width: f.width, height: f.height, viewBox: `0 0 ${f.width} ${f.height}`, role: 'group', 'aria-label': t('gantt.alt', { orders: shown.length, machines: rows.size }),
			keydown: onKey, click: onClick },
		bandPatterns('gantt-band'), ...priceLane(p, f), ...axis(f),
		...[...rows.values()].map((r) => s('line', { x1: 0, x2: f.width, y1: PRICE_H + AXIS_H + (r + 1) * ROW_H, y2: PRICE_H + AXIS_H + (r + 1) * ROW_H, class: 'grid' })),
		...shown.map((o) => ghost(o, rows, f)), ...shown.map((o) => bar(o, rows.get(o.equipment)!, f)), nowLine);
		names.replaceChildren(h('div', { class: 'lane price' }, t('gantt.price')), ...(p.machines ?? []).map((m) => h('div', { class: 'lane' }, label(m.labels, m.id))));
		scroll.replaceChildren(svg);
		scroll.scrollLeft = left;
		moveNow();
		const first = [...places].sort((a, b) => a.row - b.row || a.start - b.start)[0]?.id;
		const keep = places.some((x) => x.id === current) ? current : first;
		current = null;
		if (keep)
			roam(keep, focused !== null);
		if (chosen)
			select(places.some((x) => x.id === chosen) ? chosen : null);
	}

	new ResizeObserver(() => { if (plan && frame && Math.abs(frame.width - Math.max(scroll.clientWidth, frame.slots * 3)) > 2) render(plan); }).observe(scroll);
	return { root, render, moveNow, select };
}

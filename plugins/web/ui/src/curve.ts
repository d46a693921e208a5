// SPDX-License-Identifier: Apache-2.0
// Today's load in 15-minute means over the tariff's bands, with yesterday, the plan and the limits.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { colour, h } from './dom';
import { card, table, tableSwitch, waiting } from './card';
import { bandName, bandRank, bandsInUse, runs } from './bands';
import { hhmm, num, day } from './format';
import { paintBand, swatch } from './hatch';
import { language, t, type Key } from './i18n';
import { on, plantNow, state } from './store';
import type { LoadDay } from './types';

type Values = (number | null)[];

interface Data { from: number; slot: number; n: number; load: Values; yesterday: Values; plan: Values }

function dataOf(d: LoadDay): Data {
	const n = Math.max(d.wh.length, d.yesterday_wh?.length ?? 0, d.plan_w?.length ?? 0, d.band?.length ?? 0, 1);
	const toW = (v: Values | undefined): Values => Array.from({ length: n }, (_, i) => {
		const wh = v?.[i];
		return wh === null || wh === undefined ? null : (wh * 3600) / d.slot_s;
	});
	const load = toW(d.wh), now = state.demand;
	const from = Date.parse(d.from) / 1000;
	if (now?.window_start && typeof now.mean_w === 'number' && !now.stale) { /* the running slot, so far */
		const i = Math.floor((Date.parse(now.window_start) / 1000 - from) / d.slot_s);
		if (i >= 0 && i < n)
			load[i] = now.mean_w;
	}
	return { from, slot: d.slot_s, n, load, yesterday: toW(d.yesterday_wh), plan: Array.from({ length: n }, (_, i) => d.plan_w?.[i] ?? null) };
}

/** Each value holds for its whole slot; missing ones stay gaps. */
function steps(slot: number): uPlot.Series.PathBuilder {
	return (u, idx, i0, i1) => {
		const stroke = new Path2D(), area = new Path2D(), values = u.data[idx] as Values;
		const x = (v: number) => Math.round(u.valToPos(v, 'x', true)), y = (v: number) => Math.round(u.valToPos(v, 'y', true));
		const zero = y(Math.max(0, u.scales.y.min ?? 0));
		let open = false;
		for (let i = i0; i <= i1; i++) {
			const v = values[i];
			if (v === null || v === undefined) {
				open = false;
				continue;
			}
			const left = x(u.data[0][i]), right = x(u.data[0][i] + slot), top = y(v);
			if (open) stroke.lineTo(left, top); else stroke.moveTo(left, top);
			stroke.lineTo(right, top);
			area.rect(left, top, right - left, zero - top);
			open = true;
		}
		return { stroke, fill: area, clip: null, band: null, gaps: null, flags: 3 } as unknown as uPlot.Series.Paths;
	};
}

function limitLine(u: uPlot, value: number | null | undefined, name: string, dash: number[]): void {
	if (!value)
		return;
	const { ctx, bbox } = u, px = devicePixelRatio, y = Math.round(u.valToPos(value, 'y', true));
	if (y < bbox.top || y > bbox.top + bbox.height)
		return;
	ctx.save();
	ctx.strokeStyle = ctx.fillStyle = colour(name);
	ctx.lineWidth = 1.5 * px;
	ctx.setLineDash(dash.map((v) => v * px));
	ctx.beginPath();
	ctx.moveTo(bbox.left, y);
	ctx.lineTo(bbox.left + bbox.width, y);
	ctx.stroke();
	ctx.restore();
}

function paintBands(u: uPlot, d: LoadDay, data: Data): void {
	for (const run of runs(d.band ?? [])) {
		const rank = bandRank(run.ref);
		if (rank === null)
			continue;
		const x0 = u.valToPos(data.from + run.from * data.slot, 'x', true), x1 = u.valToPos(data.from + run.to * data.slot, 'x', true);
		paintBand(u.ctx, rank, x0, u.bbox.top, x1 - x0, u.bbox.height, devicePixelRatio);
	}
}

function paintNow(u: uPlot): void {
	const x = Math.round(u.valToPos(plantNow() / 1000, 'x', true)), { ctx, bbox } = u;
	if (x < bbox.left || x > bbox.left + bbox.width)
		return;
	ctx.save();
	ctx.strokeStyle = colour('--text');
	ctx.lineWidth = devicePixelRatio;
	ctx.beginPath();
	ctx.moveTo(x, bbox.top);
	ctx.lineTo(x, bbox.top + bbox.height);
	ctx.stroke();
	ctx.restore();
}

function legend(d: LoadDay): HTMLElement {
	const line = (cls: string, key: Key, v?: number | null) => h('li', {}, h('span', { class: `key ${cls}`, 'aria-hidden': 'true' }), v ? `${t(key)} ${num(v, 'W')}` : t(key));
	return h('ul', { class: 'legend' }, line('load', 'curve.load'), line('yesterday', 'curve.yesterday'), line('plan', 'curve.plan'),
		d.target_w ? line('target', 'limit.target', d.target_w) : null, d.contract_w ? line('contract', 'limit.contract', d.contract_w) : null,
		d.threshold_w ? line('billed', 'limit.billed', d.threshold_w) : null,
		...bandsInUse().map((b) => h('li', {}, swatch(b.rank, `curve-sw-${b.rank}`), bandName(b.id))));
}

function readout(d: LoadDay, data: Data, i: number | null): string {
	if (i === null)
		return t('curve.hint');
	const at = (data.from + i * data.slot) * 1000, price = d.price_micro?.[i];
	return [`${hhmm(at)}–${hhmm(at + data.slot * 1000)}`, `${t('curve.load')} ${num(data.load[i], 'W')}`,
		`${t('curve.yesterday')} ${num(data.yesterday[i], 'W')}`, data.plan[i] !== null ? `${t('curve.plan')} ${num(data.plan[i], 'W')}` : '',
		d.band?.[i] !== undefined && d.band[i] !== null ? bandName(d.band[i]) : '', price ? num(price, 'price') : ''].filter(Boolean).join(' · ');
}

function slotTable(d: LoadDay, data: Data): HTMLElement {
	const rows = data.load.map((w, i) => [hhmm((data.from + i * data.slot) * 1000), bandName(d.band?.[i]), num(d.price_micro?.[i], 'price'),
		num(w, 'W'), num(data.yesterday[i], 'W'), num(data.plan[i], 'W')]);
	return table(t('curve.title'), [t('time'), t('curve.band'), t('bill.price'), t('curve.load'), t('curve.yesterday'), t('curve.plan')], rows, 2);
}

function describe(d: LoadDay, data: Data): string {
	const known = data.load.filter((v): v is number => v !== null);
	const max = known.length ? Math.max(...known) : null;
	return t('curve.alt', { date: day(data.from * 1000), slots: known.length, peak: num(max, 'W'),
		at: max === null ? '–' : hhmm((data.from + data.load.indexOf(max) * data.slot) * 1000),
		target: num(d.target_w, 'W'), contract: num(d.contract_w, 'W') });
}

export function curveCard(): HTMLElement {
	const c = card('curve');
	const plot = h('div', { class: 'plot', role: 'img' }), note = h('p', { class: 'readout' }), tablePlace = h('div', { hidden: true });
	const keys = h('div');
	const chart = h('div', {}, plot, note, keys);
	let u: uPlot | null = null, shape = '', data: Data | null = null;
	const toTable = tableSwitch('curve.title', chart, tablePlace, () => state.load && data ? slotTable(state.load, data) : waiting('load'));
	c.tools.append(toTable.button);

	function series(name: string, extra: uPlot.Series): uPlot.Series {
		return { stroke: () => colour(name), width: 1.5, points: { show: false }, paths: steps(data!.slot), ...extra };
	}

	function options(d: LoadDay): uPlot.Options {
		const axis: uPlot.Axis = { stroke: () => colour('--muted'), grid: { stroke: () => colour('--grid'), width: 1 }, ticks: { show: false },
			font: '12px system-ui, sans-serif' };
		return {
			width: Math.max(240, plot.clientWidth), height: plot.clientWidth < 600 ? 210 : 270, legend: { show: false },
			cursor: { y: false, points: { show: false }, drag: { setScale: false, x: false, y: false } },
			scales: {
				x: { time: false, range: () => [data!.from, data!.from + data!.n * data!.slot] },
				y: { range: (_u, _lo, hi) => [0, Math.max(hi, d.contract_w ?? 0, d.target_w ?? 0, d.threshold_w ?? 0, 1000) * 1.06] },
			},
			axes: [
				{ ...axis, size: 28, splits: () => hours(data!, plot.clientWidth), values: (_u, at) => at.map((v) => hhmm(v * 1000)) },
				{ ...axis, size: 64, values: (_u, at) => at.map((v) => num(v, 'W')) },
			],
			series: [{}, series('--load', { fill: () => colour('--load-fill') }), series('--muted', { dash: [4, 4], width: 1.2 }),
				series('--plan', { fill: () => colour('--plan-fill'), width: 1 })],
			hooks: {
				drawClear: [(p) => paintBands(p, state.load!, data!)],
				draw: [(p) => {
					limitLine(p, d.target_w, '--target', [6, 4]);
					limitLine(p, d.contract_w, '--contract', []);
					limitLine(p, d.threshold_w, '--billed', [2, 3]);
					paintNow(p);
				}],
				setCursor: [(p) => { note.textContent = readout(state.load!, data!, cursorSlot(p)); }],
			},
		};
	}

	function cursorSlot(p: uPlot): number | null {
		const left = p.cursor.left ?? -1;
		if (left < 0 || !data)
			return null;
		const i = Math.floor((p.posToVal(left, 'x') - data.from) / data.slot);
		return i >= 0 && i < data.n ? i : null;
	}

	function render(): void {
		const d = state.load;
		c.title(d ? `${t('curve.title')} · ${day(Date.parse(d.from))}` : t('curve.title'));
		toTable.refresh();
		if (!d) {
			c.body.replaceChildren(waiting('load'));
			return;
		}
		if (!chart.isConnected)
			c.body.replaceChildren(chart, tablePlace);
		data = dataOf(d);
		const x = Array.from({ length: data.n }, (_, i) => data!.from + i * data!.slot);
		const values = [x, data.load, data.yesterday, data.plan] as uPlot.AlignedData;
		const now = [language(), d.date, data.n, d.contract_w, d.target_w, d.threshold_w, state.site?.zone].join(' ');
		if (!u || now !== shape) {
			u?.destroy();
			u = new uPlot(options(d), values, plot);
		} else {
			u.setData(values);
		}
		shape = now;
		plot.setAttribute('aria-label', describe(d, data));
		keys.replaceChildren(legend(d));
		note.textContent = readout(d, data, u ? cursorSlot(u) : null);
	}

	new ResizeObserver(() => {
		if (u && plot.clientWidth > 0)
			u.setSize({ width: Math.max(240, plot.clientWidth), height: plot.clientWidth < 600 ? 210 : 270 });
	}).observe(plot);
	on(['site', 'load', 'plan'], render);
	let slotDrawn = '';
	on(['demand'], () => { /* the running slot: as often as the gauge would be too much */
		const key = `${state.demand?.window_start} ${Math.floor(performance.now() / 5000)}`;
		if (key !== slotDrawn && !chart.hidden)
			render();
		slotDrawn = key;
	});
	document.addEventListener('themechange', () => u?.redraw(false, false));
	render();
	return c.root;
}

function hours(d: Data, width: number): number[] {
	const step = (width < 600 ? 6 : 3) * 3600, out: number[] = [];
	for (let v = d.from; v <= d.from + d.n * d.slot; v += step)
		out.push(v);
	return out;
}

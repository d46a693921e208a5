// SPDX-License-Identifier: Apache-2.0
// Serves the built page with a made-up plant behind the same addresses as plugins/web, for tests of the
// page alone. Every name holds markup, so that a place that takes it for HTML is found.
// By hand: node mock-server.mjs DIST [PORT] prints its address and moves the values each second.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export const EVIL = '<img src=x onerror="window.hacked=1">';
const ZONE = 9 * 3600e3;
export const DAY = Date.parse('2026-11-23T00:00:00+09:00');
export const NOW = DAY + (14 * 60 + 7) * 60e3;
const iso = (ms) => new Date(ms + ZONE).toISOString().replace('.000Z', '+09:00');
const wave = (i, seed) => (((Math.sin(i * 12.9898 + seed * 78.233) * 43758.5453) % 1) + 1) % 1;

function bandOf(slot) {
	const h = (slot % 96) / 4;
	return h < 8 || h >= 22 ? 'off' : (h >= 9 && h < 12) || (h >= 16 && h < 19) ? 'peak' : 'mid';
}
const PRICE = { off: 107900000, mid: 153600000, peak: 214300000 };
const BANDS = [
	{ id: 'off', labels: { ko: '경부하', en: 'Off-peak' } },
	{ id: 'mid', labels: { ko: '중간부하', en: 'Mid-peak' } },
	{ id: 'peak', labels: { ko: '최대부하', en: 'On-peak' } },
];

function loadW(slot, seed) {
	const h = (slot % 96) / 4, work = h >= 7.5 && h < 20 ? 1 : 0.28;
	return Math.round((130 + 300 * work + 60 * wave(slot, seed)) * 1000 * (h >= 12 && h < 13 ? 0.62 : 1));
}

const METERS = [
	['main', '수전 주계량기', 'Main incomer', 'main', null, 452300],
	['line-a', 'A동 분기', 'Hall A feeder', 'feeder', 'main', 241800],
	['press', '프레스 라인', 'Press line', 'machine', 'line-a', 96400],
	['cnc-1', 'CNC 1호기', 'CNC 1', 'machine', 'line-a', 28350],
	['cnc-2', 'CNC 2호기', 'CNC 2', 'machine', 'line-a', 31120],
	['furnace', '열처리로', 'Furnace', 'machine', 'main', 148000],
	['comp-1', '공기압축기 1', 'Compressor 1', 'machine', 'main', 55200],
	['comp-2', '공기압축기 2', 'Compressor 2', 'machine', 'main', 47900],
	['pv', '태양광 인버터', 'PV inverter', 'pv', 'main', -61400],
	['battery', '배터리', 'Battery', 'battery', 'main', 12000],
];

const ORDERS = [ /* id, machine, start h, hours, erp h, late s, saving won, locked */
	['WO-4711', 'press', 14.75, 3, 13.5, 0, 18400, false],
	['WO-4712', 'press', 20, 2.5, 16.5, 0, 41250, false],
	['WO-4720', 'cnc-1', 13, 4, 13, 0, 0, true],
	['WO-4721', 'cnc-2', 19, 6, 15, 0, 23900, false],
	['WO-4730', 'furnace', 22, 7, 9.5, 0, 96300, false],
	['WO-4731', 'furnace', 38, 5, 40, 5400, -3100, false],
	['WO-4740', 'cnc-1', 32, 5, 32, 0, 0, false],
	['WO-4741', 'press', 33, 4, 33, 0, 0, false],
];

function plan(name) {
	const from = DAY + 14 * 3600e3, slots = 136, w = (h) => iso(DAY + h * 3600e3);
	const price = [], band = [], battery = [];
	for (let i = 0; i < slots; i++) {
		band.push(bandOf(56 + i));
		price.push(PRICE[bandOf(56 + i)]);
		battery.push(i >= 36 && i < 52 ? 50000 : i >= 8 && i < 20 ? -60000 : 0);
	}
	return {
		id: 12, made_at: iso(NOW - 240e3), state: 'ready', mode: 'advise', from: iso(from), slot_s: 900, slots,
		cost: { energy_micro: 8.1e12, demand_micro: 0, late_micro: 3e9, total_micro: 8.103e12 },
		erp_cost: { energy_micro: 8.28e12, demand_micro: 0, late_micro: 0, total_micro: 8.28e12 }, erp_feasible: true,
		saving_micro: 176750e6, bound_micro: 8.05e12, solve_ms: 1840, peak_w: 498000, erp_peak_w: 611000,
		price_micro: price, band, battery_w: battery, import_w: [], limit_w: 900000, threshold_w: 552000,
		machines: METERS.filter((m) => m[3] === 'machine').map((m) => ({ id: m[0], labels: { ko: name(m[1]), en: name(m[2]) } })),
		orders: ORDERS.map(([id, m, start, hours, erp, late, saving, locked]) => ({
			id: `${id}/10`, request_id: id, product: name('Flange 40'), quantity: 240, unit: 'EA', equipment: m, start: w(start), end: w(start + hours),
			release: w(Math.min(erp, start)), due: w(start + hours + 6 - late / 600), erp_start: w(erp), erp_equipment: m, power_w: 96000,
			state: start * 3600e3 + DAY < NOW ? 'running' : 'planned', moved: start !== erp, locked, late_s: late, saving_micro: saving * 1e6,
			parts: { energy_micro: saving * 0.7e6, demand_micro: saving * 0.3e6, late_micro: 0 },
			reason: start === erp ? { ko: 'ERP 일정이 이미 가장 저렴합니다.', en: 'The ERP schedule is already the cheapest.' } : {
				ko: name(`최대부하 시간대를 피해 ${w(start).slice(11, 16)}로 옮겨 kWh당 107.9원에 생산하며, 같은 시간의 다른 설비와 최대수요가 겹치지 않습니다.`),
				en: name(`Runs from ${w(start).slice(11, 16)} outside the on-peak hours at 107.9 won per kWh, and its peak no longer falls together with the other machines.`) },
		})),
		conflicts: [],
	};
}

export function makeData(hostile) {
	const name = (text) => (hostile ? `${text} ${EVIL}` : text);
	const labels = (ko, en) => ({ ko: name(ko), en: name(en) });
	const slots = Array.from({ length: 96 }, (_, i) => i);
	return {
		'/page.json': { language: null },
		'/api/v1/site': { name: name('한빛정밀 Hanbit Precision'), currency: 'KRW', language: 'ko', zone: 'Asia/Seoul', control: 'advise', contract_w: 700000,
			target_w: 520000, main_meter: 'main', meters: METERS.map(([n, ko, en, role, parent]) => ({ name: n, labels: labels(ko, en), role, parent })),
			machines: [], loads: [], battery: null },
		'/api/v1/status': { version: '0.1.0', site: 'Hanbit', now: iso(NOW), started: iso(NOW - 3600e3), speed: 1, control: 'advise',
			meters: { total: 10, online: 9 }, plugins: [], alarms: [{ since: iso(NOW - 600e3), text_ko: name('공기압축기 2: 응답이 없습니다.'), text_en: name('Compressor 2 does not answer.'),
				remedy_ko: '전원과 배선을 확인하세요.', remedy_en: 'Check its power and its cable.' }] },
		'/api/v1/meters': { meters: METERS.map(([n, ko, en, role, parent, w]) => ({ name: n, labels: labels(ko, en), role, parent, plugin: 'modbus',
			state: n === 'comp-2' ? 'offline' : n === 'cnc-2' ? 'degraded' : 'online', why: n === 'comp-2' ? name('no answer from 192.0.2.18:502; check its power and its cable') : n === 'cnc-2' ? name('2 of the last 10 polls failed') : '',
			since: iso(NOW - 600e3), last: iso(NOW - (n === 'comp-2' ? 600e3 : 1e3)), age_s: n === 'comp-2' ? 600 : 1, power_w: w, energy_wh: Math.abs(w) * 2143, unverified: n === 'cnc-1' })) },
		'/api/v1/load/day': { date: '2026-11-23', from: iso(DAY), slot_s: 900, wh: slots.map((i) => (i < 56 ? Math.round(loadW(i, 1) / 4) : null)), flags: [],
			yesterday_wh: slots.map((i) => Math.round(loadW(i, 2) / 4)), plan_w: slots.map((i) => (i >= 56 ? Math.round(loadW(i, 3) * 0.94) : null)),
			band: slots.map(bandOf), price_micro: slots.map((i) => PRICE[bandOf(i)]), bands: BANDS, contract_w: 700000, target_w: 520000, threshold_w: 552000 },
		'/api/v1/cost/today': { date: '2026-11-23', energy_wh: 4387000, energy_micro: 684213e6, month: { from: '2026-11-01', energy_wh: 148230000, total_micro: 24871904e6,
			peak_w: 538000, peak_at: iso(DAY - 5 * 86400e3 + 10.25 * 3600e3), billing_demand_w: 552000, forecast_micro: 33184000e6 } },
		'/api/v1/bills': { month: '2026-10', tariff: 'kepco-industrial-b-hv-a-2', title: { ko: name('산업용(을) 고압A 선택Ⅱ'), en: name('KEPCO industrial (B), high voltage A, option II') }, currency: 'KRW',
			from: '2026-10-01', to: '2026-11-01', complete: false, energy_wh: 196412000, peak_w: 548000, peak_at: iso(DAY - 30 * 86400e3), billing_demand_w: 552000, billing_month: '2026-07',
			total_micro: 31846210e6, slots: 2976, missing: 4, estimated: 2, lines: [
				{ id: 'base', labels: labels('기본요금', 'Demand charge'), quantity_milli: 552000, quantity_unit: 'kW', price_micro: 8320e6, amount_micro: 4592640e6, evidence: labels('2026-07-14 14:15, 552 kW', '14 July 2026 14:15, 552 kW') },
				{ id: 'off', labels: labels('전력량요금 경부하', 'Energy, off-peak'), quantity_milli: 81230000, quantity_unit: 'kWh', price_micro: 107.9e6, amount_micro: 8764717e6, evidence: { ko: '', en: '' } },
				{ id: 'mid', labels: labels('전력량요금 중간부하', 'Energy, mid-peak'), quantity_milli: 70112000, quantity_unit: 'kWh', price_micro: 153.6e6, amount_micro: 10769203e6 },
				{ id: 'vat', labels: labels('부가가치세', 'Value added tax'), quantity_milli: null, quantity_unit: null, price_micro: null, amount_micro: 2895110e6 }] },
		'/api/v1/plan': plan(name),
		'/api/v1/demand/now': demand(name),
	};
}

function demand(name) {
	return { window_start: iso(DAY + 14 * 3600e3), window_end: iso(DAY + 14.25 * 3600e3), now: iso(NOW), energy_wh: 55400, mean_w: 474900, power_w: 561200, projected_w: 538600,
		projected_low_w: 509000, projected_high_w: 569000, target_w: 520000, contract_w: 700000, threshold_w: 552000, room_w: 58300, counts: true, at_risk_micro: 1907000e6, months: 12,
		stale: false, age_s: 1, mode: 'advise', advice: [
			{ load: 'comp-1', labels: { ko: name('공기압축기 1'), en: name('Compressor 1') }, power_w: 55200, action: 'shed', state: 'on', reason: { ko: name('9분간 정지할 수 있습니다.'), en: name('May pause for 9 minutes.') } },
			{ load: 'lights', labels: { ko: '조명', en: 'Lights' }, power_w: 9000, action: 'hold', state: 'on', reason: { ko: '', en: '' } },
			{ load: 'hvac', labels: { ko: '공조기', en: 'Ventilation' }, power_w: 18000, action: 'hold', state: 'off', reason: { ko: '목표까지 여유가 부족합니다.', en: 'The room is still too small.' } }] };
}

export function powerEvent(change = {}) {
	return { now: iso(NOW), power: { ...Object.fromEntries(METERS.map((m) => [m[0], m[5]])), ...change }, stale: ['comp-2'] };
}

const CSP = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";
const TYPES = { html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml' };

export async function startMock({ dist, hostile = true, port = 0 }) {
	const data = makeData(hostile), clients = new Set(), asked = [];
	let id = 1000;
	const last = new Map();
	const text = (name, body) => `event: ${name}\nid: ${++id}\ndata: ${JSON.stringify(body)}\n\n`;
	const server = createServer((req, res) => {
		const path = new URL(req.url, 'http://localhost').pathname;
		asked.push({ method: req.method, url: req.url, headers: req.headers });
		res.setHeader('Content-Security-Policy', CSP);
		res.setHeader('X-Content-Type-Options', 'nosniff');
		if (path === '/api/v1/events') {
			res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
			res.write('retry: 300\n\n');
			for (const [name, body] of last)
				res.write(text(name, body));
			clients.add(res);
			req.on('close', () => clients.delete(res));
		} else if (req.method === 'POST' && path === '/api/v1/plan/run') {
			res.writeHead(req.headers['x-fems'] === '1' ? 200 : 403, { 'Content-Type': 'application/json' }).end('{"accepted":true}');
		} else if (path in data && data[path]) {
			res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(data[path]));
		} else if (path.startsWith('/api/')) {
			res.writeHead(404, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify({ title: 'There is no such thing', detail: `no service ${EVIL}`, status: 404, code: 'not-found', remedy: 'Check the name.' }));
		} else {
			try {
				const file = normalize(path === '/' ? '/index.html' : path);
				const body = readFileSync(join(dist, file));
				res.writeHead(200, { 'Content-Type': TYPES[file.split('.').pop()] ?? 'application/octet-stream' }).end(body);
			} catch {
				res.writeHead(404).end();
			}
		}
	});
	await new Promise((done) => server.listen(port, '127.0.0.1', done));
	const mock = {
		url: `http://127.0.0.1:${server.address().port}/`, data, asked,
		emit(name, body) {
			last.set(name, body);
			for (const c of clients)
				c.write(text(name, body));
		},
		clients: () => clients.size,
		dropClients() {
			for (const c of clients)
				c.destroy();
		},
		close() {
			mock.dropClients();
			server.closeAllConnections?.();
			return new Promise((done) => server.close(done));
		},
	};
	return mock;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const mock = await startMock({ dist: process.argv[2], hostile: process.argv.includes('--hostile'), port: Number(process.argv[3] ?? 0) });
	console.log(mock.url);
	let n = 0;
	setInterval(() => mock.emit('power', { ...powerEvent({ main: 452300 + 900 * (n++ % 7) }), now: iso(NOW + n * 1000) }), 1000);
}

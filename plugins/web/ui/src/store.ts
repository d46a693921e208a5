// SPDX-License-Identifier: Apache-2.0
// What the page knows, where it comes from, and who wants to hear of it.
import type { Bill, Cost, Demand, LoadDay, Meter, Plan, PowerEvent, Site, Status } from './types';
import { monthBefore, setSite } from './format';

export type Topic = 'site' | 'status' | 'meters' | 'power' | 'demand' | 'load' | 'cost' | 'bill' | 'plan' | 'second' | 'live';

export interface Problem { title: string; detail?: string; remedy?: string }

/** No event for this long: nothing on the page is live. "power" comes every second. */
const SILENT_MS = 3500;

export const state = {
	site: null as Site | null,
	status: null as Status | null,
	meters: null as Meter[] | null,
	power: null as PowerEvent | null,
	demand: null as Demand | null,
	load: null as LoadDay | null,
	cost: null as Cost | null,
	bill: null as Bill | null,
	plan: null as Plan | null,
	problems: {} as Partial<Record<Topic, Problem>>,
	/** plant time in ms at which each meter was last seen fresh */
	seen: new Map<string, number>(),
	live: false,
};

let plantMs = 0, plantAt = 0, lastEventAt = 0;
const listeners = new Map<Topic, (() => void)[]>();

export function on(topics: Topic[], fn: () => void): void {
	for (const topic of topics)
		listeners.set(topic, [...(listeners.get(topic) ?? []), fn]);
}

export function tell(topic: Topic): void {
	for (const fn of listeners.get(topic) ?? [])
		fn();
}

/** The plant's clock in ms, carried on between events. */
export function plantNow(): number {
	if (!plantMs)
		return Date.now();
	const passed = state.live ? performance.now() - plantAt : 0;
	return plantMs + Math.min(passed, SILENT_MS) * (state.status?.speed ?? 1);
}

function setClock(text: string | undefined): void {
	const ms = text ? Date.parse(text) : NaN;
	if (Number.isFinite(ms) && ms >= plantMs - 5000) {
		plantMs = Math.max(ms, plantMs);
		plantAt = performance.now();
	} else if (Number.isFinite(ms)) {
		plantMs = ms;
		plantAt = performance.now();
	}
}

export function secondsSinceEvent(): number | null {
	return lastEventAt ? (performance.now() - lastEventAt) / 1000 : null;
}

function setLive(live: boolean): void {
	if (state.live === live)
		return;
	if (!live)
		plantMs = plantNow();
	state.live = live;
	document.documentElement.dataset.live = live ? 'on' : 'off';
	tell('live');
}

/** Is what this meter shows a value of now? */
export function meterFresh(name: string): boolean {
	if (!state.live || !state.power || !(name in state.power.power) || state.power.stale.includes(name))
		return false;
	return state.meters?.find((m) => m.name === name)?.state !== 'offline';
}

/** Seconds since a meter's last good value, null when there never was one. */
export function meterAge(m: Meter): number | null {
	const last = Math.max(state.seen.get(m.name) ?? 0, m.last ? Date.parse(m.last) : 0);
	return last ? Math.max(0, (plantNow() - last) / 1000) : null;
}

export function meterPower(m: Meter): number | null {
	return state.power?.power[m.name] ?? m.power_w ?? null;
}

/* ---- asking ---- */

async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
	const abort = new AbortController();
	const timer = setTimeout(() => abort.abort(), 10000);
	try {
		const r = await fetch(path, { ...init, signal: abort.signal, headers: { Accept: 'application/json', ...init.headers } });
		const body = await r.json();
		if (!r.ok)
			throw body;
		return body as T;
	} finally {
		clearTimeout(timer);
	}
}

function problemOf(e: unknown): Problem {
	const p = e as Partial<Problem> | null;
	return { title: typeof p?.title === 'string' ? p.title : String(e), detail: p?.detail, remedy: p?.remedy };
}

const busy = new Set<Topic>();
const again = new Set<Topic>();

/** Asks for a topic; while one answer is awaited, at most one more question waits. */
async function load<T>(topic: Topic, path: () => string, put: (v: T) => void): Promise<void> {
	if (busy.has(topic)) {
		again.add(topic);
		return;
	}
	busy.add(topic);
	try {
		put(await ask<T>(path()));
		delete state.problems[topic];
	} catch (e) {
		state.problems[topic] = problemOf(e);
	}
	busy.delete(topic);
	tell(topic);
	if (again.delete(topic))
		void load(topic, path, put);
}

const api = '/api/v1/';
const loaders = {
	site: () => load<Site>('site', () => api + 'site', (v) => { state.site = v; setSite(v.currency, v.zone); }),
	status: () => load<Status>('status', () => api + 'status', (v) => { state.status = v; setClock(v.now); }),
	meters: () => load<{ meters: Meter[] }>('meters', () => api + 'meters', (v) => { state.meters = v.meters; }),
	demand: () => load<Demand>('demand', () => api + 'demand/now', (v) => { state.demand = v; }),
	load: () => load<LoadDay>('load', () => api + 'load/day', (v) => { state.load = v; }),
	cost: () => load<Cost>('cost', () => api + 'cost/today', (v) => { state.cost = v; }),
	bill: () => load<Bill>('bill', () => `${api}bills?month=${monthBefore(plantNow())}`, (v) => { state.bill = v; }),
	plan: () => load<Plan>('plan', () => api + 'plan', (v) => { state.plan = v; }),
};

export async function loadAll(): Promise<void> {
	await Promise.all([loaders.site(), loaders.status()]);
	await Promise.all([loaders.meters(), loaders.demand(), loaders.load(), loaders.cost(), loaders.bill(), loaders.plan()]);
}

export async function runPlan(): Promise<Problem | null> {
	try {
		await ask(api + 'plan/run', { method: 'POST', headers: { 'X-Fems': '1' } });
		return null;
	} catch (e) {
		return problemOf(e);
	}
}

/** The page's first language as the server's settings have it. */
export async function pageLanguage(): Promise<string | null> {
	try {
		return (await ask<{ language: string | null }>('/page.json')).language;
	} catch {
		return null;
	}
}

/* ---- listening ---- */

let source: EventSource | null = null;
let lastId = 0;
let settledAt = 0; /* until then the server brings a new connection to the newest of each type */

function heard(e: MessageEvent<string>): unknown {
	const id = Number(e.lastEventId);
	if (lastId && id > lastId + 1 && performance.now() > settledAt) /* some were skipped: ask instead */
		slow.all();
	lastId = id;
	lastEventAt = performance.now();
	setLive(true);
	try {
		return JSON.parse(e.data);
	} catch {
		return null;
	}
}

function onPower(p: PowerEvent): void {
	state.power = p;
	setClock(p.now);
	for (const name of Object.keys(p.power)) {
		if (!p.stale.includes(name))
			state.seen.set(name, Date.parse(p.now));
	}
	if (Object.keys(p.power).some((name) => !state.meters?.some((m) => m.name === name)))
		slow.meters();
	tell('power');
}

function onDemand(d: Demand): void {
	const next = d.window_start !== state.demand?.window_start;
	state.demand = d;
	delete state.problems.demand;
	tell('demand');
	if (next)
		slow.money();
	if (next && state.bill?.month !== monthBefore(plantNow()))
		void loaders.bill();
}

function onMeter(m: Meter): void {
	const i = state.meters?.findIndex((x) => x.name === m.name) ?? -1;
	if (state.meters && i >= 0)
		state.meters[i] = { ...state.meters[i], ...m };
	tell('meters');
}

/** Runs fn now, and again at the end of the pause when it was asked for in between. */
function paced(fn: () => void, ms: number): () => void {
	let timer = 0, wanted = false;
	const run = () => {
		wanted = false;
		fn();
		timer = window.setTimeout(() => { timer = 0; if (wanted) run(); }, ms);
	};
	return () => { if (timer) wanted = true; else run(); };
}

const slow = {
	all: paced(() => { void loadAll(); }, 5000),
	meters: paced(() => { void loaders.meters(); }, 5000),
	money: paced(() => { void loaders.load(); void loaders.cost(); }, 5000),
	plan: paced(() => { void loaders.plan(); void loaders.load(); }, 1000),
	status: paced(() => { void loaders.status(); }, 1000),
};

const handlers: Record<string, (v: never) => void> = {
	power: onPower,
	demand: onDemand,
	meter: onMeter,
	plan: () => slow.plan(),
	orders: () => slow.plan(),
	performance: () => { slow.plan(); slow.money(); },
	alarm: () => slow.status(),
};

function connect(): void {
	lastId = 0;
	source = new EventSource(api + 'events');
	for (const [name, fn] of Object.entries(handlers)) {
		source.addEventListener(name, (e) => {
			const v = heard(e as MessageEvent<string>);
			if (v && typeof v === 'object')
				fn(v as never);
		});
	}
	let opened = false;
	source.addEventListener('open', () => {
		settledAt = performance.now() + 1500;
		if (opened)
			slow.all();
		opened = true;
	});
	source.addEventListener('error', () => { /* EventSource gives up on an HTTP error, such as "busy" */
		if (source?.readyState === EventSource.CLOSED && !document.hidden)
			window.setTimeout(() => { if (source?.readyState === EventSource.CLOSED) connect(); }, 3000);
	});
}

/* A hidden page lets go of its connection: a browser has only six to one server. */
function onVisibility(): void {
	if (document.hidden) {
		source?.close();
		setLive(false);
	} else {
		connect();
		slow.all();
	}
}

export function start(): void {
	connect();
	document.addEventListener('visibilitychange', onVisibility);
	window.setInterval(() => {
		const since = secondsSinceEvent();
		if (since === null || since * 1000 > SILENT_MS)
			setLive(false);
		tell('second');
	}, 1000);
	window.setInterval(() => { if (!document.hidden) slow.status(); }, 15000);
	window.setInterval(() => { if (!document.hidden) { slow.meters(); slow.money(); } }, 30000);
}

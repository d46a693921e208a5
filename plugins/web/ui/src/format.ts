// SPDX-License-Identifier: Apache-2.0
// Every number with its unit comes from num(), every time from the functions below it.
import { language } from './i18n';

export type Kind = 'W' | 'Wh' | 'money' | 'money-short' | 'price' | '%' | 'count' | 'age';

const NBSP = '\u00a0';
let currency = 'KRW';
let zone = 'UTC';
const cache = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

export function setSite(c: string, z: string): void {
	currency = c;
	try {
		new Intl.DateTimeFormat('en', { timeZone: z });
		zone = z;
	} catch {
		zone = 'UTC';
	}
	cache.clear();
}

export function siteZone(): string {
	return zone;
}

function number(opts: Intl.NumberFormatOptions): Intl.NumberFormat {
	const key = `n${language()}${JSON.stringify(opts)}`;
	let f = cache.get(key) as Intl.NumberFormat | undefined;
	if (!f)
		cache.set(key, (f = new Intl.NumberFormat(language(), opts)));
	return f;
}

function fixed(v: number, digits: number): string {
	return number({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(v === 0 ? 0 : v);
}

/** kilo or mega with about three digits: 4.25 kW, 58.3 kW, 742 kW, 1,250 kW, 12.5 MW */
function scaled(v: number, unit: string): string {
	const k = v / 1000, a = Math.abs(k);
	if (a >= 9999.5)
		return fixed(k / 1000, a >= 99995 ? 0 : 1) + NBSP + 'M' + unit;
	return fixed(k, a >= 99.95 || a === 0 ? 0 : a >= 9.995 ? 1 : 2) + NBSP + 'k' + unit;
}

/** Won is written behind the number in both languages; other currencies by Intl. */
function money(micro: number, digits: number, compact: boolean): string {
	const v = micro / 1e6 || 0;
	const opts: Intl.NumberFormatOptions = compact
		? { notation: 'compact', maximumFractionDigits: 1 }
		: { minimumFractionDigits: digits, maximumFractionDigits: digits };
	if (currency === 'KRW')
		return number(opts).format(v) + (language() === 'ko' ? '원' : NBSP + 'won');
	return number({ ...opts, style: 'currency', currency, currencyDisplay: 'narrowSymbol' }).format(v);
}

function decimals(): number {
	return currency === 'KRW' || currency === 'JPY' ? 0 : 2;
}

function age(sec: number): string {
	const ko = language() === 'ko', abs = Math.max(0, Math.round(sec));
	const [v, unit] = abs < 100 ? [abs, ko ? '초' : 's'] : abs < 6000 ? [Math.round(abs / 60), ko ? '분' : 'min']
		: abs < 172800 ? [Math.round(abs / 3600), ko ? '시간' : 'h'] : [Math.round(abs / 86400), ko ? '일' : 'd'];
	return fixed(v as number, 0) + (ko ? '' : NBSP) + unit;
}

/** The one way from a number to text with unit. Powers in W, energy in Wh, money in 1e-6, ages in s. */
export function num(v: number | null | undefined, kind: Kind): string {
	if (v === null || v === undefined || !Number.isFinite(v))
		return '–';
	switch (kind) {
	case 'W':
		return scaled(v, 'W');
	case 'Wh':
		return scaled(v, 'Wh');
	case 'money':
		return money(v, decimals(), false);
	case 'money-short':
		return money(v, decimals(), Math.abs(v) >= 1e11);
	case 'price':
		return money(v, 1, false) + '/kWh';
	case '%':
		return fixed(v, 0) + NBSP + '%';
	case 'age':
		return age(v);
	default:
		return number({ maximumFractionDigits: 3 }).format(v);
	}
}

function dates(opts: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
	const key = `d${language()}${JSON.stringify(opts)}`;
	let f = cache.get(key) as Intl.DateTimeFormat | undefined;
	if (!f)
		cache.set(key, (f = new Intl.DateTimeFormat(language() === 'ko' ? 'ko' : 'en-GB', { ...opts, timeZone: zone })));
	return f;
}

const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;

export function hhmm(ms: number): string {
	return dates(clock).format(ms);
}
export function hhmmss(ms: number): string {
	return dates({ ...clock, second: '2-digit' }).format(ms);
}
export function day(ms: number): string {
	return dates({ month: 'short', day: 'numeric', weekday: 'short' }).format(ms);
}
export function dayTime(ms: number): string {
	return dates({ month: 'short', day: 'numeric', weekday: 'short', ...clock }).format(ms);
}
/** "2026-10" -> "October 2026" */
export function monthName(month: string): string {
	return new Intl.DateTimeFormat(language(), { year: 'numeric', month: 'long', timeZone: 'UTC' })
		.format(Date.parse(`${month}-15T00:00:00Z`));
}
/** The month before the one that holds ms, in the site's zone: "2026-10". */
export function monthBefore(ms: number): string {
	const parts = new Intl.DateTimeFormat('en-US', { year: 'numeric', month: 'numeric', timeZone: zone }).formatToParts(ms);
	const get = (type: string) => Number(parts.find((p) => p.type === type)?.value);
	const y = get('year'), m = get('month');
	return m === 1 ? `${y - 1}-12` : `${y}-${String(m - 1).padStart(2, '0')}`;
}
/** A rest of time as 4:12 or 1:04:12. */
export function countdown(ms: number): string {
	const sec = Math.max(0, Math.ceil(ms / 1000)), two = (v: number) => String(v).padStart(2, '0');
	const hours = Math.floor(sec / 3600), rest = `${two(Math.floor(sec / 60) % 60)}:${two(sec % 60)}`;
	return hours ? `${hours}:${rest}` : rest;
}

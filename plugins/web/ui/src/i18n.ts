// SPDX-License-Identifier: Apache-2.0
// The two catalogues. tsc checks the keys against en.json; tests/web checks that ko.json has the same ones.
import en from './en.json';
import ko from './ko.json';
import type { Labels } from './types';

export type Lang = 'ko' | 'en';
export type Key = keyof typeof en;
const catalogues: Record<Lang, Record<Key, string>> = { en, ko };

let lang: Lang = 'en';

export function language(): Lang {
	return lang;
}

export function setLanguage(l: Lang): void {
	lang = l;
	document.documentElement.lang = l;
}

export function isLang(v: unknown): v is Lang {
	return v === 'ko' || v === 'en';
}

/** A text of the catalogue; {name} is replaced. */
export function t(key: Key, vars: Record<string, string | number> = {}): string {
	return catalogues[lang][key].replace(/\{(\w+)\}/g, (all, name: string) => (name in vars ? String(vars[name]) : all));
}

/** True when the catalogue has the key: for words that come from services. */
export function has(key: string): key is Key {
	return key in en;
}

/** A word of a service ("online") in the reader's language; unknown words are shown as they are. */
export function word(prefix: string, value: string | undefined | null): string {
	const key = `${prefix}.${value}`;
	return has(key) ? t(key) : (value ?? '');
}

/** A label in the reader's language, else in the other one, else the name. */
export function label(labels: Labels | undefined | null, name = ''): string {
	return labels?.[lang] || labels?.[lang === 'ko' ? 'en' : 'ko'] || name;
}

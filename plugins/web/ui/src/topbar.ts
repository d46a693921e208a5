// SPDX-License-Identifier: Apache-2.0
// Site, plant clock, freshness, alarms, language, theme.
import { h, setText } from './dom';
import { day, hhmmss, num } from './format';
import { language, t } from './i18n';
import { openDialog } from './dialog';
import { on, plantNow, secondsSinceEvent, state } from './store';
import type { Alarm } from './types';

function alarmItem(a: Alarm): HTMLElement {
	const ko = language() === 'ko';
	const text = (ko ? a.text_ko : a.text_en) ?? a.text_en ?? a.text_ko ?? '', remedy = (ko ? a.remedy_ko : a.remedy_en) ?? '';
	return h('li', {}, h('strong', {}, text), remedy ? h('p', {}, remedy) : null,
		a.since ? h('small', {}, t('alarms.since', { time: `${day(Date.parse(a.since))} ${hhmmss(Date.parse(a.since))}` })) : null);
}

function showAlarms(): void {
	const list = state.status?.alarms ?? [];
	openDialog(t('alarms.title'), list.length ? h('ul', { class: 'alarms' }, ...list.map(alarmItem)) : h('p', { class: 'quiet' }, t('alarms.none')));
}

export interface Switches { language(): void; theme(): void; dark(): boolean }

export function topBar(switches: Switches): HTMLElement {
	const site = h('h1', {}), speed = h('span', { class: 'badge demo', hidden: true });
	const clock = h('span', { class: 'clock' }), fresh = h('span', { class: 'fresh' });
	const alarms = h('button', { type: 'button', class: 'alarms', click: showAlarms });
	const lang = h('button', { type: 'button', click: () => switches.language() });
	const theme = h('button', { type: 'button', click: () => switches.theme() });

	function render(): void {
		const name = state.site?.name ?? 'FEMS', rate = state.status?.speed ?? 1, n = state.status?.alarms?.length ?? 0;
		setText(site, name);
		document.title = `${name} · ${t('page.now')}`;
		speed.hidden = rate === 1;
		setText(speed, t('speed', { speed: num(rate, 'count') }));
		setText(alarms, t('alarms.count', { n }));
		alarms.classList.toggle('some', n > 0);
		setText(lang, t('language.other'));
		lang.lang = language() === 'ko' ? 'en' : 'ko';
		setText(theme, t(switches.dark() ? 'theme.light' : 'theme.dark'));
		second();
	}
	function second(): void {
		const since = secondsSinceEvent(), now = plantNow();
		setText(clock, `${day(now)} ${hhmmss(now)}`);
		fresh.className = `fresh ${state.live ? 'on' : 'off'}`;
		setText(fresh, since === null ? t('fresh.none') : state.live && since < 2 ? t('fresh.now') : t('old', { age: num(since, 'age') }));
	}
	on(['site', 'status', 'live'], render);
	on(['second', 'power'], second);
	document.addEventListener('themechange', render);
	render();
	return h('header', { class: 'top' }, h('div', { class: 'who' }, site, speed), h('div', { class: 'when' }, clock, fresh),
		h('div', { class: 'switches' }, alarms, lang, theme));
}

/** Tells that nothing on the page is live, and since when. */
export function lostBanner(): HTMLElement {
	const el = h('p', { class: 'lost', role: 'status', hidden: true });
	function render(): void {
		el.hidden = state.live || secondsSinceEvent() === null;
		setText(el, el.hidden ? '' : t('lost', { time: hhmmss(plantNow()) }));
	}
	on(['live', 'site'], render);
	return el;
}

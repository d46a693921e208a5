// SPDX-License-Identifier: Apache-2.0
// The frame that all parts of the page share: a titled section, a place for a problem, a switch to a table.
import { h, type Child } from './dom';
import { t, type Key } from './i18n';
import { state, type Topic } from './store';

export interface Card { root: HTMLElement; tools: HTMLElement; body: HTMLElement; title(text: string): void }

export function card(id: string): Card {
	const heading = h('h2', { id: `${id}-title` });
	const tools = h('div', { class: 'tools' });
	const body = h('div', { class: 'body' });
	const root = h('section', { class: 'card', id, 'aria-labelledby': `${id}-title` }, h('header', {}, heading, tools), body);
	return { root, tools, body, title: (text) => { if (heading.textContent !== text) heading.textContent = text; } };
}

/** What to show while a topic has not arrived, or why it cannot. */
export function waiting(topic: Topic): HTMLElement {
	const p = state.problems[topic];
	if (!p)
		return h('p', { class: 'quiet' }, t('loading'));
	return h('p', { class: 'quiet' }, `${t('unavailable')} ${p.detail ?? p.title}`, p.remedy ? ` ${p.remedy}` : '');
}

/** A button that shows "chart" or "table"; the table is built when it is wanted. */
export function tableSwitch(what: Key, chart: HTMLElement, place: HTMLElement, table: () => HTMLElement): { button: HTMLElement; refresh(): void } {
	let shown = false;
	const button = h('button', { type: 'button', class: 'small', click: () => { shown = !shown; refresh(); } });
	function refresh(): void {
		button.textContent = t(shown ? 'showChart' : 'showTable');
		button.setAttribute('aria-label', `${t(what)}: ${button.textContent}`);
		chart.hidden = shown;
		place.hidden = !shown;
		place.replaceChildren(...(shown ? [table()] : []));
	}
	return { button, refresh };
}

/** A table from rows of cells; columns from index "numbers" on are right-aligned. */
export function table(caption: string, head: string[], rows: Child[][], numbers: number): HTMLElement {
	const cls = (i: number) => (i >= numbers ? 'num' : null);
	return h('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': caption },
		h('table', {},
			h('caption', { class: 'sr' }, caption),
			h('thead', {}, h('tr', {}, ...head.map((c, i) => h('th', { scope: 'col', class: cls(i) }, c)))),
			h('tbody', {}, ...rows.map((r) => h('tr', {}, ...r.map((c, i) =>
				i === 0 ? h('th', { scope: 'row' }, c) : h('td', { class: cls(i) }, c)))))));
}

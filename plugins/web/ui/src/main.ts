// SPDX-License-Identifier: Apache-2.0
import './style.css';
import { h } from './dom';
import { costCard } from './cost';
import { curveCard } from './curve';
import { demandCard } from './gauge';
import { feederCard } from './feeders';
import { isLang, language, setLanguage, t } from './i18n';
import { loadAll, pageLanguage, start, state, tell } from './store';
import { meterCard } from './meters';
import { nextCard } from './next';
import { planCard } from './plan';
import { lostBanner, topBar } from './topbar';

/* A browser may refuse its storage; the choice then lasts as long as the page. */
function remembered(key: string): string | null {
	try {
		return localStorage.getItem(`fems.${key}`);
	} catch {
		return null;
	}
}

function remember(key: string, value: string): void {
	try {
		localStorage.setItem(`fems.${key}`, value);
	} catch {
		/* see above */
	}
}

const dark = () => document.documentElement.dataset.theme === 'dark';

function setTheme(theme: string): void {
	document.documentElement.dataset.theme = theme;
	document.dispatchEvent(new Event('themechange'));
}

const skip = h('a', { class: 'skip', href: '#main' });

function say(lang: 'ko' | 'en'): void {
	setLanguage(lang);
	skip.textContent = t('skip');
	tell('site'); /* every part listens to the site and draws itself anew */
}

const switches = {
	language(): void {
		const next = language() === 'ko' ? 'en' : 'ko';
		remember('language', next);
		say(next);
	},
	theme(): void {
		const next = dark() ? 'light' : 'dark';
		remember('theme', next);
		setTheme(next);
	},
	dark,
};

const browser = navigator.language.startsWith('ko') ? 'ko' : 'en';
const chosen = remembered('language');
setLanguage(isLang(chosen) ? chosen : browser);
setTheme(remembered('theme') ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'));

/* Paper is white. */
let screenTheme = 'light';
addEventListener('beforeprint', () => { screenTheme = dark() ? 'dark' : 'light'; setTheme('light'); });
addEventListener('afterprint', () => setTheme(screenTheme));

const main = h('main', { id: 'main', tabindex: -1 }, lostBanner(),
	h('div', { class: 'cards' }, demandCard(), feederCard(), costCard(), nextCard()), curveCard(), planCard(), meterCard());
document.getElementById('app')!.append(skip, topBar(switches), main);
skip.textContent = t('skip');

async function begin(): Promise<void> {
	start();
	const [preferred] = await Promise.all([pageLanguage(), loadAll()]);
	if (!isLang(chosen)) {
		const lang = preferred ?? state.site?.language;
		say(isLang(lang) ? lang : browser);
	}
	tell('site');
}
void begin();

// SPDX-License-Identifier: Apache-2.0
// The page in Debian's Chromium against mock-server.mjs. Environment: WEB_DIST (built files), WEB_NPM (where
// node_modules is), WEB_SRC (plugins/web/ui/src). Prints TAP; see page.test.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { NOW, powerEvent, startMock } from './mock-server.mjs';

const { WEB_DIST: dist, WEB_NPM: npm, WEB_SRC: src } = process.env;
const require = createRequire(join(npm, 'package.json'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
	'--disable-component-update', '--disable-sync'];

let browser;
before(async () => {
	browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGS });
});
after(async () => {
	await browser?.close();
});

/** Opens the page on a mock of its own; whatever must never happen is checked at the end of every test. */
async function withPage(opts, body) {
	const mock = await startMock({ dist, hostile: opts.hostile ?? true });
	opts.prepare?.(mock.data);
	const context = await browser.newContext({
		viewport: { width: opts.width ?? 1400, height: 1000 }, colorScheme: opts.theme ?? 'light',
		locale: opts.locale ?? 'en-GB', bypassCSP: opts.bypassCSP ?? false,
	});
	if (opts.lang)
		await context.addInitScript((lang) => localStorage.setItem('fems.language', lang), opts.lang);
	const page = await context.newPage(), faults = [], foreign = [];
	page.on('console', (m) => { if (m.type() === 'error' || m.type() === 'warning') faults.push(m.text()); });
	page.on('pageerror', (e) => faults.push(e.message));
	page.on('request', (r) => { if (!r.url().startsWith(mock.url)) foreign.push(r.url()); });
	try {
		await page.goto(mock.url);
		await page.waitForSelector('#meters tbody tr');
		await page.waitForSelector('.gantt g.bar');
		mock.emit('power', powerEvent());
		await page.waitForSelector('.fresh.on');
		await body(page, mock, faults);
		assert.equal(await page.evaluate('window.hacked'), undefined, 'a name became markup');
		assert.deepEqual(foreign, [], 'requests to elsewhere');
		if (!opts.faultsExpected)
			assert.deepEqual(faults, [], 'messages on the console');
	} finally {
		await context.close();
		await mock.close();
	}
}

const text = (page, selector) => page.locator(selector).first().innerText();
const row = (page, name) => page.locator('#feeders li', { hasText: name }).first();

test('the catalogues have the same keys and the same places for values', () => {
	const read = (lang) => JSON.parse(readFileSync(join(src, `${lang}.json`), 'utf8'));
	const en = read('en'), ko = read('ko'), places = (s) => (s.match(/\{\w+\}/g) ?? []).sort().join();
	assert.deepEqual(Object.keys(ko).sort(), Object.keys(en).sort());
	for (const key of Object.keys(en)) {
		assert.ok(en[key].trim() && ko[key].trim(), `${key} is empty`);
		assert.equal(places(ko[key]), places(en[key]), key);
	}
	const used = readdirSync(src).filter((f) => f.endsWith('.ts')).map((f) => readFileSync(join(src, f), 'utf8')).join('\n');
	for (const key of Object.keys(en))
		assert.ok(used.includes(`'${key}'`) || /^(action|mode|plan|state|role)\./.test(key), `${key} is not used`);
});

test('the code takes at most 60 KB gzipped, and the packed files hold the plain ones', () => {
	const { gunzipSync } = require('node:zlib');
	let sum = 0;
	for (const f of ['index.html', 'app.js', 'app.css', 'favicon.svg']) {
		const plain = readFileSync(join(dist, f)), packed = readFileSync(join(dist, `${f}.gz`));
		assert.ok(gunzipSync(packed).equals(plain), f);
		sum += gzipSync(plain, { level: 9 }).length;
	}
	console.log(`# ${sum} bytes gzipped`);
	assert.ok(sum <= 60 * 1024, `${sum} bytes`);
});

test('the lock file names no registry', () => {
	assert.doesNotMatch(readFileSync(join(npm, 'package-lock.json'), 'utf8'), /https?:|"resolved"/);
});

test('the source never makes markup from text', () => {
	for (const f of readdirSync(src).filter((x) => x.endsWith('.ts')))
		assert.doesNotMatch(readFileSync(join(src, f), 'utf8'), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/, f);
});

test('it speaks Korean', () => withPage({ lang: 'ko' }, async (page) => {
	assert.equal(await page.getAttribute('html', 'lang'), 'ko');
	assert.match(await text(page, '#demand h2'), /수요전력/);
	assert.match(await text(page, '#cost'), /684,213원/);
	assert.match(await text(page, '#plan .headline'), /176,750원 절감/);
	assert.match(await text(page, '#meters'), /수전 주계량기/);
}));

test('it speaks English and the switch changes everything at once', () => withPage({ prepare: (d) => { d['/api/v1/site'].language = 'en'; } }, async (page) => {
	await page.waitForSelector('html[lang=en]');
	assert.match(await text(page, '#demand h2'), /Demand of these 15 minutes/);
	assert.match(await text(page, '#demand .verdict'), /18\.6\s?kW above the target.*\+1\.9M\s?won over 12 months/);
	assert.match(await text(page, '#plan .headline'), /Saves 176,750\swon/);
	assert.match(await text(page, '.clock'), /14:07:0/);
	const english = await text(page, 'main');
	await page.getByRole('button', { name: '한국어' }).click();
	assert.equal(await page.getAttribute('html', 'lang'), 'ko');
	for (const id of ['demand', 'feeders', 'cost', 'next', 'curve', 'plan', 'meters']) {
		const title = await text(page, `#${id} h2`);
		assert.match(title, /[가-힣]/, id);
		assert.ok(!english.includes(title), id);
	}
	await page.reload();
	await page.waitForSelector('#demand .verdict');
	assert.equal(await page.getAttribute('html', 'lang'), 'ko', 'the choice is kept');
}));

test('without a choice the site, or the setting of the server, has its language', async () => {
	await withPage({ locale: 'en-GB' }, async (page) => {
		await page.waitForSelector('html[lang=ko]');
	});
	await withPage({ locale: 'ko-KR', prepare: (d) => { d['/page.json'].language = 'en'; } }, async (page) => {
		await page.waitForSelector('html[lang=en]');
	});
});

test('live values change with the event', () => withPage({ lang: 'en', hostile: false }, async (page, mock) => {
	assert.match(await row(page, 'Main incomer').innerText(), /452\s?kW/);
	mock.emit('power', powerEvent({ main: 498700 }));
	await page.waitForFunction(() => /499\skW/.test(document.querySelector('#feeders li').innerText));
	const d = { ...mock.data['/api/v1/demand/now'], mean_w: 301000, projected_w: 333000, at_risk_micro: 0 };
	mock.emit('demand', d);
	await page.waitForFunction(() => /301\skW/.test(document.querySelector('#demand svg').textContent));
	assert.match(await text(page, '#demand .verdict'), /Stays below the target/);
	assert.match(await page.getAttribute('#demand svg', 'aria-label'), /mean so far 301\s?kW, projected end 333\s?kW/);
}));

test('old values are grey and say how old', () => withPage({ lang: 'en', hostile: false }, async (page, mock) => {
	const off = row(page, 'Compressor 2');
	assert.ok((await off.getAttribute('class')).includes('stale'));
	assert.match(await off.innerText(), /10\s?min ago/);
	assert.ok(!(await row(page, 'Press line').getAttribute('class'))?.includes('stale'));
	mock.emit('power', { ...powerEvent(), stale: ['comp-2', 'press'], now: new Date(NOW + 30e3).toISOString() });
	await page.waitForFunction(() => [...document.querySelectorAll('#feeders li')].some((li) => /Press line/.test(li.innerText) && /30\ss ago/.test(li.innerText) && li.classList.contains('stale')));
	mock.emit('meter', { name: 'press', state: 'offline', why: 'no answer from 192.0.2.7' });
	await page.waitForFunction(() => /offline[^]*no answer from 192\.0\.2\.7/.test(document.querySelector('#meters').innerText));
}));

test('advice lists what to drop and what stays off, not what may run on', () => withPage({ lang: 'en' }, async (page) => {
	const advice = await text(page, '.advice');
	assert.match(advice, /Compressor 1[^]*drop 55\.2\s?kW[^]*May pause for 9 minutes/);
	assert.match(advice, /Ventilation\s*keep off 18\.0\s?kW/);
	assert.doesNotMatch(advice, /Lights/);
}));

test('a stale demand gauge says so', () => withPage({ lang: 'en', hostile: false }, async (page, mock) => {
	mock.emit('demand', { now: '2026-11-23T14:07:00+09:00', target_w: 520000, contract_w: 700000, stale: true, age_s: 40, mode: 'advise', advice: [] });
	await page.waitForSelector('#demand svg.stale');
	assert.match(await text(page, '#demand .verdict'), /40\s?s old: no projection/);
}));

test('without events nothing is shown as live, and it comes back by itself', () => withPage({ lang: 'en', hostile: false, faultsExpected: true }, async (page, mock) => {
	mock.dropClients();
	await page.waitForSelector('.lost:not([hidden])', { timeout: 8000 });
	assert.match(await text(page, '.lost'), /No connection to the server\. Values as of 14:07:/);
	assert.equal(await page.locator('#feeders li:not(.stale):not([hidden])').count(), 0);
	assert.ok((await page.getAttribute('#demand svg', 'class')).includes('stale'));
	const beat = setInterval(() => mock.emit('power', powerEvent({ main: 461000 })), 200);
	await page.waitForSelector('.fresh.on', { timeout: 5000 });
	clearInterval(beat);
	assert.ok(await page.locator('.lost').isHidden());
	assert.match(await row(page, 'Main incomer').innerText(), /461\s?kW/);
}));

test('the Gantt explains an order by keyboard', () => withPage({ lang: 'en', hostile: false }, async (page) => {
	assert.equal(await page.locator('g.bar[tabindex="0"]').count(), 1, 'one bar is in the tab order');
	await page.locator('g.bar[tabindex="0"]').focus();
	const focused = () => page.evaluate(() => document.activeElement.dataset.id);
	assert.equal(await focused(), 'WO-4711/10');
	await page.keyboard.press('ArrowRight');
	assert.equal(await focused(), 'WO-4712/10');
	await page.keyboard.press('ArrowDown');
	await page.keyboard.press('ArrowDown');
	assert.equal(await focused(), 'WO-4721/10');
	await page.keyboard.press('Enter');
	const reason = await text(page, '#reason');
	assert.match(reason, /outside the on-peak hours at 107\.9 won per kWh/);
	assert.match(reason, /Saving\s*23,900\s?won/);
	assert.match(reason, /of it demand\s*7,170\s?won/);
	await page.keyboard.press('Escape');
	assert.equal(await page.locator('#reason .reason').count(), 0);
	await page.locator('g.bar[data-id="WO-4731/10"]').click();
	assert.match(await text(page, '#reason'), /Late by\s*90\s?min/);
	assert.match(await page.getAttribute('g.bar[data-id="WO-4731/10"]', 'class'), /late/);
}));

test('a new plan is drawn, and one that is not possible says why', () => withPage({ lang: 'en' }, async (page, mock) => {
	mock.data['/api/v1/plan'] = { ...mock.data['/api/v1/plan'], id: 13, state: 'infeasible',
		conflicts: [{ orders: ['WO-4711/10', 'WO-4712/10'], rule: 'machine', text: { ko: '두 작업은 같은 설비에서 겹칩니다.', en: 'Both need the press line before 18:00.' } }] };
	mock.emit('plan', { id: 13, state: 'infeasible' });
	await page.waitForSelector('.conflicts');
	assert.match(await text(page, '.conflicts'), /Both need the press line before 18:00\.\s*WO-4711\/10, WO-4712\/10/);
	assert.match(await text(page, '#plan .headline'), /not possible/);
	mock.data['/api/v1/plan'] = { state: 'none' };
	mock.emit('plan', { id: 14, state: 'none' });
	await page.waitForFunction(() => /There is no plan to draw/.test(document.querySelector('#plan').innerText));
}));

test('planning again is asked for with the header that the server wants', () => withPage({ lang: 'en' }, async (page, mock) => {
	await page.getByRole('button', { name: 'Plan again' }).click();
	await page.waitForFunction(() => /Planning/.test(document.querySelector('#plan .tools').innerText));
	const post = mock.asked.find((r) => r.method === 'POST');
	assert.equal(post.url, '/api/v1/plan/run');
	assert.equal(post.headers['x-fems'], '1');
}));

test('the bill opens with lines and evidence', () => withPage({ lang: 'en' }, async (page, mock) => {
	assert.match(await text(page, '#cost .bill'), /October 2026\s*31,846,210\s?won/);
	assert.ok(mock.asked.some((r) => r.url === '/api/v1/bills?month=2026-10'));
	await page.getByRole('button', { name: 'Show the lines' }).click();
	const dialog = await text(page, 'dialog[open]');
	assert.match(dialog, /Demand charge/);
	assert.match(dialog, /14 July 2026 14:15, 552 kW/);
	assert.match(dialog, /4,592,640\s?won/);
	assert.match(dialog, /Of 2,976 intervals 4 are missing and 2 estimated/);
	await page.keyboard.press('Escape');
	assert.equal(await page.locator('dialog').count(), 0);
}));

test('alarms are counted and open with their remedy', () => withPage({ lang: 'en' }, async (page, mock) => {
	await page.getByRole('button', { name: 'Alarms 1' }).click();
	assert.match(await text(page, 'dialog[open]'), /Compressor 2 does not answer\.[^]*Check its power and its cable\./);
	await page.keyboard.press('Escape');
	mock.data['/api/v1/status'].alarms = [];
	mock.emit('alarm', {});
	await page.getByRole('button', { name: 'Alarms 0' }).waitFor();
}));

test('each chart has a table with every value', () => withPage({ lang: 'en' }, async (page) => {
	await page.getByRole('button', { name: 'Load today: Table' }).click();
	assert.equal(await page.locator('#curve tbody tr').count(), 96);
	assert.match(await text(page, '#curve tbody tr:nth-child(41)'), /10:00\s+On-peak\s+214\.3\swon\/kWh\s+\d{3}\skW/);
	await page.getByRole('button', { name: 'Production plan: Table' }).click();
	assert.equal(await page.locator('#plan tbody tr').count(), 8);
	assert.match(await page.getAttribute('#curve .plot', 'aria-label'), /57 values/);
}));

test('a service that is not there leaves the rest alone and is named', () => withPage({ lang: 'en', faultsExpected: true, prepare: (d) => { d['/api/v1/demand/now'] = null; d['/api/v1/bills'] = null; } }, async (page) => {
	assert.match(await text(page, '#demand'), /Not available: no service/);
	assert.match(await text(page, '#cost'), /684,213[^]*Not available/);
	assert.equal(await page.locator('#meters tbody tr').count(), 10);
}));

test('a faster clock is marked', () => withPage({ lang: 'en', prepare: (d) => { d['/api/v1/status'].speed = 60; } }, async (page) => {
	assert.equal(await text(page, '.badge.demo'), 'DEMO ×60');
}));

test('the theme is switched and kept', () => withPage({ lang: 'en' }, async (page) => {
	await page.getByRole('button', { name: 'Dark' }).click();
	assert.equal(await page.getAttribute('html', 'data-theme'), 'dark');
	await page.reload();
	await page.waitForSelector('html[data-theme=dark]');
}));

test('the keyboard reaches the content first, then every control', () => withPage({ lang: 'en' }, async (page) => {
	await page.keyboard.press('Tab');
	assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
	const seen = new Set();
	for (let i = 0; i < 16; i++) {
		await page.keyboard.press('Tab');
		seen.add(await page.evaluate(() => document.activeElement.className.baseVal ?? document.activeElement.innerText));
	}
	for (const want of ['Show the lines', 'Plan again', 'Dark'])
		assert.ok(seen.has(want), `${want} in ${[...seen]}`);
	assert.ok([...seen].some((c) => /^bar/.test(c)), 'a bar of the Gantt');
}));

test('paper is white and without buttons', () => withPage({ theme: 'dark', lang: 'en' }, async (page) => {
	const pdf = await page.pdf({ format: 'A4', printBackground: true });
	assert.equal(pdf.subarray(0, 5).toString(), '%PDF-');
	await page.emulateMedia({ media: 'print' });
	assert.ok(await page.getByRole('button', { name: 'Plan again' }).isHidden());
	assert.equal(await page.getAttribute('html', 'data-theme'), 'dark', 'the screen is dark again');
}));

for (const width of [360, 1024, 1920]) {
	test(`nothing is wider than ${width} px`, () => withPage({ lang: 'ko', width }, async (page) => {
		const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
		assert.ok(wide <= 0, `${wide} px too wide`);
	}));
}

for (const theme of ['light', 'dark']) {
	for (const lang of ['ko', 'en']) {
		test(`axe finds nothing: ${theme}, ${lang}`, () => withPage({ theme, lang, bypassCSP: true }, async (page) => {
			const run = async (where) => {
				const result = await page.evaluate(`axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })`);
				assert.deepEqual(result.violations.map((v) => `${where}: ${v.id}: ${v.nodes.map((n) => n.target).join(' ')}`), []);
				assert.ok(result.passes.length > 20);
			};
			await page.evaluate(axe);
			await page.locator('g.bar').first().click();
			await run('chart');
			for (const id of ['curve', 'plan'])
				await page.locator(`#${id} .tools button`).last().click();
			await run('table');
			await page.locator('#cost button').click();
			await run('bill');
		}));
	}
}

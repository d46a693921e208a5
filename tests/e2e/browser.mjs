// SPDX-License-Identifier: Apache-2.0
// The page of a running femsd in Debian's Chromium; started by browser.test, one JSON object per check on stdout.
// Environment: WEB_NPM (where node_modules is), PAGE (address), UNPLUG and PLUG (commands as JSON arrays).
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { WEB_NPM, PAGE, UNPLUG, PLUG } = process.env;
const require = createRequire(join(WEB_NPM, 'package.json'));
const { chromium } = require('playwright-core');
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
	'--disable-component-update', '--disable-sync'];
const ok = (good, name, detail) => console.log(JSON.stringify({ good: !!good, name, detail: good ? '' : String(detail ?? '') }));
const run = (json) => { const [program, ...args] = JSON.parse(json); execFileSync(program, args); };

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGS });
const page = await browser.newPage({ viewport: { width: 1400, height: 1000 }, locale: 'en-GB' });
const faults = [], foreign = [];
page.on('console', (m) => { if (m.type() === 'error' || m.type() === 'warning') faults.push(m.text()); });
page.on('pageerror', (e) => faults.push(e.message));
page.on('request', (r) => { if (!r.url().startsWith(PAGE)) foreign.push(r.url()); });
page.setDefaultTimeout(15000);

const text = (selector) => page.locator(selector).first().innerText();
const feeders = () => page.$$eval('#feeders li:not([hidden])', (list) => list.map((li) => ({
	name: li.querySelector('.name').innerText, value: li.querySelector('.kw').innerText, stale: li.classList.contains('stale') })));

/** Waits for the page to become so; false when it does not. */
async function becomes(name, fn, arg, timeout = 15000) {
	const good = await page.waitForFunction(fn, arg, { timeout }).then(() => true, () => false);
	ok(good, name, good ? '' : await page.evaluate(() => document.body.innerText));
	return good;
}

try {
	await page.goto(PAGE);
	await page.waitForSelector('#feeders li');
	await becomes('the page is live', () => document.querySelector('.fresh.on') && !document.querySelector('.lost:not([hidden])'));
	await becomes('every feeder has a value of now', () => {
		const list = [...document.querySelectorAll('#feeders li:not([hidden])')];
		return list.length >= 15 && list.every((li) => !li.classList.contains('stale') && /\d/.test(li.querySelector('.kw').innerText));
	});
	const before = (await feeders()).map((f) => f.value).join('|'), clock = await text('.clock');
	await becomes('the values change', (old) => [...document.querySelectorAll('#feeders li:not([hidden]) .kw')].map((e) => e.innerText).join('|') !== old, before);
	await becomes('the clock goes on', (old) => document.querySelector('.clock').innerText !== old, clock);
	ok(/DEMO/.test(await text('.badge.demo')), 'a clock that is faster is marked', await text('header'));

	await becomes('the gauge shows the running window', () => /\d.*kW/.test(document.querySelector('#demand svg .big')?.textContent ?? '') &&
		document.querySelectorAll('#demand .facts dd').length === 4 && !document.querySelector('#demand svg.stale'));
	const gauge = await page.getAttribute('#demand svg', 'aria-label');
	await becomes('and it moves', (old) => document.querySelector('#demand svg').getAttribute('aria-label') !== old, gauge);
	ok(/430\s?kW/.test(await text('#demand .limits')) && /500\s?kW/.test(await text('#demand .limits')), 'with target and contract', await text('#demand'));

	await becomes("today's cost in won", () => /[1-9][\d,]*\s?won/.test(document.querySelector('#cost .lead dd')?.innerText ?? ''));
	await becomes('the load of the day over the bands of the tariff', () => (document.querySelector('#curve .plot')?.getAttribute('aria-label') ?? '').match(/[1-9]\d* values/));

	await becomes('the plan is drawn', () => document.querySelectorAll('.gantt g.bar').length > 3);
	const bars = page.locator('g.bar');
	let reasons = 0;
	for (const id of await page.$$eval('g.bar', (list) => list.slice(0, 4).map((g) => g.dataset.id))) {
		await page.locator(`g.bar[data-id="${id}"]`).first().focus();
		await page.keyboard.press('Enter');
		const why = await page.waitForSelector('#reason .why', { timeout: 3000 }).then((e) => e.innerText(), () => '');
		reasons += why.length > 15;
	}
	ok(reasons === 4, 'each order has its reason', `${reasons} of 4, ${await bars.count()} bars: ${await text('#plan')}`);

	await page.waitForFunction(() => /[1-9][\d,]*\s?won/.test(document.querySelector('#cost .bill dd')?.innerText ?? ''));
	await page.getByRole('button', { name: 'Show the lines' }).click();
	const bill = await text('dialog[open]'), rows = await page.locator('dialog[open] tbody tr').count();
	ok(rows >= 8 && /base charge/.test(bill) && /energy charge/.test(bill) && /highest demand, [\d.]+ kW on 2026-10-/.test(bill), `last month's bill has ${rows} lines`, bill);
	const amounts = await page.$$eval('dialog[open] tbody tr', (list) => list.map((tr) => Number(tr.lastElementChild.innerText.replace(/[^\d−-]/g, '').replace('−', '-'))));
	ok(Math.abs(amounts.slice(0, -1).reduce((a, b) => a + b, 0) - amounts.at(-1)) < 0.5, 'that add up to its total', amounts);
	await page.keyboard.press('Escape');

	run(UNPLUG);
	await becomes('a meter that is unplugged goes grey', () => [...document.querySelectorAll('#feeders li.stale .name')].some((e) => e.innerText === 'CNC 2'));
	const grey = (await feeders()).filter((f) => f.stale).map((f) => f.name);
	ok(grey.join() === 'CNC 2', 'and no other', grey);
	await becomes('the list of meters says why', () => [...document.querySelectorAll('#meters tbody tr')].some((tr) => /CNC 2/.test(tr.innerText) && /offline/i.test(tr.innerText) && /127\.0\.0\.1/.test(tr.innerText)));
	run(PLUG);
	await becomes('it comes back by itself', () => !document.querySelector('#feeders li.stale'), null, 30000);

	const english = await text('#demand h2');
	await page.getByRole('button', { name: '한국어' }).click();
	await becomes('the switch changes the language', (old) => document.documentElement.lang === 'ko' && /[가-힣]/.test(document.querySelector('#demand h2').innerText) &&
		document.querySelector('#demand h2').innerText !== old && /수전 설비/.test(document.querySelector('#feeders').innerText), english);
} catch (e) {
	ok(false, 'the page could be used', `${e.stack}\n${await page.evaluate(() => document.body.innerText).catch(() => '')}`);
} finally {
	ok(!faults.length, 'no message on the console', faults.join('\n'));
	ok(!foreign.length, 'no request to elsewhere', foreign.join('\n'));
	await browser.close();
}

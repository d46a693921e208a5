// SPDX-License-Identifier: Apache-2.0
// Bundles src/ into the directory given: index.html, app.js, app.css, favicon.svg. Run where node_modules is.
import { build } from 'esbuild';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

const out = process.argv[2];
if (!out) {
	console.error('usage: node build.mjs OUTPUT-DIRECTORY');
	process.exit(2);
}
await mkdir(out, { recursive: true });
await build({
	entryPoints: { app: 'src/main.ts' },
	bundle: true,
	minify: true,
	charset: 'utf8',
	format: 'esm',
	target: ['es2020', 'chrome100', 'firefox100', 'safari15'],
	outdir: out,
	legalComments: 'inline',
	logLevel: 'warning',
});
for (const name of ['index.html', 'favicon.svg'])
	await copyFile(join('src', name), join(out, name));

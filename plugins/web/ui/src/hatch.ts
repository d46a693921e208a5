// SPDX-License-Identifier: Apache-2.0
// Background of tariff bands by rank: a tone and a hatch, for canvas and for SVG.
import { colour, s } from './dom';
import { RANKS } from './bands';

/** Distance between hatch lines; 0: none. The dearer, the denser. */
const STEP = [0, 12, 7, 4];

export function tone(rank: number): string {
	return colour(`--band-${rank}`);
}

export function paintBand(ctx: CanvasRenderingContext2D, rank: number, x: number, y: number, w: number, height: number, px: number): void {
	ctx.save();
	ctx.beginPath();
	ctx.rect(x, y, w, height);
	ctx.clip();
	ctx.fillStyle = tone(rank);
	ctx.fillRect(x, y, w, height);
	const step = STEP[rank] * px;
	if (step) {
		ctx.strokeStyle = colour('--hatch');
		ctx.lineWidth = px;
		ctx.beginPath();
		for (let at = x - height - ((x - height) % step); at < x + w; at += step) {
			ctx.moveTo(at, y + height);
			ctx.lineTo(at + height, y);
		}
		ctx.stroke();
	}
	ctx.restore();
}

/** Patterns "band-0".. for the SVG of one chart; prefix keeps ids apart. */
export function bandPatterns(prefix: string): SVGElement {
	const defs = s('defs');
	for (let rank = 0; rank < RANKS; rank++) {
		const step = STEP[rank] || 12;
		defs.append(s('pattern', { id: `${prefix}-${rank}`, width: step, height: step, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
			s('rect', { width: step, height: step, class: `band-${rank}` }),
			STEP[rank] > 0 && s('line', { x1: 0.5, y1: 0, x2: 0.5, y2: step, class: 'hatch' })));
	}
	return defs;
}

/** A small sample for legends. */
export function swatch(rank: number, prefix: string): SVGElement {
	return s('svg', { width: 18, height: 12, class: 'swatch', 'aria-hidden': 'true' }, bandPatterns(prefix),
		s('rect', { width: 18, height: 12, fill: `url(#${prefix}-${rank})` }));
}

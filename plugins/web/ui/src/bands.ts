// SPDX-License-Identifier: Apache-2.0
// Tariff bands: which rank (0 = cheapest) a band has. Colours and hatches follow the rank, so that any
// tariff's bands look alike. The palette stays apart in the three common colour blindnesses; the hatch
// carries the same information without colour.
import { label } from './i18n';
import { state } from './store';

export type BandRef = string | number | null | undefined;

/** At most this many looks; further bands share the last one. */
export const RANKS = 4;

function idOf(ref: BandRef): string | null {
	if (typeof ref === 'number')
		return state.load?.bands?.[ref]?.id ?? String(ref);
	return ref ?? null;
}

let memoKey: unknown = null;
let memo = new Map<string, number>();

/** Bands by the mean of their prices, of the day and of the plan together. */
function ranks(): Map<string, number> {
	const { load, plan } = state;
	const key = `${load?.date} ${load?.band?.length} ${plan?.id} ${plan?.band?.length}`;
	if (key === memoKey)
		return memo;
	const sums = new Map<string, [number, number]>();
	for (const from of [load, plan]) {
		from?.band?.forEach((ref, i) => {
			const id = idOf(ref), price = from.price_micro?.[i];
			if (id === null || price === null || price === undefined)
				return;
			const s = sums.get(id) ?? [0, 0];
			sums.set(id, [s[0] + price, s[1] + 1]);
		});
	}
	const order = [...sums].sort((a, b) => a[1][0] / a[1][1] - b[1][0] / b[1][1]);
	memoKey = key;
	memo = new Map(order.map(([id], i) => [id, Math.min(i, RANKS - 1)]));
	return memo;
}

export function bandRank(ref: BandRef): number | null {
	const id = idOf(ref);
	return id === null ? null : (ranks().get(id) ?? null);
}

export function bandName(ref: BandRef): string {
	const id = idOf(ref);
	if (id === null)
		return '';
	return label(state.load?.bands?.find((b) => b.id === id)?.labels, id);
}

/** The bands in use, cheapest first: for legends. */
export function bandsInUse(): { id: string; rank: number }[] {
	return [...ranks()].map(([id, rank]) => ({ id, rank })).sort((a, b) => a.rank - b.rank);
}

export interface Run { from: number; to: number; ref: BandRef }

/** Neighbouring slots of the same band as one: [from, to). */
export function runs(band: BandRef[]): Run[] {
	const out: Run[] = [];
	band.forEach((ref, i) => {
		const last = out[out.length - 1];
		if (last && last.ref === ref)
			last.to = i + 1;
		else
			out.push({ from: i, to: i + 1, ref });
	});
	return out;
}

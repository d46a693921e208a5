// SPDX-License-Identifier: Apache-2.0
// What the services reply (docs/services.md). Members that an older or partial reply may lack are optional.

export interface Labels { ko?: string; en?: string }

export interface Site {
	name: string; currency: string; language: string; zone: string; control?: string;
	contract_w?: number; target_w?: number; main_meter?: string;
	meters?: { name: string; labels?: Labels; parent?: string | null; role?: string }[];
	machines?: { id: string; labels?: Labels; meter?: string }[];
}
export interface Alarm {
	since?: string; text_ko?: string; text_en?: string; remedy_ko?: string; remedy_en?: string;
}
export interface Status {
	version: string; now: string; speed: number; control?: string; alarms?: Alarm[];
	meters?: { total: number; online: number };
}
export type MeterState = 'online' | 'degraded' | 'offline' | 'unknown';
export interface Meter {
	name: string; labels?: Labels; role?: string; parent?: string | null; plugin?: string; state: MeterState;
	why?: string | null; since?: string | null; last?: string | null; age_s?: number | null;
	power_w?: number | null; energy_wh?: number | null; unverified?: boolean;
}
export interface Advice {
	load: string; labels?: Labels; power_w: number; action: 'shed' | 'restore' | 'hold'; state?: 'on' | 'off';
	reason?: Labels;
}
export interface Demand {
	window_start?: string; window_end?: string; now?: string; energy_wh?: number; mean_w?: number;
	power_w?: number; projected_w?: number; projected_low_w?: number; projected_high_w?: number;
	target_w?: number; contract_w?: number; threshold_w?: number | null; room_w?: number; counts?: boolean | null;
	at_risk_micro?: number; months?: number; stale?: boolean; age_s?: number | null; mode?: string;
	advice?: Advice[];
}
export interface LoadDay {
	date: string; from: string; slot_s: number; wh: (number | null)[]; flags?: unknown[];
	yesterday_wh?: (number | null)[]; plan_w?: (number | null)[]; band?: (string | number | null)[];
	price_micro?: (number | null)[]; bands?: { id: string; labels?: Labels }[];
	contract_w?: number; target_w?: number; threshold_w?: number | null;
}
export interface Cost {
	date: string; energy_wh: number; energy_micro: number;
	month?: {
		from: string; energy_wh: number; total_micro: number; peak_w: number | null; peak_at: string | null;
		billing_demand_w: number | null; forecast_micro: number | null;
	};
}
export interface BillLine {
	id: string; labels?: Labels; quantity_milli: number | null; quantity_unit?: string | null;
	price_micro: number | null; amount_micro: number; evidence?: Labels;
}
export interface Bill {
	month: string; tariff?: string; title?: Labels; currency: string; from: string; to: string; complete: boolean;
	energy_wh: number; peak_w: number | null; peak_at: string | null; billing_demand_w: number | null;
	billing_month?: string | null; total_micro: number; slots?: number; missing?: number; estimated?: number;
	lines: BillLine[];
}
export interface PlanCost { energy_micro: number; demand_micro: number; late_micro: number; total_micro: number }
export interface PlanOrder {
	id: string; request_id?: string; product?: string | null; quantity?: number | string | null;
	unit?: string | null; equipment: string; start: string; end: string; release?: string | null;
	due?: string | null; erp_start?: string | null; erp_equipment?: string | null; power_w?: number | null;
	state?: string; moved?: boolean; locked?: boolean; late_s?: number; saving_micro?: number;
	parts?: { energy_micro: number; demand_micro: number; late_micro: number }; reason?: Labels;
}
export interface Plan {
	id?: number; made_at?: string; state: 'none' | 'planning' | 'ready' | 'infeasible'; mode?: string;
	from?: string; slot_s?: number; slots?: number; cost?: PlanCost; erp_cost?: PlanCost; erp_feasible?: boolean;
	saving_micro?: number; bound_micro?: number | null; solve_ms?: number; peak_w?: number; erp_peak_w?: number;
	price_micro?: number[]; band?: (string | number | null)[]; battery_w?: number[]; import_w?: number[];
	machines?: { id: string; labels?: Labels }[]; orders?: PlanOrder[];
	conflicts?: { orders?: string[]; rule?: string; text?: Labels }[];
}
export interface PowerEvent { now: string; power: Record<string, number>; stale: string[] }

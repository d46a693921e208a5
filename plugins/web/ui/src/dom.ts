// SPDX-License-Identifier: Apache-2.0
// Makes elements. Text only ever becomes text nodes, so no name from outside can become markup.

export type Child = Node | string | number | null | undefined | false;
type Value = string | number | boolean | null | undefined | ((e: never) => void);
export type Attrs = Record<string, Value>;

const SVG = 'http://www.w3.org/2000/svg';

function fill<T extends Element>(el: T, attrs: Attrs, children: Child[]): T {
	for (const [name, value] of Object.entries(attrs)) {
		if (value === null || value === undefined || value === false)
			continue;
		if (typeof value === 'function')
			el.addEventListener(name, value as unknown as EventListener);
		else
			el.setAttribute(name, value === true ? '' : String(value));
	}
	for (const child of children) {
		if (child !== null && child !== undefined && child !== false)
			el.append(child instanceof Node ? child : String(child));
	}
	return el;
}

/** An HTML element: attributes by name, functions become listeners of that event. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attrs: Attrs = {}, ...children: Child[]) {
	return fill(document.createElement(tag), attrs, children);
}

/** An SVG element. */
export function s<K extends keyof SVGElementTagNameMap>(tag: K, attrs: Attrs = {}, ...children: Child[]) {
	return fill(document.createElementNS(SVG, tag) as SVGElementTagNameMap[K], attrs, children);
}

/** Sets a text and leaves the DOM alone when it is the same. */
export function setText(el: Element, text: string): void {
	if (el.textContent !== text)
		el.textContent = text;
}

/** A style property from code; the content security policy forbids style attributes. */
export function style<T extends HTMLElement | SVGElement>(el: T, name: string, value: string): T {
	el.style.setProperty(name, value);
	return el;
}

/** Present value of a colour of the theme, for canvas. */
export function colour(name: string): string {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

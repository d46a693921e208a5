// SPDX-License-Identifier: Apache-2.0
// One modal dialog at a time; Escape and the button close it, focus goes back by itself.
import { h, type Child } from './dom';
import { t } from './i18n';

export function openDialog(title: string, ...content: Child[]): void {
	const dialog = h('dialog', { 'aria-labelledby': 'dialog-title', close: () => dialog.remove() },
		h('header', {}, h('h2', { id: 'dialog-title' }, title),
			h('button', { type: 'button', class: 'small', click: () => dialog.close() }, t('close'))),
		h('div', { class: 'body' }, ...content));
	document.body.append(dialog);
	dialog.showModal();
}

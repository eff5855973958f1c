import type { Grid } from '../tables/index.js';
import { escapeHtml as text } from './html.js';

/** A grid as a table that `sortableScript` sorts, under its title. */
export const gridHtml = ({ title, subtitle, headings, rows, notes = [] }: Grid): string => `<h2>${text(title)}</h2>
${subtitle ? `<p class="quiet">${text(subtitle)}</p>` : ''}
<div class="card">${gridTable({ headings, rows })}</div>
${notes.map((note) => `<p class="quiet">${text(note)}</p>`).join('\n')}`;

/** The table alone. */
export const gridTable = ({ headings, rows }: Pick<Grid, 'headings' | 'rows'>): string => `<table class="results sortable">
<thead><tr>${headings.map((h) => `<th scope="col"${h.numeric ? '' : ' class="note"'}>${text(h.text)}</th>`).join('')}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${row.map((cell, c) => (c === 0 ? `<th scope="row">${text(cell)}</th>` : `<td${headings[c]?.numeric ? '' : ' class="note"'}>${text(cell)}</td>`)).join('')}</tr>`).join('\n')}
</tbody>
</table>`;

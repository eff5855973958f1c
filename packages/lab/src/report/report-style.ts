import { seriesVariables } from './chart-theme.js';

const light = `--ink: #1c1917; --quiet: #6b6560; --page: #fafaf9; --card: #ffffff; --line: #e4e1de; --published: #b8b2ac; --accent: #1d4ed8; ${seriesVariables('light')}`;
const dark = `--ink: #ece9e6; --quiet: #a49d96; --page: #161412; --card: #1f1c1a; --line: #37322e; --published: #6f6862; --accent: #8fb4ff; ${seriesVariables('dark')}`;

/** Style sheet of the report: light and dark by the reader's setting, always light on paper. */
export const reportStyle = `
:root { color-scheme: light dark; ${light} }
@media (prefers-color-scheme: dark) { :root { ${dark} } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2.5rem 1.25rem 4rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; letter-spacing: -.01em; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .75rem; }
p { margin: .25rem 0; max-width: 46rem; }
.quiet { color: var(--quiet); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.25rem; overflow-x: auto; }
.charts { display: grid; margin-top: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 34rem), 1fr)); gap: 1rem; }
.charts figure { margin: 0; }
.charts + .card { margin-top: 1rem; }
.charts svg { display: block; width: 100%; min-width: 30rem; max-width: 44rem; height: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.results { width: 100%; }
th button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; text-align: inherit; }
th button:hover, th button:focus-visible { color: var(--accent); text-decoration: underline; }
th[aria-sort=descending] button::after { content: " ▾"; }
th[aria-sort=ascending] button::after { content: " ▴"; }
th, td { padding: .4rem .9rem; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
thead th { font-weight: 500; color: var(--quiet); font-size: .85rem; }
thead tr:first-child th { color: var(--ink); font-weight: 600; text-align: center; padding-bottom: 0; }
thead tr:first-child th:first-child { text-align: left; }
.sortable thead th { white-space: normal; vertical-align: bottom; }
.sortable thead tr:first-child th { text-align: right; padding-bottom: .4rem; }
.sortable thead tr:first-child th:first-child, .sortable thead tr:first-child th.note { text-align: left; }
.sortable th, .sortable td { padding: .35rem .6rem; font-size: .92rem; }
.sortable th:first-child { padding-left: 0; }
.sortable tbody th { position: sticky; left: 0; background: var(--card); }
tbody tr { border-top: 1px solid var(--line); }
tbody th { font-weight: 600; text-align: left; }
td.measured { font-weight: 600; }
td.other, td.note { color: var(--quiet); }
td.note { text-align: left; white-space: normal; font-size: .9rem; }
td.note:last-child:not(:empty) { min-width: 9rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; margin: 0; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
code, pre { font: .85rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { margin: .75rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--accent); }
@media print {
  :root { color-scheme: light; ${light} --page: #ffffff; }
  body { padding: 0; max-width: none; font-size: 11pt; }
  .card { border-color: #ccc; break-inside: avoid; }
  h2 { break-after: avoid; }
  .card { padding: .5rem .75rem; overflow: visible; }
  .sortable th, .sortable td, th, td { padding: .2rem .35rem; font-size: 8pt; white-space: normal; }
  td.note:last-child:not(:empty) { min-width: 0; }
  .charts { grid-template-columns: 1fr 1fr; }
  .charts svg { min-width: 0; }
  th[aria-sort] button::after { content: ""; }
}
`;

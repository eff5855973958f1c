/** The rows of bench/run-peers.mjs as people read them. */
const left = (text, width) => String(text).padEnd(width);
const right = (value, width, unit = '') => String(value === null || value === undefined ? '–' : `${value}${unit}`).padStart(width);
const op = (row) => row.shape && `${Array.isArray(row.shape) ? row.shape.join('x') : row.shape}`;
const kernelName = (row) => [row.norm, op(row), row.direction ?? row.pass].filter(Boolean).join(', ');
const where = (what, row) => (what === 'step' ? `${left(row.model, 13)}${right(row.batch, 6)}  ` : left(kernelName(row), 54));

export const renderHead = (what) =>
  what === 'step'
    ? `${left('model', 13)} batch  ${left('precision', 11)}${left('library', 22)}   ms a step    ×ours    first ms    ×ours     peak MB    ×ours`
    : `${left(what, 54)}${left('precision', 11)}${left('library', 22)}          ms    ×ours`;

export function renderRow(what, row) {
  const head = `${where(what, row)}${left(row.precision, 11)}${left(row.lib, 22)}`;
  if (row.error) return `${head}   cannot: ${row.error}`;
  if (row.geometricMean !== undefined)
    return `${head}geometric mean of ${row.rows} rows (${row.of}): ${row.geometricMean} × ours; ours slower on ${row.oursSlowerOn}`;
  if (what !== 'step') return `${head}${right(row.ms, 12)}${right(row.timesOurs, 9)}`;
  const pairs = [
    [row.wallMs, row.timesOurs],
    [row.firstStepMs, row.firstTimesOurs],
    [row.peakMB, row.peakTimesOurs],
  ];
  return `${head}${pairs.map(([value, times]) => `${right(value, 12)}${right(times, 9)}`).join('')}`;
}

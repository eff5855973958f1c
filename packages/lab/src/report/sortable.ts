/**
 * Script of a report's page: a click on the heading of a column sorts its table, by the number a cell begins with or by its
 * text; cells without either stay last. Without scripts, and on paper, the table stands as it was written.
 */
export const sortableScript = `
for (const table of document.querySelectorAll('table.sortable')) {
  const body = table.tBodies[0];
  const written = [...body.rows];
  const number = (text) => /^[−-]?[0-9.]+(e[+-]?[0-9]+)?/.test(text) ? parseFloat(text.replace('−', '-')) : undefined;
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    if (!heading.textContent.trim()) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.title = 'Sort by this column';
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener('click', () => {
      const next = { none: 'descending', descending: 'ascending', ascending: 'none' }[heading.getAttribute('aria-sort') ?? 'none'];
      for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
      heading.setAttribute('aria-sort', next);
      const sign = next === 'descending' ? -1 : 1;
      const key = (row) => row.cells[column]?.textContent.trim() ?? '';
      const rows = next === 'none' ? written : [...written].sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        const [m, n] = [number(x), number(y)];
        if (m !== undefined && n !== undefined) return sign * (m - n);
        if (m !== undefined || n !== undefined) return m === undefined ? 1 : -1;
        if (!x || !y) return x ? -1 : y ? 1 : 0;
        return sign * x.localeCompare(y);
      });
      body.append(...rows);
    });
  });
}
`;

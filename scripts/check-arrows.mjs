#!/usr/bin/env node
/**
 * Keeps the rooms of docs/architecture.md apart. Fails on:
 *   - an import between packages against the arrows, or by a relative path instead of the package's name;
 *   - an import cycle between files of a package (type-only imports count: they tie two files together just as well);
 *   - folders of `kernels` that import each other in a circle (indices of what a package exports aside);
 *   - a GPU object, `navigator.gpu` or the `webgpu` package outside packages/core/src/gpu/;
 *   - a default export; a source file of more than 300 lines.
 *
 * Apps (apps/NAME/src) are held to the same; nothing imports them.
 *
 * usage: node scripts/check-arrows.mjs [root]     root: folder that holds packages/; default: the repository
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** For each package, the packages it may import. */
export const arrows = {
  kernels: [],
  core: ['kernels'],
  nn: ['core'],
  models: ['nn', 'core'],
  data: ['core'],
  lab: ['core', 'nn', 'models', 'data'],
  playground: ['core', 'nn', 'models', 'data'],
};
const gpuRoom = 'packages/core/src/gpu/';
const maxLines = 300;

const posix = (file) => file.split(path.sep).join('/');

function sourceFiles(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const at = path.join(folder, entry.name);
      if (entry.isDirectory()) return sourceFiles(at);
      return /\.(ts|tsx|mts)$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [at] : [];
    })
    .sort();
}

/** What one file imports and which of the per-file rules it breaks, each with its line. */
function inspect(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const imports = [];
  const gpuUses = [];
  const defaults = [];
  const lineOf = (node) => source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
  const isString = (node) => node !== undefined && ts.isStringLiteralLike(node);
  const take = (node, literal) => {
    if (isString(literal)) imports.push({ name: literal.text, line: lineOf(node) });
  };
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) take(node, node.moduleSpecifier);
    else if (ts.isExportDeclaration(node)) {
      take(node, node.moduleSpecifier);
      const names = node.exportClause && ts.isNamedExports(node.exportClause) ? node.exportClause.elements : [];
      for (const element of names) if (element.name.text === 'default') defaults.push(lineOf(element));
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) take(node, node.argument.literal);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) take(node, node.arguments[0]);
    else if (ts.isExportAssignment(node)) defaults.push(lineOf(node));
    else if (node.kind === ts.SyntaxKind.DefaultKeyword && ts.canHaveModifiers(node.parent)) defaults.push(lineOf(node));
    else if (ts.isIdentifier(node) && /^GPU([A-Z]|$)/.test(node.text)) gpuUses.push({ what: node.text, line: lineOf(node) });
    else if (ts.isPropertyAccessExpression(node) && node.name.text === 'gpu' && /(^|\.)navigator$/.test(node.expression.getText(source)))
      gpuUses.push({ what: 'navigator.gpu', line: lineOf(node) });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { imports, gpuUses, defaults };
}

/** The source file a relative import means, or undefined when there is none. */
function resolveRelative(from, name) {
  const base = path.resolve(path.dirname(from), name);
  const stem = base.replace(/\.(js|mjs)$/, '');
  return [base, `${stem}.ts`, `${stem}.tsx`, `${stem}.mts`, path.join(base, 'index.ts')].find(
    (at) => /\.(ts|tsx|mts)$/.test(at) && existsSync(at),
  );
}

/** One cycle for every group of files that import each other, as a path that ends where it starts. */
export function findCycles(graph) {
  const cycles = [];
  const done = new Set();
  const onPath = new Map();
  const trail = [];
  const walk = (node) => {
    onPath.set(node, trail.length);
    trail.push(node);
    for (const next of graph.get(node) ?? []) {
      if (onPath.has(next)) cycles.push([...trail.slice(onPath.get(next)), next]);
      else if (!done.has(next)) walk(next);
    }
    trail.pop();
    onPath.delete(node);
    done.add(node);
  };
  for (const node of [...graph.keys()].sort()) if (!done.has(node)) walk(node);
  return cycles;
}

/** The graph of folders behind a graph of files. */
function foldersOf(graph) {
  const folders = new Map();
  for (const [file, edges] of graph) {
    if (file.endsWith('/src/index.ts')) continue;
    const from = path.posix.dirname(file);
    if (!folders.has(from)) folders.set(from, new Set());
    for (const edge of edges) if (path.posix.dirname(edge) !== from) folders.get(from).add(path.posix.dirname(edge));
  }
  return folders;
}

/** `parent/name` for each folder in `parent`. */
function foldersIn(root, parent) {
  const folder = path.join(root, parent);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((e) => (e.isDirectory() ? [`${parent}/${e.name}`] : []))
    .sort();
}

/** All breaches under `root`, one line of text each. */
export function checkArrows(root) {
  const problems = [];
  for (const shownFolder of ['packages', 'apps'].flatMap((parent) => foldersIn(root, parent))) {
    const folder = path.join(root, shownFolder);
    const name = path.basename(folder);
    const allowed = arrows[name];
    if (!allowed) {
      problems.push(`${shownFolder}: no arrows are known for this package; add it to scripts/check-arrows.mjs and docs/architecture.md`);
      continue;
    }
    const graph = new Map();
    for (const file of sourceFiles(path.join(folder, 'src'))) {
      const shown = posix(path.relative(root, file));
      const text = readFileSync(file, 'utf8');
      const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
      if (lines > maxLines) problems.push(`${shown}: ${lines} lines; split it (${maxLines} at most)`);
      const { imports, gpuUses, defaults } = inspect(file, text);
      for (const line of defaults) problems.push(`${shown}:${line}: default export; export it by name`);
      const mayTouchGpu = shown.startsWith(gpuRoom);
      if (!mayTouchGpu) for (const { what, line } of gpuUses) problems.push(`${shown}:${line}: ${what} belongs in ${gpuRoom}`);
      const edges = new Set();
      graph.set(shown, edges);
      for (const { name: wanted, line } of imports) {
        const at = `${shown}:${line}: imports '${wanted}'`;
        if (/^webgpu(\/|$)/.test(wanted)) {
          if (!mayTouchGpu) problems.push(`${at}, which belongs in ${gpuRoom}`);
        } else if (wanted.startsWith('@initlab/')) {
          const [target, ...inner] = wanted.slice('@initlab/'.length).split('/');
          if (target === name) problems.push(`${at}, its own package; import the file instead`);
          else if (!allowed.includes(target)) problems.push(`${at}; ${name} may import ${allowed.join(', ') || 'no other package'}`);
          if (inner[0] === 'src' || inner[0] === 'dist') problems.push(`${at}, a package's inside; import what its index exports`);
        } else if (wanted.startsWith('.')) {
          const target = resolveRelative(file, wanted);
          if (path.relative(folder, path.resolve(path.dirname(file), wanted)).startsWith('..'))
            problems.push(`${at}, a path out of its package; import packages by name`);
          else if (target) edges.add(posix(path.relative(root, target)));
        }
      }
    }
    for (const cycle of findCycles(graph)) problems.push(`import cycle: ${cycle.join(' -> ')}`);
    if (name === 'kernels') for (const cycle of findCycles(foldersOf(graph))) problems.push(`folder cycle: ${cycle.join(' -> ')}`);
  }
  return problems;
}

if (process.argv[1] && fileURLToPath(import.meta.url) === path.resolve(process.argv[1])) {
  const root = path.resolve(process.argv[2] ?? path.join(path.dirname(fileURLToPath(import.meta.url)), '..'));
  const problems = checkArrows(root);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) console.error(`check-arrows: ${problems.length} problem${problems.length === 1 ? '' : 's'}`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}

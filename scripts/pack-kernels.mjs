#!/usr/bin/env node
/**
 * Writes packages/kernels/dist/packed from dist: the same modules, the WGSL in their texts without comments, indentation and
 * spaces between tokens. Bundlers for browsers take these (the condition `browser` in packages/kernels/package.json); Node, whose
 * users read dumped kernels, takes dist itself. Names and tokens of kernels stay what they are.
 *
 * usage: node scripts/pack-kernels.mjs
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import ts from 'typescript';

const kernels = fileURLToPath(new URL('../packages/kernels/', import.meta.url));
const packed = path.join(kernels, 'dist/packed');

/**
 * Text between expressions, without what no compiler reads. What an expression gives is not known, but it is an operand: between two
 * of them the space stays, and after a minus, since an operand may begin with one.
 */
const squeeze = (text) =>
  text
    .replace(/\s*\n\s*/g, '\n')
    .replace(/(?<=\\n) +/g, '')
    .replace(/[ \t]+/g, ' ')
    .replace(/(?<=[{};,(])\n|\n(?=[{})])/g, '')
    .replace(/ ?([(){}[\],;:]) ?/g, '$1')
    // An operator between words and brackets: no two of them run together.
    .replace(/(?<=^|[\w)\]]) ?([+*/%<>=!&|^]=?|-=|&&|\|\||->|<<|>>) ?(?=$|[\w(])/g, '$1')
    .replace(/(?<=^|[\w)\]]) ?- ?(?=[\w(])| -(?= ?$)/g, '-');

/** Of one line: code has operators between spaces, or ends statements. Names of kernels and messages have neither. */
const isCode = (parts) => / (?:[-+*/%<>=!&|^]=?|&&|\|\||->|<<|>>) |[;{}]|^\n +$/.test(parts.join('x'));

/** Parts of a template without line comments, and the expressions that stand in one. */
function withoutComments(parts) {
  const commented = new Set();
  let inside = false;
  const texts = parts.map((part, index) => {
    const text = part.replace(/\/\/[^\n]*|[^/\n]+|\n|\//g, (piece) => {
      if (piece === '\n') {
        inside = false;
        return piece;
      }
      if (piece.startsWith('//')) inside = true;
      return inside ? '' : piece;
    });
    if (inside) commented.add(index);
    return text;
  });
  return { texts, commented };
}

/** A module of dist with its WGSL packed: texts of several lines, those inside them, and lines of code. */
export function packModule(text) {
  const file = ts.createSourceFile('module.js', text, ts.ScriptTarget.Latest, true);
  const edits = [];
  const rangeOf = (part) => [part.getStart(file) + 1, part.end - (ts.isTemplateHead(part) || ts.isTemplateMiddle(part) ? 2 : 1)];
  const visit = (node, inWgsl) => {
    if (ts.isThrowStatement(node)) return;
    if (ts.isPropertyAssignment(node) && node.name.getText(file) === 'about') {
      const comma = /^\s*,/.exec(text.slice(node.end))?.[0].length ?? 0;
      edits.push({ from: node.getStart(file), to: node.end + comma, text: '' });
      return;
    }
    if (ts.isStringLiteral(node)) {
      const named = ts.isPropertyAssignment(node.parent) && node.parent.name === node;
      if (named || !(inWgsl || isCode([node.text]))) return;
      const [bare] = withoutComments([node.text]).texts;
      edits.push({ from: node.getStart(file), to: node.end, text: JSON.stringify(squeeze(bare)) });
      return;
    }
    if (!ts.isTemplateExpression(node) && !ts.isNoSubstitutionTemplateLiteral(node)) {
      ts.forEachChild(node, (child) => visit(child, inWgsl));
      return;
    }
    const spans = ts.isTemplateExpression(node) ? node.templateSpans : [];
    const ranges = (ts.isTemplateExpression(node) ? [node.head, ...spans.map(({ literal }) => literal)] : [node]).map(rangeOf);
    const own = ranges.map(([from, to]) => text.slice(from, to));
    const wgsl = inWgsl || own.some((part) => part.includes('\n')) || isCode(own);
    const { texts, commented } = withoutComments(own);
    if (wgsl) ranges.forEach(([from, to], i) => edits.push({ from, to, text: squeeze(texts[i]) }));
    spans.forEach(({ expression }, i) => {
      if (wgsl && commented.has(i)) edits.push({ from: expression.getStart(file), to: expression.end, text: "''" });
      else visit(expression, wgsl);
    });
  };
  visit(file, false);
  let out = text;
  for (const { from, to, text: put } of edits.sort((a, b) => b.from - a.from)) out = out.slice(0, from) + put + out.slice(to);
  return out.replace(/^\/\/# sourceMappingURL=.*$/m, '');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  rmSync(packed, { recursive: true, force: true });
  for (const entry of readdirSync(path.join(kernels, 'src'), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const name = path.relative(path.join(kernels, 'src'), path.join(entry.parentPath, entry.name)).replace(/\.ts$/, '.js');
    const to = path.join(packed, name);
    mkdirSync(path.dirname(to), { recursive: true });
    writeFileSync(to, packModule(readFileSync(path.join(kernels, 'dist', name), 'utf8')));
  }
  // What a page fetches for some adapters stands alone, with copies of what it shares with the page: cut out of it, the rest would fall into
  // files of its own, and a bundler that makes one file of all (esbuild without `splitting`) would not start what both have in time.
  const alone = path.join(packed, 'adapter-kernels.js');
  await build({
    entryPoints: [alone],
    outfile: alone,
    allowOverwrite: true,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    logLevel: 'warning',
  });
}

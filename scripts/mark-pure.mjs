#!/usr/bin/env node
/**
 * Marks in the packages' dist, as TypeScript wrote it, what bundlers may leave out.
 *
 * usage: node scripts/mark-pure.mjs
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const packages = fileURLToPath(new URL('../packages/', import.meta.url));

/**
 * What a module makes where it declares it (`const op = defineOp(…)`) has no effect but the value, in packages that say so
 * (`sideEffects`). Bundlers leave out whole modules by that; by a mark at each call they leave out an op that nobody uses beside one that
 * somebody does.
 */
export function markPure(text) {
  const file = ts.createSourceFile('module.js', text, ts.ScriptTarget.Latest, true);
  const starts = new Set();
  const visit = (node) => {
    if (ts.isFunctionLike(node) || ts.isClassLike(node)) return;
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) starts.add(node.getStart(file));
    ts.forEachChild(node, visit);
  };
  for (const statement of file.statements) if (ts.isVariableStatement(statement)) visit(statement.declarationList);
  const mark = '/* @__PURE__ */ ';
  return [...starts]
    .sort((a, b) => b - a)
    .reduce((out, at) => {
      const before = out.slice(0, at);
      return before.endsWith(mark) ? out : before + mark + out.slice(at);
    }, text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of readdirSync(packages)) {
    const { sideEffects } = JSON.parse(readFileSync(path.join(packages, name, 'package.json'), 'utf8'));
    if (sideEffects === undefined) continue;
    const dist = path.join(packages, name, 'dist');
    for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.js')) continue;
      const at = path.join(entry.parentPath, entry.name);
      const text = readFileSync(at, 'utf8');
      const marked = markPure(text);
      if (marked !== text) writeFileSync(at, marked);
    }
  }
}

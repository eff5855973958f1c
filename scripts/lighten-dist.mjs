#!/usr/bin/env node
/**
 * Makes the packages' dist, as TypeScript wrote it, lighter for bundlers. Lines stay where they are, for the source maps.
 *
 * usage: node scripts/lighten-dist.mjs
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const packages = fileURLToPath(new URL('../packages/', import.meta.url));
const [add, dispose] = ['__addDisposableResource', '__disposeResources'];

/**
 * TypeScript puts two functions of fifty lines into every module that has a `using`, for what is awaited and for errors of disposals,
 * and a `catch` around each. Ours are synchronous, and what their disposal throws may take the place of an error before it: a module,
 * its `using` as `let resource; try { const x = resource = …; } finally { resource?.[Symbol.dispose](); }`.
 */
export function lowerUsing(text) {
  const file = ts.createSourceFile('module.js', text, ts.ScriptTarget.Latest, true);
  const edits = [];
  const used = new Set();
  const put = (node, by) => void edits.push({ from: node.getStart(file), to: node.end, by });
  const calls = (node, name) => ts.isCallExpression(node) && node.expression.getText(file) === name;
  const visit = (node) => {
    if (ts.isVariableStatement(node)) {
      const named = node.declarationList.declarations[0].name.getText(file);
      if (named === add || named === dispose) return put(node, '');
      if (/^env_\d+$/.test(named)) return put(node, `let ${named};`);
    }
    if (calls(node, add)) {
      const [env, value, asynchronous] = node.arguments;
      if (asynchronous.kind !== ts.SyntaxKind.FalseKeyword) throw new Error('await using is not lowered here');
      if (used.has(env.text)) throw new Error('two resources of one block: put the second into a block of its own');
      used.add(env.text);
      edits.push({ from: node.getStart(file), to: value.getStart(file), by: `${env.text} = ` });
      edits.push({ from: value.end, to: node.end, by: '' });
      return visit(value);
    }
    if (ts.isCatchClause(node) && /^e_\d+$/.test(node.variableDeclaration?.name.getText(file) ?? '')) return put(node, '');
    if (calls(node, dispose)) return put(node, `${node.arguments[0].text}?.[Symbol.dispose]()`);
    ts.forEachChild(node, visit);
  };
  visit(file);
  let out = text;
  for (const { from, to, by } of edits.sort((a, b) => b.from - a.from))
    out = out.slice(0, from) + by + out.slice(from, to).replace(/[^\n]/g, '') + out.slice(to);
  return out;
}

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
    const dist = path.join(packages, name, 'dist');
    for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.js')) continue;
      const at = path.join(entry.parentPath, entry.name);
      const text = readFileSync(at, 'utf8');
      try {
        const lowered = text.includes(add) ? lowerUsing(text) : text;
        const light = sideEffects === undefined ? lowered : markPure(lowered);
        if (light !== text) writeFileSync(at, light);
      } catch (error) {
        throw new Error(`${path.relative(packages, at)}: ${error.message}`);
      }
    }
  }
}

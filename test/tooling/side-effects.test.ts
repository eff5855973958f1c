import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const packages = fileURLToPath(new URL('../../packages', import.meta.url));
const names = readdirSync(packages).filter((name) => existsSync(path.join(packages, name, 'package.json')));

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => path.join(entry.parentPath, entry.name));
}

interface SourceFile {
  /** Does more than declare and import. */
  readonly acts: boolean;
  /** Files it hands on: a bundler may pass such a file over, and what else it imports with it. */
  readonly handsOn: readonly string[];
}

function look(file: string): SourceFile {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const target = (node: ts.Node): string[] =>
    ts.isStringLiteral(node) && node.text.startsWith('.') ? [path.resolve(path.dirname(file), node.text.replace(/\.js$/, '.ts'))] : [];
  const handsOn = source.statements.flatMap((s) => {
    if (ts.isExportDeclaration(s) && s.moduleSpecifier) return target(s.moduleSpecifier);
    return ts.isImportDeclaration(s) && !s.importClause ? target(s.moduleSpecifier) : [];
  });
  const declares = (s: ts.Statement): boolean =>
    ts.isImportDeclaration(s) ||
    ts.isExportDeclaration(s) ||
    ts.isInterfaceDeclaration(s) ||
    ts.isTypeAliasDeclaration(s) ||
    ts.isFunctionDeclaration(s) ||
    ts.isClassDeclaration(s) ||
    ts.isVariableStatement(s) ||
    ts.isModuleDeclaration(s);
  return { acts: !source.statements.every(declares), handsOn };
}

/** Files that a bundler must not leave out though nothing of theirs is used. */
function withEffects(folder: string): string[] {
  const files = new Map(filesIn(folder).map((file) => [file, look(file)]));
  const found = new Set([...files].flatMap(([file, { acts }]) => (acts ? [file] : [])));
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const [file, { handsOn }] of files) if (handsOn.some((to) => found.has(to))) found.add(file);
  }
  return [...found].map((file) => path.relative(folder, file).replace(/\.ts$/, '')).sort();
}

describe('sideEffects of package.json', () => {
  it.each(names)('%s lists what acts when it is loaded', (name) => {
    const { sideEffects } = JSON.parse(readFileSync(path.join(packages, name, 'package.json'), 'utf8')) as { sideEffects?: unknown };
    const expected = withEffects(path.join(packages, name, 'src')).flatMap((file) => [
      `./bundle/${file}.js`,
      `./dist/${file}.js`,
      `./src/${file}.ts`,
    ]);
    expect(sideEffects).toEqual(expected.length > 0 ? expected.sort() : false);
  });

  it('keep methods and registrations in a bundle that uses neither by name', async () => {
    const contents =
      "import { tensor } from '@initlab/core'; import { createModel } from '@initlab/models'; console.log(tensor([1]), createModel('x'));";
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: path.join(packages, 'lab') },
      bundle: true,
      write: false,
      platform: 'browser',
      format: 'esm',
      treeShaking: true,
      conditions: ['@initlab/source'],
      tsconfigRaw: {},
      logLevel: 'silent',
    });
    const text = outputFiles[0]?.text;
    for (const part of ['Object.assign(Tensor.prototype', 'name: "mobilenetv2"', 'name: "switchable"']) expect(text).toContain(part);
  });
});

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/test-needs.sh', import.meta.url));
const finder = fileURLToPath(new URL('../../scripts/find-chromium.sh', import.meta.url));
const made: string[] = [];

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder to be all of PATH: sh, grep, dirname and env as they are here, and programs that are these lines of sh. */
function programs(texts: Record<string, string>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'needs-'));
  made.push(folder);
  for (const name of ['sh', 'grep', 'dirname', 'env']) {
    const { stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
    symlinkSync(stdout.trim(), path.join(folder, name));
  }
  for (const [name, text] of Object.entries(texts)) {
    const file = path.join(folder, name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
  }
  return folder;
}

/** Runs a script with no terminal and no Chromium but what `texts` has. */
function run(file: string, texts: Record<string, string>, variables: Record<string, string> = {}) {
  const PATH = programs(texts);
  const log = path.join(PATH, 'log');
  const env = { PATH, FOLDER: PATH, HOME: PATH, ...variables };
  const { status, stdout } = spawnSync(path.join(PATH, 'sh'), [file], { env, encoding: 'utf8', input: 'y\n' });
  let asked: string[] = [];
  try {
    asked = readFileSync(log, 'utf8').trim().split('\n');
  } catch {
    // Nothing was asked of apt.
  }
  return { status, asked, said: stdout.split('\n').filter((line) => line !== '') };
}

// apt-get that notes what it is asked and brings a Chromium; apt-cache that knows every package.
const apt = {
  'apt-get': 'echo "$*" >> "$FOLDER/log"\ncase "$*" in *install*chromium*) /bin/cp "$FOLDER/id" "$FOLDER/chromium" ;; esac',
  'apt-cache': 'echo "  Candidate: 1.0"',
};
const root = { id: 'echo 0' };
const user = { id: 'echo 1000' };
const installs = (asked: readonly string[]) => asked.filter((line) => line.startsWith('install'));

describe('test-needs.sh', () => {
  it('installs what lacks as root, by apt-get, asking nobody', () => {
    const { status, asked, said } = run(script, { ...root, ...apt });
    expect(status).toBe(0);
    expect(asked[0]).toBe('update -q');
    expect(installs(asked)).toEqual([
      expect.stringMatching(/^install -y -q --no-install-recommends chromium firefox-esr( dataset-fashion-mnist)?( python3-protobuf)? ?$/),
    ]);
    expect(said[0]).toMatch(/^test-needs: installing chromium/);
  });

  it('touches nothing where nobody can be asked, and says in one line what to install', () => {
    for (const texts of [{ ...user, ...apt }, { ...user, ...apt, sudo: 'exec "$@"' }, { ...root }]) {
      const { status, asked, said } = run(script, texts);
      expect([status, asked]).toEqual([0, []]);
      expect(said).toEqual([
        expect.stringMatching(
          /^test-needs: chromium firefox-esr( dataset-fashion-mnist)?( python3-protobuf)? not found: .*apt-get install chromium/,
        ),
      ]);
    }
  });

  it('calls it an error in continuous integration, where sudo without a password is used', () => {
    expect(run(script, { ...user, ...apt }, { CI: 'true' }).status).toBe(1);
    const locked = run(script, { ...user, ...apt, sudo: 'exit 1' }, { CI: 'true' });
    expect([locked.status, locked.asked]).toEqual([1, []]);
    const open = run(script, { ...user, ...apt, sudo: '[ "$1" = -n ] && exit 0; exec "$@"' }, { CI: 'true' });
    expect(installs(open.asked)).toHaveLength(1);
  });

  it('goes on without what apt does not have', () => {
    const none = run(script, { ...root, ...apt, 'apt-cache': 'echo "  Candidate: (none)"' });
    expect([none.status, installs(none.asked)]).toEqual([0, []]);
    expect(none.said.at(-1)).toMatch(/not found: tests that need it are skipped/);
    const broken = run(script, { ...root, ...apt, 'apt-get': 'exit 100' });
    expect(broken.status).toBe(0);
    expect(broken.said.at(-1)).toMatch(/not found: tests that need it are skipped/);
  });
});

describe('find-chromium.sh', () => {
  it('takes the first of the usual names, and CHROMIUM before them', () => {
    const here = run(finder, { 'google-chrome': '', 'chromium-browser': '' });
    expect([here.status, here.said]).toEqual([0, [expect.stringMatching(/\/chromium-browser$/)]]);
    const named = run(finder, { chromium: '' }, { CHROMIUM: process.execPath });
    expect([named.status, named.said]).toEqual([0, [process.execPath]]);
    const wrong = run(finder, { chromium: '' }, { CHROMIUM: '/nonexistent/chrome' });
    expect([wrong.status, wrong.said]).toEqual([1, []]);
  });
});

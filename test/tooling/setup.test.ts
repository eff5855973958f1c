import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const library = fileURLToPath(new URL('../../scripts/software-driver.sh', import.meta.url));
const made: string[] = [];

function folderOf(files: Record<string, string>): string {
  const root = mkdtempSync(path.join(tmpdir(), 'apt-'));
  made.push(root);
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return root;
}

/** Calls a function of software-driver.sh in the machine's own sh. */
function call(name: string, ...args: string[]): string {
  const { stdout, stderr, status } = spawnSync('sh', ['-eu', '-c', '. "$0"; "$@"', library, name, ...args], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return stdout.trimEnd();
}

const entry = (files: Record<string, string>) => call('backports_entry', 'bookworm', folderOf(files)).split('\n');

afterEach(() => {
  for (const root of made.splice(0)) rmSync(root, { recursive: true, force: true });
});

describe('backports_entry', () => {
  it('follows a deb822 entry, past the wrong ones', () => {
    const sources = [
      '# a comment',
      'Types: deb',
      'URIs: http://security.example/debian-security',
      'Suites: bookworm-security',
      'Components: main',
      '',
      'Enabled: no',
      'Types: deb',
      'URIs: http://off.example/debian',
      'Suites: bookworm',
      'Components: main',
      '',
      'Types: deb deb-src',
      '# a comment within',
      'URIs: http://mirror.example/debian',
      'Suites: bookworm bookworm-updates',
      'Components: main contrib',
      'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
      '',
    ].join('\n');
    expect(entry({ 'sources.list': '', 'sources.list.d/debian.sources': sources })).toEqual([
      'Types: deb',
      'Suites: bookworm-backports',
      'Components: main',
      'URIs: http://mirror.example/debian',
      'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
    ]);
  });

  it('keeps a key written into the entry', () => {
    const key = ['Signed-By:', ' -----BEGIN PGP PUBLIC KEY BLOCK-----', ' .', ' mQINBF', ' -----END PGP PUBLIC KEY BLOCK-----'];
    const sources = ['Types: deb', 'URIs: mirror+file:/etc/apt/mirrors/debian.list', 'Suites: bookworm', 'Components: main', ...key];
    const made = entry({ 'sources.list.d/debian.sources': `${sources.join('\n')}\n` });
    expect(made.slice(3).map((line) => line.trimEnd())).toEqual(['URIs: mirror+file:/etc/apt/mirrors/debian.list', ...key]);
  });

  it('follows a one-line entry with options', () => {
    const list = [
      '# deb http://comment.example/debian bookworm main',
      'deb cdrom:[Debian 12]/ bookworm main',
      'deb-src http://mirror.example/debian bookworm main',
      'deb http://contrib.example/debian bookworm contrib',
      'deb [arch=amd64,arm64 signed-by=/usr/share/keyrings/k.gpg]  http://mirror.example/debian   bookworm non-free main # main one',
      'deb http://later.example/debian bookworm main',
    ].join('\n');
    expect(entry({ 'sources.list': `${list}\n` })).toEqual([
      'Types: deb',
      'Suites: bookworm-backports',
      'Components: main',
      'URIs: http://mirror.example/debian',
      'Architectures: amd64 arm64',
      'signed-by: /usr/share/keyrings/k.gpg',
    ]);
  });

  it('prints nothing where the machine has no such entry', () => {
    expect(entry({ 'sources.list': 'deb http://mirror.example/debian trixie main\n' })).toEqual(['']);
  });
});

describe('driver_route', () => {
  const route = (text: string) => call('driver_route', path.join(folderOf({ release: text }), 'release'));
  // Where there is no apt-get every system is told what to install instead.
  const hasApt = spawnSync('sh', ['-c', 'command -v apt-get']).status === 0;
  const withApt = (answer: string) => (hasApt ? answer : 'tell');

  it('takes backports on Debian 12 and plain apt on its relatives', () => {
    expect(route('ID=debian\nVERSION_CODENAME=bookworm\n')).toBe(withApt('backports bookworm'));
    expect(route('ID=debian\nVERSION_CODENAME=trixie\n')).toBe(withApt('apt'));
    expect(route('ID=debian\nPRETTY_NAME="Debian GNU/Linux forky/sid"\n')).toBe(withApt('apt'));
    expect(route('ID=ubuntu\nVERSION_ID="24.04"\n')).toBe(withApt('apt'));
    expect(route('ID=linuxmint\nID_LIKE="ubuntu debian"\n')).toBe(withApt('apt'));
  });

  it('tells a person what to install elsewhere', () => {
    expect(route('ID=fedora\n')).toBe('tell');
    expect(call('driver_route', '/nonexistent/os-release')).toBe('tell');
    expect(call('driver_advice')).toContain('dnf install');
  });
});

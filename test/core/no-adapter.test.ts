import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { bundleForBrowser, runInBrowser } from '../support/browser.js';

const withoutDriver = { ...process.env, VK_DRIVER_FILES: '/nowhere.json', VK_ICD_FILENAMES: '/nowhere.json' };

it('a page is told of its browser, not of packages', async () => {
  const module = await bundleForBrowser(fileURLToPath(new URL('./support/no-adapter.ts', import.meta.url)));
  const { result } = await runInBrowser(module);
  expect(result).toMatch(/^DeviceError: This browser .*chrome:\/\/gpu/);
  expect(result).not.toMatch(/apt-get|initlab doctor|VK_/);
});

it('the library says what is missing and who knows more; initlab doctor names the packages', () => {
  const script =
    "import { openDevice } from '@initlab/core'; await openDevice().catch(({ name, message }) => console.log(name, message)); process.exit();";
  const args = ['--conditions=@initlab/source', '--import', 'tsx', '--input-type=module', '--eval', script];
  const { stdout } = spawnSync(process.execPath, args, { env: withoutDriver, encoding: 'utf8' });
  expect(stdout).toMatch(/^DeviceError No WebGPU adapter was found.*initlab doctor/);
  expect(stdout).not.toContain('apt-get');
  const bin = path.resolve(import.meta.dirname, '../../packages/lab/bin/initlab.mjs');
  const doctor = spawnSync(process.execPath, [bin, 'doctor'], { env: withoutDriver, encoding: 'utf8' });
  expect(doctor.stdout + doctor.stderr).toContain('apt-get install');
});

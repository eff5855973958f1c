import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { bundleForBrowser } from '../support/browser.js';

it('keeps file access out of the main entry, so that a page can read datasets', async () => {
  const bundle = await bundleForBrowser(fileURLToPath(new URL('../../packages/data/src/index.ts', import.meta.url)));
  expect(bundle).toContain('fashionMnistFromFiles');
  expect(bundle).not.toMatch(/from "(node:|fs|path|tar-stream)/);
  expect(bundle).not.toContain('createReadStream');
});

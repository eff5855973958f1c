import { defineConfig } from 'vite';

export default defineConfig({
  // Addresses relative to the page: the build may lie in any folder of a server.
  base: './',
  build: { target: 'es2022' },
  worker: { format: 'es' },
  // `vite dev` would move the module away from the files that lie beside it.
  optimizeDeps: { exclude: ['@initlab/data'] },
});

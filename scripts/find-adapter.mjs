#!/usr/bin/env node
/**
 * Does Dawn find a WebGPU adapter here? Prints its name. Exit status 0: found; 1: none; 2: the `webgpu` package does
 * not load (wrong C library or processor). Stands alone, because setup.sh asks before it is known that anything works.
 */
let dawn;
try {
  dawn = await import('webgpu');
} catch (error) {
  console.log(error instanceof Error ? error.message : String(error));
  process.exit(2);
}
const adapter = await dawn.create([]).requestAdapter();
if (!adapter) process.exit(1);
const { description, device, vendor } = adapter.info;
console.log(description || device || vendor || 'an unnamed adapter');

#!/usr/bin/env node
// Before what is bundled loads: a stack then names the files that the bundle was made of.
if (process.env.INITLAB_DEBUG) process.setSourceMapsEnabled(true);
await import('../bundle/cli.js');

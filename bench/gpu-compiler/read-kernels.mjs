#!/usr/bin/env node
/**
 * What a real GPU's compiler makes of dumped kernels, without a GPU: Mesa's compiler for AMD (RADV) runs on its null device. It is not
 * NVIDIA's instruction set, but spills, occupancy, loads that did not become vectors, loops that did not unroll and integer work in
 * inner loops show alike.
 *
 * usage: initlab kernels dump DIR --models resnet20 --for h100 && node bench/gpu-compiler/read-kernels.mjs DIR
 *        (FAMILY=NAVI31 by default; NAVI21, GFX1201, MI200, … as RADV_FORCE_FAMILY takes them)
 *
 * A table in Markdown, the most cycles first: vector registers, spilled ones, bytes of workgroup memory, waves a SIMD can hold, instructions,
 * branches, loads and stores, and the compiler's estimates of a wave's cycles: among as many others as fit, and alone, when it waits for
 * each load. Both count the body of a loop eight times. Kernels that need more workgroup memory than the driver that makes the SPIR-V has
 * (lavapipe: 32 KiB), or subgroup matrices, are named below it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const columns = {
  VGPRs: 'registers',
  'Spilled VGPRs': 'spills',
  'LDS size': 'workgroup bytes',
  'Subgroups per SIMD': 'waves',
  Instructions: 'instructions',
  Branches: 'branches',
  VMEM: 'loads, stores',
  'Inverse Throughput': 'cycles',
  Latency: 'alone',
};
const drivers = '/usr/share/vulkan/icd.d';
const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const fail = (message) => {
  console.error(`read-kernels: ${message}`);
  process.exit(1);
};
function run(command, args, driver) {
  const env = { ...process.env, XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? tmpdir() };
  if (driver) Object.assign(env, { VK_DRIVER_FILES: path.join(drivers, driver), RADV_FORCE_FAMILY: process.env.FAMILY ?? 'NAVI31' });
  const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 30, env });
  if (done.error) fail(`${command}: ${done.error.message}; apt-get install libvulkan-dev spirv-tools gcc`);
  return done;
}

const [folder] = process.argv.slice(2);
if (folder === undefined) fail('usage: node bench/gpu-compiler/read-kernels.mjs DIR (what `initlab kernels dump DIR --for h100` wrote)');
for (const driver of ['lvp_icd.json', 'radeon_icd.json'])
  if (!existsSync(path.join(drivers, driver))) fail(`no ${driver} in ${drivers}; apt-get install mesa-vulkan-drivers`);
const sources = readdirSync(folder).filter((file) => file.endsWith('.wgsl'));
const nameOf = (text) => /^\/\/ (.*)$/m.exec(text)?.[1] ?? '?';

const work = mkdtempSync(path.join(tmpdir(), 'gpu-compiler-'));
try {
  const tool = path.join(work, 'statistics');
  const built = run('cc', ['-O1', here('statistics.c'), '-o', tool, '-lvulkan']);
  if (built.status !== 0) fail(`cc: ${built.stderr}`);
  const dumped = run('node', [here('spirv.mjs'), ...sources.map((file) => path.join(folder, file))], 'lvp_icd.json');
  // Each file's WGSL comes before its SPIR-V, if it has one: so a refused kernel takes nobody else's name.
  const files = dumped.stdout.split('// Dumped WGSL:\n').flatMap((text, i) => {
    const spirv = text.split('/* Dumped SPIRV disassembly */')[1];
    if (spirv === undefined) return [];
    const assembly = path.join(work, `${i}.spvasm`);
    // Of an extension that assemblers of 2023 do not know; it changes nothing here.
    writeFileSync(assembly, spirv.split('info:')[0].replace(/^.*(MaximallyReconvergesKHR|SPV_KHR_maximal_reconvergence).*\n/gm, ''));
    const file = assembly.replace('.spvasm', '.spv');
    const { status } = run('spirv-as', ['--target-env', 'vulkan1.3', assembly, '-o', file]);
    return status === 0 ? [{ name: nameOf(text), file }] : [];
  });
  const rows = run(
    tool,
    files.flatMap(({ file }) => [file, 'dawn_entry_point']),
    'radeon_icd.json',
  )
    .stdout.trim()
    .split('\n')
    .flatMap((line) => {
      const [file, ...cells] = line.split('\t');
      const found = Object.fromEntries(cells.map((cell) => cell.split('=')));
      return 'VGPRs' in found ? [{ name: files.find((f) => f.file === file)?.name ?? '?', found }] : [];
    })
    .sort((a, b) => Number(b.found['Inverse Throughput']) - Number(a.found['Inverse Throughput']) || (a.name < b.name ? -1 : 1));
  const titles = ['kernel', ...Object.values(columns)];
  console.log(`| ${titles.join(' | ')} |\n|---|${'---:|'.repeat(titles.length - 1)}`);
  for (const { name, found } of rows)
    console.log(
      `| \`${name}\` | ${Object.keys(columns)
        .map((key) => found[key])
        .join(' | ')} |`,
    );
  const read = new Set(rows.map(({ name }) => name));
  const missing = sources.map((file) => nameOf(readFileSync(path.join(folder, file), 'utf8'))).filter((name) => !read.has(name));
  if (missing.length > 0) console.log(`\nNot read:\n\n${missing.map((name) => `- \`${name}\``).join('\n')}`);
} finally {
  rmSync(work, { recursive: true, force: true });
}

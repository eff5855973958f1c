import { spawnSync } from 'node:child_process';
import { add, type Device, OutOfMemoryError, ones, openDevice } from '@initlab/core';
import { afterAll, beforeAll, expect, it } from 'vitest';

let device: Device;
let software = false;
beforeAll(async () => {
  device = await openDevice();
  ({ software } = device.caps);
});
afterAll(() => device.close());

it('where the address space ends the allocation is an error, and once memory is free the device goes on', ({ skip }) => {
  if (process.platform !== 'linux' || !software) skip('needs a software driver on Linux');
  const script = `
    import { execFileSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    import { add, full, ones, openDevice } from '@initlab/core';
    // What is mapped now and 2 GiB: loading TypeScript takes far more than a program does.
    const mapped = 4096 * Number.parseInt(readFileSync('/proc/self/statm', 'utf8'), 10);
    execFileSync('prlimit', ['--pid', String(process.pid), '--as=' + (mapped + 2 * 2 ** 30)]);
    const device = await openDevice();
    await add(ones([4]), 1).read();
    const say = (text) => process.stdout.write(text + '\\n');
    for (const mebibytes of [64, 8]) {
      const kept = [];
      try {
        for (;;) { kept.push(full([mebibytes * 2 ** 18], kept.length)); await device.sync(); }
      } catch ({ name, message }) { say(name + ': ' + message.split('\\n')[0]); }
      // What was there before is as it was, and there is room for one more where one goes.
      for (const x of kept.splice(4)) x.dispose();
      const [first] = await add(kept[2], 1).read();
      for (const x of kept) x.dispose();
      say('read ' + first + ', then ' + (await full([2 ** 22], 5).read())[7]);
    }
    process.exit(0);`;
  const args = ['--conditions=@initlab/source', '--import', 'tsx', '--input-type=module', '--eval', script];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(status).toBe(0);
  const lines = stdout.trim().split('\n');
  expect(lines).toHaveLength(4);
  for (const refusal of [lines[0], lines[2]])
    expect(refusal).toMatch(/^OutOfMemoryError: out of GPU memory: tensor asked for \d+ bytes and the driver refused/);
  for (const after of [lines[1], lines[3]]) expect(after).toBe('read 3, then 5');
});

it('a buffer that is refused after it was given is an error to use, is never handed out again, and the rest goes on', async () => {
  const before = device.memory.liveBytes;
  const [x, y] = [ones([5000], { device }), ones([5000], { device })];
  const why = (): Error => new OutOfMemoryError('out of GPU memory: refused late');
  const { buffer } = x.storage.region ?? {};
  if (buffer) device.pool.refuse(buffer, why);
  expect(() => add(x, y)).toThrow(OutOfMemoryError);
  await expect(x.read()).rejects.toThrow('refused late');
  expect((await add(y, 1).read())[0]).toBe(2);
  x.dispose();
  const others = Array.from({ length: 4 }, () => ones([5000], { device }));
  expect(others.map((each) => each.storage.region?.buffer === buffer)).toEqual([false, false, false, false]);
  for (const each of [y, ...others]) each.dispose();
  expect(device.memory.liveBytes - before).toBeLessThanOrEqual(20480);
});

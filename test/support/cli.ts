import { spawn } from 'node:child_process';
import path from 'node:path';

export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command's file. */
export const bin = path.resolve(import.meta.dirname, '../../packages/lab/bin/initlab.mjs');

/** Run the built `initlab` command. `onOutput` sees everything so far and may send a signal. */
export function initlab(
  args: readonly string[],
  {
    cwd = process.cwd(),
    env = process.env,
    onOutput,
  }: { cwd?: string; env?: NodeJS.ProcessEnv; onOutput?: (output: string, kill: (signal: NodeJS.Signals) => void) => void } = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [bin, ...args], { cwd, env });
  let stdout = '';
  let stderr = '';
  const seen = (): void => onOutput?.(stdout + stderr, (signal) => void child.kill(signal));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    seen();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    seen();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

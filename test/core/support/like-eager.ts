import { compile, type Tensor } from '@initlab/core';
import { Parameter } from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { defaultDeviceOfTests } from '../../support/default-device.js';
import { scopeOfEachTest } from '../../support/scope-of-test.js';

/** Gives the function as it is, or compiled. */
type Wrap = <R>(body: (...inputs: Tensor[]) => R) => (...inputs: Tensor[]) => R;
/** Makes its own state, then gives what four calls show, in order. */
type Program = (wrap: Wrap) => AsyncGenerator<readonly (Tensor | undefined)[]>;
/** What PyTorch's users write, in each of which a copy would show, by what it does. */
export type Programs = Readonly<Record<string, Program>>;

export const leaf = (...values: number[]): Parameter => {
  const made = new Parameter([values.length]);
  made.set(values);
  return made;
};

/** A test for each program: compiled, it does what it does op by op. */
export function compiledLikeEager(subject: string, programs: Programs): void {
  describe(`a compiled function does what its body does: ${subject}`, () => {
    defaultDeviceOfTests();
    scopeOfEachTest();

    const seen = async (program: Program, wrap: Wrap): Promise<(readonly number[] | undefined)[][]> => {
      const all: (readonly number[] | undefined)[][] = [];
      for await (const shown of program(wrap)) all.push(await Promise.all(shown.map(async (x) => x && [...(await x.read())])));
      return all;
    };
    it.each(Object.entries(programs))('%s', async (_, program) => {
      const eager = await seen(program, (body) => body);
      expect(await seen(program, (body) => compile(body))).toEqual(eager);
      expect(await seen(program, (body) => compile(body, { exact: true }))).toEqual(eager);
    });
  });
}

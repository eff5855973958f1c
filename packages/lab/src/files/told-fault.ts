import type * as z from 'zod';

type Issue = z.core.$ZodIssue;

const things: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object of names and values',
  record: 'an object of names and values',
};

/** What a schema found wrong with a value, as the end of a sentence that begins with its name: `must be more than 0`. */
export function toldFault(issue: Issue): string {
  switch (issue.code) {
    case 'too_small':
      if (issue.origin === 'array' || issue.origin === 'string') return 'must not be empty';
      return issue.inclusive ? `must be ${issue.minimum} or more` : `must be more than ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'array') return `must have ${issue.maximum} entries at most`;
      return issue.inclusive ? `must be ${issue.maximum} or less` : `must be less than ${issue.maximum}`;
    case 'invalid_type':
      return `must be ${things[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return issue.values.length === 1 ? `must be ${String(issue.values[0])}` : `must be one of ${issue.values.join(', ')}`;
    case 'unrecognized_keys':
      return `there is no ${issue.keys.map((key) => `"${key}"`).join(', no ')}`;
    default:
      return issue.message;
  }
}

/** All faults of a value that a file holds, each with the place where it is: `runs.3.seed: must be a whole number`. */
export const toldFaults = ({ issues }: { readonly issues: readonly Issue[] }): string =>
  issues.map((issue) => (issue.path.length > 0 ? `${issue.path.join('.')}: ${toldFault(issue)}` : toldFault(issue))).join('; ');

import { ENGINE_OPTIONS } from '../../engines.js';
import { defineFlag, type Flag } from './flag.js';
import { oneOf } from './value-types.js';

/** Flags of engine-specific options, by the options' names. */
export const ENGINE_FLAGS: Readonly<Record<string, Flag<string>>> = Object.fromEntries(
  ENGINE_OPTIONS.map(({ name, flag, values, default: otherwise, help }) => [
    name,
    defineFlag({
      name: flag,
      value: values.join('|'),
      type: oneOf(values),
      default: otherwise,
      group: 'Files',
      help,
      onResume: 'kept',
    }),
  ]),
);

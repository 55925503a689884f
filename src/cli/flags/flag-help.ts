import { type Flag, spelling } from './flag.js';

/** The help of a flag, with its other names. */
export function helpOf(flag: Flag): string {
  const aliases = (flag.aliases ?? []).map((name) => spelling({ name })).join(', ');
  const also = aliases === '' ? '' : `; also ${aliases}`;
  return `${flag.help}${also}`;
}

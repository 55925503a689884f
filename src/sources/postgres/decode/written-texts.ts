import { type TextForm, TIME_LENGTH, UUID_LENGTH, writeTime, writeUuid } from '../../../columns/written-text.js';
import type { WireChunk } from '../../wire/wire.js';

/*
 * Text made here and not by the server, which would take three times as long for it.
 */

const UUID_ORDER = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] as const;

/** uuid: 16 bytes in the order in which they are printed. */
export function uuidText({ bytes }: WireChunk): TextForm {
  return { longest: UUID_LENGTH, write: (offset, out, at) => writeUuid(bytes, offset, UUID_ORDER, out, at) };
}

const MICROSECONDS = { digits: 6, trims: true } as const;

/** time: microseconds, 8 bytes; up to 24:00:00, which PostgreSQL prints like that. */
export function timeText({ view }: WireChunk): TextForm {
  return {
    longest: TIME_LENGTH,
    write: (offset, out, at) => {
      const micros = view.getUint32(offset) * 2 ** 32 + view.getUint32(offset + 4);
      return writeTime(micros, MICROSECONDS, out, at);
    },
  };
}

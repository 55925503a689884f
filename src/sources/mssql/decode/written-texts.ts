import { type TextForm, TIME_LENGTH, UUID_LENGTH, writeTime, writeUuid } from '../../../columns/written-text.js';
import { UUID_ORDER } from './integers.js';
import { timeTarget, timeUnits } from './times.js';
import type { WireChunk } from '../../wire/wire.js';

/** uniqueidentifier: in lower case, while the server prints upper case. */
export function uuidText({ bytes }: WireChunk): TextForm {
  return { longest: UUID_LENGTH, write: (offset, out, at) => writeUuid(bytes, offset, UUID_ORDER, out, at) };
}

/** time: with all of its digits, as the server prints it. */
export function timeText({ view }: WireChunk, digits: number): TextForm {
  const { width } = timeTarget(digits, 'MICROS');
  const form = { digits, trims: false };
  return {
    longest: TIME_LENGTH,
    write: (offset, out, at) => writeTime(timeUnits(view, offset, width), form, out, at),
  };
}

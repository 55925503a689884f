import type { ByteWriter } from '../byte-writer.js';
import { type DeclaredType, present, type WireType, type WireValue } from './wire-type.js';

/** Integers, floats, bit, money, decimal (MS-TDS 2.2.5.4.1, 2.2.5.4.2, 2.2.5.5.1.2 to 2.2.5.5.1.6). */

interface Fixed {
  /** The type's byte where NULL cannot occur: the value follows without a length. */
  readonly fixed: number;
  /** The type's byte where it can: the value follows its length, which is 0 for NULL. */
  readonly nullable: number;
  readonly width: number;
  readonly write: (out: ByteWriter, value: Exclude<WireValue, null>) => void;
}

const FIXED: Readonly<Record<string, Fixed>> = {
  tinyint: { fixed: 0x30, nullable: 0x26, width: 1, write: (out, value) => out.u8(Number(value)) },
  smallint: { fixed: 0x34, nullable: 0x26, width: 2, write: (out, value) => out.i16(Number(value)) },
  int: { fixed: 0x38, nullable: 0x26, width: 4, write: (out, value) => out.i32(Number(value)) },
  bigint: { fixed: 0x7f, nullable: 0x26, width: 8, write: (out, value) => out.i64(BigInt(String(value))) },
  bit: { fixed: 0x32, nullable: 0x68, width: 1, write: (out, value) => out.u8(Number(value)) },
  real: { fixed: 0x3b, nullable: 0x6d, width: 4, write: (out, value) => out.float(Number(value)) },
  float: { fixed: 0x3e, nullable: 0x6d, width: 8, write: (out, value) => out.double(Number(value)) },
  smallmoney: { fixed: 0x7a, nullable: 0x6e, width: 4, write: (out, value) => out.i32(Number(unscaled(value, 4))) },
  // "The 4 most significant bytes … followed by the 4 least significant bytes."
  money: {
    fixed: 0x3c,
    nullable: 0x6e,
    width: 8,
    write: (out, value) => {
      const amount = unscaled(value, 4);
      out.i32(Number(amount >> 32n)).u32(Number(amount & 0xffff_ffffn));
    },
  },
};

export function numberType({ name }: DeclaredType, nullable: boolean): WireType | undefined {
  const type = FIXED[name];
  if (type === undefined) return undefined;
  if (!nullable) {
    return { typeInfo: (out) => out.u8(type.fixed), value: (out, value) => type.write(out, present(value)) };
  }
  return {
    typeInfo: (out) => out.u8(type.nullable).u8(type.width),
    value: (out, value) => {
      if (value === null) out.u8(0);
      else type.write(out.u8(type.width), value);
    },
  };
}

const DECIMAL_TYPE: Readonly<Record<string, number>> = { decimal: 0x6a, numeric: 0x6c };

/** The sign in one byte (1 for positive), then the magnitude in 4, 8, 12 or 16. */
export function decimalType({ name, arguments: given }: DeclaredType): WireType | undefined {
  const token = DECIMAL_TYPE[name];
  if (token === undefined) return undefined;
  const [precision = 18, scale = 0] = given;
  const width = precision <= 9 ? 5 : precision <= 19 ? 9 : precision <= 28 ? 13 : 17;
  return {
    typeInfo: (out) => out.u8(token).u8(width).u8(precision).u8(scale),
    value: (out, value) => {
      if (value === null) {
        out.u8(0);
        return;
      }
      const digits = unscaled(value, scale);
      out.u8(width).u8(digits < 0n ? 0 : 1);
      out.unsigned(digits < 0n ? -digits : digits, width - 1);
    },
  };
}

/** A number's digits without its point, which stands before the last `scale` of them. */
function unscaled(value: Exclude<WireValue, null>, scale: number): bigint {
  const match = /^([-+]?)(\d+)(?:\.(\d*))?$/.exec(String(value));
  if (!match) throw new Error(`no decimal number: ${String(value)}`);
  const [, sign = '', whole = '', fraction = ''] = match;
  if (fraction.length > scale) throw new Error(`${String(value)} has more than ${scale} digits behind its point`);
  const digits = BigInt(whole + fraction.padEnd(scale, '0'));
  return sign === '-' ? -digits : digits;
}

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createColumnBuffers } from '../../../src/columns/column-buffers.js';
import type { ParquetType } from '../../../src/columns/column-spec.js';
import type { ColumnBuffer } from '../../../src/columns/column-buffer.js';
import type { ColumnDecoder } from '../../../src/sources/source.js';
import { bindField } from '../../../src/sources/postgres/decode/decoders.js';
import type { Memory } from '../../../src/kernels/kernels.js';
import { HEAP, integers } from '../../../src/kernels/memory.js';
import { KERNEL_BUILDS, kernelsOf } from '../../harness/kernels.js';
import { UnrepresentableValue } from '../../../src/sources/wire/wire.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/*
 * Decoders against the server itself: it makes the binary form by its own send functions, and prints the same value as
 * text. What the columns hold is turned into text here by nothing but BigInt arithmetic on the Parquet layout.
 */

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
  await server.query(`CREATE FUNCTION as_double(v text) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN RETURN encode(float8send(v::numeric::float8), 'hex');
    EXCEPTION WHEN numeric_value_out_of_range THEN RETURN NULL; END $$`);
});
afterAll(() => server.stop());

/** Both of the server's forms of each value. */
async function forms(send: string, type: string, values: readonly string[]): Promise<{ wire: Buffer; text: string }[]> {
  const rows = await server.query(
    `SELECT ${send}(v::${type}) AS wire, (v::${type})::text AS text FROM unnest($1::text[]) WITH ORDINALITY AS t(v, n) ORDER BY n`,
    [values],
  );
  return rows.map((row) => ({ wire: row['wire'] as Buffer, text: row['text'] as string }));
}

function columnOf(type: ParquetType, memory = HEAP): ColumnBuffer {
  const [column] = createColumnBuffers(
    [{ name: 'c', fieldId: 1, nullable: false, list: false, type, sourceType: '', fidelity: 'exact' }],
    { rowGroupRows: 1000, memory },
  ) as [ColumnBuffer];
  return column;
}

function isRefused(type: ParquetType, decoder: ColumnDecoder, bytes: Buffer): boolean | undefined {
  const wire = { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
  return bindField(decoder, columnOf(type), { onUnrepresentable: 'null' }).isUnrepresentable?.(wire, 0);
}

/** By TypeScript, and by kernels, which must come to the same. */
function decode(type: ParquetType, decoder: ColumnDecoder, fields: readonly Buffer[], options = { dictionary: false }) {
  const column = decodeIn(HEAP, type, decoder, fields, options);
  for (const build of KERNEL_BUILDS) {
    const other = decodeIn(kernelsOf(build).columns, type, decoder, fields, options);
    expect(Buffer.from(other.plain()).equals(column.plain())).toBe(true);
  }
  return column;
}

function decodeIn(
  memory: Memory,
  type: ParquetType,
  decoder: ColumnDecoder,
  fields: readonly Buffer[],
  options: { readonly dictionary: boolean },
): ColumnBuffer {
  const column = columnOf(type, memory);
  if (options.dictionary) column.startRowGroup();
  const bytes = memory.bytes(fields.reduce((sum, field) => sum + 4 + field.length, 0));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const offsets = integers(memory, fields.length);
  let at = 0;
  fields.forEach((field, i) => {
    view.setInt32(at, field.length);
    bytes.set(field, at + 4);
    offsets[i] = at + 4;
    at += 4 + field.length;
  });
  const { decode: decodeFields } = bindField(decoder, column, { onUnrepresentable: 'error' });
  decodeFields({ bytes, view }, offsets, 0, fields.length);
  column.abandonDictionary();
  return column;
}

/** PLAIN bytes of a decimal column as the decimal text that they mean. */
function decimals(column: ColumnBuffer, scale: number): string[] {
  const plain = Buffer.from(column.plain());
  const width = plain.length / column.valueCount;
  return Array.from({ length: column.valueCount }, (_, i) => {
    const bytes = plain.subarray(i * width, (i + 1) * width);
    const bigEndian = column.kind === 'fixed' ? bytes : Buffer.from(bytes).reverse();
    const unscaled = BigInt.asIntN(width * 8, BigInt(`0x${bigEndian.toString('hex')}`));
    const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
    const whole = digits.slice(0, digits.length - scale);
    return `${unscaled < 0n ? '-' : ''}${whole}${scale > 0 ? `.${digits.slice(-scale)}` : ''}`;
  });
}

function decimalType(precision: number, scale: number): ParquetType {
  const logical = { kind: 'decimal', precision, scale } as const;
  if (precision <= 9) return { physical: 'INT32', logical };
  if (precision <= 18) return { physical: 'INT64', logical };
  const length = Math.ceil((precision * Math.log2(10) + 1) / 8);
  return { physical: 'FIXED_LEN_BYTE_ARRAY', length, logical };
}

const numericCase = fc.integer({ min: 1, max: 38 }).chain((precision) =>
  fc.integer({ min: 0, max: precision }).chain((scale) =>
    fc.record({
      precision: fc.constant(precision),
      scale: fc.constant(scale),
      unscaled: fc.array(
        fc.oneof(
          fc.bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n }),
          fc.bigInt({ min: -99n, max: 99n }).filter((value) => precision > 1 || (value > -10n && value < 10n)),
          fc.constantFrom(10n ** BigInt(precision) - 1n, -(10n ** BigInt(precision)) + 1n, 0n),
        ),
        { minLength: 1, maxLength: 60 },
      ),
    }),
  ),
);

describe('numeric', () => {
  it('arrives with every digit at any precision and scale, plain and by dictionary', async () => {
    await fc.assert(
      fc.asyncProperty(numericCase, async ({ precision, scale, unscaled }) => {
        const values = unscaled.map((value) => `${value}e-${scale}`);
        const pairs = await forms('numeric_send', `numeric(${precision},${scale})`, values);
        const decoder = { kind: 'numeric', precision, scale };
        for (const dictionary of [false, true]) {
          const column = decode(
            decimalType(precision, scale),
            decoder,
            pairs.map((pair) => pair.wire),
            { dictionary },
          );
          expect(decimals(column, scale)).toEqual(pairs.map((pair) => pair.text));
        }
      }),
      { numRuns: 150 },
    );
  });

  it.each([
    ['NaN', 10, 2],
    ['Infinity', 10, 2],
    ['-Infinity', 30, 2],
    ['100000', 5, 0],
    ['0.001', 9, 2],
    ['0.00000001', 9, 2],
    ['1e200', 38, 0],
    ['1e-200', 38, 38],
    ['1e38', 38, 0],
    ['10000000000000000', 16, 0],
  ])('%s is refused by DECIMAL(%i,%i), by the decoder and by the check alike', async (value, precision, scale) => {
    const [pair] = await forms('numeric_send', 'numeric', [value]);
    const decoder = { kind: 'numeric', precision, scale };
    expect(() => decode(decimalType(precision, scale), decoder, [pair!.wire])).toThrow(UnrepresentableValue);
    expect(isRefused(decimalType(precision, scale), decoder, pair!.wire)).toBe(true);
  });

  it('becomes the double that the server casts it to, or none where the server refuses', async () => {
    const exponent = fc.oneof(
      fc.integer({ min: -30, max: 30 }),
      fc.integer({ min: -345, max: -290 }),
      fc.integer({ min: 280, max: 330 }),
    );
    const number = fc
      .tuple(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), exponent)
      .map(([digits, power]) => `${digits}e${power}`);
    const edges = ['NaN', '-Infinity', 'Infinity', '0', '4e400', '-4e400', '1e-400', '0.1', '1e300', '-1e-300'];
    // Half of the smallest double, and the middle between the largest and the next that there would be.
    edges.push(`${2n ** 1024n - 2n ** 970n}`, `${2n ** 1024n - 2n ** 970n - 1n}`);
    edges.push(...[1n, 2n, 3n].map((halves) => `${5n ** 1075n * halves}e-1075`), `${5n ** 1075n * 10n + 1n}e-1076`);
    // The most digits that there are: their count takes all 16 bits.
    edges.push(`${'9'.repeat(131_072)}.${'9'.repeat(16_383)}`, `0.${'0'.repeat(300)}${'7'.repeat(16_083)}`);
    await fc.assert(
      fc.asyncProperty(fc.array(number, { minLength: 1, maxLength: 60 }), async (numbers) => {
        await expectServersDoubles(numbers);
      }),
      { numRuns: 40 },
    );
    await expectServersDoubles(edges);
  });
});

async function expectServersDoubles(values: readonly string[]): Promise<void> {
  const pairs = await forms('numeric_send', 'numeric', values);
  const doubles = await server.query(
    `SELECT public.as_double(v) AS double FROM unnest($1::text[]) WITH ORDINALITY AS u (v, n) ORDER BY n`,
    [values],
  );
  for (const [i, { wire }] of pairs.entries()) {
    const expected = doubles[i]!['double'] as string | null;
    const isOut = isRefused({ physical: 'DOUBLE' }, { kind: 'numericDouble' }, wire);
    expect([values[i], isOut]).toEqual([values[i], expected === null]);
    const read = () => {
      const plain = decode({ physical: 'DOUBLE' }, { kind: 'numericDouble' }, [wire]).plain();
      return Buffer.from(plain).reverse().toString('hex');
    };
    if (expected === null) expect(read).toThrow(UnrepresentableValue);
    else expect([values[i], read()]).toEqual([values[i], expected]);
  }
}

describe('dates and timestamps', () => {
  it('count from 1970, back to 4713 BC and up to the last ones', async () => {
    const values = ['1970-01-01', '1969-12-31', '4713-01-01 BC', '5874897-12-31', '2000-02-29'];
    const pairs = await forms('date_send', 'date', values);
    const column = decode(
      { physical: 'INT32', logical: { kind: 'date' } },
      { kind: 'date' },
      pairs.map((pair) => pair.wire),
    );
    const days = [...new Int32Array(column.plain().slice().buffer)];
    const rows = await server.query(`SELECT v::date - '1970-01-01'::date AS days FROM unnest($1::text[]) AS v`, [
      values,
    ]);
    expect(days).toEqual(rows.map((row) => row['days']));
  });

  it('keep every microsecond', async () => {
    const values = [
      '1970-01-01',
      '1969-12-31 23:59:59.999999',
      '4713-01-01 BC',
      '294246-12-31 23:59:59.999999',
      '2024-02-29 12:34:56.789012',
    ];
    const pairs = await forms('timestamp_send', 'timestamp', values);
    const column = decode(
      { physical: 'INT64', logical: { kind: 'timestamp', unit: 'MICROS', utc: false } },
      { kind: 'timestamp' },
      pairs.map((pair) => pair.wire),
    );
    const micros = [...new BigInt64Array(column.plain().slice().buffer)].map(String);
    const rows = await server.query(
      `SELECT (extract(epoch from v::timestamp) * 1000000)::numeric(30,0)::text AS micros FROM unnest($1::text[]) AS v`,
      [values],
    );
    expect(micros).toEqual(rows.map((row) => row['micros']));
  });

  it.each([
    ['date', 'infinity'],
    ['date', '-infinity'],
    ['timestamp', 'infinity'],
    ['timestamp', '-infinity'],
    ['timestamp', '294276-12-31 23:59:59.999999'],
    ['timestamp', '294247-01-11'],
  ])('a %s of %s is refused', async (type, value) => {
    const [pair] = await forms(`${type}_send`, type, [value]);
    const physical = type === 'date' ? 'INT32' : 'INT64';
    expect(() => decode({ physical }, { kind: type }, [pair!.wire])).toThrow(UnrepresentableValue);
    expect(isRefused({ physical }, { kind: type }, pair!.wire)).toBe(true);
  });
});

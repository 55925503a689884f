import type { Connection } from 'tedious';
import type { ColumnMetadata } from 'tedious/lib/token/colmetadata-token-parser.js';
import type { ByteInput } from './byte-input.js';
import { type WireType, wireTypeOf } from './wire-type.js';

/** What the driver's column metadata parser needs from the token parser. */
interface TokenSource {
  buffer: Buffer;
  position: number;
  readonly options: Connection['config']['options'];
  waitForChunk(): Promise<void>;
}

type ParseColumns = (source: TokenSource) => Promise<{ readonly columns: readonly ColumnMetadata[] }>;

/**
 * Reads the declaration of a result's columns (COLMETADATA, MS-TDS 2.2.7.4) at the input's start, with the driver's own
 * parser, which also maps each collation to its code page.
 */
export async function readColumnTypes(input: ByteInput, options: TokenSource['options']): Promise<WireType[]> {
  const module = await import('tedious/lib/token/colmetadata-token-parser.js');
  // A CommonJS module that exports just the function, contrary to its types.
  const parse = module.default as unknown as ParseColumns;
  const view = () => Buffer.from(input.bytes.buffer, input.bytes.byteOffset + input.start, input.length);
  const source: TokenSource = {
    buffer: view(),
    position: 0,
    options,
    async waitForChunk() {
      input.start += source.position;
      source.position = 0;
      await input.need(input.length + 1);
      source.buffer = view();
    },
  };
  const { columns } = await parse(source);
  input.start += source.position;
  return columns.map(wireTypeOf);
}

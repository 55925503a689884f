/** What is used of `parquetjs-lite`, which brings no types. */
declare module 'parquetjs-lite' {
  export interface ParquetCursor {
    next(): Promise<Record<string, unknown> | undefined>;
  }
  export class ParquetReader {
    static openFile(path: string): Promise<ParquetReader>;
    readonly schema: ParquetSchema;
    getCursor(columns?: readonly string[]): ParquetCursor;
    close(): Promise<void>;
  }
  export interface ParquetField {
    readonly name: string;
    readonly path: readonly string[];
    readonly primitiveType?: string;
    readonly originalType?: string;
  }
  export class ParquetSchema {
    constructor(fields: Readonly<Record<string, { readonly type: string; readonly compression?: string }>>);
    readonly fieldList: readonly ParquetField[];
  }
  export class ParquetWriter {
    static openFile(schema: ParquetSchema, path: string): Promise<ParquetWriter>;
    static openStream(schema: ParquetSchema, stream: NodeJS.WritableStream): Promise<ParquetWriter>;
    setRowGroupSize(rows: number): void;
    appendRow(row: Readonly<Record<string, unknown>>): Promise<void>;
    close(): Promise<void>;
  }

  const parquet: {
    readonly ParquetReader: typeof ParquetReader;
    readonly ParquetSchema: typeof ParquetSchema;
    readonly ParquetWriter: typeof ParquetWriter;
  };
  export default parquet;
}

declare module 'parquetjs-lite/lib/codec/index.js' {
  const codecs: Record<string, unknown>;
  export default codecs;
}

import pg from 'pg';

/** What the server sends for a COPY, message by message as the socket brought it, from the first to the last row. */
export async function captureCopy(url: string, copy: string): Promise<Uint8Array[]> {
  const client = new pg.Client({ connectionString: url, ssl: false });
  await client.connect();
  const { connection } = client as unknown as {
    connection: { stream: NodeJS.ReadableStream; query(text: string): void };
  }; // not in the driver's types
  const chunks: Uint8Array[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      connection.stream.on('data', (chunk: Buffer) => chunks.push(new Uint8Array(chunk)));
      client.query({
        submit: () => connection.query(copy),
        handleError: reject,
        handleCommandComplete: () => undefined,
        handleReadyForQuery: resolve,
        handleCopyData: () => undefined,
      } as pg.Submittable);
    });
  } finally {
    await client.end();
  }
  return chunks;
}

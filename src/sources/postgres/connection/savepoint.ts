import type { Client } from 'pg';

/** Asks what may fail: the transaction can go on afterwards. Savepoints nest. @throws what `ask` throws */
export async function inSavepoint<T>(client: Client, ask: () => Promise<T>): Promise<T> {
  try {
    await client.query('SAVEPOINT question');
    const answer = await ask();
    await client.query('RELEASE SAVEPOINT question');
    return answer;
  } catch (error) {
    await rollBack(client);
    throw error;
  }
}

/** As `inSavepoint`, for statements without an answer: with one trip to the server. @throws the driver's errors */
export async function runInSavepoint(client: Client, statements: string): Promise<void> {
  try {
    await client.query(`SAVEPOINT question; ${statements}; RELEASE SAVEPOINT question`);
  } catch (error) {
    await rollBack(client);
    throw error;
  }
}

/** Never throws: the error at hand tells more. */
async function rollBack(client: Client): Promise<void> {
  await client.query('ROLLBACK TO SAVEPOINT question; RELEASE SAVEPOINT question').catch(() => undefined);
}

import type { Client } from 'pg';

/** Asks what may fail: the transaction can go on afterwards. Savepoints nest. @throws what `ask` throws */
export async function inSavepoint<T>(client: Client, ask: () => Promise<T>): Promise<T> {
  try {
    await client.query('SAVEPOINT question');
    const answer = await ask();
    await client.query('RELEASE SAVEPOINT question');
    return answer;
  } catch (error) {
    await client.query('ROLLBACK TO SAVEPOINT question; RELEASE SAVEPOINT question').catch(() => undefined);
    throw error;
  }
}

import { isRunDead } from './marker.js';
import type { RunNotes } from './run-notes.js';

/**
 * Withdraws the uploads of runs that died, and removes their notes. Returns how many there were.
 * @param own the run that sweeps, which is alive
 */
export async function sweep(notes: RunNotes, own: string | undefined): Promise<number> {
  let removed = 0;
  for (const [runId, ofRun] of await notes.byRun()) {
    if (runId === own) continue;
    const marker = await notes.marker(runId);
    if (await isRunDead(marker, notes.silentMs(ofRun))) removed += await notes.remove(ofRun);
  }
  return removed;
}

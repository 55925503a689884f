/** Pages are cut near this many bytes … */
const PAGE_BYTES = 1 << 20;
/** … or this many entries, so well-compressed columns still get a useful page index. */
const PAGE_ENTRIES = 1 << 17;
/** Maximum bytes held by all columns together before their pages are taken. */
const HELD_BYTES = 24 << 20;
/** Most rows that are decoded at once: so many may still be appended to a full page. */
export const BATCH_ROWS = 2048;

/** Page size for a table with this number of columns, in bytes. */
export function pageBytesFor(columnCount: number): number {
  return Math.min(PAGE_BYTES, Math.max(8 << 10, Math.floor(HELD_BYTES / Math.max(columnCount, 1))));
}

/**
 * Entries of a page for a table with this number of columns: their indices of 4 bytes are held too, though the page will
 * have a few bits of each.
 */
export function pageEntriesFor(columnCount: number): number {
  return Math.min(PAGE_ENTRIES, Math.floor(HELD_BYTES / 4 / Math.max(columnCount, 1)));
}

/** What a column may hold before its page is taken. */
export interface HeldPage {
  readonly entries: number;
  readonly bytes: number;
}

/** Of a column of such a table, with the batch that fills the page. */
export function heldPage(columnCount: number, rowGroupRows: number): HeldPage {
  return {
    entries: Math.min(pageEntriesFor(columnCount), rowGroupRows) + BATCH_ROWS,
    // A batch of long texts may be as large as a page; it is not foreseen for each of many columns.
    bytes: 2 * pageBytesFor(columnCount),
  };
}

import { startTdsServer } from '../test/servers/tds/server.js';
import { TestDatabase } from '../test/servers/tds/test-database.js';
import { encodeForm, FORMS } from './mssql-forms.js';
import { encodeLineitem, LINEITEM, ROWS_IN_BLOCK } from './mssql-lineitem.js';

/*
 * Started by `bench/mssql.ts` as a process of its own: the test server with `dbo.lineitem`, of as many rows as its argument
 * says, encoded beforehand, so that what is measured is its clients. Tells its port by a message. Also the decimals of that
 * table in other forms, for `bench/mssql-decimals.ts`.
 */

const rows = Number(process.argv[2]);
const encoded = encodeLineitem();
const forms = new Map<string, ReturnType<typeof encodeForm>>();

/** Keys are spread evenly from 1 on; the catalog needs no more of them than the first and the last. */
const lastKey = rows;
const edge = (key: number) =>
  LINEITEM.map(({ type }, i) => (i === 0 ? key : /int|decimal/.test(type) ? 0 : '1992-01-01'));
const database = await TestDatabase.create([
  {
    name: 'lineitem',
    columns: LINEITEM,
    rows: [edge(1), edge(lastKey)],
    indexes: [{ keys: ['l_orderkey'], isClustered: true }],
    statistics: { rows, pages: Math.ceil((rows * 150) / 8192) },
  },
]);

/** The first row of the range that begins with this key. */
const rowOf = (key: string | undefined, otherwise: number) =>
  key === undefined ? otherwise : Math.round((Number(key) - 1) / ROWS_IN_BLOCK) * ROWS_IN_BLOCK;

const server = await startTdsServer({
  handler: (query) => {
    const form = FORMS.find(({ name }) => query.sql === `SELECT ${name} FROM lineitem`);
    if (form !== undefined) {
      const other = forms.get(form.name) ?? encodeForm(form);
      forms.set(form.name, other);
      return { ...other, count: rows / ROWS_IN_BLOCK };
    }
    // The row check's: the database has the first and the last row only.
    if (query.sql.startsWith('SELECT CONVERT(float, COUNT_BIG(*))')) {
      return { columns: [{ name: '', type: 'float' }], rows: [[rows]] };
    }
    const isRead = /^SELECT \[l_orderkey\], \[l_partkey\].* FROM \[dbo\]\.\[lineitem\]/.test(query.sql);
    if (!isRead) return database.handler(query);
    const from = rowOf(/>= CAST\((\d+) AS/.exec(query.sql)?.[1], 0);
    const to = rowOf(/< CAST\((\d+) AS/.exec(query.sql)?.[1], rows);
    return { ...encoded, count: (to - from) / ROWS_IN_BLOCK };
  },
});
process.send?.({ port: server.port, user: server.user, password: server.password });
process.once('disconnect', () => process.exit());

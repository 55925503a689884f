import { Connection, Request } from 'tedious';

/*
 * Started by `bench/mssql.ts`: what the driver alone does with a query, its rows counted and thrown away. Takes the
 * connection and the query as JSON, prints rows and seconds as JSON.
 */

const { config, sql } = JSON.parse(process.argv[2] ?? '') as {
  config: ConstructorParameters<typeof Connection>[0];
  sql: string;
};
const connection = new Connection(config);
await new Promise<void>((resolve, reject) => {
  connection.connect((error) => {
    if (error) reject(error);
    else resolve();
  });
});
const start = performance.now();
const before = process.cpuUsage();
let rows = 0;
await new Promise<void>((resolve, reject) => {
  const request = new Request(sql, (error) => {
    if (error) reject(error);
    else resolve();
  });
  request.on('row', () => rows++);
  connection.execSqlBatch(request);
});
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ rows, seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 }));
connection.close();

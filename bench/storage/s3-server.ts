import { createInterface } from 'node:readline';

import { startS3Server } from '../../test/servers/s3-server/index.js';

/*
 * The S3 server of the tests in a process of its own. Says where it listens, in one line of JSON, and after each line
 * that it is sent how many requests of each kind there were since the last one.
 */

const server = await startS3Server({ bucket: 'bench' });
const { endpoint, region, accessKeyId, secretAccessKey } = server;
console.log(JSON.stringify({ endpoint, region, accessKeyId, secretAccessKey }));
const lines = createInterface(process.stdin);
lines.on('line', () => console.log(JSON.stringify(server.counts())));
// Without its parent, the server is no longer needed.
lines.once('close', () => process.exit());

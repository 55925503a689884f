import { startS3Server } from '../../test/support/s3-server/index.js';

/* The S3 server of the tests in a process of its own. Says where it listens, in one line of JSON. */

const server = await startS3Server({ bucket: 'bench' });
const { endpoint, region, accessKeyId, secretAccessKey } = server;
console.log(JSON.stringify({ endpoint, region, accessKeyId, secretAccessKey }));
// With its parent gone, nobody asks it for anything any more.
process.stdin.resume().once('end', () => process.exit());

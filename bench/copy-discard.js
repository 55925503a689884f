import { Socket } from 'node:net';
import pg from 'pg';

/*
 * The floor where there is no psql: sends one COPY to a server and reads what comes into one buffer, over and over, as
 * cheaply as Node.js can. Arguments: address of the server, statement.
 */

const [url, copy] = process.argv.slice(2);
const READ_BYTES = 1 << 16;

/** A `ReadyForQuery` message ends everything that the server sends; it is the same six bytes outside of a transaction. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

const ERROR = 0x45;

const buffer = Buffer.allocUnsafe(READ_BYTES);
let started = false;
let answered = false;
let tail = Buffer.alloc(0);
const socket = new Socket({
  onread: {
    buffer,
    callback: (bytes) => {
      if (!started) {
        socket.emit('data', Buffer.from(buffer.subarray(0, bytes)));
        return true;
      }
      if (!answered && buffer[0] === ERROR) process.exitCode = 1;
      answered = true;
      tail = Buffer.concat([tail, buffer.subarray(Math.max(0, bytes - READY.length), bytes)]).subarray(-READY.length);
      if (tail.equals(READY)) process.exit();
      return true;
    },
  },
});

const client = new pg.Client({ connectionString: url, ssl: false, stream: () => socket });
await client.connect();
started = true;
client.connection.query(copy);

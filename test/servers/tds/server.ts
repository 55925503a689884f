import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import { answerStatements } from './batch.js';
import { type Login, parseLogin } from './login.js';
import { challengeToken, parseAuthenticate } from './ntlm.js';
import { type IncomingMessage, MESSAGE, PacketReader, PacketWriter } from './packets.js';
import { clientEncryption, ENCRYPT, HandshakeStream, preloginAnswer } from './prelogin.js';
import { type RequestHandler, TdsSession, type TdsHandler } from './session.js';
import { doneToken, errorToken, loginTokens, TdsError } from './tokens.js';
import { collationBytes } from './types/collations.js';

/**
 * A server that speaks TDS 7.4 over a real socket, as MS-TDS describes it. What queries give is for the handler to say.
 */

export interface TdsServerOptions {
  readonly handler: TdsHandler;
  /** Passwords by user; `sa` with PASSWORD by default. */
  readonly users?: Readonly<Record<string, string>>;
  /** Called for each login that has the right password, or is of a domain; throws TdsError to refuse it. */
  readonly admit?: (login: Admission) => void;
  /** PEM texts. With them the server offers TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Refuses clients that don't want TLS. */
  readonly requireTls?: boolean;
  readonly port?: number;
}

export interface Admission {
  readonly user: string;
  readonly database: string;
  /** Of a Windows domain's login. */
  readonly domain: string | undefined;
  readonly readOnlyIntent: boolean;
}

export interface TdsServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Connections that are open now. */
  readonly connections: number;
  /** What went wrong in the server itself, or its handler: a fault of the test. */
  readonly failures: readonly unknown[];
  /** All requests, in their order; several statements may make one. */
  readonly statements: readonly string[];
  /** Cuts all connections. */
  cut(): void;
  stop(): Promise<void>;
}

export const PASSWORD = 'Passw0rd!';
const LEAST_PACKET = 512;
const LARGEST_PACKET = 32_767;

export async function startTdsServer(options: TdsServerOptions): Promise<TdsServer> {
  const sockets = new Set<Socket>();
  const statements: string[] = [];
  const failures: unknown[] = [];
  const handler: RequestHandler = (query) => {
    statements.push(query.sql);
    return answerStatements(query, options.handler);
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    new TdsConnection(socket, { ...options, handler }, (failure) => failures.push(failure)).start();
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    user: 'sa',
    password: options.users?.['sa'] ?? PASSWORD,
    get connections() {
      return sockets.size;
    },
    statements,
    failures,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface ConnectionOptions extends Omit<TdsServerOptions, 'handler'> {
  readonly handler: RequestHandler;
}

class TdsConnection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #onFailure: (failure: unknown) => void;
  readonly #packets = new PacketReader();
  #stream: Duplex;
  #out: PacketWriter;
  #session: TdsSession | undefined;
  /** Of a domain: waits for the client's answer to the challenge. */
  #challenged: Login | undefined;
  /** The request in progress; the next one waits for it. */
  #turn: Promise<void> = Promise.resolve();

  constructor(socket: Socket, options: ConnectionOptions, onFailure: (failure: unknown) => void) {
    this.#onFailure = onFailure;
    this.#socket = socket;
    this.#stream = socket;
    this.#options = options;
    this.#out = new PacketWriter(socket);
  }

  start(): void {
    this.#socket.on('data', this.#receive);
  }

  readonly #receive = (chunk: Buffer): void => {
    for (const message of this.#packets.add(chunk)) {
      if (message.type === MESSAGE.attention) void this.#session?.attention();
      else this.#turn = this.#turn.then(() => this.#answer(message)).catch((failure: unknown) => this.#fail(failure));
    }
  };

  #fail(failure: unknown): void {
    this.#onFailure(failure);
    this.#socket.destroy();
  }

  async #answer(message: IncomingMessage): Promise<void> {
    if (message.type === MESSAGE.prelogin) await this.#prelogin(message.data);
    else if (message.type === MESSAGE.login) await this.#login(message.data);
    else if (message.type === MESSAGE.sspi) await this.#loginOfDomain(message.data);
    else if (this.#session) await this.#session.answer(message);
    else throw new Error('a request before the login');
  }

  async #prelogin(data: Buffer): Promise<void> {
    const { tls, requireTls } = this.#options;
    const wanted = clientEncryption(data);
    const isWanted = wanted === ENCRYPT.on || wanted === ENCRYPT.required;
    const answer = !tls
      ? ENCRYPT.notSupported
      : requireTls
        ? ENCRYPT.required
        : isWanted
          ? ENCRYPT.on
          : ENCRYPT.notSupported;
    await this.#out.end(preloginAnswer(answer));
    if (tls === undefined || answer === ENCRYPT.notSupported) return;
    this.#socket.off('data', this.#receive);
    // With TLS 1.3 the handshake would go on after it seems to be done.
    const secureContext = createSecureContext({ ...tls, maxVersion: 'TLSv1.2' });
    const secure = new TLSSocket(new HandshakeStream(this.#socket), { isServer: true, secureContext });
    secure.on('error', () => this.#socket.destroy());
    secure.on('data', this.#receive);
    this.#stream = secure;
    this.#out = new PacketWriter(secure);
  }

  async #login(data: Buffer): Promise<void> {
    const login = parseLogin(data);
    if (login.isIntegrated) {
      this.#challenged = login;
      await this.#out.end(challengeToken());
      return;
    }
    const { users = { sa: PASSWORD } } = this.#options;
    const isRight = users[login.user] === login.password;
    await this.#admit(login, { user: login.user, domain: undefined, isRight });
  }

  async #loginOfDomain(data: Buffer): Promise<void> {
    if (this.#challenged === undefined) throw new Error('an answer without a challenge');
    await this.#admit(this.#challenged, { ...parseAuthenticate(data), isRight: true });
  }

  async #admit(
    { database: asked, packetBytes: wanted, readOnlyIntent }: Login,
    {
      user,
      domain,
      isRight,
    }: { readonly user: string; readonly domain: string | undefined; readonly isRight: boolean },
  ): Promise<void> {
    const { handler, admit } = this.#options;
    const database = asked === '' ? 'master' : asked;
    try {
      if (!isRight) throw new TdsError(18456, `Login failed for user '${user}'.`, { severity: 14 });
      admit?.({ user, database, domain, readOnlyIntent });
    } catch (thrown) {
      if (!(thrown instanceof TdsError)) throw thrown;
      await this.#out.end(Buffer.concat([errorToken(thrown), doneToken({ error: true })]));
      this.#stream.end();
      return;
    }
    const packetBytes = Math.min(Math.max(wanted, LEAST_PACKET), LARGEST_PACKET);
    await this.#out.end(loginTokens({ database, packetBytes, collation: collationBytes() }));
    this.#out.packetBytes = packetBytes;
    const cut = () => {
      // What was written is to arrive: the end comes in the middle of it.
      this.#stream.end();
    };
    this.#session = new TdsSession({ handler, out: this.#out, cut, user, database });
  }
}

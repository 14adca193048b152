import { type Client, Code, ConnectError } from "@connectrpc/connect";
import type { Session as SessionMessage, UserService } from "@taproom/sdk/taproom/user/v1/user_pb";
import type { Tabs } from "./tabs";
import { isFresh, type Proof, proofOf } from "./token";

/** Who the visitor is, as far as this tab knows. */
export type Visitor =
  | { status: "restoring" }
  | { status: "nobody" }
  | { status: "guest"; id: string }
  | { status: "customer"; id: string };

type TabMessage = { kind: "session"; proof: Proof } | { kind: "ended" } | { kind: "ask" };

type Options = {
  /** Calls without a token; the browser adds the refresh cookie. */
  users: Client<typeof UserService>;
  tabs: Tabs;
  /** Remembers, without any secret, that there may be a session to restore. */
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  /** Takes a guest's cart over with both tokens, before anybody sees the new visitor. */
  mergeCart: (guestToken: string, customerToken: string) => Promise<void>;
  now?: () => number;
  /** How long another tab may take to share its session. */
  askMs?: number;
};

const flag = "taproom.session";
const lock = "taproom.session";

/**
 * The session of this browser. The access token lives in memory, the refresh token in a cookie that scripts can't read. Since
 * a refresh token works once, whatever changes the cookie runs under a lock that all tabs share, and the outcome is told to
 * the other tabs.
 */
export class Session {
  readonly #options: Required<Options>;
  readonly #listeners = new Set<() => void>();
  readonly #channel;
  #proof: Proof | undefined;
  #visitor: Visitor;
  #refreshing: Promise<string | undefined> | undefined;
  #starting: Promise<string> | undefined;
  #heard: (() => void) | undefined;
  #onChange: (() => void) | undefined;

  constructor(options: Options) {
    this.#options = { now: Date.now, askMs: 80, ...options };
    this.#visitor = this.#options.storage.getItem(flag) ? { status: "restoring" } : { status: "nobody" };
    this.#channel = this.#options.tabs.channel<TabMessage>("taproom.session", (message) =>
      this.#hear(message),
    );
  }

  /** For useSyncExternalStore. */
  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly visitor = () => this.#visitor;

  /** Calls back, before anybody who subscribed, when another visitor takes the place of the last one. */
  onVisitorChange(callback: () => void): void {
    this.#onChange = callback;
  }

  /** Finds out, at page load, who the visitor is. Asks the server only when something suggests a session. */
  async restore(): Promise<void> {
    for (let wait = 1_000; this.#visitor.status === "restoring"; wait = Math.min(wait * 2, 15_000)) {
      try {
        await this.token();
      } catch {
        // The shop can't be reached: that says nothing about the session.
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }

  /** An access token that still lives for a while; undefined when nobody is signed in, not even as a guest. */
  async token(): Promise<string | undefined> {
    if (this.#proof && isFresh(this.#proof, this.#options.now())) return this.#proof.token;
    if (this.#visitor.status === "nobody") return undefined;
    return this.renew(this.#proof?.token);
  }

  /** A token other than `stale`. However many ask, in however many tabs, one refresh is under way. */
  renew(stale: string | undefined): Promise<string | undefined> {
    this.#refreshing ??= this.#refresh(stale).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** A token for a cart: the visitor's, or that of a new guest. */
  async ensureVisitor(): Promise<string> {
    const token = await this.token();
    if (token) return token;
    this.#starting ??= this.#startGuest().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /** Signs in. `cartKept` is false when the cart of before could not be taken along. */
  async login(email: string, password: string): Promise<{ cartKept: boolean }> {
    return this.#become(() => this.#options.users.login({ email, password, useCookie: true }));
  }

  /** Opens an account and signs in. */
  async register(email: string, password: string, displayName: string): Promise<{ cartKept: boolean }> {
    return this.#become(() =>
      this.#options.users.register({ email, password, displayName, useCookie: true }),
    );
  }

  /** Signs out, in all tabs. The server's answer is awaited, so that the cookie is gone as well. */
  async logout(allSessions = false): Promise<void> {
    const token = await this.token().catch(() => undefined);
    await this.#options.tabs.exclusive(lock, async () => {
      if (!token) return;
      try {
        await this.#options.users.logout({ allSessions }, { headers: { Authorization: `Bearer ${token}` } });
      } catch (error) {
        if (!endsSession(error)) throw error;
      }
    });
    this.end();
  }

  /** Forgets the session here and in the other tabs, for instance after the account was deleted. */
  end(): void {
    this.#forget();
    this.#channel.post({ kind: "ended" });
  }

  async #refresh(stale: string | undefined): Promise<string | undefined> {
    return this.#options.tabs.exclusive(lock, async () => {
      const shared = this.#usable(stale) ?? (await this.#askTabs(stale));
      if (shared) return shared;
      if (!this.#options.storage.getItem(flag)) {
        this.#forget();
        return undefined;
      }
      try {
        const { session } = await this.#options.users.refreshSession({});
        return this.#take(session).token;
      } catch (error) {
        if (!endsSession(error)) throw error;
        this.end();
        return undefined;
      }
    });
  }

  async #startGuest(): Promise<string> {
    return this.#options.tabs.exclusive(lock, async () => {
      // Another tab may have started one while this tab waited for the lock.
      const shared = this.#usable(undefined) ?? (await this.#askTabs(undefined));
      if (shared) return shared;
      const { session } = await this.#options.users.startGuest({ useCookie: true });
      return this.#take(session).token;
    });
  }

  async #become(enter: () => Promise<{ session?: SessionMessage }>): Promise<{ cartKept: boolean }> {
    const guestToken =
      this.#visitor.status === "guest" ? await this.token().catch(() => undefined) : undefined;
    return this.#options.tabs.exclusive(lock, async () => {
      const { session } = await enter();
      let cartKept = true;
      if (guestToken && session) {
        cartKept = await this.#options.mergeCart(guestToken, session.accessToken).then(
          () => true,
          () => false,
        );
      }
      this.#take(session);
      return { cartKept };
    });
  }

  #usable(stale: string | undefined): string | undefined {
    const proof = this.#proof;
    return proof && proof.token !== stale && isFresh(proof, this.#options.now()) ? proof.token : undefined;
  }

  /** Another tab may hold a fresh token: that saves a refresh. */
  async #askTabs(stale: string | undefined): Promise<string | undefined> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#options.askMs);
      this.#heard = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#channel.post({ kind: "ask" });
    });
    this.#heard = undefined;
    return this.#usable(stale);
  }

  #hear(message: TabMessage): void {
    if (message.kind === "ended") {
      this.#forget();
    } else if (message.kind === "session") {
      this.#adopt(message.proof);
      this.#heard?.();
    } else if (this.#proof && isFresh(this.#proof, this.#options.now())) {
      this.#channel.post({ kind: "session", proof: this.#proof });
    }
  }

  #take(session: SessionMessage | undefined): Proof {
    if (!session) throw new ConnectError("the answer has no session", Code.Internal);
    const proof = proofOf(session, this.#options.now());
    this.#adopt(proof);
    this.#channel.post({ kind: "session", proof });
    return proof;
  }

  #adopt(proof: Proof): void {
    this.#proof = proof;
    this.#options.storage.setItem(flag, "1");
    this.#tell({ status: proof.role === "guest" ? "guest" : "customer", id: proof.subjectId });
  }

  #forget(): void {
    this.#proof = undefined;
    this.#options.storage.removeItem(flag);
    this.#tell({ status: "nobody" });
  }

  #tell(visitor: Visitor): void {
    const before = this.#visitor;
    if (JSON.stringify(visitor) === JSON.stringify(before)) return;
    this.#visitor = visitor;
    // Restoring a session brings nobody new.
    if (before.status !== "restoring") this.#onChange?.();
    for (const listener of this.#listeners) listener();
  }
}

/** The server says that there is no such session, as opposed to not answering properly. */
const refusals = new Set([Code.Unauthenticated, Code.PermissionDenied, Code.InvalidArgument, Code.NotFound]);

function endsSession(error: unknown): boolean {
  return error instanceof ConnectError && refusals.has(error.code);
}

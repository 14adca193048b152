import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { Role, UserService } from "@taproom/sdk/taproom/user/v1/user_pb";
import { describe, expect, it, vi } from "vitest";
import { FakeBrowser } from "@/testing/browser";
import { customerId, guestId, sessionOf } from "@/testing/shop";
import { Session } from "./session";

/** The user service with one browser's refresh cookie, which works once. */
function userService({ lifetime = 300_000 } = {}) {
  let cookie = 1;
  let spent = 0;
  const calls = { refresh: 0, guest: 0 };
  const mode: { fail?: ConnectError } = {};
  const answer = (id: string, role: Role) => {
    const session = sessionOf(id, role);
    session.expiresAt = { seconds: BigInt(Math.ceil((Date.now() + lifetime) / 1000)), nanos: 0 } as never;
    return { session };
  };
  const users = createClient(
    UserService,
    createRouterTransport(({ service }) => {
      service(UserService, {
        refreshSession: async () => {
          calls.refresh++;
          if (mode.fail) throw mode.fail;
          const presented = cookie;
          await new Promise((resolve) => setTimeout(resolve, 5));
          if (presented <= spent) throw new ConnectError("reused", Code.Unauthenticated);
          spent = presented;
          cookie++;
          return answer(customerId, Role.CUSTOMER);
        },
        startGuest: () => {
          calls.guest++;
          return answer(guestId, Role.GUEST);
        },
        login: ({ password }) => {
          if (password !== "right") throw new ConnectError("", Code.Unauthenticated);
          return answer(customerId, Role.CUSTOMER);
        },
        logout: () => ({}),
      });
    }),
  );
  return { users, calls, mode };
}

function sessionIn(
  browser: FakeBrowser,
  users: ReturnType<typeof userService>["users"],
  mergeCart = vi.fn(),
) {
  return new Session({ users, tabs: browser.tab(), storage: browser.storage, mergeCart, askMs: 2 });
}

function browserWithSession() {
  const browser = new FakeBrowser();
  browser.storage.setItem("taproom.session", "1");
  return browser;
}

describe("restoring", () => {
  it("asks nobody when nothing suggests a session", async () => {
    const { users, calls } = userService();
    const session = sessionIn(new FakeBrowser(), users);
    await session.restore();
    expect(session.visitor()).toEqual({ status: "nobody" });
    expect(calls.refresh).toBe(0);
  });

  it("brings the customer back", async () => {
    const { users } = userService();
    const session = sessionIn(browserWithSession(), users);
    expect(session.visitor().status).toBe("restoring");
    await session.restore();
    expect(session.visitor()).toEqual({ status: "customer", id: customerId });
  });

  it("forgets a session that the server doesn't know", async () => {
    const { users, mode } = userService();
    mode.fail = new ConnectError("", Code.Unauthenticated);
    const browser = browserWithSession();
    const session = sessionIn(browser, users);
    await session.restore();
    expect(session.visitor().status).toBe("nobody");
    expect(browser.storage.getItem("taproom.session")).toBeNull();
  });

  it("keeps waiting while the shop can't be reached", async () => {
    const { users, mode, calls } = userService();
    mode.fail = new ConnectError("", Code.Unavailable);
    const session = sessionIn(browserWithSession(), users);
    const restored = session.restore();
    await vi.waitFor(() => expect(calls.refresh).toBe(1));
    expect(session.visitor().status).toBe("restoring");
    mode.fail = undefined;
    await restored;
    expect(session.visitor().status).toBe("customer");
  });
});

describe("refreshing", () => {
  it("happens once for all who ask at the same time", async () => {
    const { users, calls } = userService();
    const session = sessionIn(browserWithSession(), users);
    const tokens = await Promise.all([session.token(), session.token(), session.token()]);
    expect(new Set(tokens).size).toBe(1);
    expect(calls.refresh).toBe(1);
  });

  it("happens once for two tabs: the other one is told", async () => {
    const { users, calls } = userService();
    const browser = browserWithSession();
    const [one, two] = [sessionIn(browser, users), sessionIn(browser, users)];
    const [first, second] = await Promise.all([one.token(), two.token()]);
    expect(first).toBe(second);
    expect(calls.refresh).toBe(1);
  });

  it("takes the token of a tab that is open already", async () => {
    const { users, calls } = userService();
    const browser = browserWithSession();
    const one = sessionIn(browser, users);
    await one.restore();
    const two = sessionIn(browser, users);
    await two.restore();
    expect(two.visitor()).toEqual({ status: "customer", id: customerId });
    expect(calls.refresh).toBe(1);
  });

  it("comes before the token ends", async () => {
    const { users, calls } = userService({ lifetime: 10_000 });
    const session = sessionIn(browserWithSession(), users);
    const first = await session.token();
    expect(await session.token()).not.toBe(first);
    expect(calls.refresh).toBe(2);
  });

  it("gives another token for one that was refused", async () => {
    const { users } = userService();
    const session = sessionIn(browserWithSession(), users);
    const refused = await session.token();
    expect(await session.renew(refused)).not.toBe(refused);
  });
});

describe("guests", () => {
  it("are started once, however often something is added at the same time", async () => {
    const { users, calls } = userService();
    const session = sessionIn(new FakeBrowser(), users);
    await Promise.all([session.ensureVisitor(), session.ensureVisitor()]);
    expect(calls.guest).toBe(1);
    expect(session.visitor()).toEqual({ status: "guest", id: guestId });
  });

  it("take their cart along when they sign in, before anybody sees the customer", async () => {
    const { users } = userService();
    const seen: string[] = [];
    const merge = vi.fn(async () => {
      seen.push(session.visitor().status);
    });
    const session = sessionIn(new FakeBrowser(), users, merge);
    const guestToken = await session.ensureVisitor();
    expect(await session.login("a@example.org", "right")).toEqual({ cartKept: true });
    expect(merge).toHaveBeenCalledWith(guestToken, await session.token());
    expect(seen).toEqual(["guest"]);
    expect(session.visitor().status).toBe("customer");
  });

  it("sign in even when the cart can't come along", async () => {
    const { users } = userService();
    const session = sessionIn(new FakeBrowser(), users, vi.fn().mockRejectedValue(new Error("no")));
    await session.ensureVisitor();
    expect(await session.login("a@example.org", "right")).toEqual({ cartKept: false });
    expect(session.visitor().status).toBe("customer");
  });

  it("stay guests when the password is wrong", async () => {
    const { users } = userService();
    const session = sessionIn(new FakeBrowser(), users);
    await session.ensureVisitor();
    await expect(session.login("a@example.org", "wrong")).rejects.toThrow();
    expect(session.visitor().status).toBe("guest");
  });
});

it("signs out in all tabs", async () => {
  const { users } = userService();
  const browser = browserWithSession();
  const [one, two] = [sessionIn(browser, users), sessionIn(browser, users)];
  await Promise.all([one.restore(), two.restore()]);
  await one.logout();
  await vi.waitFor(() => expect(two.visitor().status).toBe("nobody"));
  expect(await two.token()).toBeUndefined();
});

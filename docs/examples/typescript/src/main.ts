// Buys beer: an example of a program by a third party that knows the shop by its SDK alone. It opens an account unless it
// is given one, orders what it finds, pays from its wallet and watches the courier come.
//
//   npm start --workspace docs/examples/typescript -- --url http://127.0.0.1:8080 --query stout
import { randomBytes, randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Order } from "@taproom/sdk/taproom/order/v1/order_pb";
import type { Money } from "@taproom/sdk/taproom/type/v1/money_pb";
import type { SavedAddress } from "@taproom/sdk/taproom/user/v1/user_pb";
import { type Client, dial } from "./client.ts";
import { explain, reasonOf } from "./errors.ts";
import { follow } from "./follow.ts";

const { values: options } = parseArgs({
  options: {
    url: { type: "string", default: process.env.TAPROOM_URL ?? "http://127.0.0.1:8080" },
    email: { type: "string", default: process.env.TAPROOM_EMAIL ?? "" },
    query: { type: "string", default: "stout" },
    units: { type: "string", default: "2" },
  },
});

try {
  await buy(dial(options.url), options.query, Number(options.units));
} catch (error) {
  console.error(`taproom-example: ${explain(error)}`);
  process.exitCode = 1;
}

/** The whole visit, from signing in to the doorstep. */
async function buy(client: Client, query: string, quantity: number) {
  await signIn(client);
  const { beers } = await client.catalog.listBeers({ filter: { query }, pageSize: 1, skipFacets: true });
  const [beer] = beers;
  if (!beer) throw new Error(`no beer goes by "${query}"`);
  console.log(`Found ${beer.name} by ${beer.brewery?.name}, ${amount(beer.price)} each`);

  // The request id makes a repeat harmless. Keep it for as long as you try: see topUpWallet below.
  const { cart } = await client.cart.addItem({ requestId: randomUUID(), beerId: beer.id, quantity });
  const order = await checkOut(client, await anAddress(client), cart?.version ?? 0n);
  console.log(`Ordered for ${amount(order.total)}: ${order.id}`);
  await follow(client, order.id);
}

async function signIn(client: Client) {
  const { session } = options.email
    ? await client.users.login({ email: options.email, password: process.env.TAPROOM_PASSWORD ?? "" })
    : await client.users.register({
        email: `guest-${randomUUID()}@taproom.example`,
        password: randomBytes(24).toString("base64url"),
        displayName: "Example Client",
      });
  client.keep(session);
}

/** Takes the default address, which is the first one, or saves one. */
async function anAddress(client: Client): Promise<SavedAddress> {
  const { addresses } = await client.users.listAddresses({});
  if (addresses[0]) return addresses[0];
  const { address } = await client.users.createAddress({
    address: {
      recipient: "Ada Porter",
      street: "Malt Street 1",
      city: "Kiel",
      postalCode: "24103",
      country: "DE",
    },
  });
  return required(address);
}

/** Orders what is in the cart at a price that was quoted, and quotes again when something changed in between. */
async function checkOut(client: Client, address: SavedAddress, minCartVersion: bigint): Promise<Order> {
  const requestId = randomUUID();
  for (;;) {
    // The cart is read from a copy that follows it: naming the version waits until ours is in it.
    const country = address.address?.country;
    const { quote } = await client.orders.quoteOrder({
      shippingMethodId: "standard",
      country,
      minCartVersion,
    });
    await afford(client, quote?.total?.minorUnits ?? 0n);
    try {
      const { order } = await client.orders.placeOrder({
        requestId,
        quoteDigest: quote?.digest,
        addressId: address.id,
        shippingMethodId: quote?.shippingMethodId,
        payment: { method: { case: "wallet", value: true } },
      });
      return required(order);
    } catch (error) {
      if (reasonOf(error) !== "QUOTE_CHANGED") throw error;
    }
  }
}

/** Makes sure that the wallet can pay so many cents, with the card that the demo's provider always approves. */
async function afford(client: Client, cents: bigint) {
  const { wallet } = await client.payments.getWallet({});
  const missing = cents - (wallet?.available?.minorUnits ?? 0n);
  if (missing <= 0n) return;
  const { card } = await client.payments.saveCard({
    number: "4242424242424242",
    expMonth: 12,
    expYear: 2099,
    cvc: "123",
  });
  const topUp = {
    requestId: randomUUID(),
    cardId: card?.id,
    amountMinorUnits: missing < 100n ? 100n : missing,
  };
  for (let tries = 5; ; tries--) {
    try {
      await client.payments.topUpWallet(topUp);
      return;
    } catch (error) {
      // Money moved or not? Asking again with the same id finds out, and charges once.
      if (ConnectError.from(error).code !== Code.Unavailable || tries === 1) throw error;
    }
  }
}

function amount(money?: Money) {
  return `${(Number(money?.minorUnits ?? 0n) / 100).toFixed(2)} ${money?.currency}`;
}

/** What the schema leaves optional and the shop always sends. */
function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the answer is incomplete");
  return value;
}

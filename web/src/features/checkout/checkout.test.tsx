import { Code, ConnectError } from "@connectrpc/connect";
import { CartQueryService } from "@taproom/sdk/taproom/cart/v1/cart_pb";
import { OrderService, OrderState, type PlaceOrderRequest } from "@taproom/sdk/taproom/order/v1/order_pb";
import { PaymentService } from "@taproom/sdk/taproom/payment/v1/payment_pb";
import { ShippingService } from "@taproom/sdk/taproom/shipping/v1/shipping_pb";
import { UserService } from "@taproom/sdk/taproom/user/v1/user_pb";
import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { beerId } from "@/testing/beers";
import { shopError } from "@/testing/errors";
import { customerId, renderShop } from "@/testing/shop";

const euros = (minorUnits: bigint) => ({ minorUnits, currency: "EUR" });
const orderId = "0192f000-0000-7000-8000-00000000aaaa";
const address = {
  id: "0192f000-0000-7000-8000-0000000000ad",
  isDefault: true,
  address: { recipient: "Anna", street: "Hauptstr. 1", city: "Berlin", postalCode: "10115", country: "DE" },
};

function quoteOf(unitPrice: bigint) {
  return {
    lines: [
      {
        beerId: beerId(1),
        beerName: "Beer 1",
        quantity: 2,
        unitPrice: euros(unitPrice),
        lineTotal: euros(unitPrice * 2n),
      },
    ],
    subtotal: euros(unitPrice * 2n),
    shipping: euros(490n),
    total: euros(unitPrice * 2n + 490n),
    digest: `digest-${unitPrice}`,
  };
}

type Setup = {
  available?: bigint;
  cardsAvailable?: boolean;
  placeOrder: (request: PlaceOrderRequest, call: number) => void;
};

async function openCheckout({ available = 10_000n, cardsAvailable = true, placeOrder }: Setup) {
  const requests: PlaceOrderRequest[] = [];
  let price = 249n;
  const shop = await renderShop({
    path: "/checkout",
    signedIn: true,
    routes: ({ service }) => {
      service(CartQueryService, {
        getCart: () => ({
          cart: { id: customerId, items: [{ beerId: beerId(1), quantity: 2 }], version: 1n },
        }),
      });
      service(UserService, { listAddresses: () => ({ addresses: [address] }) });
      service(ShippingService, {
        listShippingMethods: () => ({ methods: [{ id: "standard", name: "Standard", rate: euros(490n) }] }),
      });
      service(PaymentService, {
        getWallet: () => ({ wallet: { balance: euros(available), available: euros(available) } }),
        listCards: () => ({ cards: [], cardsAvailable }),
      });
      service(OrderService, {
        quoteOrder: () => ({ quote: quoteOf(price) }),
        getOrder: () => ({ order: { id: orderId, state: OrderState.PENDING } }),
        getOrderTimeline: () => ({}),
        placeOrder: (request) => {
          requests.push(request);
          placeOrder(request, requests.length);
          return { order: { id: orderId, state: OrderState.PENDING } };
        },
      });
    },
  });
  return { ...shop, requests, raise: (to: bigint) => (price = to) };
}

it("sends what was agreed to and leads to the order", async () => {
  const { history, requests } = await openCheckout({ placeOrder: () => undefined });
  await userEvent.click(await screen.findByRole("button", { name: "Order and pay €9.88" }));
  await waitFor(() => expect(history.location.pathname).toBe(`/orders/${orderId}`));
  expect(requests[0]).toMatchObject({
    quoteDigest: "digest-249",
    addressId: address.id,
    shippingMethodId: "standard",
    payment: { method: { case: "wallet", value: true } },
  });
});

it("keeps the request's id over tries whose outcome is unknown", async () => {
  const { requests } = await openCheckout({
    placeOrder: (_request, call) => {
      if (call === 1) throw new ConnectError("", Code.Unavailable);
    },
  });
  const button = await screen.findByRole("button", { name: "Order and pay €9.88" });
  await userEvent.click(button);
  expect(await screen.findByText(/can't be reached/)).toBeDefined();
  await userEvent.click(button);
  await waitFor(() => expect(requests).toHaveLength(2));
  expect(requests[1]?.requestId).toBe(requests[0]?.requestId);
});

it("shows what changed since the quote and asks again", async () => {
  const { requests, raise } = await openCheckout({
    placeOrder: (_request, call) => {
      if (call === 1) throw shopError(Code.FailedPrecondition, "QUOTE_CHANGED");
    },
  });
  const button = await screen.findByRole("button", { name: "Order and pay €9.88" });
  raise(299n);
  await userEvent.click(button);
  expect(await screen.findByText("Beer 1 now costs €2.99 instead of €2.49.")).toBeDefined();
  expect(screen.getByText("The total is now €10.88 instead of €9.88.")).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "Agree and order €10.88" }));
  await waitFor(() => expect(requests).toHaveLength(2));
  expect(requests[1]?.quoteDigest).toBe("digest-299");
  expect(requests[1]?.requestId).not.toBe(requests[0]?.requestId);
});

it("leads to the order that is still being placed", async () => {
  await openCheckout({
    placeOrder: () => {
      throw shopError(Code.FailedPrecondition, "ORDER_IN_PROGRESS", { metadata: { order_id: orderId } });
    },
  });
  await userEvent.click(await screen.findByRole("button", { name: "Order and pay €9.88" }));
  const link = await screen.findByRole("link", { name: "Show that order" });
  expect(link.getAttribute("href")).toBe(`/orders/${orderId}`);
});

it("doesn't offer to pay from a wallet that holds too little", async () => {
  await openCheckout({ available: 500n, placeOrder: () => undefined });
  expect(await screen.findByText(/Your wallet holds €5.00/)).toBeDefined();
  expect(screen.getByRole("button", { name: /Order and pay/ }).hasAttribute("disabled")).toBe(true);
});

it("offers no cards where the shop takes none", async () => {
  await openCheckout({ cardsAvailable: false, placeOrder: () => undefined });
  await screen.findByText("This shop takes no cards: your wallet pays.");
  expect(screen.queryByRole("button", { name: "Add a card" })).toBeNull();
  expect(screen.queryByRole("link", { name: "Top up your wallet" })).toBeNull();
});

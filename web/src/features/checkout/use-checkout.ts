import { useQuery } from "@connectrpc/connect-query";
import { OrderService } from "@taproom/sdk/taproom/order/v1/order_pb";
import { ShippingService } from "@taproom/sdk/taproom/shipping/v1/shipping_pb";
import { useState } from "react";
import { useAddresses, useCards, useWallet } from "@/lib/api/account";

/** The id that stands for the wallet among the cards' ids. */
export const walletId = "wallet";

/** What a customer chooses on the way to an order, and what follows from it. What isn't chosen is the first on offer. */
export function useCheckout() {
  const [chosen, choose] = useState<{ addressId?: string; methodId?: string; paymentId?: string }>({});
  const addresses = useAddresses();
  const cards = useCards();
  const wallet = useWallet();

  const saved = addresses.data?.addresses ?? [];
  const address = saved.find(({ id }) => id === chosen.addressId) ?? saved[0];
  const country = address?.address?.country ?? "";

  const methods = useQuery(
    ShippingService.method.listShippingMethods,
    { country },
    { enabled: country !== "", staleTime: 60_000 },
  );
  const offered = methods.data?.methods ?? [];
  const method = offered.find(({ id }) => id === chosen.methodId) ?? offered[0];

  // What is on the screen is what the customer agrees to: it is fetched again when they are told so, not in between.
  const quote = useQuery(
    OrderService.method.quoteOrder,
    { shippingMethodId: method?.id ?? "", country },
    {
      enabled: method !== undefined,
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 0,
      refetchOnReconnect: false,
    },
  );

  const kept = cards.data?.cardsAvailable ? cards.data.cards : [];
  const card = kept.find(({ id }) => id === chosen.paymentId);
  const paymentId = card?.id ?? walletId;

  return {
    addresses,
    address,
    methods,
    method,
    quote,
    cards,
    wallet,
    paymentId,
    card,
    chooseAddress: (addressId: string) => choose((all) => ({ ...all, addressId })),
    chooseMethod: (methodId: string) => choose((all) => ({ ...all, methodId })),
    choosePayment: (id: string) => choose((all) => ({ ...all, paymentId: id })),
  };
}

export type Checkout = ReturnType<typeof useCheckout>;

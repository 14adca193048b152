import { create } from "@bufbuild/protobuf";
import type { ConnectError, Transport } from "@connectrpc/connect";
import { callUnaryMethod, createConnectQueryKey, useTransport } from "@connectrpc/connect-query";
import { type QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import {
  type Cart,
  CartCommandService,
  CartQueryService,
  GetCartResponseSchema,
} from "@taproom/sdk/taproom/cart/v1/cart_pb";
import { useSession, useVisitor } from "@/lib/session/use-session";

const { getCart } = CartQueryService.method;
export const cartKey = createConnectQueryKey({ schema: getCart, cardinality: "finite" });

// The read model lags behind commands. This is the version that the next answer must have reached.
const wantedKey = (cartId: string) => ["cart-version-wanted", cartId] as const;

/** The visitor's cart. Undefined data with nothing pending: there is nobody yet, and so no cart. */
export function useCart() {
  const transport = useTransport();
  const client = useQueryClient();
  const visitor = useVisitor();
  const cartId = "id" in visitor ? visitor.id : "";
  return useQuery<{ cart?: Cart }, ConnectError, Cart | undefined>({
    queryKey: cartKey,
    queryFn: ({ signal }) => fetchCart(client, transport, cartId, signal),
    select: (answer) => answer.cart,
    enabled: cartId !== "",
  });
}

/** Units in the cart, for the badge. */
export function useCartCount(): number {
  const { data } = useCart();
  return data?.items.reduce((sum, item) => sum + item.quantity, 0) ?? 0;
}

/** Adds units of a beer; a visitor without a session becomes a guest first. */
export function useAddToCart() {
  const session = useSession();
  const transport = useTransport();
  const client = useQueryClient();
  return useMutation<Cart | undefined, ConnectError, { requestId: string; beerId: string; quantity: number }>(
    {
      mutationFn: async (input) => {
        await session.ensureVisitor();
        return (await callUnaryMethod(transport, CartCommandService.method.addItem, input)).cart;
      },
      onSuccess: (cart) => keepCart(client, cart),
    },
  );
}

/** Sets the units of a line; zero removes it. The page shows the change at once and takes it back when it fails. */
export function useChangeCart() {
  const transport = useTransport();
  const client = useQueryClient();
  return useMutation<
    Cart | undefined,
    ConnectError,
    { beerId: string; quantity: number },
    { before: Cart | undefined }
  >({
    // One after the other, so that the last click wins.
    scope: { id: "cart" },
    mutationFn: async ({ beerId, quantity }) => {
      const requestId = crypto.randomUUID();
      const { changeQuantity, removeItem } = CartCommandService.method;
      return quantity > 0
        ? (await callUnaryMethod(transport, changeQuantity, { requestId, beerId, quantity })).cart
        : (await callUnaryMethod(transport, removeItem, { requestId, beerId })).cart;
    },
    onMutate: async ({ beerId, quantity }) => {
      await client.cancelQueries({ queryKey: cartKey });
      const before = client.getQueryData<{ cart?: Cart }>(cartKey)?.cart;
      if (before) {
        const items = before.items
          .map((item) => (item.beerId === beerId ? { ...item, quantity } : item))
          .filter((item) => item.quantity > 0);
        client.setQueryData(cartKey, create(GetCartResponseSchema, { cart: { ...before, items } }));
      }
      return { before };
    },
    onSuccess: (cart) => keepCart(client, cart),
    onError: (_error, _input, context) => {
      if (context?.before) {
        client.setQueryData(cartKey, create(GetCartResponseSchema, { cart: context.before }));
      }
      void client.invalidateQueries({ queryKey: cartKey });
    },
  });
}

/** Fetches a cart again, at least as far as `version`, unless that is known already; 0: in any case. */
export function refetchCart(client: QueryClient, cartId: string, version: bigint): void {
  const known = client.getQueryData<{ cart?: Cart }>(cartKey)?.cart;
  if (version > 0n && known && known.id === cartId && version <= known.version) return;
  wantCartVersion(client, cartId, version);
  void client.invalidateQueries({ queryKey: cartKey });
}

/** From now on only answers that have got this far will do. */
export function wantCartVersion(client: QueryClient, cartId: string, version: bigint): void {
  const wanted = client.getQueryData<bigint>(wantedKey(cartId)) ?? 0n;
  if (version > wanted) client.setQueryData(wantedKey(cartId), version);
}

async function fetchCart(client: QueryClient, transport: Transport, cartId: string, signal: AbortSignal) {
  const minVersion = client.getQueryData<bigint>(wantedKey(cartId)) ?? 0n;
  return callUnaryMethod(transport, getCart, { minVersion }, { signal });
}

/** A command answers the cart after it: that is the truth until a newer version is heard of. */
function keepCart(client: QueryClient, cart: Cart | undefined): void {
  if (!cart) return;
  wantCartVersion(client, cart.id, cart.version);
  const known = client.getQueryData<{ cart?: Cart }>(cartKey)?.cart;
  if (known && known.id === cart.id && known.version > cart.version) return;
  void client.cancelQueries({ queryKey: cartKey });
  client.setQueryData(cartKey, create(GetCartResponseSchema, { cart }));
}

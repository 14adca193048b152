import { type Client, Code, ConnectError } from "@connectrpc/connect";
import type { Cart, CartCommandService } from "@taproom/sdk/taproom/cart/v1/cart_pb";

const waits = [300, 900, 2_000];

/** Takes a guest's cart over. A guest cart is taken once, whatever is repeated, so that passing errors can be tried again. */
export function cartMerger(carts: Client<typeof CartCommandService>, onMerged: (cart: Cart) => void) {
  return async (guestToken: string, customerToken: string): Promise<void> => {
    for (let attempt = 0; ; attempt++) {
      try {
        const headers = { Authorization: `Bearer ${customerToken}` };
        const { cart } = await carts.mergeCart({ guestToken }, { headers });
        if (cart) onMerged(cart);
        return;
      } catch (error) {
        const wait = waits[attempt];
        if (wait === undefined || !(error instanceof ConnectError) || error.code === Code.InvalidArgument)
          throw error;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  };
}

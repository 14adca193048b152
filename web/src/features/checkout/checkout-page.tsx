import { ShoppingBasket } from "lucide-react";
import { ButtonLink } from "@/components/button";
import { Page } from "@/components/page";
import { Empty, LoadError, Loading, Skeleton } from "@/components/states";
import { useCart } from "@/lib/api/cart";
import { AddressStep } from "./address-step";
import { OrderSummary } from "./order-summary";
import { PaymentStep } from "./payment-step";
import { ShippingStep } from "./shipping-step";
import { useCheckout } from "./use-checkout";
import { usePlaceOrder } from "./use-place-order";

export function CheckoutPage() {
  const cart = useCart();
  const checkout = useCheckout();
  const order = usePlaceOrder(checkout);
  const empty = cart.data?.items.length === 0 && !order.isPending && order.outcome?.kind !== "in-progress";

  return (
    <Page title="Checkout">
      {cart.isPending || checkout.addresses.isPending ? (
        <Loading label="Preparing your order">
          <div className="grid gap-8 lg:grid-cols-[1fr_22rem]">
            <Skeleton className="h-96" />
            <Skeleton className="h-64" />
          </div>
        </Loading>
      ) : !checkout.addresses.data ? (
        <LoadError error={checkout.addresses.error} onRetry={() => void checkout.addresses.refetch()} />
      ) : empty ? (
        <Empty title="There is nothing to order" icon={<ShoppingBasket className="size-7" />}>
          <ButtonLink to="/">See our beers</ButtonLink>
        </Empty>
      ) : (
        <div className="grid items-start gap-8 lg:grid-cols-[1fr_22rem] lg:gap-12">
          <div className="space-y-10">
            <AddressStep checkout={checkout} />
            <ShippingStep checkout={checkout} />
            <PaymentStep checkout={checkout} />
          </div>
          <OrderSummary checkout={checkout} order={order} />
        </div>
      )}
    </Page>
  );
}

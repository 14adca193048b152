import { ShoppingBasket } from "lucide-react";
import { Button } from "@/components/button";
import { toast } from "@/components/toast";
import { useAddToCart } from "@/lib/api/cart";
import { explain } from "@/lib/errors/messages";
import { useRequestId } from "@/lib/request-id";

type AddToCartProps = {
  beerId: string;
  name: string;
  quantity?: number;
  /** For cards: only the sign. */
  compact?: boolean;
};

/** Puts a beer into the cart and says so. Pressing again after a failure repeats the same request, so nothing is added twice. */
export function AddToCart({ beerId, name, quantity = 1, compact }: AddToCartProps) {
  const add = useAddToCart();
  const { idFor, done } = useRequestId();

  const press = () => {
    const content = { beerId, quantity };
    add.mutate(
      { ...content, requestId: idFor(content) },
      {
        onSuccess: () => {
          done();
          toast({
            title: `${quantity > 1 ? `${quantity} × ` : ""}${name} is in your cart.`,
            tone: "good",
            cart: true,
          });
        },
        onError: (error) => toast({ title: explain(error), tone: "bad" }),
      },
    );
  };

  return compact ? (
    <Button
      size="small"
      aria-label={`Add ${name} to cart`}
      onPress={press}
      isPending={add.isPending}
      className="relative z-10 size-11 px-0!"
    >
      {!add.isPending && <ShoppingBasket aria-hidden className="size-5" />}
    </Button>
  ) : (
    <Button size="large" onPress={press} isPending={add.isPending} className="flex-1">
      {!add.isPending && <ShoppingBasket aria-hidden className="size-5" />}
      Add to cart
    </Button>
  );
}

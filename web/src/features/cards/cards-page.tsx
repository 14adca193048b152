import type { Card } from "@taproom/sdk/taproom/payment/v1/payment_pb";
import { CreditCard, Plus } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/button";
import { CardForm } from "@/components/card-form";
import { Dialog } from "@/components/dialog";
import { PanelHeading } from "@/components/panel-heading";
import { Empty, LoadError, Loading, Note, Skeleton } from "@/components/states";
import { toast } from "@/components/toast";
import { useCards, useDeleteCard } from "@/lib/api/account";
import { cardEnd, cardName, noCards } from "@/lib/card";
import { explain } from "@/lib/errors/messages";

export function CardsPage() {
  const { data, isPending, error, refetch } = useCards();
  const [adding, setAdding] = useState(false);

  return (
    <>
      <PanelHeading title="Cards">
        {data?.cardsAvailable && (
          <Button size="small" onPress={() => setAdding(true)}>
            <Plus aria-hidden className="size-4" />
            Add card
          </Button>
        )}
      </PanelHeading>
      {data && !data.cardsAvailable && <Note tone="info">{noCards}</Note>}
      {isPending && (
        <Loading label="Loading cards">
          <Skeleton className="h-20" />
        </Loading>
      )}
      {error && !data && <LoadError error={error} onRetry={() => void refetch()} />}
      {data?.cardsAvailable && data.cards.length === 0 && (
        <Empty title="No card yet" icon={<CreditCard className="size-7" />}>
          <p className="text-muted">
            We keep the last four digits only; the rest stays with the card company.
          </p>
        </Empty>
      )}
      <ul className="space-y-3">
        {data?.cards.map((card) => (
          <CardRow key={card.id} card={card} />
        ))}
      </ul>
      <Dialog title="New card" isOpen={adding} onClose={() => setAdding(false)}>
        <CardForm onSaved={() => setAdding(false)} />
      </Dialog>
    </>
  );
}

function CardRow({ card }: { card: Card }) {
  const [asking, setAsking] = useState(false);
  const remove = useDeleteCard();
  const confirm = () =>
    remove.mutate(
      { id: card.id },
      {
        onError: (error) => toast({ title: explain(error), tone: "bad" }),
        onSettled: () => setAsking(false),
      },
    );
  return (
    <li className="card flex items-center gap-4 p-5">
      <CreditCard aria-hidden className="size-6 shrink-0 text-copper" />
      <div className="min-w-0 flex-1">
        <p className="font-semibold">{cardName(card)}</p>
        <p className="text-sm text-muted">Valid until {cardEnd(card)}</p>
      </div>
      <Button
        variant="quiet"
        size="small"
        aria-label={`Delete ${cardName(card)}`}
        onPress={() => setAsking(true)}
      >
        Delete
      </Button>
      <Dialog alert title="Forget this card?" isOpen={asking} onClose={() => setAsking(false)}>
        <p>{cardName(card)} can't pay any more. Payments under way with it go on.</p>
        <div className="mt-6 flex gap-3">
          <Button variant="danger" onPress={confirm} isPending={remove.isPending}>
            Forget it
          </Button>
          <Button variant="quiet" onPress={() => setAsking(false)}>
            Keep it
          </Button>
        </div>
      </Dialog>
    </li>
  );
}

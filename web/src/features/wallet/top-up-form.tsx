import { type Card, TopUpWalletRequestSchema } from "@taproom/sdk/taproom/payment/v1/payment_pb";
import { type FormEvent, useState } from "react";
import { Button } from "@/components/button";
import { CardForm } from "@/components/card-form";
import { Field, SelectField } from "@/components/field";
import { LoadError, Loading, Note, Skeleton } from "@/components/states";
import { toast } from "@/components/toast";
import { useCards, useTopUp } from "@/lib/api/account";
import { cardName } from "@/lib/card";
import { explain } from "@/lib/errors/messages";
import { formatMoney, parseEuros } from "@/lib/money";
import { useProtoForm } from "@/lib/proto-form";
import { useRequestId } from "@/lib/request-id";

/** Puts money into the wallet; without a saved card, the card comes first. */
export function TopUpForm({ onDone }: { onDone: () => void }) {
  const cards = useCards();
  const [adding, setAdding] = useState(false);
  if (cards.isPending) {
    return (
      <Loading label="Loading cards">
        <Skeleton className="h-40" />
      </Loading>
    );
  }
  if (!cards.data) return <LoadError error={cards.error} onRetry={() => void cards.refetch()} />;
  if (adding || cards.data.cards.length === 0) return <CardForm onSaved={() => setAdding(false)} />;
  return <Amount cards={cards.data.cards} onAddCard={() => setAdding(true)} onDone={onDone} />;
}

const suggestions = ["25", "50", "100"];

function Amount({ cards, onAddCard, onDone }: { cards: Card[]; onAddCard: () => void; onDone: () => void }) {
  const [amount, setAmount] = useState("50");
  const [cardId, setCardId] = useState(cards[0]?.id ?? "");
  const [trouble, setTrouble] = useState("");
  const form = useProtoForm(TopUpWalletRequestSchema, {
    amount_minor_units: "Enter an amount between €1 and €1,000.",
    card_id: "Choose a card.",
  });
  const { idFor, done } = useRequestId();
  const topUp = useTopUp();

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTrouble("");
    const content = { cardId, amountMinorUnits: parseEuros(amount) ?? 0n };
    const request = form.check({ ...content, requestId: idFor(content) });
    if (!request) return;
    try {
      const { wallet } = await topUp.mutateAsync(request);
      done();
      toast({ title: `You can now spend ${formatMoney(wallet?.available)}.`, tone: "good" });
      onDone();
    } catch (error) {
      if (!form.showServerErrors(error)) setTrouble(explain(error));
    }
  };

  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="space-y-5">
      {trouble && <Note tone="bad">{trouble}</Note>}
      <div>
        <Field
          label="Amount in euros"
          name="amount"
          inputMode="decimal"
          value={amount}
          onChange={setAmount}
          error={form.errors.amount_minor_units}
        />
        <div className="mt-2 flex gap-2">
          {suggestions.map((euros) => (
            <Button key={euros} variant="secondary" size="small" onPress={() => setAmount(euros)}>
              €{euros}
            </Button>
          ))}
        </div>
      </div>
      <div>
        <SelectField label="From card" value={cardId} onChange={setCardId} error={form.errors.card_id}>
          {cards.map((card) => (
            <option key={card.id} value={card.id}>
              {cardName(card)}
            </option>
          ))}
        </SelectField>
        <Button variant="quiet" size="small" className="mt-1 -ml-3" onPress={onAddCard}>
          Use another card
        </Button>
      </div>
      <Button type="submit" size="large" className="w-full" isPending={topUp.isPending}>
        Top up
      </Button>
    </form>
  );
}

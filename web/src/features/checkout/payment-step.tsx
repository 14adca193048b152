import { Link } from "@tanstack/react-router";
import { CreditCard, Plus, Wallet } from "lucide-react";
import { useState } from "react";
import { RadioGroup } from "react-aria-components";
import { Button } from "@/components/button";
import { CardForm } from "@/components/card-form";
import { ChoiceCard } from "@/components/choice-card";
import { Dialog } from "@/components/dialog";
import { cardEnd, cardName, noCards } from "@/lib/card";
import { formatMoney } from "@/lib/money";
import { Step } from "./step";
import { type Checkout, walletId } from "./use-checkout";

export function PaymentStep({ checkout }: { checkout: Checkout }) {
  const { cards, wallet, paymentId, choosePayment } = checkout;
  const [adding, setAdding] = useState(false);
  const available = wallet.data?.wallet?.available;
  const takesCards = cards.data?.cardsAvailable ?? false;

  return (
    <Step number={3} title="Paid with?">
      <RadioGroup aria-label="Payment" value={paymentId} onChange={choosePayment} className="grid gap-3">
        <ChoiceCard value={walletId}>
          <span className="flex items-center gap-3">
            <Wallet aria-hidden className="size-5 text-copper" />
            <span className="flex-1 font-semibold">Your wallet</span>
            <span className="figures font-semibold">{available ? formatMoney(available) : "…"}</span>
          </span>
        </ChoiceCard>
        {takesCards &&
          cards.data?.cards.map((card) => (
            <ChoiceCard key={card.id} value={card.id}>
              <span className="flex flex-wrap items-center gap-x-3">
                <CreditCard aria-hidden className="size-5 text-copper" />
                <span className="flex-1 font-semibold">{cardName(card)}</span>
                <span className="figures text-sm text-muted">{cardEnd(card)}</span>
              </span>
            </ChoiceCard>
          ))}
      </RadioGroup>
      {takesCards && (
        <div className="mt-2 -ml-2 flex flex-wrap items-center gap-x-3">
          <Button variant="quiet" size="small" onPress={() => setAdding(true)}>
            <Plus aria-hidden className="size-4" />
            Add a card
          </Button>
          <Link to="/account/wallet" className="link text-sm">
            Top up your wallet
          </Link>
        </div>
      )}
      {cards.data && !takesCards && <p className="mt-2 text-sm text-muted">{noCards}</p>}
      <Dialog title="New card" isOpen={adding} onClose={() => setAdding(false)}>
        <CardForm
          onSaved={(card) => {
            if (card) choosePayment(card.id);
            setAdding(false);
          }}
        />
      </Dialog>
    </Step>
  );
}

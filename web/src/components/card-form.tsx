import { type Card, SaveCardRequestSchema } from "@taproom/sdk/taproom/payment/v1/payment_pb";
import { type FormEvent, useState } from "react";
import { Button } from "@/components/button";
import { Field } from "@/components/field";
import { Note } from "@/components/states";
import { useSaveCard } from "@/lib/api/account";
import { useConfig } from "@/lib/api/config";
import { groupDigits, parseExpiry } from "@/lib/card";
import { explain } from "@/lib/errors/messages";
import { useProtoForm } from "@/lib/proto-form";

const hints = {
  number: "Enter the 12 to 19 digits on the front of the card.",
  exp_month: "Enter month and year, such as 04/29.",
  exp_year: "Enter month and year, such as 04/29.",
  cvc: "Enter the three or four digits.",
};

/** Saves a card. Its number goes to the provider and is not kept. */
export function CardForm({ onSaved }: { onSaved: (card: Card | undefined) => void }) {
  const { demo } = useConfig();
  const [number, setNumber] = useState("");
  const [expiry, setExpiry] = useState("");
  const [cvc, setCvc] = useState("");
  const [trouble, setTrouble] = useState("");
  const form = useProtoForm(SaveCardRequestSchema, hints);
  const save = useSaveCard();

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTrouble("");
    const request = form.check({
      number: number.replace(/\D/g, ""),
      cvc: cvc.trim(),
      ...parseExpiry(expiry),
    });
    if (!request) return;
    try {
      const { card } = await save.mutateAsync(request);
      onSaved(card);
    } catch (error) {
      if (!form.showServerErrors(error)) setTrouble(explain(error));
    }
  };

  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="grid grid-cols-2 gap-4">
      {trouble && (
        <div className="col-span-2">
          <Note tone="bad">{trouble}</Note>
        </div>
      )}
      {demo && (
        <div className="col-span-2 text-sm">
          <Note tone="info">
            Cards of this demonstration: <strong>4242 4242 4242 4242</strong> works,{" "}
            <strong>4000 0000 0000 0002</strong> is declined. Any date to come, any three digits.
          </Note>
        </div>
      )}
      <Field
        label="Card number"
        name="number"
        inputMode="numeric"
        autoComplete="cc-number"
        className="figures col-span-2"
        value={number}
        onChange={(text) => setNumber(groupDigits(text))}
        error={form.errors.number}
      />
      <Field
        label="Valid until"
        name="exp"
        inputMode="numeric"
        autoComplete="cc-exp"
        placeholder="MM/YY"
        value={expiry}
        onChange={setExpiry}
        error={form.errors.exp_month ?? form.errors.exp_year}
      />
      <Field
        label="Security code"
        name="cvc"
        inputMode="numeric"
        autoComplete="cc-csc"
        value={cvc}
        onChange={setCvc}
        error={form.errors.cvc}
      />
      <Button type="submit" isPending={save.isPending} className="col-span-2 sm:justify-self-start">
        Save card
      </Button>
    </form>
  );
}

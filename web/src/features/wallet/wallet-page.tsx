import { Plus } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/button";
import { Dialog } from "@/components/dialog";
import { PanelHeading } from "@/components/panel-heading";
import { LoadError, Loading, Skeleton } from "@/components/states";
import { useCards, useWallet } from "@/lib/api/account";
import { noCards } from "@/lib/card";
import { formatMoney } from "@/lib/money";
import { TopUpForm } from "./top-up-form";
import { Transactions } from "./transactions";

export function WalletPage() {
  const { data, isPending, error, refetch } = useWallet();
  const cards = useCards();
  const [toppingUp, setToppingUp] = useState(false);
  const wallet = data?.wallet;
  const held = (wallet?.balance?.minorUnits ?? 0n) - (wallet?.available?.minorUnits ?? 0n);

  return (
    <>
      <PanelHeading title="Wallet" />
      {isPending && (
        <Loading label="Loading your wallet">
          <Skeleton className="h-36" />
        </Loading>
      )}
      {error && !data && <LoadError error={error} onRetry={() => void refetch()} />}
      {wallet && (
        <section aria-label="Balance" className="card flex flex-wrap items-center justify-between gap-5 p-6">
          <div>
            <p className="text-muted">You can spend</p>
            <p className="figures font-display text-4xl font-extrabold" data-testid="wallet-available">
              {formatMoney(wallet.available)}
            </p>
            {held > 0n && (
              <p className="mt-1 text-sm text-muted">
                {formatMoney(wallet.balance)} in it; the rest is held for orders under way.
              </p>
            )}
          </div>
          {cards.data?.cardsAvailable ? (
            <Button onPress={() => setToppingUp(true)}>
              <Plus aria-hidden className="size-5" />
              Top up
            </Button>
          ) : (
            cards.data && <p className="text-sm text-muted">{noCards}</p>
          )}
        </section>
      )}
      <Transactions />
      <Dialog title="Top up your wallet" isOpen={toppingUp} onClose={() => setToppingUp(false)}>
        <TopUpForm onDone={() => setToppingUp(false)} />
      </Dialog>
    </>
  );
}

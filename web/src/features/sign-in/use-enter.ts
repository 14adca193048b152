import { useState } from "react";
import { toast } from "@/components/toast";
import { explain } from "@/lib/errors/messages";

/** Runs a sign-in. Its frame goes on to where the person wanted to be once the session stands. */
export function useEnter(showFieldErrors: (error: unknown) => boolean) {
  const [isPending, setPending] = useState(false);
  const [trouble, setTrouble] = useState("");

  const run = async (signIn: () => Promise<{ cartKept: boolean }>) => {
    setPending(true);
    setTrouble("");
    try {
      const { cartKept } = await signIn();
      if (!cartKept) {
        toast({
          title: "You are signed in, but we couldn't bring along the cart you filled before.",
          tone: "bad",
        });
      }
    } catch (error) {
      if (!showFieldErrors(error)) setTrouble(explain(error));
    } finally {
      setPending(false);
    }
  };
  return { run, isPending, trouble };
}

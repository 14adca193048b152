import { useMutation } from "@connectrpc/connect-query";
import { useNavigate } from "@tanstack/react-router";
import { DeleteAccountRequestSchema, UserService } from "@taproom/sdk/taproom/user/v1/user_pb";
import { type FormEvent, useState } from "react";
import { Button } from "@/components/button";
import { Dialog } from "@/components/dialog";
import { Field } from "@/components/field";
import { Note } from "@/components/states";
import { toast } from "@/components/toast";
import { explain } from "@/lib/errors/messages";
import { useProtoForm } from "@/lib/proto-form";
import { useSession } from "@/lib/session/use-session";

export function DeleteAccount() {
  const [asking, setAsking] = useState(false);
  return (
    <section className="card flex flex-wrap items-center justify-between gap-4 p-6">
      <div>
        <h2 className="text-xl font-bold">Delete account</h2>
        <p className="text-muted">For good: your data, your cart and your addresses.</p>
      </div>
      <Button variant="danger" onPress={() => setAsking(true)}>
        Delete account
      </Button>
      <Dialog alert title="Delete your account?" isOpen={asking} onClose={() => setAsking(false)}>
        <DeleteForm onClose={() => setAsking(false)} />
      </Dialog>
    </section>
  );
}

function DeleteForm({ onClose }: { onClose: () => void }) {
  const [password, setPassword] = useState("");
  const form = useProtoForm(DeleteAccountRequestSchema, { password: "Enter your password." });
  const session = useSession();
  const navigate = useNavigate();
  const remove = useMutation(UserService.method.deleteAccount, {
    onSuccess: async () => {
      session.end();
      await navigate({ to: "/", replace: true });
      toast({ title: "Your account is deleted. Thank you for having been here." });
    },
    onError: (error) => void form.showServerErrors(error),
  });

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const request = form.check({ password });
    if (request) remove.mutate(request);
  };

  return (
    <form onSubmit={submit} noValidate className="space-y-5">
      <p>This can't be undone. Please confirm with your password.</p>
      {remove.error && (
        <Note tone="bad">{explain(remove.error, { CREDENTIALS_INVALID: "That is not your password." })}</Note>
      )}
      <Field
        label="Password"
        name="password"
        type="password"
        autoComplete="current-password"
        value={password}
        onChange={setPassword}
        error={form.errors.password}
      />
      <div className="flex flex-wrap gap-3">
        <Button type="submit" variant="danger" isPending={remove.isPending}>
          Delete for good
        </Button>
        <Button variant="quiet" onPress={onClose}>
          Keep my account
        </Button>
      </div>
    </form>
  );
}

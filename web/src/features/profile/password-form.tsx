import { useMutation } from "@connectrpc/connect-query";
import { ChangePasswordRequestSchema, UserService } from "@taproom/sdk/taproom/user/v1/user_pb";
import { type FormEvent, useState } from "react";
import { Button } from "@/components/button";
import { Field } from "@/components/field";
import { Note } from "@/components/states";
import { toast } from "@/components/toast";
import { explain } from "@/lib/errors/messages";
import { useProtoForm } from "@/lib/proto-form";

export function PasswordForm() {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const form = useProtoForm(ChangePasswordRequestSchema, {
    current_password: "Enter the password you have now.",
    new_password: "Choose a password of 10 to 128 characters.",
  });
  const change = useMutation(UserService.method.changePassword, {
    onSuccess: () => {
      setCurrent("");
      setNext("");
      toast({ title: "Your password is changed; other devices are signed out." });
    },
    onError: (error) => void form.showServerErrors(error),
  });

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const request = form.check({ currentPassword: current, newPassword: next });
    if (request) change.mutate(request);
  };

  return (
    <section aria-label="Password" className="card p-6">
      <h2 className="mb-4 text-xl font-bold">Change password</h2>
      <form onSubmit={submit} noValidate className="grid gap-4 sm:grid-cols-2">
        {change.error && (
          <div className="sm:col-span-2">
            <Note tone="bad">
              {explain(change.error, {
                CREDENTIALS_INVALID: "The password you have now is a different one.",
              })}
            </Note>
          </div>
        )}
        <Field
          label="Password now"
          name="current_password"
          type="password"
          autoComplete="current-password"
          value={current}
          onChange={setCurrent}
          error={form.errors.current_password}
        />
        <Field
          label="New password"
          name="new_password"
          type="password"
          autoComplete="new-password"
          value={next}
          onChange={setNext}
          error={form.errors.new_password}
        />
        <Button type="submit" isPending={change.isPending} className="sm:justify-self-start">
          Change password
        </Button>
      </form>
    </section>
  );
}

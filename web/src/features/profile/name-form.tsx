import { createConnectQueryKey, useMutation } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { UpdateProfileRequestSchema, UserService } from "@taproom/sdk/taproom/user/v1/user_pb";
import { type FormEvent, useState } from "react";
import { Button } from "@/components/button";
import { Field } from "@/components/field";
import { toast } from "@/components/toast";
import { explain } from "@/lib/errors/messages";
import { useProtoForm } from "@/lib/proto-form";

export function NameForm({ name }: { name: string }) {
  const [displayName, setDisplayName] = useState(name);
  const form = useProtoForm(UpdateProfileRequestSchema, { display_name: "Use 1 to 60 characters." });
  const client = useQueryClient();
  const update = useMutation(UserService.method.updateProfile, {
    onSuccess: async () => {
      const { getProfile } = UserService.method;
      await client.invalidateQueries({
        queryKey: createConnectQueryKey({ schema: getProfile, cardinality: undefined }),
      });
      toast({ title: "Saved." });
    },
    onError: (error) => {
      if (!form.showServerErrors(error)) toast({ title: explain(error), tone: "bad" });
    },
  });

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const request = form.check({ displayName: displayName.trim() });
    if (request) update.mutate(request);
  };

  return (
    <form onSubmit={submit} noValidate className="flex flex-wrap items-end gap-3">
      <Field
        label="Your name"
        name="display_name"
        autoComplete="name"
        value={displayName}
        onChange={setDisplayName}
        error={form.errors.display_name}
        className="min-w-56 flex-1"
      />
      <Button type="submit" isPending={update.isPending}>
        Save
      </Button>
    </form>
  );
}

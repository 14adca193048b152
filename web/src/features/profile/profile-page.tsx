import { useQuery } from "@connectrpc/connect-query";
import { UserService } from "@taproom/sdk/taproom/user/v1/user_pb";
import { useState } from "react";
import { Button } from "@/components/button";
import { PanelHeading } from "@/components/panel-heading";
import { LoadError, Loading, Skeleton } from "@/components/states";
import { toast } from "@/components/toast";
import { formatDate } from "@/lib/dates";
import { explain } from "@/lib/errors/messages";
import { useSession } from "@/lib/session/use-session";
import { DeleteAccount } from "./delete-account";
import { NameForm } from "./name-form";
import { PasswordForm } from "./password-form";

export function ProfilePage() {
  const { data, isPending, error, refetch } = useQuery(UserService.method.getProfile, {});
  const user = data?.user;
  return (
    <>
      <PanelHeading title="Profile" />
      {isPending && (
        <Loading label="Loading your profile">
          <Skeleton className="h-48" />
        </Loading>
      )}
      {error && !user && <LoadError error={error} onRetry={() => void refetch()} />}
      {user && (
        <div className="space-y-6">
          <section aria-label="About you" className="card p-6">
            <p className="mb-5 text-muted">
              <span className="font-semibold break-all text-ink">{user.email}</span>
              <br />
              With us since {formatDate(user.createdAt)}
            </p>
            <NameForm name={user.displayName} />
          </section>
          <PasswordForm />
          <SignOutEverywhere />
          <DeleteAccount />
        </div>
      )}
    </>
  );
}

function SignOutEverywhere() {
  const session = useSession();
  const [isPending, setPending] = useState(false);
  const signOut = async () => {
    setPending(true);
    try {
      await session.logout(true);
    } catch (error) {
      toast({ title: explain(error), tone: "bad" });
      setPending(false);
    }
  };
  return (
    <section className="card flex flex-wrap items-center justify-between gap-4 p-6">
      <div>
        <h2 className="text-xl font-bold">Sign out everywhere</h2>
        <p className="text-muted">Ends this session and those on all your other devices.</p>
      </div>
      <Button variant="secondary" isPending={isPending} onPress={() => void signOut()}>
        Sign out everywhere
      </Button>
    </section>
  );
}

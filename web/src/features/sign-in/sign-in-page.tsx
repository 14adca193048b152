import { getRouteApi, Link } from "@tanstack/react-router";
import { LoginRequestSchema } from "@taproom/sdk/taproom/user/v1/user_pb";
import { type FormEvent, useState } from "react";
import { Button } from "@/components/button";
import { Field } from "@/components/field";
import { Note } from "@/components/states";
import { useProtoForm } from "@/lib/proto-form";
import { useSession } from "@/lib/session/use-session";
import { AuthFrame } from "./auth-frame";
import { DemoHint } from "./demo-hint";
import { useEnter } from "./use-enter";

const route = getRouteApi("/sign-in");

export function SignInPage() {
  const { next } = route.useSearch();
  const session = useSession();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const form = useProtoForm(LoginRequestSchema, {
    email: "Enter your e-mail address.",
    password: "Enter your password.",
  });
  const enter = useEnter(form.showServerErrors);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const request = form.check({ email: email.trim(), password, useCookie: true });
    if (request) void enter.run(() => session.login(request.email, request.password));
  };

  return (
    <AuthFrame title="Sign in" next={next}>
      <form onSubmit={submit} noValidate className="space-y-5">
        {enter.trouble && <Note tone="bad">{enter.trouble}</Note>}
        <Field
          label="E-mail address"
          name="email"
          type="email"
          autoComplete="username"
          value={email}
          onChange={setEmail}
          error={form.errors.email}
        />
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="current-password"
          value={password}
          onChange={setPassword}
          error={form.errors.password}
        />
        <Button type="submit" size="large" className="w-full" isPending={enter.isPending}>
          Sign in
        </Button>
      </form>
      <p className="mt-6 text-center text-muted">
        New here?{" "}
        <Link to="/register" search={{ next }} className="link">
          Open an account
        </Link>
      </p>
      <DemoHint />
    </AuthFrame>
  );
}

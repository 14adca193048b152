import { getRouteApi, Link } from "@tanstack/react-router";
import { RegisterRequestSchema } from "@taproom/sdk/taproom/user/v1/user_pb";
import { type FormEvent, useState } from "react";
import { Button } from "@/components/button";
import { Field } from "@/components/field";
import { Note } from "@/components/states";
import { useProtoForm } from "@/lib/proto-form";
import { useSession } from "@/lib/session/use-session";
import { AuthFrame } from "./auth-frame";
import { DemoHint } from "./demo-hint";
import { useEnter } from "./use-enter";

const route = getRouteApi("/register");

export function RegisterPage() {
  const { next } = route.useSearch();
  const session = useSession();
  const [fields, setFields] = useState({ displayName: "", email: "", password: "" });
  const form = useProtoForm(RegisterRequestSchema, {
    email: "Enter an e-mail address like anna@example.org.",
    password: "Choose a password of 10 to 128 characters.",
    display_name: "Tell us what to call you, in up to 60 characters.",
  });
  const enter = useEnter(form.showServerErrors);
  const set = (name: keyof typeof fields) => (value: string) =>
    setFields((all) => ({ ...all, [name]: value }));

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const request = form.check({
      email: fields.email.trim(),
      password: fields.password,
      displayName: fields.displayName.trim(),
      useCookie: true,
    });
    if (request) void enter.run(() => session.register(request.email, request.password, request.displayName));
  };

  return (
    <AuthFrame title="Open an account" next={next}>
      <form onSubmit={submit} noValidate className="space-y-5">
        {enter.trouble && <Note tone="bad">{enter.trouble}</Note>}
        <Field
          label="Your name"
          name="display_name"
          autoComplete="name"
          value={fields.displayName}
          onChange={set("displayName")}
          error={form.errors.display_name}
        />
        <Field
          label="E-mail address"
          name="email"
          type="email"
          autoComplete="username"
          value={fields.email}
          onChange={set("email")}
          error={form.errors.email}
        />
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="new-password"
          hint="At least 10 characters. A sentence is a good password."
          value={fields.password}
          onChange={set("password")}
          error={form.errors.password}
        />
        <Button type="submit" size="large" className="w-full" isPending={enter.isPending}>
          Open account
        </Button>
      </form>
      <p className="mt-6 text-center text-muted">
        Been here before?{" "}
        <Link to="/sign-in" search={{ next }} className="link">
          Sign in
        </Link>
      </p>
      <DemoHint />
    </AuthFrame>
  );
}

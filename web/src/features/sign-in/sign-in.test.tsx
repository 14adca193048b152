import { Code } from "@connectrpc/connect";
import { Role, UserService } from "@taproom/sdk/taproom/user/v1/user_pb";
import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { shopError } from "@/testing/errors";
import { customerId, renderShop, sessionOf } from "@/testing/shop";

it("holds the form against the schema's rules before it is sent", async () => {
  const register = vi.fn();
  await renderShop({ path: "/register", routes: ({ service }) => service(UserService, { register }) });
  const user = userEvent.setup();
  await user.type(await screen.findByLabelText("E-mail address"), "not-an-address");
  await user.type(screen.getByLabelText("Password"), "short");
  await user.click(screen.getByRole("button", { name: "Open account" }));
  expect(await screen.findByText(/address like anna@example.org/)).toBeDefined();
  expect(screen.getByText(/10 to 128 characters/)).toBeDefined();
  expect(screen.getByText(/what to call you/)).toBeDefined();
  await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText("Your name")));
  expect(register).not.toHaveBeenCalled();
});

it("explains a refusal by its reason", async () => {
  await renderShop({
    path: "/sign-in",
    routes: ({ service }) =>
      service(UserService, {
        login: () => {
          throw shopError(Code.Unauthenticated, "CREDENTIALS_INVALID");
        },
      }),
  });
  const user = userEvent.setup();
  await user.type(await screen.findByLabelText("E-mail address"), "a@example.org");
  await user.type(screen.getByLabelText("Password"), "wrong");
  await user.click(screen.getByRole("button", { name: "Sign in" }));
  expect(await screen.findByText("That e-mail address and password don't go together.")).toBeDefined();
});

it("sends strangers to sign in, and on to where they wanted to be", async () => {
  const { history } = await renderShop({
    path: "/account/wallet",
    routes: ({ service }) =>
      service(UserService, {
        login: ({ useCookie }) => {
          expect(useCookie).toBe(true);
          return { session: sessionOf(customerId, Role.CUSTOMER) };
        },
      }),
  });
  const user = userEvent.setup();
  await user.type(await screen.findByLabelText("E-mail address"), "a@example.org");
  await user.type(screen.getByLabelText("Password"), "right");
  await user.click(screen.getByRole("button", { name: "Sign in" }));
  await waitFor(() => expect(history.location.pathname).toBe("/account/wallet"));
});

it("never leads to another site", async () => {
  const { history } = await renderShop({
    path: "/sign-in?next=//evil.example",
    signedIn: true,
    routes: () => undefined,
  });
  await waitFor(() => expect(history.location.pathname).toBe("/"));
});

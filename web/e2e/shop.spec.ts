import { expect, test } from "@playwright/test";
import { Shop } from "./shop-pages";

test("from browsing to the doorstep, paid from a wallet", async ({ page }) => {
  const shop = new Shop(page);
  const count = page.getByText(/^\d+ beers?$/);

  await test.step("browse, search and filter", async () => {
    await page.goto("/");
    await expect(count).toBeVisible();
    await shop.checkAccess();

    await shop.chooseFilter(/^Bottle/);
    await expect(page).toHaveURL(/format=bottle/);
    await page.getByRole("searchbox", { name: "Search beers" }).fill("weizen");
    await expect(page).toHaveURL(/q=weizen/);
    await expect(page.getByRole("article").first()).toBeVisible();

    // The address holds everything: loading it again shows the same.
    await expect(page.getByRole("button", { name: "Remove filter Bottle" })).toBeVisible();
    const before = await count.textContent();
    await page.reload();
    await expect(count).toHaveText(before ?? "");
    await shop.checkAccess();

    await page.getByRole("searchbox", { name: "Search beers" }).fill("no beer is called like this");
    await expect(page.getByRole("heading", { name: "No beer is quite like that" })).toBeVisible();
    await shop.checkAccess();
    await page.getByRole("button", { name: "Show all beers" }).click();
  });

  const names: string[] = [];
  await test.step("fill a cart as a guest", async () => {
    names.push(await shop.addFirstBeer());
    await page.getByRole("article").nth(5).getByRole("link").click();
    await expect(page.getByText("per litre")).toBeVisible();
    await shop.checkAccess();
    names.push((await page.getByRole("heading", { level: 1 }).textContent()) ?? "");
    await page.getByRole("button", { name: "Increase" }).click();
    await page.getByRole("button", { name: "Add to cart" }).click();
    await expect(page.getByRole("link", { name: "Cart, 3 items" })).toBeVisible();
    await shop.openCart();
    for (const name of names) await expect(page.getByRole("heading", { name, exact: true })).toBeVisible();
    await page.getByRole("button", { name: "Increase" }).first().click();
    await expect(page.getByRole("link", { name: "Cart, 4 items" })).toBeVisible();
    await shop.checkAccess();
    await page.reload();
    await expect(page.getByRole("link", { name: "Cart, 4 items" })).toBeVisible();
  });

  await test.step("register, and find the cart again", async () => {
    await page.getByRole("link", { name: "Go to checkout" }).click();
    await shop.register();
    await expect(page.getByRole("heading", { name: "Checkout" })).toBeVisible();
    await expect(page.getByRole("link", { name: "Cart, 4 items" })).toBeVisible();
  });

  await test.step("tell an address and see the quote", async () => {
    await shop.fillAddress();
    const summary = page.getByRole("region", { name: "Your order" });
    for (const name of names) await expect(summary.getByText(name)).toBeVisible();
    await expect(summary.getByText("Total", { exact: true })).toBeVisible();
    await expect(summary.getByText(/Your wallet holds €0.00/)).toBeVisible();
    await shop.checkAccess();
  });

  await test.step("top the wallet up with a card", async () => {
    await page.getByRole("link", { name: "Top up your wallet" }).click();
    await page.getByRole("button", { name: "Top up" }).click();
    await shop.fillCard("4242424242424242");
    await page.getByLabel("Amount in euros").fill("500");
    await shop.checkAccess();
    await page.getByRole("dialog").getByRole("button", { name: "Top up", exact: true }).click();
    await expect(page.getByTestId("wallet-available")).toHaveText("€500.00");
    await expect(page.getByText("Top-up", { exact: true })).toBeVisible();
    await shop.checkAccess();
  });

  await test.step("order, and watch it come", async () => {
    await page.goBack();
    await expect(page.getByRole("radio", { name: /Your wallet/ })).toBeChecked();
    await shop.placeOrder();
    await shop.checkAccess();
    await shop.watchDelivery();
    await shop.checkAccess();
    await expect(page.getByRole("link", { name: "Cart, empty" })).toBeVisible();
  });

  await test.step("find it in the account", async () => {
    await page.getByRole("button", { name: /^Notifications, \d+ unread$/ }).click();
    await expect(page.getByRole("dialog").getByRole("listitem").first()).toBeVisible();
    await shop.checkAccess();
    await page.keyboard.press("Escape");
    await expect(page.getByRole("button", { name: "Notifications", exact: true })).toBeVisible();
    for (const path of [
      "/orders",
      "/account",
      "/account/addresses",
      "/account/cards",
      "/account/notifications",
    ]) {
      await page.goto(path);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await expect(page.getByRole("status").filter({ hasText: "Loading" })).toHaveCount(0);
      await shop.checkAccess();
    }
  });

  await test.step("sign out", async () => {
    await page.getByRole("button", { name: "Account", exact: true }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
    await page.reload();
    await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  });
});

test("paid by card", async ({ page }) => {
  const shop = new Shop(page);
  await page.goto("/?sort=cheapest");
  await shop.addFirstBeer();
  await shop.openCart();
  await page.getByRole("link", { name: "Go to checkout" }).click();
  await shop.register();
  await shop.fillAddress();
  await page.getByRole("button", { name: "Add a card" }).click();
  await shop.checkAccess();
  await shop.fillCard("4242424242424242");
  await expect(page.getByRole("radio", { name: /Visa ending in 4242/ })).toBeChecked();
  await shop.placeOrder();
  await shop.watchDelivery();
  await expect(page.getByText(/paid by card/)).toBeVisible();
});

test("two tabs share one session and one live stream", async ({ context }) => {
  const streams: string[] = [];
  context.on("request", (request) => {
    if (request.url().endsWith("/Subscribe")) streams.push(request.url());
  });
  const one = await context.newPage();
  const shop = new Shop(one);
  await one.goto("/cart");
  await one.goto("/account");
  await shop.register();
  await expect(one.getByRole("heading", { name: "Profile" })).toBeVisible();

  const two = await context.newPage();
  await two.goto("/");
  await expect(two.getByRole("button", { name: "Account", exact: true })).toBeVisible();
  await new Shop(two).addFirstBeer();
  // The first tab hears of it without asking, through the stream that both share.
  await expect(one.getByRole("link", { name: "Cart, 1 item" })).toBeVisible();
  expect(streams).toHaveLength(1);

  await two.getByRole("button", { name: "Account", exact: true }).click();
  await two.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(one.getByRole("heading", { name: "Sign in" })).toBeVisible();
});

test("what isn't there, and the API's documentation", async ({ page }) => {
  const shop = new Shop(page);
  for (const path of ["/nowhere", "/beers/no-such-beer"]) {
    await page.goto(path);
    await expect(page.getByRole("heading", { name: "This tap is dry" })).toBeVisible();
    await shop.checkAccess();
  }

  await page.goto("/api-docs/");
  await page.locator("#operations-tag-CatalogService").click();
  await page.locator(".opblock-summary-path", { hasText: "CatalogService/ListStyles" }).first().click();
  await page.getByRole("button", { name: "Execute" }).first().click();
  await expect(page.locator(".live-responses-table tr.response .response-col_status").first()).toContainText(
    "200",
  );
});

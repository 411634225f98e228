// What the shop's pages do in the browser: the cart, and the calls of the tracker at the moments that matter.

/** Not an interface: the tracker's products may have other members too, which only a type allows. */
export type Item = {
  product_id: string;
  product_name: string;
  product_category: string;
  product_price: number;
  quantity: number;
};

export interface Order {
  order_id: string;
  payment_method: string;
  items: Item[];
  total: number;
}

/** What the shop tells a tracker. Each tracker sends page views itself. */
export interface Analytics {
  productView(item: Item): void;
  addToCart(item: Item): void;
  checkout(items: Item[], total: number): void;
  purchase(order: Order): void;
  /** Undefined if the tracker knows no users. */
  signIn?: (userId: string) => void;
  signOut?: () => void;
}

/** What the page's body says of the collector. */
export function collector(): { url: string; writeKey: string } {
  const { collector: url = "", writeKey = "" } = document.body.dataset;
  return { url, writeKey };
}

const CART = "shop-cart";
const ORDER = "shop-order";
const USER = "shop-user";

function read<Value>(key: string, otherwise: Value): Value {
  try {
    return (JSON.parse(localStorage.getItem(key) ?? "null") as Value | null) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function write(key: string, value: unknown): void {
  if (value === undefined) localStorage.removeItem(key);
  else localStorage.setItem(key, JSON.stringify(value));
}

const cart = () => read<Item[]>(CART, []);
const totalOf = (items: Item[]) =>
  Math.round(100 * items.reduce((sum, { product_price, quantity }) => sum + product_price * quantity, 0)) /
  100;
const price = (value: number) => `$${value.toFixed(2)}`;

function find<Type extends HTMLElement = HTMLElement>(id: string): Type | null {
  return document.getElementById(id) as Type | null;
}

/** The same calls whatever the tracker. */
export function startShop(analytics: Analytics): void {
  showCount();
  watchSignIn(analytics);
  find("trackers")?.addEventListener("change", (event) => {
    (event.currentTarget as HTMLFormElement).submit();
  });
  const pages: Record<string, (analytics: Analytics) => void> = { product, cart: cartPage, checkout, thanks };
  pages[document.body.dataset.kind ?? ""]?.(analytics);
}

function showCount(): void {
  const count = find("cart-count");
  if (count) count.textContent = String(cart().reduce((sum, { quantity }) => sum + quantity, 0));
}

function watchSignIn({ signIn, signOut }: Analytics): void {
  const button = find<HTMLButtonElement>("sign-in");
  if (!button) return;
  if (!signIn) {
    button.hidden = true;
    return;
  }
  const show = () => {
    const user = read<string | undefined>(USER, undefined);
    button.textContent = user === undefined ? "Sign in" : `Sign out ${user}`;
  };
  show();
  button.addEventListener("click", () => {
    if (read<string | undefined>(USER, undefined) === undefined) {
      const user = `customer-${Math.floor(1000 + Math.random() * 9000)}`;
      write(USER, user);
      signIn(user);
    } else {
      write(USER, undefined);
      signOut?.();
    }
    show();
  });
}

function product(analytics: Analytics): void {
  const shown = JSON.parse(find("product")?.dataset.product ?? "{}") as Omit<Item, "quantity">;
  analytics.productView({ ...shown, quantity: 1 });
  find("add")?.addEventListener("click", () => {
    const quantity = Math.min(
      9,
      Math.max(1, Math.round(Number(find<HTMLInputElement>("quantity")?.value)) || 1),
    );
    const items = cart();
    const known = items.find(({ product_id }) => product_id === shown.product_id);
    if (known) known.quantity += quantity;
    else items.push({ ...shown, quantity });
    write(CART, items);
    showCount();
    analytics.addToCart({ ...shown, quantity });
    const added = find("added");
    if (added) added.textContent = `${quantity} × ${shown.product_name} in the cart.`;
  });
}

function cartPage(): void {
  const items = cart();
  const place = find("cart");
  if (!place) return;
  if (items.length === 0) place.textContent = "The cart is empty.";
  else place.append(table(items));
  showTotal(items);
  const link = find("to-checkout");
  if (link) link.hidden = items.length === 0;
}

function table(items: Item[]): HTMLTableElement {
  const made = document.createElement("table");
  for (const item of items) {
    const row = made.insertRow();
    for (const text of [item.product_name, `× ${item.quantity}`, price(item.product_price * item.quantity)]) {
      row.insertCell().textContent = text;
    }
    const button = document.createElement("button");
    button.textContent = "Remove";
    button.setAttribute("aria-label", `Remove ${item.product_name}`);
    button.addEventListener("click", () => {
      write(
        CART,
        cart().filter(({ product_id }) => product_id !== item.product_id),
      );
      location.reload();
    });
    row.insertCell().append(button);
  }
  return made;
}

function showTotal(items: Item[]): void {
  const total = find("total");
  if (total) total.textContent = price(totalOf(items));
}

function checkout(analytics: Analytics): void {
  const items = cart();
  const form = find<HTMLFormElement>("order");
  showTotal(items);
  if (items.length > 0) analytics.checkout(items, totalOf(items));
  const button = form?.querySelector("button");
  if (button) {
    button.disabled = items.length === 0;
    if (button.disabled) button.textContent = "The cart is empty";
  }
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    const order: Order = {
      order_id: `order-${crypto.randomUUID().slice(0, 8)}`,
      payment_method: String(new FormData(form).get("payment")),
      items,
      total: totalOf(items),
    };
    // The next page sends the purchase: its event cannot get lost with this page.
    write(ORDER, order);
    write(CART, undefined);
    location.href = "/checkout/thank-you";
  });
}

function thanks(analytics: Analytics): void {
  const order = read<Order | undefined>(ORDER, undefined);
  if (!order) return;
  write(ORDER, undefined);
  analytics.purchase(order);
  const text = find("thanks");
  if (text)
    text.textContent = `Your order ${order.order_id} over ${price(order.total)} is on its way to nowhere.`;
}

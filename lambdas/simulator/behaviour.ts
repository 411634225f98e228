// Weights for the behaviour of the shop's visitors: referrers, next pages, time on page.

/** The pages of a visit. */
export type Page = "home" | "category" | "search" | "product" | "cart" | "checkout" | "purchase";
export type Weights<Option> = readonly (readonly [Option, number])[];

export const EVENT_TYPES: Record<Page, string> = {
  home: "page_view",
  category: "page_view",
  search: "search",
  product: "product_view",
  cart: "add_to_cart",
  checkout: "begin_checkout",
  purchase: "purchase",
};

export const ENTRY_PAGES: Weights<Page> = [
  ["home", 55],
  ["category", 12],
  ["search", 5],
  ["product", 28],
];

/** The next page of a visitor. "leave" ends the visit. */
export const NEXT_PAGES: Record<Page, Weights<Page | "leave">> = {
  home: [
    ["category", 42],
    ["search", 24],
    ["product", 12],
    ["leave", 22],
  ],
  category: [
    ["product", 58],
    ["category", 14],
    ["search", 8],
    ["leave", 20],
  ],
  search: [
    ["product", 58],
    ["search", 16],
    ["leave", 26],
  ],
  product: [
    ["cart", 18],
    ["product", 28],
    ["category", 18],
    ["search", 7],
    ["leave", 29],
  ],
  cart: [
    ["checkout", 40],
    ["product", 28],
    ["category", 10],
    ["leave", 22],
  ],
  checkout: [
    ["purchase", 62],
    ["leave", 38],
  ],
  purchase: [
    ["home", 12],
    ["leave", 88],
  ],
};

/** Mean seconds on a page before the next step. The times are exponentially distributed. */
export const MEAN_DWELL_SECONDS: Record<Page, number> = {
  home: 14,
  category: 25,
  search: 18,
  product: 48,
  cart: 30,
  checkout: 75,
  purchase: 20,
};

/** "" is a direct visit: a typed URL, a bookmark, or an app that sends no referrer. */
export const REFERRERS: Weights<string> = [
  ["", 34],
  ["https://www.google.com/", 33],
  ["https://www.bing.com/", 5],
  ["https://duckduckgo.com/", 3],
  ["https://www.instagram.com/", 7],
  ["https://www.facebook.com/", 6],
  ["https://www.pinterest.com/", 3],
  ["https://mail.google.com/", 9],
];

export interface Campaign {
  utm_source: string;
  utm_medium: string;
  utm_campaign: string;
}

/** The campaign of a referrer, and the share of its visits that come from the campaign. */
export const CAMPAIGNS: Readonly<Record<string, { share: number; campaign: Campaign }>> = {
  "https://www.google.com/": { share: 0.3, campaign: campaign("google", "cpc", "brand") },
  "https://www.bing.com/": { share: 0.3, campaign: campaign("bing", "cpc", "brand") },
  "https://www.instagram.com/": {
    share: 0.6,
    campaign: campaign("instagram", "paid_social", "new_arrivals"),
  },
  "https://www.facebook.com/": { share: 0.5, campaign: campaign("facebook", "paid_social", "new_arrivals") },
  "https://mail.google.com/": { share: 0.8, campaign: campaign("newsletter", "email", "weekly") },
};

function campaign(utm_source: string, utm_medium: string, utm_campaign: string): Campaign {
  return { utm_source, utm_medium, utm_campaign };
}

export const QUANTITIES: Weights<number> = [
  [1, 80],
  [2, 13],
  [3, 5],
  [5, 2],
];

export const PAYMENT_METHODS: Weights<string> = [
  ["card", 58],
  ["paypal", 27],
  ["invoice", 10],
  ["gift_card", 5],
];

/** Relative number of visits that start in each hour of the day (UTC). */
export const HOURLY_RHYTHM: readonly number[] = [
  18, 12, 9, 8, 9, 14, 26, 42, 55, 62, 66, 70, 76, 72, 68, 66, 68, 75, 88, 98, 100, 86, 58, 32,
];

/** Relative number of visits on each day of the week (UTC), from Sunday on. Only a simulated history has it. */
export const WEEKLY_RHYTHM: readonly number[] = [118, 96, 92, 94, 98, 104, 112];

/** Share of visitors who are not signed in. Their events have an anonymous id and no user. */
export const ANONYMOUS_SHARE = 0.25;
/** Share of users with a second device, and how often they use it. */
export const SECOND_DEVICE_SHARE = 0.3;
export const SECOND_DEVICE_USE = 0.4;
/** Share of visits over IPv6. */
export const IPV6_SHARE = 0.1;

export const SEARCH_WORDS: readonly string[] = [
  ...["lamp", "running shoes", "coffee grinder", "backpack", "desk", "headphones", "raincoat", "teapot"],
  ...["notebook", "watch", "blanket", "bike light", "chair", "gloves", "speaker", "wallet", "vase", "tent"],
];

export interface Device {
  type: "desktop" | "mobile" | "tablet";
  browser: string;
  os: string;
  userAgent: string;
}

const WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
const MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)";
const LINUX = "Mozilla/5.0 (X11; Linux x86_64)";
const IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X)";
const IPAD = "Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X)";
const BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)";
const WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)";

function device(type: Device["type"], browser: string, os: string, userAgent: string): Device {
  return { type, browser, os, userAgent };
}

/** A user-agent library reads the same device type, browser and operating system from the user agent (tested). */
export const DEVICES: Weights<Device> = [
  [device("desktop", "Chrome", "Windows", `${WINDOWS} ${BLINK} Chrome/142.0.0.0 Safari/537.36`), 17],
  [device("desktop", "Chrome", "Windows", `${WINDOWS} ${BLINK} Chrome/141.0.0.0 Safari/537.36`), 6],
  [device("desktop", "Chrome", "macOS", `${MAC} ${BLINK} Chrome/142.0.0.0 Safari/537.36`), 5],
  [device("desktop", "Chrome", "Linux", `${LINUX} ${BLINK} Chrome/142.0.0.0 Safari/537.36`), 1.5],
  [
    device(
      "desktop",
      "Microsoft Edge",
      "Windows",
      `${WINDOWS} ${BLINK} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0`,
    ),
    6,
  ],
  [
    device(
      "desktop",
      "Firefox",
      "Windows",
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
    ),
    3,
  ],
  [
    device(
      "desktop",
      "Firefox",
      "Linux",
      "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    ),
    1,
  ],
  [device("desktop", "Safari", "macOS", `${MAC} ${WEBKIT} Version/26.1 Safari/605.1.15`), 5],
  [device("mobile", "Safari", "iOS", `${IPHONE} ${WEBKIT} Version/26.1 Mobile/15E148 Safari/604.1`), 20],
  [
    device("mobile", "Chrome", "iOS", `${IPHONE} ${WEBKIT} CriOS/142.0.7444.77 Mobile/15E148 Safari/604.1`),
    3,
  ],
  [
    device(
      "mobile",
      "Chrome",
      "Android",
      `Mozilla/5.0 (Linux; Android 10; K) ${BLINK} Chrome/142.0.0.0 Mobile Safari/537.36`,
    ),
    20,
  ],
  [
    device(
      "mobile",
      "Samsung Internet for Android",
      "Android",
      `Mozilla/5.0 (Linux; Android 10; K) ${BLINK} SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36`,
    ),
    5,
  ],
  [
    device(
      "mobile",
      "Firefox",
      "Android",
      "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0",
    ),
    1.5,
  ],
  [device("tablet", "Safari", "iOS", `${IPAD} ${WEBKIT} Version/26.1 Mobile/15E148 Safari/604.1`), 4],
  [
    device(
      "tablet",
      "Chrome",
      "Android",
      `Mozilla/5.0 (Linux; Android 14; SM-X210) ${BLINK} Chrome/142.0.0.0 Safari/537.36`,
    ),
    2,
  ],
];

// A page's URL as it is sent: without the campaign's parameters, which are fields of their own. No browser.

/** The campaign is utm_source=…&utm_medium=…, or nothing. */
export type PageUrl = [url: string, campaign: string];

export function pageUrl(href: string, withHash: boolean): PageUrl {
  const url = new URL(href);
  if (!withHash) url.hash = "";
  const campaign = new URLSearchParams();
  for (const [name, value] of [...url.searchParams]) {
    if (!name.startsWith("utm_")) continue;
    if (value) campaign.set(name, value);
    url.searchParams.delete(name);
  }
  return [url.href, `${campaign}`];
}

export const campaignFields = (campaign: string): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(campaign));

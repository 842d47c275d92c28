/** What is said where there is nothing to show because whoever looks may not see it. */

import { emptiness } from "./elements.js";

/** Have an empty list say so when it is the sign-in that shows nothing of it, which no example would change. */
export async function sayIfHidden(page, box, collection) {
  const { topics } = await page.get("/api/access").catch(() => ({ topics: ["*"] }));
  if (topics.some((topic) => topic === "*" || topic.split("/")[0] === collection)) return;
  box.replaceChildren(...emptiness(`This sign-in shows no ${collection}.`, [`It was made for other topics: ${topics.join(", ")}.`]).children);
}

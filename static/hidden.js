/** What is said where there is nothing to show because whoever looks may not see it. */

import { emptiness } from "./elements.js";

/** What an empty list says; another thing if it is the sign-in that shows nothing of it, which no example would change. */
export function unlessHidden(page, collection, empty) {
  if (page.sees(collection)) return empty;
  return emptiness(`This sign-in shows no ${collection}.`, [`It was made for other topics: ${page.topics.join(", ")}.`]);
}

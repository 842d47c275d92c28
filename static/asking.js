/** Requests to the hub's API, with the credential that the stream has. */

const ANSWER_MS = 30_000;
// The hub asks a provider then: for its turn, half a minute for the answer, and whether what got lost was done.
const CHANGE_MS = 60_000;

/** The answer, or null where there is none to read. Fails with what the hub says is wrong: `status`, `title`, `detail`. */
export async function ask({ home, credential, method, path, body, headers }) {
  if (credential.mustAsk) await credential.ask();
  const sent = { Accept: "application/json", ...headers };
  if (credential.token) sent.Authorization = `Bearer ${credential.token}`;
  if (body !== undefined) sent["Content-Type"] = "application/json";
  const signal = AbortSignal.timeout(method === "GET" ? ANSWER_MS : CHANGE_MS);
  const request = { method, headers: sent, cache: "no-store", signal };
  if (body !== undefined) request.body = JSON.stringify(body);
  const answer = await fetch(addressOf(home, path), request).catch((error) => {
    throw problem(0, { title: "The hub does not answer", detail: String(error?.message || error) });
  });
  const said = await answer.json().catch(() => null);
  if (!answer.ok) throw problem(answer.status, said ?? {}, answer.headers.get("Retry-After"));
  return said;
}

/** The API is beside the stream, wherever that is: a proxy may serve the hub beneath a path. */
function addressOf(home, path) {
  return new URL(path.replace(/^\//, ""), new URL("../", home.href.split("?")[0]));
}

function problem(status, said, retryAfter = null) {
  const { title = `The hub answered ${status}`, detail = "" } = said;
  const known = { status, title, detail, said, retryAfter: retryAfter === null ? null : Number(retryAfter) };
  return Object.assign(new Error(detail || title), { name: "Problem" }, known);
}

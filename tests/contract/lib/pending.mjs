// Tests of rows that are not in the server's document yet are skipped with that reason, and run by themselves once the row is there.
import { test } from "node:test";
import { hasRoute } from "./docs.mjs";

export function rowTest(state, rows, name, fn) {
  test(name, async (t) => {
    const missing = rows.filter(([method, path]) => !hasRoute(state.docs, method, path));
    if (missing.length) return t.skip(`not in docs.json yet: ${missing.map((row) => row.join(" ")).join(", ")}`);
    return fn(t);
  });
}

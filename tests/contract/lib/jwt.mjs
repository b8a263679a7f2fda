import { createHmac } from "node:crypto";
const b64 = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
export const sign = (header, claims, key, hash = "sha256") => {
  const head = `${b64(header)}.${b64(claims)}`;
  return `${head}.${key === null ? "" : createHmac(hash, key).update(head).digest("base64url")}`;
};
export const claimsOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));

#!/usr/bin/env node
/**
 * The first load (login and inbox) must stay under 200 KiB of gzipped JavaScript: the scripts index.html names and what
 * these import statically. Fails the build otherwise.
 */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const dist = new URL("../dist/", import.meta.url);
const limit = 200 * 1024;
const seen = new Map();

function visit(file) {
  if (seen.has(file)) return;
  const text = readFileSync(new URL(file, dist));
  seen.set(file, gzipSync(text, { level: 9 }).length);
  for (const [, name] of text.toString().matchAll(/(?:\bfrom|\bimport)\s*["'](\.\/[^"']+\.js)["']/g)) visit(`assets/${name.slice(2)}`);
}

const html = readFileSync(new URL("index.html", dist), "utf8");
if (/<script(?![^>]*\bsrc=)/.test(html) || /<style|\son\w+=/.test(html)) throw new Error("index.html has inline code: the content security policy forbids it");
for (const [, src] of html.matchAll(/<(?:script|link)[^>]+(?:src|href)="\/([^"]+\.js)"/g)) visit(src);
const total = [...seen.values()].reduce((sum, size) => sum + size, 0);
console.log(`first load: ${(total / 1024).toFixed(1)} KiB of gzipped JavaScript in ${seen.size} files (limit ${limit / 1024} KiB)`);
if (total > limit || seen.size === 0) process.exit(1);

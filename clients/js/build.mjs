#!/usr/bin/env node
/**
 * Fills dist/. npm runs it as `prepare`: before a package is packed, and when a project installs a checkout by path or from git. In
 * that case nobody has installed the compiler yet, so this does.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const run = (command, ...args) => execFileSync(command, args, { cwd: here("."), stdio: ["ignore", "inherit", "inherit"], shell: process.platform === "win32" });
const compiler = here("node_modules/typescript/package.json");
const sources = ["events.schema.json", "tsconfig.json", "tsconfig.build.json", ...readdirSync(here("src")).map((name) => `src/${name}`)];
const newest = Math.max(...sources.map((name) => statSync(here(name)).mtimeMs));

if (existsSync(here("dist/events.schema.json")) && statSync(here("dist/events.schema.json")).mtimeMs > newest) process.exit(0);
if (!existsSync(compiler)) run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error");
rmSync(here("dist"), { recursive: true, force: true });
run(process.execPath, here("generate.mjs"), "--check");
run("npx", "--no-install", "tsc", "-p", "tsconfig.build.json");
copyFileSync(here("events.schema.json"), here("dist/events.schema.json"));

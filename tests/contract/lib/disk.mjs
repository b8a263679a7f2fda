// Small real file systems. Where mounting is not allowed (no root, a bare container) they are null, and the test says so.
import { spawnSync } from "node:child_process";
import { closeSync, fsyncSync, mkdtempSync, mkdirSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const run = (...args) => spawnSync(args[0], args.slice(1), { encoding: "utf8" }).status === 0;

function disk(mount) {
  const at = mkdtempSync(join(tmpdir(), "wabox-disk-")), path = join(at, "mnt"), filler = join(path, "filler");
  mkdirSync(path);
  if (!mount(at, path)) { rmSync(at, { recursive: true }); return null; }
  const drop = () => { run("umount", "-l", path); rmSync(at, { recursive: true, force: true }); };
  process.on("exit", drop);
  return {
    path,
    fill() { // until the file system says that there is no more
      const fd = openSync(filler, "a"), block = Buffer.alloc(4096, 1);
      try { for (;;) writeSync(fd, block); } catch (error) { if (error.code !== "ENOSPC") throw error; } finally { try { fsyncSync(fd); } catch { /* full */ } closeSync(fd); }
    },
    free: () => rmSync(filler),
    // What the kernel does to an ext4 disk that fails: no write works any more, also through files that are open.
    abort: () => run("mount", "-o", "remount,abort", path),
    remount: (how) => run("mount", "-o", `remount,${how}`, path),
    drop() { process.off("exit", drop); drop(); },
  };
}
export const smallDisk = (size) => disk((at, path) => run("mount", "-t", "tmpfs", "-o", `size=${size}`, "wabox-test", path));
export const loopDisk = (bytes) => disk((at, path) => {
  const image = join(at, "image");
  writeFileSync(image, "");
  truncateSync(image, bytes);
  return run("mkfs.ext4", "-q", image) && run("mount", "-o", "loop", image, path);
});

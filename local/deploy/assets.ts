// The bytes of Pulumi's assets and archives.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, posix, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { zip } from "./zip";

/** The content of a StringAsset or FileAsset; paths are relative to the project. */
async function assetBytes(asset: unknown, root: string): Promise<Buffer> {
  if (asset instanceof pulumi.asset.StringAsset) return Buffer.from(await asset.text, "utf8");
  if (asset instanceof pulumi.asset.FileAsset) return readFileSync(resolve(root, await asset.path));
  throw new Error(`the local stack does not support a ${kindOf(asset)}: use a StringAsset or a FileAsset`);
}

/** What is uploaded of an asset or of an archive. */
export async function sourceBytes(source: unknown, root: string): Promise<Buffer> {
  return pulumi.asset.Archive.isInstance(source) ? archiveBytes(source, root) : assetBytes(source, root);
}

/** An archive as ZIP bytes. */
export async function archiveBytes(archive: unknown, root: string): Promise<Buffer> {
  if (archive instanceof pulumi.asset.FileArchive) {
    const path = resolve(root, await archive.path);
    if (!statSync(path).isDirectory()) return readFileSync(path);
  }
  const files = new Map<string, Buffer>();
  await collect(archive, "", root, files);
  return zip(files);
}

async function collect(
  asset: unknown,
  name: string,
  root: string,
  files: Map<string, Buffer>,
): Promise<void> {
  if (asset instanceof pulumi.asset.AssetArchive) {
    for (const [key, value] of Object.entries(await asset.assets)) {
      await collect(value, posix.join(name, key), root, files);
    }
  } else if (asset instanceof pulumi.asset.FileArchive) {
    const folder = resolve(root, await asset.path);
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      files.set(posix.join(name, path.slice(folder.length + 1)), readFileSync(path));
    }
  } else {
    files.set(name, await assetBytes(asset, root));
  }
}

function kindOf(value: unknown): string {
  return value instanceof Object ? value.constructor.name : String(value);
}

// Bundles src/ and three.js into the one script that the Python package carries.
// The bundle names the checksum of its sources, so that a test can tell without Node whether it is up to date.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { build } from "esbuild";

const sources = ["package-lock.json", "build.mjs", ...readdirSync("src").sort().map((name) => `src/${name}`)];
const checksum = createHash("sha256");
for (const source of sources) checksum.update(readFileSync(source));
const licence = readFileSync("node_modules/three/LICENSE", "utf8").trim();
const notice = [
  `/* Built from viewer/ by \`npm run build\`; sources sha256 ${checksum.digest("hex")}`,
  "Contains three.js:",
  `${licence}\n*/`,
];

await build({
  entryPoints: ["src/main.js"],
  outfile: "../src/pstmo/view/viewer.js",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "inline",
  banner: { js: notice.join("\n\n") },
});

// The policy pack as `pulumi up --policy-pack policy` loads it: plain JavaScript that lets tsx read the rest.
// tsx has no types for this entry, and TypeScript takes no .ts here: any path will do for it.
for (const path of ["tsx/cjs", "./pack.ts"]) require(path);

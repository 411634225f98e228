// The policy pack as `pulumi up --policy-pack policy` loads it: plain JavaScript that lets tsx read the rest.
require("tsx/cjs");
require("./pack.ts");

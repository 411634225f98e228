// The benchmarks that need Spark, in their small form: each runs to its end and prints its figures.
import { runsToItsEnd } from "./small";

describe("npm run bench -- --small", function () {
  this.timeout(180_000);

  for (const bench of ["spark", "objects", "privacy"])
    it(`runs ${bench} to its end`, () => runsToItsEnd(bench));
});

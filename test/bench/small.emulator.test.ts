// The benchmarks that need the emulator, in their small form: each runs to its end and prints its figures.
import { runsToItsEnd } from "./small";

describe("npm run bench -- --small", function () {
  this.timeout(300_000);

  it("runs pipeline to its end", () => runsToItsEnd("pipeline"));

  it("runs collector to its end", () => runsToItsEnd("collector"));

  it("runs growth to its end", () => runsToItsEnd("growth", true));
});

// Wires a Lambda's environment by the type that the Lambda reads it with, so that a misspelt key does not compile.

import type * as pulumi from "@pulumi/pulumi";

export type EnvironmentOf<Env> = { [Key in keyof Env]: pulumi.Input<string> };

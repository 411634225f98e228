// The policy pack: registers the rules with the Pulumi engine.
import { PolicyPack } from "@pulumi/policy";
import { rules } from "./rules";

new PolicyPack("clickstream", { policies: rules, enforcementLevel: "mandatory" });

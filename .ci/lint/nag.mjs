// usage: echo '["a.template.json"]' | node nag.mjs
// Runs cdk-nag's AwsSolutions rules. Prints [[{rule, detail, id, message}, …], …], one list per template.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(new URL('.tools/node/', import.meta.url));
const { App, Stack } = require('aws-cdk-lib');
const { CfnInclude } = require('aws-cdk-lib/cloudformation-include');
const { AwsSolutionsChecks, NagRuleCompliance } = require('cdk-nag');

// Takes each rule's answer itself: the pack's report does not say which resources a rule failed to judge.
class Checks extends AwsSolutionsChecks {
  findings = [];

  applyRule({ rule, ruleSuffixOverride, node, info }) {
    const name = `AwsSolutions-${ruleSuffixOverride ?? rule.name}`;
    const add = (detail, message) => this.findings.push({ rule: name, detail, id: node.node.id, message });
    try {
      const answer = rule(node);
      if (Array.isArray(answer)) answer.forEach((detail) => add(detail, info));
      else if (answer === NagRuleCompliance.NON_COMPLIANT) add('', info);
    } catch (e) {
      add('unjudged', `the rule failed: ${e.message}`);
    }
  }
}

function check(templateFile) {
  const stack = new Stack(new App({ analyticsReporting: false }), 'Stack');
  new CfnInclude(stack, 'Template', { templateFile });
  const checks = new Checks();
  checks.validateScope(stack);
  return checks.findings;
}

function checkOrSayWhyNot(file) {
  try {
    return check(file);
  } catch (e) {
    return [{ rule: 'UNREADABLE', detail: '', id: '', message: e.message }];
  }
}

const files = JSON.parse(readFileSync(0, 'utf8'));
console.log(JSON.stringify(files.map(checkOrSayWhyNot)));

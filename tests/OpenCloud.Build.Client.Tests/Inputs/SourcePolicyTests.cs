using FsCheck;
using FsCheck.Fluent;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.SourcePolicies;
using Xunit;
using MatchType = OpenCloud.Build.Client.Protocol.SourcePolicies.MatchType;

namespace OpenCloud.Build.Client.Tests.Inputs;

public sealed class SourcePolicyTests
{
    [Fact]
    public void Rules_AreReadWhole()
    {
        SourcePolicy policy = SourcePolicy.Parse("""
            {
              // Comments and a comma too many do no harm.
              "version": 1,
              "rules": [
                { "action": "CONVERT",
                  "selector": { "identifier": "docker-image://a*", "match_type": "WILDCARD",
                                "constraints": [ { "key": "k", "value": "v", "condition": "NOTEQUAL" } ] },
                  "updates": { "identifier": "docker-image://b", "attrs": { "http.checksum": "x" } } },
                { "Action": 1, "Selector": { "Identifier": "https://.*", "MatchType": "regex" } },
                { "selector": { "identifier": "git://x" } },
              ]
            }
            """);
        Assert.Equal(3, policy.RuleCount);
        Rule first = policy.Message.Rules[0];
        Assert.Equal((PolicyAction.Convert, MatchType.Wildcard), (first.Action, first.Selector.MatchType));
        Assert.Equal(("k", "v", AttrMatch.Notequal), (first.Selector.Constraints[0].Key, first.Selector.Constraints[0].Value, first.Selector.Constraints[0].Condition));
        Assert.Equal(("docker-image://b", "x"), (first.Updates.Identifier, first.Updates.Attrs["http.checksum"]));
        Assert.Equal((PolicyAction.Deny, MatchType.Regex), (policy.Message.Rules[1].Action, policy.Message.Rules[1].Selector.MatchType));
        Assert.Equal(PolicyAction.Allow, policy.Message.Rules[2].Action);
        Assert.Equal(0, SourcePolicy.Parse("{}").RuleCount);
    }

    [Theory]
    [InlineData("", "not JSON")]
    [InlineData("[]", "the policy is not an object")]
    [InlineData("""{"version":2}""", "version is not 1")]
    [InlineData("""{"version":"1"}""", "version is not a number")]
    [InlineData("""{"rule":[]}""", "the unknown property 'rule'")]
    [InlineData("""{"rules":{}}""", "'rules' is not an array")]
    [InlineData("""{"rules":[5]}""", "rule 1 is not an object")]
    [InlineData("""{"rules":[{"action":"DENY"}]}""", "rule 1 has no selector")]
    [InlineData("""{"rules":[{"selector":{"identifier":""}}]}""", "rule 1 has no selector")]
    [InlineData("""{"rules":[{"selector":{"identifier":"x"}},{"action":"FORBID","selector":{"identifier":"x"}}]}""", "action of rule 2 must be one of")]
    [InlineData("""{"rules":[{"action":7,"selector":{"identifier":"x"}}]}""", "action of rule 1")]
    [InlineData("""{"rules":[{"action":"CONVERT","selector":{"identifier":"x"}}]}""", "has no updates")]
    [InlineData("""{"rules":[{"selector":{"identifier":"x","matchType":"GLOB"}}]}""", "match type of rule 1")]
    [InlineData("""{"rules":[{"selector":{"identifier":"x","constraints":[{"key":5}]}}]}""", "key of rule 1 is not a string")]
    [InlineData("""{"rules":[{"selector":{"identifier":"x"},"updates":{"attrs":{"a":1}}}]}""", "'a' of rule 1 is not a string")]
    [InlineData("""{"rules":[{"selector":{"identifier":"x"},"when":"never"}]}""", "rule 1 has the unknown property 'when'")]
    public void WhatIsNoPolicy_IsToldWhere(string json, string part) =>
        Assert.Contains(part, Assert.Throws<FormatException>(() => SourcePolicy.Parse(json)).Message, StringComparison.Ordinal);

    [Fact]
    public void AnyText_IsAPolicyOrAFormatError() => Prop.ForAll(ArbMap.Default.ArbFor<string>(), static text =>
    {
        try
        {
            return SourcePolicy.Parse(text ?? "") is not null;
        }
        catch (FormatException)
        {
            return true;
        }
    }).QuickCheckThrowOnFailure();
}

using System.Text.Json;
using OpenCloud.Build.Client.Protocol.SourcePolicies;
using MatchType = OpenCloud.Build.Client.Protocol.SourcePolicies.MatchType;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>
/// Rules for a build's sources: the last matching rule allows, denies or replaces a source (an image, a git repository, an HTTP file, a local
/// directory).
/// </summary>
/// <remarks>The JSON form is that of moby/buildkit's <c>--source-policy-file</c> (sourcepolicy/pb/policy.proto and json.go).</remarks>
public sealed class SourcePolicy
{
    private SourcePolicy(Policy message) => Message = message;

    /// <summary>The number of rules.</summary>
    public int RuleCount => Message.Rules.Count;

    /// <summary>The images that rules substitute for others.</summary>
    internal IEnumerable<string> Replacements => Message.Rules
        .Select(static r => r.Updates?.Identifier ?? "")
        .Where(static i => i.StartsWith(NamedContext.ImageScheme, StringComparison.Ordinal))
        .Select(static i => i[NamedContext.ImageScheme.Length..])

        // Parts captured from the matched source (${1}) come after the host.
        .Select(static i => i.IndexOf('$', StringComparison.Ordinal) is > 0 and var end && i[..end].Contains('/', StringComparison.Ordinal) ? i[..i.IndexOf('/', StringComparison.Ordinal)] + "/any" : i);

    internal Policy Message { get; }

    /// <summary>Parses the JSON form: <c>{ "rules": [ { "action": "DENY", "selector": { "identifier": "docker-image://*" } } ] }</c>.</summary>
    /// <exception cref="FormatException">The text is no JSON, or a rule is invalid; the message says which and why.</exception>
    public static SourcePolicy Parse(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            Policy policy = new() { Version = 1 };
            foreach (JsonProperty property in Properties(document.RootElement, "the policy"))
            {
                switch (Name(property))
                {
                    case "version":
                        policy.Version = property.Value.ValueKind == JsonValueKind.Number && property.Value.TryGetInt64(out long version) ? version : throw Wrong("the version is not a number");
                        break;
                    case "rules":
                        int number = 0;
                        foreach (JsonElement rule in Elements(property.Value, "'rules'"))
                        {
                            policy.Rules.Add(ReadRule(rule, $"rule {++number}"));
                        }

                        break;
                    default:
                        throw Wrong($"the policy has the unknown property '{property.Name}'");
                }
            }

            return policy.Version == 1 ? new SourcePolicy(policy) : throw Wrong("its version is not 1");
        }
        catch (InvalidOperationException e)
        {
            // Unpaired surrogates are detected only when the string is read.
            throw new FormatException("The source policy contains text that is not valid Unicode.", e);
        }
        catch (JsonException e)
        {
            throw new FormatException($"The source policy is not JSON: {e.Message}", e);
        }
    }

    private static Rule ReadRule(JsonElement element, string where)
    {
        Rule rule = new();
        foreach (JsonProperty property in Properties(element, where))
        {
            switch (Name(property))
            {
                case "action":
                    rule.Action = Choice<PolicyAction>(property.Value, $"the action of {where}");
                    break;
                case "selector":
                    rule.Selector = ReadSelector(property.Value, where);
                    break;
                case "updates":
                    rule.Updates = ReadUpdate(property.Value, where);
                    break;
                default:
                    throw Wrong($"{where} has the unknown property '{property.Name}'");
            }
        }

        if (rule.Selector is null || rule.Selector.Identifier.Length == 0)
        {
            throw Wrong($"{where} has no selector with an identifier");
        }

        return rule.Action != PolicyAction.Convert || rule.Updates is not null ? rule : throw Wrong($"{where} converts, but has no updates");
    }

    private static Selector ReadSelector(JsonElement element, string where)
    {
        Selector selector = new();
        foreach (JsonProperty property in Properties(element, $"the selector of {where}"))
        {
            switch (Name(property))
            {
                case "identifier":
                    selector.Identifier = Text(property.Value, $"the identifier of {where}");
                    break;
                case "matchtype":
                    selector.MatchType = Choice<MatchType>(property.Value, $"the match type of {where}");
                    break;
                case "constraints":
                    foreach (JsonElement constraint in Elements(property.Value, $"the constraints of {where}"))
                    {
                        selector.Constraints.Add(ReadConstraint(constraint, where));
                    }

                    break;
                default:
                    throw Wrong($"the selector of {where} has the unknown property '{property.Name}'");
            }
        }

        return selector;
    }

    private static AttrConstraint ReadConstraint(JsonElement element, string where)
    {
        AttrConstraint constraint = new();
        foreach (JsonProperty property in Properties(element, $"a constraint of {where}"))
        {
            switch (Name(property))
            {
                case "key":
                    constraint.Key = Text(property.Value, $"a key of {where}");
                    break;
                case "value":
                    constraint.Value = Text(property.Value, $"a value of {where}");
                    break;
                case "condition":
                    constraint.Condition = Choice<AttrMatch>(property.Value, $"a condition of {where}");
                    break;
                default:
                    throw Wrong($"a constraint of {where} has the unknown property '{property.Name}'");
            }
        }

        return constraint;
    }

    private static Update ReadUpdate(JsonElement element, string where)
    {
        Update update = new();
        foreach (JsonProperty property in Properties(element, $"the updates of {where}"))
        {
            switch (Name(property))
            {
                case "identifier":
                    update.Identifier = Text(property.Value, $"the new identifier of {where}");
                    break;
                case "attrs":
                    foreach (JsonProperty attribute in Properties(property.Value, $"the attributes of {where}"))
                    {
                        update.Attrs[attribute.Name] = Text(attribute.Value, $"'{attribute.Name}' of {where}");
                    }

                    break;
                default:
                    throw Wrong($"the updates of {where} have the unknown property '{property.Name}'");
            }
        }

        return update;
    }

    // PowerShell users write Action and MatchType, others match_type and matchType.
    private static string Name(JsonProperty property) => property.Name.Replace("_", "", StringComparison.Ordinal).ToLowerInvariant();

    private static JsonElement.ObjectEnumerator Properties(JsonElement element, string what) =>
        element.ValueKind == JsonValueKind.Object ? element.EnumerateObject() : throw Wrong($"{what} is not an object");

    private static JsonElement.ArrayEnumerator Elements(JsonElement element, string what) =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : throw Wrong($"{what} is not an array");

    private static string Text(JsonElement element, string what) =>
        element.ValueKind == JsonValueKind.String ? element.GetString()! : throw Wrong($"{what} is not a string");

    private static T Choice<T>(JsonElement element, string what)
        where T : struct, Enum
    {
        if (element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int number) && Enum.IsDefined((T)Enum.ToObject(typeof(T), number)))
        {
            return (T)Enum.ToObject(typeof(T), number);
        }

        return element.ValueKind == JsonValueKind.String && Enum.GetNames<T>().FirstOrDefault(n => n.Equals(element.GetString(), StringComparison.OrdinalIgnoreCase)) is { } name
            ? Enum.Parse<T>(name)
            : throw Wrong($"{what} must be one of {string.Join(", ", Enum.GetNames<T>()).ToUpperInvariant()}");
    }

    private static FormatException Wrong(string what) => new($"The source policy is not valid: {what}.");
}

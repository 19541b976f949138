using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Bake;

internal sealed class BakeOverride
{
    private static readonly string[] Lists =
        ["output", "cache-to", "cache-from", "tags", "platform", "secrets", "ssh", "attest", "entitlements", "network", "annotations", "policy"];

    private static readonly string[] Named = ["args", "contexts", "labels", "extra-hosts", "resources", "secret"];

    private BakeOverride(string key) => Key = key;

    public string Key { get; }

    public string Value { get; private set; } = string.Empty;

    public List<string> Values { get; } = [];

    public bool IsAppended { get; private set; }

    /// <summary>Parses overrides: <c>target.key=value</c>, where the target may be a pattern and <c>+=</c> appends to a list.</summary>
    public static Dictionary<string, List<BakeOverride>> Read(IReadOnlyList<string> texts, IReadOnlyList<BakeTarget> targets, Func<string, string?> environment)
    {
        Dictionary<string, List<BakeOverride>> all = new(StringComparer.Ordinal);
        foreach (string text in texts)
        {
            int equals = text.IndexOf('=', StringComparison.Ordinal);
            string left = equals < 0 ? text : text[..equals];
            bool isAppended = left.EndsWith('+');
            string[] keys = left.TrimEnd('+').Split('.', 3);
            if (keys.Length < 2)
            {
                throw new DefinitionException($"'{text}' is not in the form target.key=value.");
            }

            if (equals < 0 && keys[1] != "args")
            {
                throw new DefinitionException($"'{text}' has no value; use target.key=value.");
            }

            if (Named.Contains(keys[1]) && keys.Length != 3)
            {
                throw new DefinitionException($"'{left}' has no name; use target.{keys[1]}.NAME=value.");
            }

            string? value = equals < 0 ? environment(keys[2]) : text[(equals + 1)..];
            if (value is not null)
            {
                Add(all, Targets(keys[0], targets), string.Join('.', keys[1..]), keys[1], value, isAppended);
            }
        }

        return all;
    }

    private static void Add(Dictionary<string, List<BakeOverride>> all, IEnumerable<string> targets, string key, string field, string value, bool isAppended)
    {
        foreach (string target in targets)
        {
            if (!all.TryGetValue(target, out List<BakeOverride>? changes))
            {
                all[target] = changes = [];
            }

            BakeOverride? change = changes.Find(c => c.Key == key);
            if (change is null)
            {
                changes.Add(change = new BakeOverride(key));
            }

            change.Value = value;
            if (Lists.Contains(field) || field is "no-cache-filter" or "ulimits")
            {
                change.IsAppended = isAppended;
                change.Values.Add(value);
            }
        }
    }

    private static IReadOnlyList<string> Targets(string pattern, IReadOnlyList<BakeTarget> targets)
    {
        if (targets.Any(t => t.Name == pattern))
        {
            return [pattern];
        }

        string[] names = [.. targets.Select(static t => t.Name).Where(n => BakePattern.Matches(pattern, n))];
        return names.Length > 0 ? names : throw new DefinitionException($"no target matches '{pattern}'.") { IsMissingTarget = true };
    }
}

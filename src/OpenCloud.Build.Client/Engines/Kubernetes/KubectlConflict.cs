using System.Text.RegularExpressions;
using OpenCloud.Build.Client.Engines.Remote;

namespace OpenCloud.Build.Client.Engines.Kubernetes;

/// <summary>
/// What kubectl reports when other managers own fields: the message of the API server with the managers and the fields (kubernetes/apimachinery,
/// pkg/util/managedfields/internal/conflict.go), then ten lines of advice (kubernetes/kubectl, pkg/cmd/apply). Several objects have one message each.
/// </summary>
internal static partial class KubectlConflict
{
    /// <summary>The messages without the advice, filtered, on one line; null without a conflict.</summary>
    public static string? MessageOf(string errors)
    {
        string[] messages = [.. Message().Matches(errors).Select(static m => m.Value.Trim())];
        return messages.Length == 0 ? null : RemoteErrorText.LastWords(string.Join("; ", messages).ReplaceLineEndings(" "));
    }

    /// <summary>Whether there are conflicts, and all are with one manager.</summary>
    public static bool IsOnlyWith(string errors, string manager)
    {
        string[] managers = [.. Message().Matches(errors).SelectMany(static m => Manager().Matches(m.Value)).Select(static m => m.Groups[1].Value)];
        return managers.Length > 0 && Array.TrueForAll(managers, found => found == manager);
    }

    [GeneratedRegex(@"Apply failed with .*?(?=Please review the fields above|\z)", RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex Message();

    [GeneratedRegex(@"conflicts? with ""((?:[^""\\]|\\.)*)""", RegexOptions.CultureInvariant)]
    private static partial Regex Manager();
}

using System.Globalization;
using System.Text.RegularExpressions;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Engines.Kubernetes;

/// <summary>
/// What Kubernetes allows in names and amounts (kubernetes/apimachinery, pkg/util/validation and pkg/api/resource). They become arguments of
/// kubectl, so none of them begins with '-'.
/// </summary>
internal static partial class KubernetesRules
{
    /// <summary>A StatefulSet's pods get the name with a number, and a Deployment's with two hashes, within the 63 characters of a label.</summary>
    public const int LongestName = 45;

    /// <exception cref="KubernetesException">The name is not valid (<see cref="KubernetesProblem.InvalidInput"/>).</exception>
    public static void CheckName(string name) => Check(
        name.Length <= LongestName && ServiceName().IsMatch(name),
        $"Invalid name of a deployment '{Shown(name)}': it begins with a lower-case letter, contains only lower-case letters, digits and -, ends with a letter or a digit, and has at most {LongestName} characters.");

    /// <inheritdoc cref="CheckName"/>
    public static void CheckNamespace(string? name) => Check(
        name is null || LabelName().IsMatch(name),
        $"Invalid namespace '{Shown(name)}': it contains only lower-case letters, digits and -, begins and ends with a letter or a digit, and has at most 63 characters.");

    /// <inheritdoc cref="CheckName"/>
    public static void CheckContext(string? name) => Check(
        name is null || IsContext(name),
        $"Invalid context '{Shown(name)}': it begins with a letter or a digit, and contains only letters, digits and . _ : / @ = + -.");

    /// <summary>Whether a context can be named in arguments and addresses.</summary>
    public static bool IsContext(string name) => ContextName().IsMatch(name);

    /// <summary>Whether a pod can have the name.</summary>
    public static bool IsPodName(string name) => SubdomainName().IsMatch(name);

    /// <summary>Whether two amounts are the same; the API server writes 1024Mi as 1Gi (kubernetes/apimachinery, pkg/api/resource).</summary>
    public static bool IsSameQuantity(string left, string right)
    {
        double? one = AmountOf(left);
        double? other = AmountOf(right);
        return one is null || other is null ? left == right : Math.Abs(one.Value - other.Value) <= 1e-9 * Math.Max(one.Value, other.Value);
    }

    /// <inheritdoc cref="CheckName"/>
    public static void CheckQuantity(string what, string? amount) => Check(
        amount is null || Quantity().IsMatch(amount),
        $"Invalid amount of {what} '{Shown(amount)}': it is a number with a unit of Kubernetes, for example 500m, 2, 512Mi or 20Gi.");

    /// <inheritdoc cref="CheckName"/>
    public static void CheckStorageClass(string? name) => Check(
        name is null || SubdomainName().IsMatch(name),
        $"Invalid storage class '{Shown(name)}': it contains only lower-case letters, digits and . -.");

    /// <inheritdoc cref="CheckName"/>
    public static void CheckImage(string image) => Check(
        Image().IsMatch(image),
        $"Invalid image '{Shown(image)}': it is a repository with a tag or a digest, for example moby/buildkit:v0.32.2.");

    /// <inheritdoc cref="CheckName"/>
    public static void Check(bool valid, string message)
    {
        if (!valid)
        {
            throw new KubernetesException(KubernetesProblem.InvalidInput, message);
        }
    }

    private static double? AmountOf(string quantity)
    {
        int digits = quantity.AsSpan().IndexOfAnyExcept("0123456789.");
        string unit = digits < 0 ? string.Empty : quantity[digits..];
        if (!double.TryParse(digits < 0 ? quantity : quantity.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number))
        {
            return null;
        }

        int decimals = unit.Length == 1 ? "kMGTPE".IndexOf(unit[0], StringComparison.Ordinal) : -1;
        int binary = unit.Length == 2 && unit[1] == 'i' ? "KMGTPE".IndexOf(unit[0], StringComparison.Ordinal) : -1;
        return unit switch
        {
            "" => number,
            "m" => number / 1000,
            _ when decimals >= 0 => number * Math.Pow(1000, decimals + 1),
            _ when binary >= 0 => number * Math.Pow(1024, binary + 1),
            _ => null,
        };
    }

    private static string Shown(string? text) => TerminalText.Bounded(TerminalText.Line(text ?? string.Empty), 80);

    // RFC 1035, as names of services need it.
    [GeneratedRegex(@"\A[a-z]([a-z0-9-]*[a-z0-9])?\z")]
    private static partial Regex ServiceName();

    [GeneratedRegex(@"\A[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\z")]
    private static partial Regex LabelName();

    [GeneratedRegex(@"\A[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\z")]
    private static partial Regex SubdomainName();

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9_.:/@=+-]{0,252}\z")]
    private static partial Regex ContextName();

    [GeneratedRegex(@"\A[0-9]{1,12}(\.[0-9]{1,6})?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?\z")]
    private static partial Regex Quantity();

    // distribution/reference, without the details of hosts: a wrong reference is the API server's or the kubelet's error.
    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._:/-]{0,254}(@sha256:[0-9a-f]{64})?\z")]
    private static partial Regex Image();
}

namespace OpenCloud.Build.Client.Vulnerabilities.Versions;

/// <summary>Semantic versions. A leading "v" and missing numbers are accepted; the version of a build does not count.</summary>
/// <remarks>
/// semver.org 2.0.0, item 11. NuGet has a fourth number and ignores the case of labels
/// (learn.microsoft.com/nuget/concepts/package-versioning). Go's toolchain has versions such as go1.21.0.
/// </remarks>
internal sealed class SemanticVersion
{
    private const int MostNumbers = 4;

    private readonly List<string> _numbers;
    private readonly string[] _labels;

    private SemanticVersion(List<string> numbers, string[] labels)
    {
        _numbers = numbers;
        _labels = labels;
    }

    public static int? Compare(string left, string right) => Compare(left, right, StringComparison.Ordinal);

    public static int? CompareNuGet(string left, string right) => Compare(left, right, StringComparison.OrdinalIgnoreCase);

    private static int? Compare(string left, string right, StringComparison comparison) =>
        Parse(left) is { } first && Parse(right) is { } second ? first.CompareTo(second, comparison) : null;

    private static SemanticVersion? Parse(string text)
    {
        ReadOnlySpan<char> rest = text.AsSpan().Trim();
        if (rest.Length > VersionOrders.MostCharacters)
        {
            return null;
        }

        rest = rest.StartsWith("go", StringComparison.Ordinal) ? rest[2..] : rest.Length > 0 && rest[0] is 'v' or 'V' ? rest[1..] : rest;
        int build = rest.IndexOf('+');
        rest = build < 0 ? rest : rest[..build];
        int dash = rest.IndexOf('-');
        string core = (dash < 0 ? rest : rest[..dash]).ToString();
        List<string> numbers = [.. core.Split('.')];
        string[] labels = dash < 0 ? [] : rest[(dash + 1)..].ToString().Split('.');
        return numbers.Count <= MostNumbers && numbers.TrueForAll(static n => Digits.Are(n)) && Array.TrueForAll(labels, IsLabel)
            ? new SemanticVersion(numbers, labels)
            : null;
    }

    private static bool IsLabel(string label) => label.Length > 0 && label.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-');

    private int CompareTo(SemanticVersion other, StringComparison comparison)
    {
        for (int i = 0; i < MostNumbers; i++)
        {
            int order = Digits.Compare(_numbers.ElementAtOrDefault(i), other._numbers.ElementAtOrDefault(i));
            if (order != 0)
            {
                return order;
            }
        }

        // A version with labels comes before the same version without.
        if (_labels.Length == 0 || other._labels.Length == 0)
        {
            return other._labels.Length.CompareTo(_labels.Length);
        }

        for (int i = 0; i < Math.Min(_labels.Length, other._labels.Length); i++)
        {
            int order = CompareLabels(_labels[i], other._labels[i], comparison);
            if (order != 0)
            {
                return order;
            }
        }

        return _labels.Length.CompareTo(other._labels.Length);
    }

    private static int CompareLabels(string left, string right, StringComparison comparison) => (Digits.Are(left), Digits.Are(right)) switch
    {
        (true, true) => Digits.Compare(left, right),
        (true, false) => -1,
        (false, true) => 1,
        _ => Math.Sign(string.Compare(left, right, comparison)),
    };
}

namespace OpenCloud.Build.Client.Vulnerabilities;

/// <summary>The base score of a CVSS vector. Temporal and environmental metrics do not count.</summary>
/// <remarks>first.org: the equations and weights of CVSS v3.1, section 7 (v3.0 has the same), and of CVSS v2, section 3.2.1.</remarks>
internal static class CvssScore
{
    private const int MostCharacters = 512;

    /// <summary>The score; null when the vector is damaged or of another version.</summary>
    public static double? Of(string vector)
    {
        if (vector.Length > MostCharacters)
        {
            return null;
        }

        Dictionary<string, string> metrics = new(StringComparer.Ordinal);
        foreach (string metric in vector.Trim().Trim('(', ')').Split('/'))
        {
            int colon = metric.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0 || !metrics.TryAdd(metric[..colon], metric[(colon + 1)..]))
            {
                return null;
            }
        }

        return metrics.GetValueOrDefault("CVSS") switch
        {
            "3.0" or "3.1" => Version3(metrics),
            null => Version2(metrics),
            _ => null,
        };
    }

    private static double? Version3(Dictionary<string, string> metrics)
    {
        bool isChanged = metrics.GetValueOrDefault("S") == "C";
        double? vector = Weight(metrics, "AV", ("N", 0.85), ("A", 0.62), ("L", 0.55), ("P", 0.2));
        double? complexity = Weight(metrics, "AC", ("L", 0.77), ("H", 0.44));
        double? privileges = Weight(metrics, "PR", ("N", 0.85), ("L", isChanged ? 0.68 : 0.62), ("H", isChanged ? 0.5 : 0.27));
        double? interaction = Weight(metrics, "UI", ("N", 0.85), ("R", 0.62));
        double? scope = Weight(metrics, "S", ("U", 1), ("C", 1));
        double? confidentiality = Impact3(metrics, "C");
        double? integrity = Impact3(metrics, "I");
        double? availability = Impact3(metrics, "A");
        double? exploitability = 8.22 * vector * complexity * privileges * interaction * scope;
        double? lost = 1 - ((1 - confidentiality) * (1 - integrity) * (1 - availability));
        if (exploitability is not { } ease || lost is not { } sum)
        {
            return null;
        }

        double impact = isChanged ? (7.52 * (sum - 0.029)) - (3.25 * Math.Pow(sum - 0.02, 15)) : 6.42 * sum;
        return impact <= 0 ? 0 : RoundUp(Math.Min(isChanged ? 1.08 * (impact + ease) : impact + ease, 10));
    }

    private static double? Impact3(Dictionary<string, string> metrics, string name) => Weight(metrics, name, ("H", 0.56), ("L", 0.22), ("N", 0));

    // The smallest number with one decimal that is not less; integers keep the rounding of floating point out of it (appendix A).
    private static double RoundUp(double score)
    {
        int rounded = (int)Math.Round(score * 100_000);
        return rounded % 10_000 == 0 ? rounded / 100_000.0 : ((rounded / 10_000) + 1) / 10.0;
    }

    private static double? Version2(Dictionary<string, string> metrics)
    {
        double? vector = Weight(metrics, "AV", ("N", 1), ("A", 0.646), ("L", 0.395));
        double? complexity = Weight(metrics, "AC", ("L", 0.71), ("M", 0.61), ("H", 0.35));
        double? authentication = Weight(metrics, "Au", ("N", 0.704), ("S", 0.56), ("M", 0.45));
        double? confidentiality = Impact2(metrics, "C");
        double? integrity = Impact2(metrics, "I");
        double? availability = Impact2(metrics, "A");
        double? exploitability = 20 * vector * complexity * authentication;
        double? lost = 10.41 * (1 - ((1 - confidentiality) * (1 - integrity) * (1 - availability)));
        return exploitability is not { } ease || lost is not { } impact ? null
            : impact <= 0 ? 0
            : Math.Round(((0.6 * impact) + (0.4 * ease) - 1.5) * 1.176, 1, MidpointRounding.AwayFromZero);
    }

    private static double? Impact2(Dictionary<string, string> metrics, string name) => Weight(metrics, name, ("C", 0.66), ("P", 0.275), ("N", 0));

    private static double? Weight(Dictionary<string, string> metrics, string name, params ReadOnlySpan<(string Value, double Weight)> weights)
    {
        string? value = metrics.GetValueOrDefault(name);
        foreach ((string known, double weight) in weights)
        {
            if (known == value)
            {
                return weight;
            }
        }

        return null;
    }
}
